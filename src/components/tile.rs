//! One figure with its name above and one fact below.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
};
use leptos::prelude::*;

/// `value` is a figure as it is shown, `—` when it is unknown; the fact then says why. `alarm`: the fact is about what fails now.
#[component]
pub fn Tile(
    label: &'static str,
    glyph: Glyph,
    tone: Tone,
    #[prop(into)] value: Signal<String>,
    #[prop(into)] fact: Signal<String>,
    #[prop(optional, into)] href: Option<String>,
    #[prop(optional, into)] stale: Signal<bool>,
    #[prop(optional, into)] alarm: Signal<bool>,
) -> impl IntoView {
    let unknown = Memo::new(move |_| value.with(|v| v == "—"));
    let class = move || if stale.get() || unknown.get() { "v stale" } else { "v" };
    let inside = view! {
        <span class="k"><Icon glyph=glyph class=tone.icon() />{label}</span>
        <span class=class>{move || value.get()}</span>
        <span class=move || if alarm.get() { "u text-failed!" } else { "u" } title=move || fact.get()>{move || fact.get()}</span>
    };
    match href {
        Some(href) => view! { <a class="tile" href=href>{inside}</a> }.into_any(),
        None => view! { <div class="tile">{inside}</div> }.into_any(),
    }
}
