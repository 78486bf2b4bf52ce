use leptos::prelude::*;

#[component]
pub fn OperationsPage() -> impl IntoView {}
