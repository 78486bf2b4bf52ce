//! Where alerts go: a form for each channel with a test, and the alerts that nobody took.

mod email;
mod fields;
mod hooks;
mod undelivered;

use crate::{
    api,
    components::{
        empty::{Problem, Skeleton},
        icon::{Glyph, Icon},
    },
    live::Live,
    model::{
        alert::channel::{Channel, ChannelsView},
        live::LiveView,
        wire::resource,
    },
};
use email::Email;
use hooks::{Discord, Slack, Webhook};
use leptos::prelude::*;
use leptos_meta::Title;
use undelivered::Undelivered;

#[component]
pub fn ChannelsPage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    view! {
        <Title text="Alert channels" />
        <div class="head"><h1>"Alert channels"</h1></div>
        <Channels />
    }
}

/// The section itself, for whatever page shows it.
#[component]
pub fn Channels() -> impl IntoView {
    let channels = resource(|| (), |()| api::channels::channels());
    view! {
        <section class="border-t border-line" aria-labelledby="channels">
            <div class="sec"><h2 id="channels">"Channels"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=6 /> }>
                {move || channels.get().map(|answer| match answer {
                    Ok(first) => view! { <Forms first=first /> }.into_any(),
                    Err(error) => view! { <Problem error=error retry=move |()| channels.refetch() /> }.into_any(),
                })}
            </Transition>
        </section>
        <Undelivered />
    }
}

/// Every form saves its own channel; all of them know what is stored now.
#[component]
fn Forms(first: ChannelsView) -> impl IntoView {
    let stored = RwSignal::new(first);
    view! {
        {move || stored.with(|s| s.problem.clone()).map(|text| view! {
            <div class="banner" role="alert"><Icon glyph=Glyph::Warning class="i text-waiting" /><p class="min-w-0 wrap-anywhere">{text}</p></div>
        })}
        <div class="px-gutter pb-4 grid gap-x-8 gap-y-6 sm:grid-cols-2">
            <Slack stored=stored />
            <Discord stored=stored />
            <Webhook stored=stored />
            <Email stored=stored />
        </div>
    }
}

/// Name of a field's element: one of each is on the page.
fn id(channel: Channel, field: &str) -> String {
    format!("{}-{field}", channel.as_str())
}
