//! Figures that change in place: zero muted, unknown `—`.

pub use crate::model::number::*;
use leptos::prelude::*;

/// One figure that changes in place; with `warn` it has the colour of what waits.
#[component]
pub fn Number(
    #[prop(into)] value: Signal<Option<u64>>,
    #[prop(optional, into)] partial: Signal<bool>,
    #[prop(optional, into)] warn: Signal<bool>,
) -> impl IntoView {
    let class = move || match value.get() {
        _ if warn.get() => "num text-waiting font-medium",
        Some(0) | None => "num text-zero",
        Some(_) => "num",
    };
    view! { <span class=class>{move || figure(value.get(), partial.get())}</span> }
}

/// What happens in a second, always with one decimal; zero muted, unknown `—`.
#[component]
pub fn Rate(#[prop(into)] value: Signal<Option<f64>>) -> impl IntoView {
    let class = move || if value.get().is_some_and(|x| x > 0.0) { "num" } else { "num text-zero" };
    view! { <span class=class>{move || value.get().map_or_else(|| "—".into(), per_second)}</span> }
}
