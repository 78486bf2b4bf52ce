//! ⌘K: type a part of a queue's name, of a command, or words of a job; arrows to choose, Enter to go.
//!
//! The field is there from the start, so that nothing typed is lost while its choices are being fetched (`palette_choices.rs`).

use super::{
    icon::{Glyph, Icon},
    shell::{Overlays, modal, on_scrim},
};
use leptos::{ev, html::Dialog, prelude::*};

/// A key that chooses.
#[derive(Clone, Copy)]
pub enum Step {
    Down,
    Up,
    Enter,
}

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub struct Ask {
    pub text: RwSignal<String>,
    /// The choice that Enter takes, counted from 0.
    pub at: RwSignal<usize>,
    /// Keys that the choices have not acted on yet, because they are still being fetched.
    pub steps: RwSignal<Vec<Step>>,
}

impl Ask {
    fn about(self, text: String) {
        self.text.set(text);
        self.at.set(0);
        self.steps.set(Vec::new());
    }
}

#[component]
pub fn Palette<V: IntoView + 'static>(choices: V) -> impl IntoView {
    let Overlays { palette: open, ask, .. } = expect_context();
    let node = NodeRef::<Dialog>::new();
    modal(open, node);
    Effect::new(move |_| {
        if open.get() {
            ask.about(String::new());
        }
    });
    let on_key = move |event: ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => Step::Down,
            "ArrowUp" => Step::Up,
            "Enter" => Step::Enter,
            _ => return,
        };
        event.prevent_default();
        ask.steps.update(|steps| steps.push(step));
    };
    view! {
        <dialog
            class="palette"
            aria-label="Go to queue, job or page"
            node_ref=node
            on:close=move |_| open.set(false)
            on:click=move |event| {
                if on_scrim(&event, node) {
                    open.set(false);
                }
            }
        >
            <div class="ask">
                <Icon glyph=Glyph::Search />
                <input
                    type="text"
                    role="combobox"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder="Queue, job, page or command"
                    aria-label="Queue, job, page or command"
                    aria-expanded="true"
                    aria-controls="choices"
                    aria-activedescendant=move || format!("choice-{}", ask.at.get())
                    prop:value=move || ask.text.get()
                    on:input=move |event| ask.about(event_target_value(&event))
                    on:keydown=on_key
                />
                <kbd>"Esc"</kbd>
            </div>
            {choices}
        </dialog>
    }
}
