//! `/logs`: what workers say now, and with `from=archive` what they said.

mod archive;
mod live;

use crate::components::address::use_value;
use archive::ArchivedLog;
use leptos::prelude::*;
use leptos_meta::Title;
use live::LiveLog;

#[component]
pub fn LogsPage() -> impl IntoView {
    let from = use_value("from");
    let archived = Memo::new(move |_| from.with(|from| from.as_deref() == Some("archive")));
    view! {
        <Title text="Logs" />
        {move || if archived.get() { view! { <ArchivedLog /> }.into_any() } else { view! { <LiveLog /> }.into_any() }}
    }
}

/// Title, the switch between now and then, and what stands beside it.
#[component]
fn Head(archived: bool, children: Children) -> impl IntoView {
    view! {
        <div class="head">
            <h1>"Logs"</h1>
            <nav class="seg" aria-label="Which log">
                <a href="/logs" aria-current=(!archived).then_some("true")>"Live"</a>
                <a href="/logs?from=archive" aria-current=archived.then_some("true")>"Archive"</a>
            </nav>
            {children()}
        </div>
    }
}
