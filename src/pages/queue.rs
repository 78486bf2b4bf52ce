use leptos::prelude::*;

#[component]
pub fn QueuePage() -> impl IntoView {}
