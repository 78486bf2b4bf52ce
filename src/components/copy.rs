//! A button that copies text and says that it did.

use super::icon::{Glyph, Icon};
use leptos::{
    prelude::*,
    wasm_bindgen::{JsCast, JsValue},
    web_sys::{HtmlElement, HtmlTextAreaElement},
};
use std::time::Duration;

/// Over plain HTTP (another host, no TLS) browsers have no clipboard object: then an invisible field is copied from.
fn copy(text: &str) {
    let navigator = window().navigator();
    let modern = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|c| c.is_object());
    if modern {
        let _ = navigator.clipboard().write_text(text);
        return;
    }
    let (Some(body), Some(field)) =
        (document().body(), document().create_element("textarea").ok().and_then(|e| e.dyn_into::<HtmlTextAreaElement>().ok()))
    else {
        return;
    };
    let before = document().active_element();
    field.set_value(text);
    let _ = body.append_child(&field);
    field.select();
    if let Some(run) = js_sys::Reflect::get(&document(), &"execCommand".into()).ok().and_then(|f| f.dyn_into::<js_sys::Function>().ok()) {
        let _ = run.call1(&document(), &JsValue::from_str("copy"));
    }
    field.remove();
    if let Some(before) = before.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        let _ = before.focus();
    }
}

/// With `text` visible on the button, or as an icon with that name.
#[component]
pub fn CopyButton(
    #[prop(into)] content: Signal<String>,
    #[prop(into)] label: String,
    #[prop(default = "btn icon sm")] class: &'static str,
    #[prop(optional)] wordy: bool,
) -> impl IntoView {
    let done = RwSignal::new(false);
    let click = move |_| {
        content.with_untracked(|text| copy(text));
        done.set(true);
        set_timeout(
            move || {
                done.try_set(false);
            },
            Duration::from_secs(2),
        );
    };
    let name = label.clone();
    view! {
        <button type="button" class=format!("{class} noscript:hidden") title=label.clone() aria-label=move || if done.get() { "Copied".to_string() } else { name.clone() } on:click=click>
            <Icon glyph=Signal::derive(move || if done.get() { Glyph::Completed } else { Glyph::Copy }) class=if wordy { "i" } else { "i s" } />
            {wordy.then_some(move || if done.get() { "Copied" } else { "Copy" })}
        </button>
    }
}
