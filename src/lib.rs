//! Flux Console: the management console for Gravito Flux & Stream job queues.
//!
//! One crate, two programs: with `ssr` the native server, with `hydrate` the half that runs in the browser.
//! ARCHITECTURE.md has the map.

#![recursion_limit = "512"]

pub mod api;
pub mod app;
pub mod components;
pub mod live;
pub mod model;
pub mod pages;

#[cfg(feature = "ssr")]
pub mod server;

/// Takes over the page that the server rendered, as soon as its code is here.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    let path = leptos::prelude::location().pathname().unwrap_or_default();
    // Without its code the page can still be read, and its links work. `hydrate_lazy` would not do here: it takes over bit by
    // bit while effects run already, and what only it needs is cut out of a release (scripts/drop-unused.mjs).
    if pages::lazy::fetch(&path).await.is_ok() {
        leptos::mount::hydrate_body(app::App);
    }
}
