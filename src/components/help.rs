//! What the keys do.

use super::{
    icon::{Glyph, Icon},
    shell::{Overlays, modal, on_scrim},
};
use leptos::{html::Dialog, prelude::*};

const KEYS: [(&str, &[&str]); 17] = [
    ("Go to a queue or page", &["⌘K", "Ctrl K"]),
    ("Go to overview", &["g o"]),
    ("Go to queues", &["g q"]),
    ("Go to errors", &["g e"]),
    ("Go to search", &["g f"]),
    ("Go to schedules", &["g s"]),
    ("Go to workers", &["g w"]),
    ("Go to logs", &["g l"]),
    ("Go to alerts", &["g a"]),
    ("Go to operations", &["g p"]),
    ("Filter the list", &["/"]),
    ("Next and previous row", &["j", "k"]),
    ("Open the row", &["Enter"]),
    ("Select the row", &["x"]),
    ("Retry what is selected or open", &["r"]),
    ("Close, clear or go back", &["Esc"]),
    ("This help", &["?"]),
];

#[component]
pub fn Help() -> impl IntoView {
    let open = expect_context::<Overlays>().help;
    let node = NodeRef::<Dialog>::new();
    modal(open, node);
    let rows = KEYS
        .into_iter()
        .map(|(what, keys)| {
            let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
            view! { <div class="flex items-center gap-2 h-8 border-t border-line-soft first:border-0"><dt class="grow text-muted">{what}</dt><dd class="flex gap-1">{keys}</dd></div> }
        })
        .collect_view();
    view! {
        <dialog
            class="dialog"
            aria-labelledby="help-title"
            node_ref=node
            on:close=move |_| open.set(false)
            on:click=move |event| {
                if on_scrim(&event, node) {
                    open.set(false);
                }
            }
        >
            <div class="flex items-center justify-between pt-4 pl-6 pr-4">
                <h2 id="help-title" class="text-16 font-semibold">"Keyboard"</h2>
                <button type="button" class="btn icon ghost sm" aria-label="Close" on:click=move |_| open.set(false)>
                    <Icon glyph=Glyph::Close />
                </button>
            </div>
            <dl class="px-6 pt-1 pb-4">{rows}</dl>
        </dialog>
    }
}
