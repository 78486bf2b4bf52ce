//! The filter words, as examples to click.

use crate::model::{
    ids::escaped,
    search::{WORDS, text::limits},
};
use leptos::prelude::*;

#[component]
pub fn SearchHelp() -> impl IntoView {
    let words = WORDS.map(|(_, what, example)| {
        view! {
            <li>
                <a class="link font-mono text-12" href=format!("/search?q={}", escaped(example))>{example}</a>
                <span class="text-muted">{what}</span>
            </li>
        }
    });
    view! {
        <ul class="search-words">{words.into_iter().collect_view()}</ul>
        <p class="px-gutter pb-4 text-12 text-faint max-w-[720px]">
            "Words are found at the start of a word in the id, the class, the error and the payload, whatever the case; \"in quotes\" they stand together. All must be found. The same filter twice means either; a minus in front leaves out. A queue, an id or a group that ends with … or ... means all that begin alike; every other sign, * too, is itself. Times are UTC. " {limits()}
        </p>
    }
}
