//! Who may come in. With a password every route is closed without a session, except the few of [`open`].
//!
//! A session is a cookie that carries its own end, signed with a key made from the password: nothing is stored, every
//! replica accepts it, and changing the password ends all of them. Signing out forgets the cookie in that browser only.

pub mod login;
mod throttle;

use super::{actions::now, config::Config, rest::problem::Problem, state::Who};
use crate::model::{error::ApiError, time::Millis};
use anyhow::anyhow;
use argon2::Argon2;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use sha2::{Digest, Sha256};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};
use subtle::ConstantTimeEq;
use throttle::Throttle;

const COOKIE: &str = "flux_console_session";
/// One shift.
const SESSION_MS: i64 = 12 * 3_600_000;
/// Fixed, so that replicas agree; says what the key is for, so that no other use of the password gives the same.
const SALT: &[u8] = b"flux-console session key, version 1";

/// Stands in front of every route.
#[derive(Clone)]
pub struct Gate(Option<Arc<Lock>>);

struct Lock {
    password: [u8; 32],
    key: Key,
    tries: Mutex<Throttle>,
}

/// Rides along with every request that came in; `until` is `None` where no password is set.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub until: Option<Millis>,
}

impl Gate {
    /// Makes the signing key, which takes about 50 ms when a password is set.
    ///
    /// # Errors
    /// The key cannot be derived (the password is longer than 4 GiB, or memory is short).
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let Some(password) = &config.password else { return Ok(Self(None)) };
        let mut key = [0; 64];
        // Slow on purpose: who steals a cookie cannot guess the password quickly.
        Argon2::default()
            .hash_password_into(password.as_bytes(), SALT, &mut key)
            .map_err(|error| anyhow!("cannot derive the session key: {error}"))?;
        let lock = Lock { password: Sha256::digest(password.as_bytes()).into(), key: Key::from(&key), tries: Mutex::default() };
        Ok(Self(Some(Arc::new(lock))))
    }
}

impl Lock {
    fn jar(&self, headers: &HeaderMap) -> SignedCookieJar {
        SignedCookieJar::from_headers(headers, self.key.clone())
    }

    fn session(&self, headers: &HeaderMap, now: Millis) -> Option<Session> {
        let until = self.jar(headers).get(COOKIE)?.value().strip_prefix("1.")?.parse().ok().map(Millis)?;
        (now < until).then_some(Session { until: Some(until) })
    }

    /// The time this takes says nothing about the password: equal lengths are compared, to the end.
    fn fits(&self, password: &str) -> bool {
        let given: [u8; 32] = Sha256::digest(password.as_bytes()).into();
        given.ct_eq(&self.password).into()
    }

    fn cookie(now: Millis, secure: bool) -> Cookie<'static> {
        let until = now.0 + SESSION_MS;
        // No Max-Age: a browser also forgets it when it closes. The end that counts is the signed one.
        Cookie::build((COOKIE, format!("1.{until}"))).http_only(true).same_site(SameSite::Lax).path("/").secure(secure).build()
    }
}

/// What answers without a session: signing in and health checks.
fn open(path: &str) -> bool {
    matches!(path, "/login" | "/health/live" | "/health/ready" | "/favicon.svg" | "/favicon.ico")
}

/// The one door.
pub async fn require(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let session = match &gate.0 {
        None => Some(Session { until: None }),
        Some(lock) => lock.session(request.headers(), now()),
    };
    match session {
        Some(session) => {
            let who = who(session, &request);
            request.extensions_mut().insert(who);
            request.extensions_mut().insert(session);
            next.run(request).await
        }
        None if open(request.uri().path()) => next.run(request).await,
        None => refuse(&request),
    }
}

/// `operator at 10.0.0.3`; where no password is set, `somebody at …`. A proxy may say for whom it asks; that is a claim of whoever reaches the console, and shown as one.
fn who(session: Session, request: &Request) -> Who {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(from)| from.ip().to_canonical().to_string());
    let claim = || -> Option<IpAddr> { request.headers().get("x-forwarded-for")?.to_str().ok()?.split(',').next()?.trim().parse().ok() };
    let from = peer.unwrap_or_else(|| "an unknown address".into());
    let claimed = claim().map_or(String::new(), |ip| format!(", forwarded for {ip}"));
    let role = if session.until.is_some() { "operator" } else { "somebody" };
    Who::new(&format!("{role} at {from}{claimed}"))
}

fn refuse(request: &Request) -> Response {
    let path = request.uri().path();
    let detail = "Sign in first: the session is missing or has ended.";
    if path.starts_with("/api/fn/") {
        return for_server_function(ApiError::Unauthorized { detail: detail.into() });
    }
    if path == "/logout" {
        return Redirect::to("/login").into_response();
    }
    let program = path.starts_with("/api/") || path.starts_with("/_a/") || path == "/live";
    if program || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let login = if wanted == "/" { "/login".into() } else { format!("/login?next={}", crate::model::ids::escaped(wanted)) };
    Redirect::to(&login).into_response()
}

/// An error in the form that the browser half of a server function reads.
pub fn for_server_function(error: ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [("serverfnerror", "1"), (header::CONTENT_TYPE.as_str(), "application/json")],
        serde_json::to_string(&error).unwrap_or_default(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn lock(password: &str) -> Arc<Lock> {
        Gate::new(&Config { password: Some(password.into()), ..Config::default() }).unwrap().0.unwrap()
    }

    fn carrying(lock: &Lock, cookie: Cookie<'static>) -> HeaderMap {
        let response = lock.jar(&HeaderMap::new()).add(cookie).into_response();
        let pair = response.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&pair).unwrap())])
    }

    #[test]
    fn a_session_ends_and_any_replica_takes_it() {
        let (one, other, stranger) = (lock("hunter2"), lock("hunter2"), lock("hunter3"));
        let headers = carrying(&one, Lock::cookie(Millis(0), false));
        assert!(other.session(&headers, Millis(SESSION_MS - 1)).is_some());
        assert!(other.session(&headers, Millis(SESSION_MS)).is_none(), "twelve hours are over");
        assert!(stranger.session(&headers, Millis(0)).is_none(), "another password, another key");
        let unsigned = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("flux_console_session=1.99999999999999"))]);
        assert!(one.session(&unsigned, Millis(0)).is_none());
    }

    #[test]
    fn passwords_fit_whole() {
        let lock = lock("hunter2");
        assert!(lock.fits("hunter2"));
        for wrong in ["", "hunter", "hunter22", "HUNTER2", "hunter2\0"] {
            assert!(!lock.fits(wrong), "{wrong:?}");
        }
    }
}
