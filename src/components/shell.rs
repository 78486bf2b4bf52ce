//! The frame around every page: sidebar, top bar, banner, and the dialogs that open from anywhere.

use super::{
    banner::Banner,
    confirm::ActionHost,
    help::Help,
    icon::{Glyph, Icon},
    keys,
    later::{later, when},
    nav::{Brand, Foot, Nav},
    palette::{Ask, Palette},
    palette_choices::Choices,
    topbar::TopBar,
};
use leptos::{ev, html::Dialog, prelude::*, wasm_bindgen::JsCast};

/// What the top bar, the keys and the palette open.
#[derive(Clone, Copy)]
pub struct Overlays {
    pub palette: RwSignal<bool>,
    /// What the palette is asked for.
    pub ask: Ask,
    pub help: RwSignal<bool>,
    pub drawer: RwSignal<bool>,
}

#[component]
pub fn Shell(children: Children) -> impl IntoView {
    let overlays =
        Overlays { palette: RwSignal::new(false), ask: Ask::default(), help: RwSignal::new(false), drawer: RwSignal::new(false) };
    provide_context(overlays);
    keys::listen();
    keys::on_key("?", move || {
        overlays.help.set(true);
        true
    });
    view! {
        // `external`: the browser's own jump moves the focus, the router's would not.
        <a class="btn skip" href="#main" rel="external">"Skip to content"</a>
        <div class="app">
            <aside class="side" aria-label="Sidebar">
                <div class="side-in">
                    <Brand />
                    <Nav />
                    <Foot />
                </div>
            </aside>
            <div class="min-w-0">
                <TopBar />
                <main id="main" tabindex="-1">
                    <Banner />
                    {children()}
                </main>
            </div>
        </div>
        <Drawer />
        <Fetched />
        <ActionHost />
    }
}

later! { in palette fn dialogs() -> (fn() -> AnyView, fn() -> AnyView) {
    (|| view! { <Choices /> }.into_any(), || view! { <Help /> }.into_any())
} }

/// The palette's field; its choices and the help from when one of them is opened for the first time.
#[component]
fn Fetched() -> impl IntoView {
    let Overlays { palette, help, .. } = expect_context();
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && !event.shift_key() && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                palette.update(|open| *open = !*open);
            }
        });
        on_cleanup(move || handle.remove());
    });
    let here = when(move || palette.get() || help.get(), dialogs);
    view! {
        <Palette choices=move || here.get().map(|(choices, _)| choices()) />
        {move || here.get().map(|(_, help)| help())}
    }
}

/// Ties a native modal dialog (which traps the focus and gives it back) to a signal.
pub fn modal(open: RwSignal<bool>, node: NodeRef<Dialog>) {
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
}

/// A click on the scrim hits the dialog itself, a click inside hits one of its children.
pub fn on_scrim(event: &leptos::ev::MouseEvent, node: NodeRef<Dialog>) -> bool {
    let (Some(dialog), Some(target)) = (node.get_untracked(), event.target()) else { return false };
    let dialog: &web_sys::EventTarget = dialog.as_ref();
    *dialog == target
}

fn on_link(event: &leptos::ev::MouseEvent) -> bool {
    let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|el| el.closest("a").ok().flatten().is_some())
}

#[component]
fn Drawer() -> impl IntoView {
    let open = expect_context::<Overlays>().drawer;
    let node = NodeRef::<Dialog>::new();
    modal(open, node);
    view! {
        <dialog
            class="drawer"
            aria-label="Menu"
            node_ref=node
            on:close=move |_| open.set(false)
            on:click=move |event| {
                if on_link(&event) || on_scrim(&event, node) {
                    open.set(false);
                }
            }
        >
            <div class="flex items-center justify-between">
                <Brand />
                <button type="button" class="btn icon ghost" aria-label="Close menu" on:click=move |_| open.set(false)>
                    <Icon glyph=Glyph::Close />
                </button>
            </div>
            <Nav />
            <Foot />
        </dialog>
    }
}
