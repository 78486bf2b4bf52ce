//! For an address that leads nowhere; the server answers it with status 404.

use crate::{app::status, components::empty::Empty, live::Live, model::live::LiveView};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    status(404);
    view! {
        <Title text="Not found" />
        <div class="head"><h1>"There is no such page"</h1></div>
        <Empty title="The address leads nowhere" text="It may be mistyped, or belong to a newer version of the console.">
            <a class="btn" href="/">"Go to overview"</a>
            <a class="btn" href="/queues">"Go to queues"</a>
        </Empty>
    }
}
