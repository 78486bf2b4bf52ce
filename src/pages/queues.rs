use leptos::prelude::*;

#[component]
pub fn QueuesPage() -> impl IntoView {}
