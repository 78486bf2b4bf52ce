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

/// Takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
