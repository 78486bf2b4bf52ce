//! What every request passes: where it comes from, how big it is, and which headers go back.

use crate::{
    model::error::ApiError,
    server::{auth::for_server_function, config::Config, rest::problem::Problem},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use std::{net::IpAddr, sync::Arc, time::Instant};
use tower::ServiceExt;

/// An edited payload of 1 MiB fits, though each of its quotes and line ends takes two bytes in a request; nothing the console
/// takes is bigger.
const BODY: usize = 2 * 1024 * 1024 + 64 * 1024;

/// What changes something goes to its end, with its line in the audit log, also when whoever asked has gone: a server drops what nobody
/// waits for any more.
pub async fn to_its_end(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

/// Through which names the console may be reached.
#[derive(Clone)]
pub struct Doors(Arc<Names>);

struct Names {
    /// `https://console.example.com`, lower case.
    trusted: Vec<String>,
    /// Nothing but the address protects the console: see [`host`].
    only_local: bool,
}

impl Doors {
    pub fn new(config: &Config) -> Self {
        let trusted = config.trusted_origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        Self(Arc::new(Names { trusted, only_local: config.password.is_none() && !config.allow_open }))
    }

    fn trusts(&self, origin: &str) -> bool {
        self.0.trusted.iter().any(|trusted| trusted.eq_ignore_ascii_case(origin))
    }
}

/// Without a password a foreign page could let its own name point to 127.0.0.1 and read the console as "same origin"
/// (DNS rebinding). Such a request carries that name in `Host`; addresses and `localhost` cannot be taken over.
pub async fn host(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let Some(name) = authority(&request).filter(|_| doors.0.only_local) else { return next.run(request).await };
    let bare = name.parse::<Authority>().map(|a| a.host().trim_matches(['[', ']']).to_ascii_lowercase()).unwrap_or_default();
    let own = bare == "localhost" || bare.ends_with(".localhost") || bare.parse::<IpAddr>().is_ok();
    let trusted = || ["http", "https"].iter().any(|scheme| doors.trusts(&format!("{scheme}://{name}")));
    if own || trusted() {
        return next.run(request).await;
    }
    let detail = "Without a password the console answers on this machine's own names only. Set AUTH_PASSWORD, or name this origin with --trust-origin.";
    refuse(&request, detail)
}

/// Changes come from the console's own pages or from no browser at all.
pub async fn origin(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || from_here(&doors, &request) {
        return next.run(request).await;
    }
    refuse(
        &request,
        "This request comes from another site. Nothing was changed. Behind a proxy that changes Host, name the origin with --trust-origin.",
    )
}

fn from_here(doors: &Doors, request: &Request) -> bool {
    let text = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = text("origin");
    if origin.is_some_and(|origin| doors.trusts(origin)) {
        return true;
    }
    // A browser says which one it is, and a page cannot forge it; it knows better than Host, which proxies change.
    match (text("sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, authority)| authority);
            from.is_some() && from.map(str::to_ascii_lowercase) == authority(request).map(|host| host.to_ascii_lowercase())
        }
        (None, None) => true,
    }
}

/// Host and port that the client asked for.
fn authority(request: &Request) -> Option<String> {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.map(Into::into).or_else(|| request.uri().authority().map(|a| a.to_string()))
}

fn refuse(request: &Request, detail: &str) -> Response {
    if request.uri().path().starts_with("/api/fn/") {
        return for_server_function(ApiError::Forbidden { detail: detail.into() });
    }
    Problem::new(StatusCode::FORBIDDEN, detail).into_response()
}

/// Reads the body whole, up to [`BODY`] bytes.
pub async fn body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match to_bytes(body, BODY).await {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(_) => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The body is larger than 2 MiB.").into_response(),
    }
}

/// `/queues/` is `/queues`. Whether there is such a route is asked with a method that none takes: it names those that it takes, and
/// no page is written for it.
pub async fn slash(State(routes): State<Router>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let bare = path.trim_end_matches('/');
    if bare.is_empty() || bare == path || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let to = request.uri().query().map_or_else(|| bare.to_owned(), |query| format!("{bare}?{query}"));
    let Ok(question) = Request::builder().method(Method::TRACE).uri(bare).body(Body::empty()) else { return next.run(request).await };
    let takes_get = |answer: Response| answer.headers().get(header::ALLOW)?.to_str().ok().map(|methods| methods.contains("GET"));
    if routes.oneshot(question).await.ok().and_then(takes_get) == Some(true) {
        return Redirect::permanent(&to).into_response();
    }
    next.run(request).await
}

/// What a response is without, unless it says otherwise itself: scripts, frames, copies.
pub async fn headers(request: Request, next: Next) -> Response {
    const ALWAYS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    const UNLESS_SET: [(HeaderName, &str); 2] = [
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        // Jobs of other people have no place in a browser's cache.
        (header::CACHE_CONTROL, "no-store"),
    ];
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in UNLESS_SET {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// One line per request, for `--log debug`. Without the query: it may hold what somebody searched for.
pub async fn log(request: Request, next: Next) -> Response {
    let (started, method, path) = (Instant::now(), request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    tracing::debug!(http.method = %method, http.path = path, http.status = response.status().as_u16(), duration_ms, "request");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let builder = headers.iter().fold(Request::builder().method("POST").uri("/api/v1/x"), |b, (name, value)| b.header(*name, *value));
        builder.body(Body::empty()).unwrap()
    }

    #[test]
    fn changes_come_from_here() {
        let doors = Doors::new(&Config { trusted_origins: vec!["https://ops.example.com/".into()], ..Config::default() });
        let table: [(&[(&str, &str)], bool); 12] = [
            (&[("host", "a:3000")], true),
            (&[("host", "a:3000"), ("origin", "http://a:3000")], true),
            (&[("host", "A:3000"), ("origin", "http://a:3000")], true),
            (&[("host", "a:3000"), ("origin", "http://a:3001")], false),
            (&[("host", "a:3000"), ("origin", "http://evil.example")], false),
            (&[("host", "a:3000"), ("origin", "null")], false),
            (&[("host", "a:3000"), ("sec-fetch-site", "same-origin")], true),
            (&[("host", "a:3000"), ("sec-fetch-site", "none")], true),
            (&[("host", "a:3000"), ("sec-fetch-site", "same-site")], false),
            (&[("host", "a:3000"), ("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")], false),
            (&[("host", "inner:80"), ("sec-fetch-site", "same-origin"), ("origin", "https://proxy.example")], true),
            (&[("host", "inner:80"), ("origin", "https://ops.example.com")], true),
        ];
        for (headers, passes) in table {
            assert_eq!(from_here(&doors, &request(headers)), passes, "{headers:?}");
        }
    }
}
