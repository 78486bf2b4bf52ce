//! With a password every route is closed; without one the console answers this machine only.

use crate::support::{TestConsole, TestRedis};
use flux_console::{app::App, server::config::Config};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Method, Response, StatusCode, header};

const PASSWORD: &str = "correct horse";

async fn locked() -> TestConsole {
    // No Redis there: the door stands in front of it.
    TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), password: Some(PASSWORD.into()), ..Config::default() }).await
}

async fn send(console: &TestConsole, method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Response {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = console.client.request(method, format!("{}{path}", console.base_url)).body(body);
    headers.iter().fold(request, |r, (name, value)| r.header(*name, *value)).send().await.unwrap()
}

async fn log_in(console: &TestConsole, form: &'static str) -> Response {
    send(console, "POST", "/login", &[("content-type", "application/x-www-form-urlencoded")], form).await
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// `name=value` of the cookie that was set.
fn cookie(response: &Response) -> String {
    header(response, "set-cookie").split(';').next().unwrap_or_default().to_owned()
}

const REST: &[(&str, &str)] = &[
    ("GET", "/api/v1/overview"),
    ("GET", "/api/v1/queues"),
    ("GET", "/api/v1/queues/mail/jobs"),
    ("GET", "/api/v1/queues/mail/jobs/1"),
    ("GET", "/api/v1/queues/mail/jobs/1/payload"),
    ("GET", "/api/v1/queues/mail/jobs/1/payload/level"),
    ("GET", "/api/v1/queues/mail/jobs/1/payload/search"),
    ("POST", "/api/v1/queues/mail/jobs/retry"),
    ("POST", "/api/v1/queues/mail/jobs/discard"),
    ("POST", "/api/v1/queues/mail/jobs/promote"),
    ("POST", "/api/v1/queues/mail/pause"),
    ("POST", "/api/v1/queues/mail/resume"),
    ("POST", "/api/v1/queues/mail/purge"),
    ("POST", "/api/v1/queues/mail/clear-failed"),
    ("GET", "/api/v1/operations"),
    ("GET", "/api/v1/operations/1"),
    ("POST", "/api/v1/operations/1/cancel"),
    ("GET", "/api/v1/search"),
    ("GET", "/api/v1/search/export"),
    ("GET", "/api/v1/errors"),
    ("GET", "/api/v1/errors/1"),
    ("GET", "/api/v1/errors/1/count"),
    ("GET", "/api/v1/errors/1/archived"),
    ("POST", "/api/v1/errors/1/retry"),
    ("GET", "/api/v1/archive/jobs"),
    ("POST", "/api/v1/archive/jobs/1/retry"),
    ("GET", "/api/v1/trash"),
    ("POST", "/api/v1/trash/1/restore"),
    ("GET", "/api/v1/workers"),
    ("GET", "/api/v1/logs"),
    ("GET", "/api/v1/metrics"),
    ("GET", "/api/v1/metrics/classes"),
    ("POST", "/api/v1/runs/1/put-back"),
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/archive"),
    ("GET", "/api/v1/logs/archive"),
    ("GET", "/api/v1/settings/retention"),
    ("PUT", "/api/v1/settings/retention"),
    ("GET", "/api/v1/settings/retention/preview"),
    ("POST", "/api/v1/settings/retention/run"),
    ("GET", "/api/v1/schedules"),
    ("POST", "/api/v1/schedules"),
    ("GET", "/api/v1/schedules/a"),
    ("PUT", "/api/v1/schedules/a"),
    ("DELETE", "/api/v1/schedules/a"),
    ("POST", "/api/v1/schedules/preview"),
    ("POST", "/api/v1/schedules/a/run"),
    ("POST", "/api/v1/schedules/a/restore"),
    ("GET", "/api/v1/alerts/channels"),
    ("PUT", "/api/v1/alerts/channels"),
    ("POST", "/api/v1/alerts/channels/slack/test"),
    ("GET", "/api/v1/alerts/undelivered"),
    ("POST", "/api/v1/alerts/undelivered/1/retry"),
    ("GET", "/api/v1/alerts"),
    ("GET", "/api/v1/alerts/rules"),
    ("POST", "/api/v1/alerts/rules"),
    ("GET", "/api/v1/alerts/rules/1"),
    ("PUT", "/api/v1/alerts/rules/1"),
    ("DELETE", "/api/v1/alerts/rules/1"),
    ("POST", "/api/v1/alerts/preview"),
    ("GET", "/api/v1/nodes"),
    ("POST", "/api/v1/nodes/api/api-1/commands"),
    ("GET", "/api/v1/doctor"),
    ("POST", "/api/v1/doctor/fix"),
    ("GET", "/live"),
];

/// Every route of the API and its methods, as the router's own text has them: one that is added there is asked for here.
fn routes() -> Vec<(&'static str, &'static str)> {
    let text = include_str!("../../src/server/rest/mod.rs");
    let routes = text.split(".route(\"").skip(1).map(|rest| rest.split_once('"').unwrap());
    let of = |(path, rest): (&'static str, &'static str)| {
        let rest = rest.lines().next().unwrap();
        [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE")]
            .into_iter()
            .filter(move |(word, _)| rest.contains(word))
            .map(move |(_, method)| (method, path))
    };
    routes.flat_map(of).collect()
}

/// Whether an address is one of a route's: `{name}` stands for any segment.
fn fits(route: &str, path: &str) -> bool {
    let (route, path) = (route.split('/').collect::<Vec<_>>(), path.trim_start_matches("/api/v1").split('/').collect::<Vec<_>>());
    route.len() == path.len() && route.iter().zip(path).all(|(wanted, got)| wanted.starts_with('{') || *wanted == got)
}

#[test]
fn every_route_of_the_api_is_in_the_table() {
    let routes = routes();
    assert!(routes.len() > 50, "the router was read: {routes:?}");
    for (method, route) in routes {
        assert!(REST.iter().any(|(m, path)| *m == method && fits(route, path)), "{method} {route}");
    }
}

#[tokio::test]
async fn every_route_is_closed_without_a_session() {
    let console = locked().await;

    for (method, path) in REST.iter().copied().chain([
        ("GET", "/api/v1/unknown"),
        ("GET", "/api"),
        ("DELETE", "/api/v1/queues"),
        ("GET", "/_a/dev/pkg/flux-console.js"),
        ("GET", "/_a/dev/pkg/flux-console.wasm"),
        ("GET", "/_a/dev/pkg/flux-console.css"),
    ]) {
        let response = send(&console, method, path, &[], "").await;
        if path == "/api" {
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path} is no route of the API");
            continue;
        }
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (401, "application/problem+json"), "{method} {path}");
    }
    let mut functions = 0;
    for (path, method) in server_fn_paths() {
        let response = send(&console, method.as_str(), path, &[("content-type", "application/json")], "{}").await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["kind"], "unauthorized", "{path}");
        functions += 1;
    }
    assert!(functions > 30, "{functions} server functions");
    let pages = leptos_axum::generate_route_list(App);
    assert!(pages.len() > 10, "{} pages", pages.len());
    for path in pages.iter().map(|page| page.path().to_owned()).chain(["/nowhere".into(), "//evil.example".into(), "/login/x".into()]) {
        let path = path.replace(['{', '}'], "");
        let response = send(&console, "GET", &path, &[], "").await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(header(&response, "location").starts_with("/login"), "{path}: {}", header(&response, "location"));
    }

    for path in ["/login", "/health/live"] {
        assert_eq!(send(&console, "GET", path, &[], "").await.status(), StatusCode::OK, "{path}");
    }
    assert_ne!(send(&console, "GET", "/health/ready", &[], "").await.status(), StatusCode::UNAUTHORIZED);
    console.stop().await;
}

#[tokio::test]
async fn signing_in_opens_every_replica_until_signing_out() {
    let (console, replica) = (locked().await, locked().await);
    let asked = send(&console, "GET", "/queues/a%2Fb?state=failed&page=2", &[], "").await;
    let login = header(&asked, "location").to_owned();
    assert_eq!(login, "/login?next=%2Fqueues%2Fa%252Fb%3Fstate%3Dfailed%26page%3D2");
    let page = send(&console, "GET", &login, &[], "").await.text().await.unwrap();
    assert!(page.contains(r#"name="next" value="/queues/a%2Fb?state=failed&amp;page=2""#), "{page}");
    assert!(!page.contains("<script"), "the form needs no script");

    let entered = log_in(&console, "password=correct+horse&next=%2Fqueues%2Fa%252Fb").await;
    assert_eq!((entered.status(), header(&entered, "location")), (StatusCode::SEE_OTHER, "/queues/a%2Fb"));
    let attributes = header(&entered, "set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    assert!(!attributes.contains("Secure"), "plain HTTP here: {attributes}");
    let session = cookie(&entered);

    for console in [&console, &replica] {
        let opened = send(console, "GET", "/api/v1/overview", &[("cookie", &session)], "").await;
        assert_eq!(opened.status(), StatusCode::OK);
    }
    let forged = session.replace("1.", "2.");
    assert_eq!(send(&console, "GET", "/api/v1/overview", &[("cookie", &forged)], "").await.status(), StatusCode::UNAUTHORIZED);
    let again = send(&console, "GET", "/login", &[("cookie", &session)], "").await;
    assert_eq!((again.status(), header(&again, "location")), (StatusCode::SEE_OTHER, "/"));

    let left = send(&console, "POST", "/logout", &[("cookie", &session)], "").await;
    assert_eq!((left.status(), header(&left, "location")), (StatusCode::SEE_OTHER, "/login"));
    assert!(header(&left, "set-cookie").contains("Max-Age=0"), "{}", header(&left, "set-cookie"));

    let tls = send(
        &console,
        "POST",
        "/login",
        &[("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-proto", "https")],
        "password=correct+horse",
    )
    .await;
    assert!(header(&tls, "set-cookie").contains("Secure"));
    console.stop().await;
    replica.stop().await;
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down() {
    let console = locked().await;
    for _ in 0..10 {
        let refused = log_in(&console, "password=wrong&next=//evil.example").await;
        assert_eq!((refused.status(), cookie(&refused).as_str()), (StatusCode::UNAUTHORIZED, ""));
        assert!(refused.text().await.unwrap().contains(r#"name="next" value="/""#), "never to another site");
    }
    let slowed = log_in(&console, "password=correct+horse").await;
    assert_eq!(slowed.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = header(&slowed, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    console.stop().await;
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let own = console.base_url.clone();
    let table: [(&[(&str, &str)], u16); 7] = [
        (&[], 200),
        (&[("origin", &own)], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")], 403),
    ];
    for path in ["/api/v1/queues/mail/pause", "/api/fn/queues/pause"] {
        for (headers, status) in table {
            let _: u64 = redis::cmd("DEL")
                .arg(&["queue:mail:paused", "queue:mail:high:paused", "queue:mail:low:paused", "queue:mail:critical:paused"])
                .query_async(&mut redis.con.clone())
                .await
                .unwrap();
            let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/json")]).collect();
            let response = send(&console, "POST", path, &headers, r#"{"queue":"mail"}"#).await;
            assert_eq!(response.status().as_u16(), status, "{path} {headers:?}");
            let paused: bool = redis::cmd("EXISTS").arg("queue:mail:paused").query_async(&mut redis.con.clone()).await.unwrap();
            assert_eq!(paused, status == 200, "{path} {headers:?}");
        }
    }
    let form = send(
        &console,
        "POST",
        "/login",
        &[("origin", "http://evil.example"), ("content-type", "application/x-www-form-urlencoded")],
        "password=x",
    )
    .await;
    assert_eq!(form.status(), StatusCode::FORBIDDEN);
    console.stop().await;
}

#[tokio::test]
async fn another_site_changes_nothing_by_any_route() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let foreign = [("origin", "http://evil.example"), ("content-type", "application/json")];
    let before = redis.keys().await;
    let mut asked = 0;
    for (method, path) in REST.iter().filter(|(method, _)| *method != "GET") {
        let response = send(&console, method, path, &foreign, "{}").await;
        assert_eq!((response.status().as_u16(), header(&response, "content-type")), (403, "application/problem+json"), "{method} {path}");
        asked += 1;
    }
    assert!(asked > 20, "{asked} routes that change something");
    for (path, method) in server_fn_paths() {
        let response = send(&console, method.as_str(), path, &foreign, "{}").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {path}");
    }
    for path in ["/login", "/logout"] {
        assert_eq!(send(&console, "POST", path, &foreign, "").await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let own = |keys: Vec<String>| keys.into_iter().filter(|key| key.starts_with("queue:")).collect::<Vec<_>>();
    assert_eq!(own(redis.keys().await), own(before));
    console.stop().await;
}

#[tokio::test]
async fn a_foreign_name_for_this_machine_is_refused_while_there_is_no_password() {
    let closed = Config { url: "redis://127.0.0.1:1".into(), ..Config::default() };
    let console = TestConsole::start(Config { trusted_origins: vec!["https://ops.example.com".into()], ..closed.clone() }).await;
    for (host, status) in [
        ("evil.example", 403),
        ("evil.example:3000", 403),
        ("localhost:3000", 200),
        ("[::1]:3000", 200),
        ("192.168.1.2", 200),
        ("ops.example.com", 200),
    ] {
        assert_eq!(send(&console, "GET", "/api/v1/overview", &[("host", host)], "").await.status().as_u16(), status, "{host}");
    }
    let open = TestConsole::start(Config { allow_open: true, ..closed.clone() }).await;
    assert_eq!(send(&open, "GET", "/api/v1/overview", &[("host", "console.internal")], "").await.status(), StatusCode::OK);
    let locked = locked().await;
    assert_eq!(send(&locked, "GET", "/login", &[("host", "console.internal")], "").await.status(), StatusCode::OK);
    console.stop().await;
    open.stop().await;
    locked.stop().await;
}

#[tokio::test]
async fn answers_carry_the_guards_of_the_browser() {
    let console = TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), ..Config::default() }).await;
    for path in ["/", "/queues", "/nowhere", "/api/v1/overview", "/favicon.svg", "/login"] {
        let response = console.get(path).await;
        let policy = header(&response, header::CONTENT_SECURITY_POLICY.as_str()).to_owned();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&response, "referrer-policy"), "same-origin", "{path}");
        if matches!(path, "/" | "/queues") {
            let html = response.text().await.unwrap();
            let (_, nonce) = policy.split_once("'nonce-").unwrap();
            let nonce = nonce.split('\'').next().unwrap();
            assert!(html.matches("<script").count() > 0);
            for script in html.split("<script").skip(1) {
                assert!(
                    script.starts_with(&format!(" nonce=\"{nonce}\""))
                        || script.split('>').next().unwrap().contains(&format!("nonce=\"{nonce}\"")),
                    "{path}: a script without the nonce: {script:.80}"
                );
            }
        }
    }
    console.stop().await;
}
