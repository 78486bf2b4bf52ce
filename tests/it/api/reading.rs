//! GET: what a program reads.

use crate::support::{
    TestConsole, TestRedis, eventually,
    payload::{Payload, dead, many, payload},
};
use flux_console::{
    model::ids::segment,
    server::{config::Config, http},
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Status, content type and body of a GET that is refused.
async fn problem(console: &TestConsole, path: &str) -> (u16, String, Value) {
    let response = console.get(path).await;
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.json().await.unwrap())
}

fn keys(of: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = of.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// How often a page of waiting jobs was read: the script gets four lists and four delayed sets.
async fn pages_read(redis: &TestRedis) -> usize {
    type Entry = (u64, u64, u64, Vec<String>, String, String);
    let log: Vec<Entry> = redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(&mut redis.con.clone()).await.unwrap();
    log.iter().filter(|e| e.3[0] == "EVALSHA" && e.3[2] == "8").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_browsers_on_one_list_cost_what_one_costs() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 30)).await;
    let console = redis.console().await;
    let mut all = redis::pipe();
    all.cmd("CONFIG").arg("SET").arg("slowlog-log-slower-than").arg(0).cmd("CONFIG").arg("SET").arg("slowlog-max-len").arg(10_000);
    let _: () = all.query_async(&mut redis.con.clone()).await.unwrap();
    let page = async || console.json("/api/v1/queues/mail/jobs?state=waiting").await;
    let together = futures::future::join_all((0..20).map(|_| page())).await;
    assert!(together.iter().all(|page| page["total"] == 30));
    // Two when a tick falls in between.
    assert!((1..=2).contains(&pages_read(&redis).await), "{} pages were read", pages_read(&redis).await);

    // Whoever acts sees what he did, whatever was read a moment before.
    for left in (20..30).rev() {
        let job = page().await["jobs"][0]["fingerprint"].clone();
        let (status, outcome) = console.post("/api/v1/queues/mail/jobs/discard", &json!({"state": "waiting", "jobs": [job]})).await;
        assert_eq!((status, &outcome["done"]), (200, &json!(1)));
        assert_eq!(page().await["total"], left);
    }
    // And the others see what happens elsewhere with the next tick.
    redis.push_raw("queue:mail", many("n", "mail", 5)).await;
    eventually("the new jobs are on the page", Duration::from_secs(5), async || page().await["total"] == 25).await;
    console.stop().await;
}

#[tokio::test]
async fn overview_and_queues_have_their_shape_and_cost_redis_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    redis.push_raw("queue:mail:high", many("h", "mail", 2)).await;
    redis.push_raw("queue:mail:failed", [dead("f", "mail", "boom", "")]).await;
    let console = redis.console().await;

    let overview = console.json("/api/v1/overview").await;
    let shape: [(&str, &[&str]); 4] = [
        (
            "",
            &[
                "alerts",
                "connection",
                "discovery",
                "environment",
                "heard",
                "openAccess",
                "prefix",
                "sampledAt",
                "throughput",
                "totals",
                "version",
                "workers",
            ],
        ),
        ("/connection", &["driver", "latencyMs", "problem", "serverVersion", "since", "status"]),
        (
            "/totals",
            &[
                "active",
                "activePartial",
                "countedFrom",
                "delayed",
                "failed",
                "failing",
                "groupedPartial",
                "groupedUnattributed",
                "idle",
                "lost",
                "oldestWaitingMs",
                "paused",
                "queues",
                "unserved",
                "waiting",
            ],
        ),
        ("/throughput", &["completedPerSecond", "failedPerSecond", "windowSeconds"]),
    ];
    for (part, wanted) in shape {
        assert_eq!(keys(overview.pointer(part).unwrap()), wanted, "{part}");
    }
    assert_eq!((&overview["connection"]["status"], &overview["connection"]["driver"]), (&json!("connected"), &json!("redis")));
    assert_eq!(
        (&overview["totals"]["waiting"], &overview["totals"]["failed"], &overview["totals"]["active"]),
        (&json!(5), &json!(1), &Value::Null)
    );
    assert_eq!(overview["throughput"]["completedPerSecond"], Value::Null, "unknown is not 0");
    assert!(overview["sampledAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(overview["totals"]["countedFrom"], overview["sampledAt"], "few queues are counted all at once");

    let list = console.json("/api/v1/queues").await;
    assert_eq!(keys(&list), ["discovery", "queues", "sampledAt"]);
    let mail = &list["queues"][0];
    let wanted = [
        "active",
        "activePartial",
        "byPriority",
        "delayed",
        "failed",
        "failedAtCap",
        "flow",
        "grouped",
        "groupedPartial",
        "lost",
        "name",
        "oldestWaitingMs",
        "paused",
        "sampledAt",
        "waiting",
        "workers",
    ];
    assert_eq!(keys(mail), wanted);
    assert_eq!((&mail["name"], &mail["waiting"], &mail["paused"]), (&json!("mail"), &json!(5), &json!(false)));
    assert_eq!(mail["byPriority"], json!({"critical": 0, "high": 2, "base": 3, "low": 0}));

    // Between two ticks the same bytes are sent again.
    let before = redis.commands().await;
    for _ in 0..200 {
        console.get("/api/v1/queues").await.bytes().await.unwrap();
    }
    let asked = redis.commands().await - before;
    assert!(asked < 100, "200 requests, {asked} commands: those of a tick or two");
    console.stop().await;
}

#[tokio::test]
async fn a_list_of_jobs_is_paged_and_strict() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 45)).await;
    let console = redis.console().await;
    let page = console.json("/api/v1/queues/mail/jobs?state=waiting&page=3&perPage=20").await;
    let ids: Vec<&str> = page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m-41", "m-42", "m-43", "m-44", "m-45"], "what runs next comes first");
    assert_eq!((&page["total"], &page["page"], &page["perPage"]), (&json!(45), &json!(3), &json!(20)));
    let job = &page["jobs"][0];
    for key in [
        "id",
        "fingerprint",
        "queue",
        "state",
        "priority",
        "className",
        "attempts",
        "maxAttempts",
        "createdAt",
        "runAt",
        "failedAt",
        "error",
        "groupId",
    ] {
        assert!(job.get(key).is_some(), "{key}: {job}");
    }
    assert_eq!((&job["className"], &job["runAt"], &job["error"]), (&json!("SendEmail"), &Value::Null, &Value::Null));
    assert_eq!(console.json("/api/v1/queues/mail/jobs").await["perPage"], 50);
    assert_eq!(console.json("/api/v1/queues/mail/jobs?order=newest").await["jobs"][0]["id"], "m-45");
    assert_eq!(console.json("/api/v1/queues/nobody/jobs?state=failed").await["total"], 0, "an unknown queue is empty");

    // Completed jobs are in the archive alone, and this console keeps none.
    let (status, kind, body) = problem(&console, "/api/v1/queues/mail/jobs?state=completed").await;
    assert_eq!((status, kind.as_str()), (404, "application/problem+json"), "{body}");
    for (query, field) in [
        ("state=lost", "state"),
        ("perPage=7", "perPage"),
        ("perPage=x", "perPage"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("order=up", "order"),
    ] {
        let (status, kind, body) = problem(&console, &format!("/api/v1/queues/mail/jobs?{query}")).await;
        assert_eq!((status, kind.as_str(), &body["field"]), (422, "application/problem+json", &json!(field)), "{query}: {body}");
        assert_eq!(body["status"], 422);
    }
    console.stop().await;
}

#[tokio::test]
async fn what_cannot_be_counted_has_no_total() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:half", many("h", "half", 2)).await;
    for key in ["queue:half:high", "queue:half:failed", "queue:half:delayed", "queue:none"] {
        let _: () = redis.con.clone().set(key, "a text").await.unwrap();
    }
    let console = redis.console().await;
    let page = async |name: &str, state: &str| console.json(&format!("/api/v1/queues/{name}/jobs?state={state}")).await;
    for (name, state) in [("half", "failed"), ("half", "delayed"), ("none", "waiting")] {
        let page = page(name, state).await;
        assert_eq!((&page["total"], page["problems"].as_array().map(Vec::len)), (&Value::Null, Some(1)), "{name} {state}: {page}");
    }
    let waiting = page("half", "waiting").await;
    assert_eq!((&waiting["total"], &waiting["partial"]), (&json!(2), &json!(true)), "the others are a lower bound: {waiting}");
    assert_eq!(page("none", "failed").await["total"], 0, "a list that is not there is empty");
    let html = console.get("/queues/half?state=failed").await.text().await.unwrap();
    assert!(html.contains("Nothing here can be read") && !html.contains("No failed jobs"), "{html}");
    let html = console.get("/queues/half?state=waiting").await.text().await.unwrap();
    assert!(html.contains("Showing 2 of ≥ 2"), "{html}");
    console.stop().await;
}

#[tokio::test]
async fn a_server_function_asks_for_no_more_than_a_page() {
    let console = TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), ..Config::default() }).await;
    for (page, per_page) in [(0, 50), (1, 1_000_000_000), (1, 0)] {
        let query = json!({"query": {"queue": "mail", "state": "waiting", "page": page, "per_page": per_page, "order": "oldest"}});
        let (status, body) = console.post("/api/fn/jobs", &query).await;
        assert_eq!((status, &body["field"]), (422, &json!("perPage")), "{query}");
    }
    let query = json!({"query": {"q": "", "filter": "all", "sort": "waiting", "descending": true, "page": 0}});
    assert_eq!(console.post("/api/fn/queues", &query).await.0, 200);
    assert_eq!(console.post("/api/fn/nothing", &json!({})).await.0, 404);
    console.stop().await;
}

#[tokio::test]
async fn names_of_any_letters_are_one_segment() {
    let redis = TestRedis::start().await;
    let names = [
        "a/b",
        "what?",
        "c#",
        "100%",
        "%2F",
        "émoji 🚀",
        "a b",
        "mail:5",
        "\"><img src=x>",
        "кириллица",
        "x;y&z=1+2",
        "...",
        ".",
        "..",
        "~.",
        "~",
    ];
    for name in names {
        redis.push_raw(&format!("queue:{name}"), [payload(name, name, "")]).await;
    }
    let console = redis.console().await;
    for name in names {
        let base = format!("/api/v1/queues/{}/jobs", segment(name));
        let page = console.json(&base).await;
        assert_eq!((&page["total"], &page["jobs"][0]["queue"]), (&json!(1), &json!(name)), "{name}");
        let job = console.json(&format!("{base}/{}", segment(name))).await;
        assert_eq!((&job["queue"], &job["id"]), (&json!(name), &json!(name)), "{name}");
        let (status, outcome) = console.post(&format!("/api/v1/queues/{}/pause", segment(name)), &json!({})).await;
        assert_eq!((status, outcome), (200, json!({"paused": true})), "{name}");
        let flag: String = redis.con.clone().get(format!("queue:{name}:paused")).await.unwrap();
        assert_eq!(flag, "1", "{name}");
    }
    let (status, kind, _) = problem(&console, "/api/v1/queues/%FF/jobs").await;
    assert_eq!((status, kind.as_str()), (400, "application/problem+json"));
    console.stop().await;
}

#[tokio::test]
async fn one_job_answers_itself_several_open_a_chooser_none_is_404() {
    let redis = TestRedis::start().await;
    let exact = payload("one", "mail", r#","big":9007199254740993123,"empty":[],"html":"<b>""#);
    redis
        .push_raw(
            "queue:mail",
            [exact.clone(), payload("twin", "mail", ""), payload("retry", "mail", ""), payload("twin", "mail", r#","n":2"#)],
        )
        .await;
    let console = redis.console().await;

    let raw = console.get("/api/v1/queues/mail/jobs/one").await.text().await.unwrap();
    let job: Value = serde_json::from_str(&raw).unwrap();
    assert_eq!((job["payload"].as_str(), &job["truncated"], &job["state"]), (Some(exact.as_str()), &json!(false), &json!("waiting")));
    assert!(job["data"].is_object() && job["timeline"].is_array(), "{job}");
    assert!(job.get("found").is_none(), "the job itself");

    let many = console.json("/api/v1/queues/mail/jobs/twin").await;
    assert_eq!((&many["found"], many["jobs"].as_array().unwrap().len()), (&json!("many"), 2));
    let fingerprint = many["jobs"][1]["fingerprint"].as_str().unwrap();
    let chosen = console.json(&format!("/api/v1/queues/mail/jobs/twin?at={fingerprint}")).await;
    assert_eq!(chosen["fingerprint"], fingerprint);
    assert_eq!(console.json(&format!("/api/v1/queues/mail/jobs/{fingerprint}")).await["id"], "twin");
    assert_eq!(console.json("/api/v1/queues/mail/jobs/retry").await["id"], "retry", "a job may be called like a verb");

    for path in
        ["/api/v1/queues/mail/jobs/gone", "/api/v1/queues/mail/jobs/gone/payload", "/api/v1/operations/none", "/api/v1/nothing", "/api/v2"]
    {
        let (status, kind, body) = problem(&console, path).await;
        assert_eq!((status, kind.as_str(), &body["title"]), (404, "application/problem+json", &json!("Not Found")), "{path}");
    }
    assert_eq!(problem(&console, "/api/v1/queues/mail/pause").await.0, 405);
    console.stop().await;
}

#[tokio::test]
async fn payloads_are_whole_up_to_a_mebibyte_and_always_a_download() {
    let redis = TestRedis::start().await;
    let of =
        |id: &str, bytes: usize| Payload::new(id, "mail").own(&format!(r#""n":9007199254740993123,"x":"{}""#, "y".repeat(bytes))).waiting();
    let (middle, big) = (of("middle", 300_000), of("big", 3_000_000));
    redis.push_raw("queue:mail", [middle.clone(), big.clone()]).await;
    redis.push_raw("queue:mail", [b"not json \xff".to_vec()]).await;
    let console = redis.console().await;

    let text = console.get("/api/v1/queues/mail/jobs/middle").await.text().await.unwrap();
    assert_eq!(text.matches("9007199254740993123").count(), 2, "raw and decoded, exact");
    let job: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((job["payload"].as_str(), &job["truncated"]), (Some(middle.as_str()), &json!(false)));
    assert_eq!(job["data"]["properties"]["x"].as_str().map(str::len), Some(300_000));
    let job = console.json("/api/v1/queues/mail/jobs/big").await;
    assert_eq!((&job["truncated"], &job["data"], &job["bytes"]), (&json!(true), &Value::Null, &json!(big.len())));
    assert!(big.starts_with(&job["payload"].as_str().unwrap()[..1000]));

    let download = console.get("/api/v1/queues/mail/jobs/big/payload").await;
    let header = |name: &str| download.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((header("content-type"), header("x-content-type-options")), ("application/json".into(), "nosniff".into()));
    assert_eq!(header("content-disposition"), "attachment; filename=\"big.json\"; filename*=UTF-8''big.json");
    assert_eq!(download.bytes().await.unwrap(), big.as_bytes());

    let unreadable = console.json("/api/v1/queues/mail/jobs").await;
    let unreadable = unreadable["jobs"].as_array().unwrap().iter().find(|job| job["id"].is_null()).unwrap();
    let fingerprint = unreadable["fingerprint"].as_str().unwrap();
    let download = console.get(&format!("/api/v1/queues/mail/jobs/{fingerprint}/payload")).await;
    assert_eq!(download.headers()["content-type"], "application/octet-stream");
    assert_eq!(download.bytes().await.unwrap(), &b"not json \xff"[..]);
    console.stop().await;
}

#[tokio::test]
async fn without_redis_reads_say_so_and_lists_stay() {
    let console = TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), ..Config::default() }).await;
    assert_eq!(console.json("/api/v1/queues").await["queues"], json!([]));
    let (status, _, body) = problem(&console, "/api/v1/queues/mail/jobs").await;
    assert_eq!((status, &body["title"]), (503, &json!("Service Unavailable")), "{body}");
    let (status, body) = console
        .post("/api/fn/jobs", &json!({"query": {"queue": "mail", "state": "waiting", "page": 1, "per_page": 50, "order": "oldest"}}))
        .await;
    assert_eq!((status, &body["kind"]), (503, &json!("unavailable")), "server functions carry the status too");
    assert_eq!(console.get("/health/ready").await.status(), 503);
    assert_eq!(console.get("/health/live").await.status(), 200);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_has_the_fields_of_every_list() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 1)).await;
    let beat = r#"{"id":"w","status":"online","queues":["mail"]}"#;
    let _: () = redis.con.clone().set_ex("flux_console:worker:w", beat, 60).await.unwrap();
    let console = redis.console().await;
    console.listens().await;
    let said = json!({"level": "info", "message": "Processing job: a", "workerId": "w", "jobId": "a", "timestamp": flux_console::server::actions::now().iso()});
    let _: () = redis.con.clone().publish("flux_console:logs", said.to_string()).await.unwrap();
    let job = async || console.json("/api/v1/queues/mail/jobs?state=active").await.pointer("/jobs/0").cloned().unwrap_or_default();
    eventually("it runs", Duration::from_secs(20), async || !job().await.is_null()).await;
    let wanted = [
        "attempts",
        "className",
        "createdAt",
        "error",
        "failedAt",
        "fingerprint",
        "groupId",
        "id",
        "maxAttempts",
        "priority",
        "queue",
        "run",
        "runAt",
        "state",
    ];
    assert_eq!(keys(&job().await), wanted);
    console.stop().await;
}

/// Several consoles in one process, as in these tests: one that starts once took from the pages of the others what they were reading.
#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_starts_holds_up_no_page_of_another() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let (state, over) = (console.state.clone(), CancellationToken::new());
    let starting = std::thread::spawn({
        let over = over.clone();
        move || {
            while !over.is_cancelled() {
                let _ = http::router(state.clone(), http::leptos_options().expect("Leptos.toml")).expect("a router");
            }
        }
    });
    for _ in 0..100 {
        let page = tokio::time::timeout(Duration::from_secs(10), console.get("/settings")).await;
        assert!(page.expect("the page comes").status().is_success());
    }
    over.cancel();
    starting.join().expect("no panic");
    console.stop().await;
}
