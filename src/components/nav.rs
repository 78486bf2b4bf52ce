//! The main navigation: in the sidebar and in the drawer of a phone.

use super::{
    address::use_path,
    icon::{Glyph, Icon},
    number::{figure, thousands},
};
use crate::{live::Live, model::live::Overview};
use leptos::prelude::*;

#[component]
pub fn Nav() -> impl IntoView {
    let live = expect_context::<Live>();
    let queues = Memo::new(move |_| {
        let shown = |o: &&Overview| o.totals.queues > 0 || o.discovery.complete;
        live.overview.with(|o| o.as_ref().filter(shown).map(|o| figure(Some(o.totals.queues), o.discovery.truncated)))
    });
    let workers = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.workers).map(thousands)));
    let firing = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| o.alerts.firing)).filter(|n| *n > 0).map(thousands));
    view! {
        <nav class="nav" aria-label="Main">
            <Item href="/" glyph=Glyph::Overview label="Overview" />
            <Item href="/queues" glyph=Glyph::Queues label="Queues" count=queues />
            <Item href="/search" glyph=Glyph::Search label="Search" />
            <Item href="/errors" glyph=Glyph::Warning label="Errors" />
            <Item href="/schedules" glyph=Glyph::Schedules label="Schedules" />
            <Item href="/workers" glyph=Glyph::Workers label="Workers" count=workers />
            <Item href="/logs" glyph=Glyph::Logs label="Logs" />
            <Item href="/alerts" glyph=Glyph::Bell label="Alerts" count=firing />
            <Item href="/operations" glyph=Glyph::Operations label="Operations" />
            <Item href="/settings" glyph=Glyph::Settings label="Settings" />
        </nav>
    }
}

#[component]
fn Item(
    href: &'static str,
    glyph: Glyph,
    label: &'static str,
    #[prop(optional, into)] count: Option<Signal<Option<String>>>,
) -> impl IntoView {
    let path = use_path();
    let current = Memo::new(move |_| {
        path.with(
            |p| if href == "/" { p == "/" } else { p.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) },
        )
    });
    view! {
        <a href=href title=label aria-current=move || current.get().then_some("page")>
            <Icon glyph=glyph />
            <span class="lbl">{label}</span>
            <span class="n">{move || count.and_then(|c| c.get())}</span>
        </a>
    }
}

/// `1.0.0 · prefix queue:`
#[component]
pub fn Foot() -> impl IntoView {
    let live = expect_context::<Live>();
    let text = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| format!("{} · prefix {}", o.version, o.prefix))));
    view! { <p class="foot">{move || text.get()}</p> }
}

#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/" aria-label="Flux Console">
            <Icon glyph=Glyph::Brand />
            <span class="lbl">"Flux Console"</span>
        </a>
    }
}
