//! One figure with its name above and one fact below.

use super::{
    badge::Tone,
    icon::{Glyph, Icon},
    number::figure,
};
use leptos::prelude::*;

/// `middle` is the smaller figure of a page about one thing. `None` shows `—`; the fact then says why.
#[component]
pub fn Tile(
    label: &'static str,
    glyph: Glyph,
    tone: Tone,
    #[prop(into)] value: Signal<Option<u64>>,
    #[prop(optional, into)] partial: Signal<bool>,
    #[prop(into)] fact: Signal<String>,
    #[prop(optional, into)] href: Option<String>,
    #[prop(optional, into)] stale: Signal<bool>,
    #[prop(optional)] middle: bool,
) -> impl IntoView {
    let unknown = Memo::new(move |_| value.get().is_none());
    let class = move || if stale.get() || unknown.get() { "v stale" } else { "v" };
    let inside = view! {
        <span class="k"><Icon glyph=glyph class=tone.icon() />{label}</span>
        <span class=class>{move || figure(value.get(), partial.get())}</span>
        <span class="u" title=move || fact.get()>{move || fact.get()}</span>
    };
    let class = if middle { "tile mid" } else { "tile" };
    match href {
        Some(href) => view! { <a class=class href=href>{inside}</a> }.into_any(),
        None => view! { <div class=class>{inside}</div> }.into_any(),
    }
}
