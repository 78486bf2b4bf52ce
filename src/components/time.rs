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

/// An age that was measured with the sample: it stands still until the next one.
#[component]
pub fn Age(#[prop(into)] ms: Signal<Option<i64>>) -> impl IntoView {
    let class = move || if ms.get().is_some() { "num" } else { "num text-zero" };
    view! { <span class=class>{move || ms.get().map_or_else(|| "—".into(), span)}</span> }
}
