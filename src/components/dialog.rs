//! A native modal dialog: the browser traps the focus, takes Esc, and returns the focus to where it was.

use super::{
    icon::{Glyph, Icon},
    shell::on_scrim,
};
use crate::model::error::ApiError;
use leptos::{html, prelude::*, wasm_bindgen::JsCast, web_sys::HtmlDialogElement};

/// There is one dialog at a time, so its title and itself have fixed ids.
const ID: &str = "dialog";
const TITLE: &str = "dialog-title";

/// Closes what is open: the `close` event then unmounts it, after the focus went back.
pub fn close() {
    if let Some(dialog) = document().get_element_by_id(ID).and_then(|d| d.dyn_into::<HtmlDialogElement>().ok()) {
        dialog.close();
    }
}

/// Opens as soon as it is mounted. While `locked` neither Esc nor the scrim closes it.
#[component]
pub fn Dialog(
    #[prop(into)] title: Signal<String>,
    #[prop(into)] locked: Signal<bool>,
    #[prop(into)] on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get()
            && !dialog.open()
        {
            // Fails only when the element left the page in between.
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog
            id=ID
            class="dialog"
            aria-labelledby=TITLE
            node_ref=node
            on:cancel=move |e: leptos::ev::Event| if locked.get_untracked() { e.prevent_default() }
            on:close=move |_| on_close.run(())
            on:mousedown=move |e| {
                if on_scrim(&e, node) && !locked.get_untracked() {
                    close();
                }
            }
        >
            <h2 id=TITLE class="dialog-head">{move || title.get()}</h2>
            {children()}
        </dialog>
    }
}

/// A question before something that is hard to take back: what happens, and one button that says it again.
#[component]
pub fn Confirm(
    #[prop(into)] title: Signal<String>,
    /// Verb and count: `Retry 12,431 jobs`.
    #[prop(into)]
    primary: Signal<String>,
    glyph: Glyph,
    /// Red is for destruction.
    #[prop(optional)]
    danger: bool,
    #[prop(into)] ready: Signal<bool>,
    #[prop(into)] pending: Signal<bool>,
    #[prop(into)] error: Signal<Option<ApiError>>,
    /// Something was typed that Esc or a click beside the dialog must not throw away.
    #[prop(optional, into)]
    held: Option<Signal<bool>>,
    #[prop(into)] on_confirm: Callback<()>,
    #[prop(into)] on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let submit = move |e: leptos::ev::SubmitEvent| {
        e.prevent_default();
        if ready.get_untracked() && !pending.get_untracked() {
            on_confirm.run(());
        }
    };
    let locked = Signal::derive(move || pending.get() || held.is_some_and(|held| held.get()));
    let able = Memo::new(move |_| ready.get() && !pending.get());
    let class = move || match (danger, able.get()) {
        (true, true) => "btn danger solid",
        (true, false) => "btn",
        (false, _) => "btn primary",
    };
    view! {
        <Dialog title=title locked=locked on_close=on_close>
            <form on:submit=submit>
                <div class="body">
                    {children()}
                    <div role="alert" class="empty:hidden">
                        {move || error.get().map(|e| view! {
                            <p class="flex gap-2 text-failed"><Icon glyph=Glyph::Failed class="i s mt-[3px]" /><span class="min-w-0 wrap-anywhere">{e.to_string()}</span></p>
                        })}
                    </div>
                </div>
                <div class="dialog-foot">
                    // The safe way out has the focus where the other one destroys.
                    <button type="button" class="btn" autofocus=danger prop:disabled=move || pending.get() on:click=move |_| close()>"Cancel"</button>
                    <button type="submit" class=class autofocus=!danger disabled=move || !able.get() aria-busy=move || pending.get().to_string()>
                        <Icon glyph=glyph />
                        {move || primary.get()}
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
