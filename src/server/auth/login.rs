//! The login page: one plain form that needs no script.

use super::{Gate, Lock};
use crate::server::actions::now;
use axum::{
    Extension, Form, Router,
    extract::{ConnectInfo, Query},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use std::{net::SocketAddr, sync::PoisonError};

pub fn routes() -> Router {
    Router::new().route("/login", get(page).post(sign_in)).route("/logout", post(sign_out))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Attempt {
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

async fn page(Extension(gate): Extension<Gate>, headers: HeaderMap, Query(Wanted { next }): Query<Wanted>) -> Response {
    match &gate.0 {
        Some(lock) if lock.session(&headers, now()).is_none() => form(StatusCode::OK, local(&next), None),
        _ => Redirect::to(local(&next)).into_response(),
    }
}

async fn sign_in(
    Extension(gate): Extension<Gate>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(Attempt { password, next }): Form<Attempt>,
) -> Response {
    let next = local(&next);
    let Some(lock) = &gate.0 else { return Redirect::to(next).into_response() };
    let attempt = lock.tries.lock().unwrap_or_else(PoisonError::into_inner).attempt(from.ip(), now());
    if let Err(seconds) = attempt {
        tracing::warn!(client.ip = %from.ip(), "too many tries to sign in");
        let mut response = form(StatusCode::TOO_MANY_REQUESTS, next, Some(&format!("Too many tries. Wait {seconds} s and try again.")));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return response;
    }
    if !lock.fits(&password) {
        tracing::warn!(client.ip = %from.ip(), "wrong password");
        return form(StatusCode::UNAUTHORIZED, next, Some("This is not the password."));
    }
    lock.tries.lock().unwrap_or_else(PoisonError::into_inner).forgive(from.ip());
    tracing::info!(client.ip = %from.ip(), "signed in");
    (lock.jar(&headers).add(Lock::cookie(now(), by_tls(&headers))), Redirect::to(next)).into_response()
}

async fn sign_out(Extension(gate): Extension<Gate>, headers: HeaderMap) -> Response {
    match &gate.0 {
        // Taken back with the same attributes, or a browser keeps it.
        Some(lock) => (lock.jar(&headers).remove(Lock::cookie(now(), by_tls(&headers))), Redirect::to("/login")).into_response(),
        None => Redirect::to("/").into_response(),
    }
}

/// The browser speaks TLS with the proxy in front. Who lies here only spoils the own cookie.
fn by_tls(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    text("x-forwarded-proto") == "https" || text("origin").starts_with("https://")
}

/// A path on this console, never another site: browsers read `//host`, `/\host` and `/<tab>/host` as one.
fn local(next: &str) -> &str {
    let plain = next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let inside = next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/login") && next.len() <= 4096;
    if plain && inside { next } else { "/" }
}

fn form(status: StatusCode, next: &str, problem: Option<&str>) -> Response {
    let problem = problem.map(|text| format!(r#"<p class="wrong" role="alert">{text}</p>"#)).unwrap_or_default();
    let html = PAGE.replace("{problem}", &problem).replace("{next}", &escaped(next));
    (status, [(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Colours as in style/tokens.css. By itself, so that nothing else has to be served before the password.
const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>Sign in · Flux Console</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>
:root { --canvas: #f6f6f8; --surface: #fff; --field: #fff; --text: #191a1f; --text-2: #4f535d; --line: #e3e3e8; --line-strong: #cfd0d7; --accent: #4b4fd0; --focus: #4b4fd0; --failed: #c4262e }
@media (prefers-color-scheme: dark) { :root { --canvas: #0d0e10; --surface: #131417; --field: #0f1012; --text: #e8e9ec; --text-2: #a9adb6; --line: #26282d; --line-strong: #3a3d44; --accent: #5a5ee0; --focus: #8589f5; --failed: #f5767a } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--canvas); color: var(--text); font: 14px/20px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { width: min(22rem, calc(100vw - 2rem)); box-sizing: border-box; padding: 2rem; background: var(--surface); border: 1px solid var(--line); border-radius: 8px }
.mark { display: flex; align-items: center; gap: .75rem; margin-bottom: 1.5rem; font-weight: 600 }
.mark img { width: 28px; height: 28px }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; font-weight: 600 }
p { margin: 0 0 1.25rem; color: var(--text-2) }
p.wrong { color: var(--failed) }
label { display: block; margin-bottom: .375rem; font-weight: 500 }
input, button { width: 100%; box-sizing: border-box; padding: .6rem .75rem; border-radius: 6px; font: inherit }
input { border: 1px solid var(--line-strong); background: var(--field); color: inherit; margin-bottom: 1rem }
button { border: 0; background: var(--accent); color: #fff; font-weight: 600; cursor: pointer }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px }
</style>
</head>
<body>
<main>
<div class="mark"><img src="/favicon.svg" alt=""><span>Flux Console</span></div>
<h1>Sign in</h1>
<p>The password is set where the console was started.</p>
{problem}
<form method="post" action="/login">
<input type="hidden" name="next" value="{next}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_the_console() {
        for fine in ["/", "/queues/a%20b?state=failed&page=2", "/queues/mail:5#top"] {
            assert_eq!(local(fine), fine);
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "evil",
            "/a\\b",
            "/ü",
            "/login?next=/",
            "/a\r\nSet-Cookie: x",
        ] {
            assert_eq!(local(foreign), "/", "{foreign:?}");
        }
    }

    #[test]
    fn the_form_escapes_where_to_go() {
        assert_eq!(escaped(r#"/x?a="><script>&"#), "/x?a=&quot;&gt;&lt;script&gt;&amp;");
    }
}
