//! Keys: one listener on the window, a stack of handlers (the newest first), never while a field or a dialog has the focus.

use leptos::{ev, prelude::*, wasm_bindgen::JsCast};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::{Element, HtmlElement};

type Handler = Box<dyn Fn() -> bool + Send + Sync>;

/// How long `g` waits for its second key.
const PREFIX_MS: f64 = 1_500.0;

#[derive(Clone, Copy)]
struct Keys {
    handlers: StoredValue<Vec<(u32, &'static str, Handler)>>,
    next: StoredValue<u32>,
}

/// Called once in `App`.
pub fn provide_keys() {
    provide_context(Keys { handlers: StoredValue::new(Vec::new()), next: StoredValue::new(0) });
}

/// Runs `act` on `key` (`"x"`, `"Escape"`, `"g o"`) until the caller's owner is cleaned up. `act` says whether it took the key.
pub fn on_key(key: &'static str, act: impl Fn() -> bool + Send + Sync + 'static) {
    let Keys { handlers, next } = expect_context();
    // Only browsers run effects, so the server registers nothing.
    let mut act = Some(Box::new(act) as Handler);
    Effect::new(move |_| {
        let Some(act) = act.take() else { return };
        let id = next.get_value();
        next.set_value(id + 1);
        handlers.update_value(|list| list.push((id, key, act)));
        on_cleanup(move || {
            handlers.try_update_value(|list| list.retain(|(other, ..)| *other != id));
        });
    });
}

/// Is somebody typing, or choosing in a dialog or menu?
fn busy() -> bool {
    let document = document();
    let typing = |el: Element| el.matches("input:not([type=checkbox]), textarea, select, [contenteditable]").unwrap_or(false);
    document.active_element().is_some_and(typing)
        || document.query_selector("dialog[open], [popover]:popover-open").ok().flatten().is_some()
}

/// The window's listener and the keys that work everywhere. Called once, inside the router.
pub fn listen() {
    let Keys { handlers, .. } = expect_context();
    let prefix = StoredValue::new(f64::NEG_INFINITY);
    let run = move |key: &str| {
        // A handler may (un)register others: it runs while the list is only borrowed for reading, so take the ids first.
        let ids: Vec<u32> = handlers.with_value(|list| list.iter().rev().filter(|(_, k, _)| *k == key).map(|(id, ..)| *id).collect());
        ids.into_iter()
            .any(|id| handlers.try_with_value(|list| list.iter().find(|(i, ..)| *i == id).is_some_and(|(.., act)| act())).unwrap_or(false))
    };
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| {
            if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() || busy() {
                return;
            }
            let key = event.key();
            let now = js_sys::Date::now();
            let taken = if now - prefix.get_value() < PREFIX_MS {
                prefix.set_value(f64::NEG_INFINITY);
                run(&format!("g {key}"))
            } else if key == "g" {
                prefix.set_value(now);
                true
            } else {
                run(&key)
            };
            if taken {
                event.prevent_default();
            }
        });
        on_cleanup(move || handle.remove());
    });

    for (key, path) in [
        ("g o", "/"),
        ("g q", "/queues"),
        ("g e", "/errors"),
        ("g f", "/search"),
        ("g s", "/schedules"),
        ("g c", "/schedules"),
        ("g w", "/workers"),
        ("g l", "/logs"),
        ("g p", "/operations"),
        ("g a", "/alerts"),
    ] {
        let navigate = use_navigate();
        on_key(key, move || {
            navigate(path, NavigateOptions::default());
            true
        });
    }
    on_key("/", || focus("[data-filter]"));
    on_key("j", || step(1));
    on_key("k", || step(-1));
    on_key("x", || {
        let row = document().active_element().and_then(|el| el.closest("tr[data-row]").ok().flatten());
        let check = row.and_then(|row| row.query_selector("input[type=checkbox]").ok().flatten());
        check.and_then(|el| el.dyn_into::<HtmlElement>().ok()).map(|el| el.click()).is_some()
    });
}

fn focus(selector: &str) -> bool {
    let found = document().query_selector(selector).ok().flatten().and_then(|el| el.dyn_into::<HtmlElement>().ok());
    found.is_some_and(|el| el.focus().is_ok())
}

/// Moves the focus to the next or previous row: a row has `data-row` and its link the class `name`.
fn step(by: i32) -> bool {
    let Ok(links) = document().query_selector_all("tr[data-row] a.name") else { return false };
    let rows: Vec<HtmlElement> = (0..links.length()).filter_map(|i| links.item(i)?.dyn_into().ok()).collect();
    let row_of = |el: &Element| el.closest("tr[data-row]").ok().flatten();
    let here = document().active_element().as_ref().and_then(row_of);
    let at = rows.iter().position(|link| here.is_some() && row_of(link) == here);
    let to = match at {
        None => 0,
        Some(i) => (i as i32 + by).clamp(0, rows.len() as i32 - 1) as usize,
    };
    rows.get(to).is_some_and(|link| {
        reveal(link);
        link.focus().is_ok()
    })
}

/// Scrolls only as far as needed.
pub fn reveal(el: &Element) {
    let options = web_sys::ScrollIntoViewOptions::new();
    let _ = js_sys::Reflect::set(&options, &"block".into(), &"nearest".into());
    el.scroll_into_view_with_scroll_into_view_options(&options);
}
