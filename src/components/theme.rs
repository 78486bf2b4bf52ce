//! Dark or light: the system's choice until somebody chooses. The boot script in the document's head applies it.

use super::icon::{Glyph, Icon};
use leptos::prelude::*;

/// Also a command of the palette.
pub fn toggle() {
    let Some(html) = document().document_element() else { return };
    let dark = html.class_list().toggle("dark").unwrap_or(false);
    // A browser may forbid storage: then the choice lasts as long as the page.
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item("theme", if dark { "dark" } else { "light" });
    }
}

#[component]
pub fn ThemeButton() -> impl IntoView {
    view! {
        <button type="button" class="btn icon ghost sm" aria-label="Switch between dark and light" title="Switch between dark and light" on:click=|_| toggle()>
            <Icon glyph=Glyph::Moon />
        </button>
    }
}
