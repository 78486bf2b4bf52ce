//! The router: what stands where, and in which order a request meets the guards.

mod guard;
mod pages;
mod start;

pub use start::start;

use super::{assets, auth, rest, sse, state::AppState};
use crate::model::live::Link;
use anyhow::Context;
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
    serve::ListenerExt,
};
use leptos::config::{LeptosOptions, get_config_from_str};
use serde::Serialize;
use std::{future::IntoFuture, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// Requests that still run when the console stops get this long; with the tasks it makes less than 3 s.
const GRACE: Duration = Duration::from_millis(2_500);

/// What the front end is called and where it lies, from Leptos.toml; `LEPTOS_*` in the environment wins (cargo-leptos sets it).
///
/// # Errors
/// Such a variable cannot be read.
pub fn leptos_options() -> anyhow::Result<LeptosOptions> {
    get_config_from_str(include_str!("../../../Leptos.toml"))
        .context("Leptos.toml, or a LEPTOS_* variable in the environment, cannot be read")
}

/// Serves until `state.shutdown` is cancelled, then at most [`GRACE`] longer.
///
/// # Errors
/// The session key cannot be made, or the listener fails.
pub async fn serve(listener: TcpListener, state: AppState, leptos: LeptosOptions) -> anyhow::Result<()> {
    let shutdown = state.shutdown.clone();
    let app = router(state, leptos)?.into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // Events are small and are to arrive now.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().cancelled_owned()).into_future();
    let out_of_time = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended.context("the HTTP server failed"),
        () = out_of_time => {
            tracing::warn!("requests were still running when the console stopped");
            Ok(())
        }
    }
}

/// Everything the console answers.
///
/// # Errors
/// The session key cannot be made.
pub fn router(state: AppState, leptos: LeptosOptions) -> anyhow::Result<Router> {
    let gate = auth::Gate::new(&state.config)?;
    let doors = guard::Doors::new(&state.config);
    let health = Router::new().route("/health/live", get(|| async { Json(Health { status: "live" }) })).route("/health/ready", get(ready));
    // Answers of a size worth it; assets are compressed already and events must not wait.
    let compress = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let compressed =
        Router::new().merge(pages::routes(&state, leptos)).nest("/api/v1", rest::routes().with_state(state.clone())).layer(compress);
    let routes = Router::new()
        .merge(compressed)
        .merge(sse::routes().with_state(state.clone()))
        .merge(health.with_state(state))
        .merge(auth::login::routes())
        .merge(assets::routes());
    // From the outside in.
    Ok(routes.clone().layer(
        ServiceBuilder::new()
            .layer(from_fn(guard::log))
            .layer(from_fn(guard::headers))
            .layer(from_fn_with_state(doors.clone(), guard::host))
            .layer(from_fn_with_state(doors, guard::origin))
            .layer(Extension(gate.clone()))
            .layer(from_fn_with_state(gate, auth::require))
            .layer(from_fn(guard::body))
            // That one is the limit.
            .layer(DefaultBodyLimit::disable())
            .layer(from_fn(guard::to_its_end))
            .layer(from_fn_with_state(routes, guard::slash)),
    ))
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// 200 while Redis answers. Pages are served without Redis too, so a probe that decides on traffic may ask `/health/live`.
async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    match state.snapshot().connection.status {
        Link::Connected => (StatusCode::OK, Json(Health { status: "ready" })),
        Link::Connecting => (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "connecting to Redis" })),
        Link::Down => (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "Redis cannot be reached" })),
    }
}
