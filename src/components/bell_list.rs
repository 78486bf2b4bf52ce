//! Under the bell: what fires now, and the last things that were said besides.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    name::Name,
    number::count,
    time::Ago,
};
use crate::{
    api,
    live::Live,
    model::{
        alert::{firing::Entry, message::Kind},
        error::ApiError,
    },
};
use leptos::{prelude::*, task::spawn_local};

const SHOWN: usize = 8;

/// Icon and its classes.
pub fn look(kind: Kind) -> (Glyph, &'static str) {
    match kind {
        Kind::Fired => (Glyph::Bell, Tone::Failed.icon()),
        Kind::Resolved => (Glyph::Completed, Tone::Active.icon()),
        Kind::Test => (Glyph::Note, Tone::Quiet.icon()),
    }
}

#[component]
pub fn BellList() -> impl IntoView {
    let live = expect_context::<Live>();
    let firing = Memo::new(move |_| live.overview.with(|o| o.as_ref().map(|o| o.alerts.list.clone()).unwrap_or_default()));
    let more =
        Memo::new(move |_| live.overview.with(|o| o.as_ref().map_or(0, |o| o.alerts.firing)).saturating_sub(firing.with(Vec::len) as u64));
    let seq = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.alerts.seq)));
    let past = RwSignal::new(None::<Result<Vec<Entry>, ApiError>>);
    Effect::new(move |_| {
        seq.track();
        spawn_local(async move {
            let answer = api::alerts::alerts(1).await;
            past.try_set(Some(answer.map(|view| view.alerts.earlier().take(SHOWN).cloned().collect())));
        });
    });
    let now = move || {
        let list = firing.get();
        if list.is_empty() {
            return view! { <p class="px-3 pb-2 text-muted">"Nothing fires."</p> }.into_any();
        }
        let rows = list.into_iter().map(|f| {
            view! {
                <li>
                    <Icon glyph=Glyph::Bell class="i s text-failed" />
                    <span class="min-w-0 wrap-anywhere"><b><Name text=f.rule /></b><span class="block text-muted">{f.text}</span></span>
                    <span class="text-12 text-faint"><Ago at=f.since /></span>
                </li>
            }
        });
        view! { <ul aria-label="Firing">{rows.collect_view()}</ul> }.into_any()
    };
    let said = move || match past.get() {
        None => view! { <p class="px-3 py-2 text-faint" aria-busy="true">"Loading"</p> }.into_any(),
        Some(Err(_)) => view! { <p class="px-3 py-2 text-muted">"The history cannot be read now."</p> }.into_any(),
        Some(Ok(entries)) if entries.is_empty() => view! { <p class="px-3 py-2 text-muted">"Nothing else was said yet."</p> }.into_any(),
        Some(Ok(entries)) => {
            let rows = entries.into_iter().map(|Entry { message: m, .. }| {
                let (glyph, class) = look(m.kind);
                view! {
                    <li>
                        <Icon glyph=glyph class=class />
                        <span class="min-w-0 wrap-anywhere"><Name text=m.rule /><span class="block text-muted">{m.text}</span></span>
                        <span class="text-12 text-faint"><Ago at=m.at /></span>
                    </li>
                }
            });
            view! { <ul aria-label="Earlier">{rows.collect_view()}</ul> }.into_any()
        }
    };
    view! {
        {now}
        <Show when=move || { more.get() > 0 }>
            <p class="px-3 pb-2 text-muted">{move || format!("And {}.", count(more.get(), "more", "more"))}</p>
        </Show>
        <h3 class="px-3 pt-2 pb-1 text-12 text-faint border-t border-line">"Earlier"</h3>
        {said}
    }
}
