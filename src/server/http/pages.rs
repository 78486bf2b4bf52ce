//! Pages and server functions: Leptos, with what they find in context, a Content-Security-Policy and true statuses.

use crate::{
    app::{App, AssetRoot, StillCompiling, shell},
    components::address::segment,
    model::{error::ApiError, ids::QueueName},
    server::{
        actions, assets,
        auth::for_server_function,
        rest::problem::Problem,
        state::{AppState, Who},
    },
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::any,
};
use futures::TryStreamExt;
use leptos::{
    config::LeptosOptions,
    nonce::use_nonce,
    prelude::{provide_context, use_context},
};
use leptos_axum::{
    AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context, render_app_async_with_context,
};
use std::sync::OnceLock;

/// What leptos puts on the answer of a server function that failed; the status is always 500.
const FAILED: HeaderName = HeaderName::from_static("serverfnerror");

/// Every page of the app, every function of `api` under `/api/fn`, and the app's own "not found" for the rest.
pub fn routes(state: &AppState, options: LeptosOptions) -> Router {
    let (state, asked) = (state.clone(), state.clone());
    // Set by `cargo leptos watch`: pages listen for reloads on another port.
    let watched = std::env::var_os("LEPTOS_WATCH").is_some();
    let split = assets::split(&options.site_pkg_dir);
    let wasm = format!("{}/{}.wasm", options.site_pkg_dir, options.output_name);
    let context = move || {
        // Where routes are only listed nobody asks: without an asset root, pages ask for nothing either.
        let who = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Who>().cloned());
        if who.is_some() {
            provide_context(AssetRoot(assets::root()));
        }
        provide_context(who.map_or_else(|| state.clone(), |who| state.by(who)));
        if let Some(split) = &split {
            provide_context(split.clone());
        }
        if !assets::alive(&wasm) {
            provide_context(StillCompiling);
        }
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Ok(policy) = HeaderValue::from_str(&policy(&nonce, watched))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    };
    // Once: while routes are listed no page of the process may begin to read, because what it reads then never comes (leptos issue 4773).
    static PAGES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| generate_route_list_with_exclusions_and_ssg_and_context(App, None, context.clone()).0).clone();
    let page = {
        let options = options.clone();
        move || shell(options.clone())
    };
    let elsewhere = render_app_async_with_context(context.clone(), page.clone());
    Router::new()
        .leptos_routes_with_context(&options, pages, context, page)
        .route(
            "/api/fn/{*name}",
            any(|| async {
                for_server_function(ApiError::NotFound { detail: "The console has no such function. Reload the page.".into() })
            }),
        )
        .route("/api/{*path}", any(|| async { Problem::not_found("There is nothing at this address: the API is under /api/v1.") }))
        .fallback(move |request: Request| async move {
            // Only asked whether there is such a page.
            if request.method() == Method::TRACE {
                return StatusCode::NOT_FOUND.into_response();
            }
            let mut response = elsewhere(request).await.into_response();
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            response
        })
        .layer(from_fn(status))
        .layer(from_fn(shown))
        .layer(from_fn_with_state(asked, sought))
        .with_state(options)
}

/// Scripts run only with this answer's nonce; style attributes (bar widths) are allowed, style elements are not.
fn policy(nonce: &str, watched: bool) -> String {
    let reload = if watched { " ws:" } else { "" };
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'{reload}; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

/// A page is written from memory, without waiting for Redis. So a queue that is not known is looked for before its page is written.
async fn sought(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let name = queue_of(request.uri().path()).filter(|_| matches!(*request.method(), Method::GET | Method::HEAD));
    if let Some(name) = name {
        actions::make_known(&state, &name).await;
    }
    next.run(request).await
}

/// Of `/queues/{queue}`.
fn queue_of(path: &str) -> Option<QueueName> {
    let is_page = matches!(path.split('/').collect::<Vec<_>>()[..], ["", "queues", _]);
    segment(path, 1).filter(|_| is_page).and_then(|name| QueueName::try_from(name).ok())
}

/// NUL as the sign for what cannot be shown. Browsers drop it, so a text of nothing else would not be there for the half that takes over.
async fn shown(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map_ok(|part| if part.contains(&0) { Bytes::from(without_nul(&part)) } else { part }))
    })
}

fn without_nul(html: &[u8]) -> Vec<u8> {
    html.split(|byte| *byte == 0).collect::<Vec<_>>().join("\u{fffd}".as_bytes())
}

/// The status that fits the error, so that proxies, logs and probes see what the browser sees.
async fn status(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR || !response.headers().contains_key(FAILED) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // An error is a sentence; whatever is longer is none.
    let body = to_bytes(body, 64 * 1024).await.unwrap_or_default();
    if let Some(status) = serde_json::from_slice::<ApiError>(&body).ok().and_then(|error| StatusCode::from_u16(error.status()).ok()) {
        parts.status = status;
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Response::from_parts(parts, Body::from(body))
}
