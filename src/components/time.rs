//! Times, always UTC. Relative ones start from the moment of the data itself, so that server and browser render the same
//! text, and tick once the page is alive.

use crate::{
    live::Live,
    model::time::{Millis, relative, span},
};
use leptos::prelude::*;

/// `5 min ago`, with the full time on hover.
#[component]
pub fn Ago(at: Millis) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let text = Memo::new(move |_| relative(at, now.get()));
    view! { <time class="num" datetime=at.iso() title=at.full()>{move || text.get()}</time> }
}

/// `12:03:08`, or with the date when that is not today.
#[component]
pub fn Clock(at: Millis) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let text = Memo::new(move |_| at.near(now.get()));
    view! { <time class="num" datetime=at.iso() title=at.full()>{move || text.get()}</time> }
}

/// As [`Clock`], with `UTC` behind it: `12:03:08 UTC`, `2025-11-23 12:03:08 UTC`.
#[component]
pub fn ClockUtc(at: Millis) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let text = Memo::new(move |_| at.near_utc(now.get()));
    view! { <time class="num" datetime=at.iso() title=at.full()>{move || text.get()}</time> }
}

/// What is said of an age whose job was not looked at lately.
pub const OLD_AGE: &str = "Not looked at for more than 30 s: this job may be gone";

/// An age that was measured with the sample: it stands still until the next one. `old`: it may be that of a job that has gone.
#[component]
pub fn Age(#[prop(into)] ms: Signal<Option<i64>>, #[prop(into)] old: Signal<bool>) -> impl IntoView {
    let class = move || match (ms.get().is_some(), old.get()) {
        (false, _) => "num text-zero",
        (true, true) => "num text-faint",
        (true, false) => "num",
    };
    let title = move || old.get().then_some(OLD_AGE);
    view! { <span class=class title=title>{move || ms.get().map_or_else(|| "—".into(), span)}</span> }
}
