//! The document, the router and what every page shares.

use crate::{
    components::{address::provide_address, confirm::provide_actions, keys::provide_keys, shell::Shell, toast::provide_toasts},
    live::provide_live,
    pages::{lazy, not_found::NotFoundPage, overview::OverviewPage},
};
use leptos::{WasmSplitManifest, nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    Lazy, SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

/// Where the built assets live, e.g. `/_a/1f3c…`: the server provides it with every request.
#[derive(Clone, Debug, Default)]
pub struct AssetRoot(pub String);

/// The server provides it while the browser half is still being compiled beside a running demo (scripts/build.sh).
#[derive(Clone, Copy, Debug)]
pub struct StillCompiling;

/// Sets the theme before the first paint, so that nobody is flashed.
const THEME: &str = r#"try{var t=localStorage.getItem("theme");if(t?t=="dark":matchMedia("(prefers-color-scheme: dark)").matches)document.documentElement.classList.add("dark")}catch(e){}"#;

/// The whole document around [`App`].
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let AssetRoot(root) = use_context().unwrap_or_default();
    let style = format!("{root}/{}/{}.css", options.site_pkg_dir, options.output_name);
    // The script imports it: this saves a round trip.
    let split = use_context::<WasmSplitManifest>()
        .map(|_| view! { <link rel="modulepreload" href=format!("{root}/{}/__wasm_split.js", options.site_pkg_dir) /> });
    // Nothing takes over such a page: it loads itself again until something does.
    let compiling = use_context::<StillCompiling>().is_some();
    let alive = if compiling {
        view! { <meta http-equiv="refresh" content="5" /> }.into_any()
    } else {
        view! {
            <AutoReload options=options.clone() />
            <HydrationScripts options=options root=root />
            {split}
        }
        .into_any()
    };
    let body = if compiling {
        view! {
            <body>
                <div class="banner quiet" role="status"><p>"The browser half is still being compiled. This page can be read, and comes alive by itself in a minute or two."</p></div>
                <App />
            </body>
        }
        .into_any()
    } else {
        view! { <body><App /></body> }.into_any()
    };
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <script nonce=use_nonce()>{THEME}</script>
                <link rel="stylesheet" href=style />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                {alive}
                <MetaTags />
            </head>
            {body}
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_live();
    provide_keys();
    provide_toasts();
    provide_actions();
    Effect::new(|_| {
        if let Some(html) = document().document_element() {
            // Tests and screenshots wait for this.
            let _ = html.set_attribute("data-hydrated", "");
        }
    });
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Flux Console".into() } else { in_head(format!("{title} · Flux Console")) }
        } />
        <Router>
            <Frame />
        </Router>
    }
}

/// Inside the router: what needs the address.
#[component]
fn Frame() -> impl IntoView {
    provide_address();
    view! {
        <Shell>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=OverviewPage ssr=SsrMode::Async />
                <Route path=path!("/queues") view={Lazy::<lazy::Queues>::new()} ssr=SsrMode::Async />
                <Route path=path!("/queues/:queue") view={Lazy::<lazy::Queue>::new()} ssr=SsrMode::Async />
                <Route path=path!("/queues/:queue/jobs/:job") view={Lazy::<lazy::Job>::new()} ssr=SsrMode::Async />
                <Route path=path!("/search") view={Lazy::<lazy::Search>::new()} ssr=SsrMode::Async />
                <Route path=path!("/errors") view={Lazy::<lazy::Errors>::new()} ssr=SsrMode::Async />
                <Route path=path!("/errors/:signature") view={Lazy::<lazy::Error>::new()} ssr=SsrMode::Async />
                <Route path=path!("/schedules") view={Lazy::<lazy::Schedules>::new()} ssr=SsrMode::Async />
                <Route path=path!("/schedules/:schedule") view={Lazy::<lazy::Schedule>::new()} ssr=SsrMode::Async />
                <Route path=path!("/workers") view={Lazy::<lazy::Workers>::new()} ssr=SsrMode::Async />
                <Route path=path!("/logs") view={Lazy::<lazy::Logs>::new()} ssr=SsrMode::Async />
                <Route path=path!("/alerts") view={Lazy::<lazy::Alerts>::new()} ssr=SsrMode::Async />
                <Route path=path!("/operations") view={Lazy::<lazy::Operations>::new()} ssr=SsrMode::Async />
                <Route path=path!("/alerts/channels") view={Lazy::<lazy::AlertChannels>::new()} ssr=SsrMode::Async />
                <Route path=path!("/settings") view={Lazy::<lazy::Settings>::new()} ssr=SsrMode::Async />
            </FlatRoutes>
        </Shell>
    }
}

/// On the server the title is written into the page as it is, and it may hold what others wrote; the browser sets it as text.
fn in_head(title: String) -> String {
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

/// The HTTP status of the page that is being rendered; nothing in the browser.
pub fn status(code: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(code)) = (use_context::<leptos_axum::ResponseOptions>(), axum::http::StatusCode::from_u16(code)) {
        response.set_status(code);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = code;
}
