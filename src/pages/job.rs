use leptos::prelude::*;

#[component]
pub fn JobPage() -> impl IntoView {}
