use super::Archive;
use crate::support::{TestRedis, eventually, payload::payload};
use flux_console::{
    model::{
        archive::{Gap, Status},
        ids::QueueName,
        past::Past,
        time::Millis,
    },
    server::{
        actions,
        archive::{
            db::SENT,
            gaps, record,
            record::{Record, Run},
            setting::Setting,
            sql::sql,
            timeline,
            totals::Totals,
        },
    },
};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a name")
}

#[tokio::test]
async fn each_job_of_the_recording_has_its_story() {
    let archive = Archive::recorded();
    let db = archive.db().await;
    let story = async |name: &str, id: &str| {
        let Past { entries, .. } = timeline::past(&db, &queue(name), id, false).await.expect("a past");
        entries.into_iter().filter(|e| e.kind != "note").map(|e| e.title).collect::<Vec<_>>()
    };
    for id in ["ok-0", "ok-1", "ok-2", "grp-1"] {
        assert_eq!(story("mail", id).await, ["Enqueued", "Attempt 1 completed"], "{id}");
    }
    assert_eq!(story("payments", "dead-1").await, ["Enqueued", "Attempt 1 failed, no attempts left"]);
    assert_eq!(story("payments", "dead-2").await, ["Enqueued", "Attempt 1 failed, retry after 1 s", "Attempt 2 failed, no attempts left"]);
    assert_eq!(story("mail", "flaky-1").await, ["Enqueued", "Attempt 1 failed, retry after 1 s", "Attempt 2 completed"]);
    assert_eq!(story("mail", "delayed-1").await, ["Enqueued"]);
    assert_eq!(story("mail", "many-1").await, ["Attempt 1 completed"]);
    assert_eq!(story("mail", "fixed").await, ["Attempt 1 completed"]);
    assert!(story("payments", "ok-0").await.is_empty(), "of another queue");

    let Past { entries, rows, .. } = timeline::past(&db, &queue("payments"), "dead-2", false).await.expect("a past");
    assert_eq!(rows, 5);
    let at: Vec<_> = entries.iter().map(|e| e.at.map(Millis::iso).unwrap_or_default()).collect();
    assert_eq!(at, ["2026-11-23T11:33:19.186Z", "2026-11-23T11:33:19.254Z", "2026-11-23T11:33:20.257Z"]);
    assert_eq!(entries[2].detail.as_deref(), Some("Card declined for order 2 — 100% \"sûr\" 日本"));
    let job = timeline::job(&db, &queue("payments"), "dead-2", None, 1 << 20).await.expect("a job").expect("rows");
    assert_eq!((job.row.row, job.row.status, job.row.attempt, job.row.max_attempts), (20, Status::Failed, Some(2), Some(2)));
    assert!(job.payload.contains(r#""failedAt":1795433600257"#) && !job.truncated);
    let job = timeline::job(&db, &queue("payments"), "dead-2", Some(13), 10).await.expect("a job").expect("rows");
    assert!(job.row.row == 13 && job.truncated && job.payload.len() == 10);
    db.close().await;
}

/// Lines of the log that name the job, but for those that say what a run or a row says.
#[tokio::test]
async fn the_log_is_part_of_the_story() {
    let archive = Archive::new();
    let raw = crate::support::Payload::new("ORD-7", "mail").attempts(2, 2).failed("boom");
    let at = 1_795_432_801_819;
    dead(&archive, "ORD-7", &raw, at).await;
    let db = archive.db().await;
    let line = |message: &str, ago: i64| record::Line {
        level: "info".into(),
        message: message.into(),
        worker: "w-1".into(),
        queue: None,
        at: Millis(at - ago),
    };
    let lines = [
        line("Processing job: ORD-7", 9_200),
        line("Card of ORD-7 is blocked", 8_500),
        line("Card of ORD-77 is blocked", 8_400),
        line("Job failed: ORD-7 - boom", 8_000),
        line("ORD-7 an hour before", 3_600_000),
    ];
    record::Lines::default().write(&db, &lines, false).await.expect("written");
    let Past { entries, .. } = timeline::past(&db, &queue("mail"), "ORD-7", false).await.expect("a past");
    let told: Vec<_> = entries.iter().map(|e| e.title.as_str()).collect();
    assert_eq!(told, ["Enqueued", "Card of ORD-7 is blocked", "Attempt 1 failed, retried", "Attempt 2 failed, no attempts left"]);
    db.close().await;
}

/// Lines that hold the id as a part of another one take no line's place, however many there are.
#[tokio::test]
async fn a_line_of_the_job_is_not_hidden_by_lines_of_others() {
    let archive = Archive::new();
    let at = 1_795_432_801_819;
    dead(&archive, "123", &crate::support::Payload::new("123", "mail").attempts(2, 2).failed("boom"), at).await;
    let db = archive.db().await;
    let line = |message: String, at: i64| record::Line { level: "info".into(), message, worker: "w-2".into(), queue: None, at: Millis(at) };
    let mut lines: Vec<record::Line> = (0..600).map(|n| line(format!("Completed job: 123{n}"), at - 8_000 + n)).collect();
    lines.insert(300, line("Card of 123 is blocked".into(), at - 8_500));
    record::Lines::default().write(&db, &lines, false).await.expect("written");
    let Past { entries, .. } = timeline::past(&db, &queue("mail"), "123", false).await.expect("a past");
    let notes: Vec<&str> = entries.iter().filter(|e| e.kind == "note").map(|e| e.title.as_str()).collect();
    assert_eq!(notes, ["Card of 123 is blocked"]);
    db.close().await;
}

/// Of a job that says much, the last lines are shown, and that there are more.
#[tokio::test]
async fn the_last_lines_of_a_talkative_job_are_shown() {
    let archive = Archive::new();
    let at = 1_795_432_801_819;
    dead(&archive, "ORD-8", &crate::support::Payload::new("ORD-8", "mail").attempts(2, 2).failed("boom"), at).await;
    let db = archive.db().await;
    let line = |n: i64| record::Line {
        level: "info".into(),
        message: format!("Step {n} of ORD-8"),
        worker: "w-1".into(),
        queue: None,
        at: Millis(at - 9_000 + n * 100),
    };
    for (from, steps, expected) in [(0, 50, 50), (50, 80, 51)] {
        let lines: Vec<record::Line> = (from..steps).map(line).collect();
        record::Lines::default().write(&db, &lines, false).await.expect("written");
        let Past { entries, .. } = timeline::past(&db, &queue("mail"), "ORD-8", false).await.expect("a past");
        let notes: Vec<&str> = entries.iter().filter(|e| e.kind == "note").map(|e| e.title.as_str()).collect();
        assert_eq!(notes.len(), expected, "{notes:?}");
        assert_eq!(notes[expected - 1], format!("Step {} of ORD-8", steps - 1));
        if steps == 80 {
            assert_eq!(notes[..2], ["Earlier lines of the log are not shown here", "Step 30 of ORD-8"]);
        }
    }
    db.close().await;
}

/// Whatever a timeline leaves out, it says so.
#[tokio::test]
async fn what_a_timeline_leaves_out_is_said() {
    const HOUR_MS: i64 = 3_600_000;
    let archive = Archive::new();
    let db = archive.db().await;
    let at = 1_795_432_801_819;
    let run = |id: &str, ended: i64| Run {
        job: id.into(),
        queue: Some(queue("mail")),
        worker: "w-1".into(),
        class: None,
        attempt: Some(1),
        started_at: Millis(ended - 1_000),
        ended_at: Millis(ended),
        wait_ms: None,
        outcome: "failed",
        error: None,
    };
    let line = |message: String, at: i64| record::Line { level: "info".into(), message, worker: "w-1".into(), queue: None, at: Millis(at) };
    let row = |id: &str, at: i64| {
        let payload = crate::support::Payload::new(id, "mail").created(at).attempts(1, 1).failed("boom").into_bytes();
        Record { status: Status::Failed, queue: queue("mail"), id: None, payload, at: Millis(at) }
    };
    // Ten runs with a line each, an hour apart; one whose id is in every word; many runs; many rows; and a row of whose run nothing is known.
    let hours: Vec<i64> = (0..10).map(|n| at + n * HOUR_MS).collect();
    record::runs(&db, &hours.iter().map(|at| run("ORD-10", *at)).collect::<Vec<_>>()).await.expect("written");
    let said: Vec<record::Line> = hours.iter().enumerate().map(|(n, at)| line(format!("Step {n} of ORD-10"), at - 500)).collect();
    record::Lines::default().write(&db, &said, false).await.expect("written");
    record::runs(&db, &[run("e", at)]).await.expect("written");
    record::runs(&db, &(0..201).map(|n| run("ORD-11", at + n * 2_000)).collect::<Vec<_>>()).await.expect("written");
    record::records(&db, &(0..201).map(|n| row("ORD-12", at + n * 2_000)).collect::<Vec<_>>()).await.expect("written");
    record::records(&db, &[row("ORD-13", at)]).await.expect("written");
    let notes = async |id: &str| {
        let Past { entries, .. } = timeline::past(&db, &queue("mail"), id, false).await.expect("a past");
        entries.into_iter().filter(|e| e.kind == "note").map(|e| e.title).collect::<Vec<_>>()
    };
    let steps = notes("ORD-10").await;
    assert_eq!(steps.len(), 9, "{steps:?}");
    assert_eq!((steps[0].as_str(), steps[1].as_str()), ("Earlier lines of the log are not shown here", "Step 2 of ORD-10"));
    assert_eq!(notes("e").await, ["Lines of the log are not shown here"]);
    assert_eq!(notes("ORD-11").await, ["Of its runs the newest 200 are told"]);
    assert_eq!(notes("ORD-12").await, ["Of its 201 rows the newest 200 are told", "Lines of the log may be missing here"]);
    assert_eq!(notes("ORD-13").await, ["Lines of the log may be missing here"]);
    assert!(notes("ORD-14").await.is_empty(), "nothing is known of it");
    db.close().await;
}

/// A dead letter and the runs that led to it, as the console itself writes them.
async fn dead(archive: &Archive, id: &str, raw: &str, at: i64) {
    let db = archive.db().await;
    let record = Record { status: Status::Failed, queue: queue("mail"), id: None, payload: raw.into(), at: Millis(at) };
    record::records(&db, &[record]).await.expect("written");
    let run = |attempt, started: i64, outcome| Run {
        job: id.into(),
        queue: Some(queue("mail")),
        worker: "w-1".into(),
        class: Some("SendEmail".into()),
        attempt: Some(attempt),
        started_at: Millis(started),
        ended_at: Millis(started + 1_200),
        wait_ms: Some(300),
        outcome,
        error: Some("boom".into()),
    };
    record::runs(&db, &[run(1, at - 9_200, "retried"), run(2, at - 1_200, "dead")]).await.expect("written");
    db.close().await;
}

#[tokio::test]
async fn runs_of_the_channel_complete_the_rows() {
    let archive = Archive::new();
    let raw = crate::support::Payload::new("ORD-1", "mail").attempts(2, 2).failed("boom");
    let at = 1_795_432_801_819;
    dead(&archive, "ORD-1", &raw, at).await;
    let db = archive.db().await;
    let Past { entries, last, .. } = timeline::past(&db, &queue("mail"), "ORD-1", false).await.expect("a past");
    let told: Vec<_> = entries.iter().map(|e| (e.title.as_str(), e.detail.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        told,
        [
            ("Enqueued", ""),
            ("Attempt 1 failed, retried", "boom · ran 1 s on w-1, waited 300 ms"),
            ("Attempt 2 failed, no attempts left", "boom · ran 1 s on w-1, waited 300 ms")
        ]
    );
    let last = last.expect("it ran");
    assert_eq!((last.worker.as_str(), last.attempt, last.wait_ms, last.ended_at.0 - last.started_at.0), ("w-1", Some(2), Some(300), 1_200));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_left_redis_is_shown_and_pushed_again() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let raw = crate::support::Payload::new("a", "mail").attempts(2, 2).own(r#""n":9007199254740993123,"tags":[]"#).failed("boom");
    dead(&archive, "a", &raw, 1_795_432_801_819).await;
    let console = archive.console(&redis).await;
    let job = console.json("/api/v1/queues/mail/jobs/a").await;
    assert_eq!((&job["archived"], &job["status"], &job["payload"]), (&json!(true), &json!("failed"), &json!(raw)), "{job}");
    let row = job["row"].as_i64().expect("a row");
    let bytes = console.get(&format!("/api/v1/queues/mail/jobs/a/payload?row={row}")).await.bytes().await.expect("bytes");
    assert_eq!(bytes, raw.as_bytes());
    let page = console.get("/queues/mail/jobs/a").await.text().await.expect("a page");
    assert!(
        page.contains("Attempt 2 failed, no attempts left") && page.contains("This job is no longer in Redis. This is its archived copy."),
        "{page}"
    );
    assert!(page.contains(">archive<!></a>") && !page.contains(">completed<!></a>"), "the crumb leads to the tab: {page}");

    let push =
        async |verb: &str, request: &str| console.post(&format!("/api/v1/archive/jobs/{row}/{verb}"), &json!({"request": request})).await;
    assert_eq!(push("retry", "r1").await, (200, json!({"pushed": "done", "queue": "mail", "id": "a"})));
    assert_eq!(push("retry", "r1").await.1["pushed"], "before");
    let retried = flux_console::model::json::edit(&raw, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).expect("JSON");
    assert_eq!(redis.texts("queue:mail").await, [retried]);
    let (status, copy) = push("duplicate", "r2").await;
    assert_eq!((status, &copy["pushed"]), (200, &json!("done")));
    let newest: Value = serde_json::from_str(&redis.texts("queue:mail").await[0]).expect("JSON");
    assert!(newest["id"] == copy["id"] && newest["id"] != "a");
    // Each click left its line, and the job's own page tells of those that were about it.
    let mut audited = json!(null);
    eventually("both are audited", Duration::from_secs(20), async || {
        audited = console.json("/api/v1/audit?queue=mail").await;
        audited["total"] == 3
    })
    .await;
    let mut said: Vec<(&str, &str, &str)> = audited["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|l| (l["verb"].as_str().unwrap(), l["filter"].as_str().unwrap(), l["result"].as_str().unwrap()))
        .collect();
    // They may be of one millisecond.
    said.sort_unstable();
    // The line names what became of it, and the page of the copy finds it, once.
    let copy = copy["id"].as_str().expect("an id");
    let became = format!("done as {copy}, a copy of a");
    assert_eq!(
        said,
        [
            ("duplicate", "id:a", became.as_str()),
            ("retry-archived", "id:a", "done"),
            ("retry-archived", "id:a", "done by the click before")
        ],
        "{audited}"
    );
    eventually("the copy tells where it comes from", Duration::from_secs(20), async || {
        let entries = actions::past::past(&console.state, &queue("mail"), copy, true).await.expect("a past").entries;
        let told: Vec<_> = entries.into_iter().filter(|e| e.kind == "action").map(|e| (e.title, e.detail)).collect();
        told == [("Duplicated by 127.0.0.1".to_owned(), Some(became.clone()))]
    })
    .await;
    let page = console.get(&format!("/queues/mail/jobs/a?row={row}")).await.text().await.expect("a page");
    assert!(page.contains("Retried by 127.0.0.1") && page.contains("archived copy"), "{page}");
    assert_eq!(push("retry", "no spaces").await.0, 422);
    for (body, status) in [("{", 400), ("", 400), (r#"{"request":"r8","base":1}"#, 422)] {
        let path = format!("{}/api/v1/archive/jobs/{row}/retry", console.base_url);
        let refused = console.client.post(path).body(body).send().await.expect("an answer");
        let kind = refused.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!((refused.status().as_u16(), kind.as_str()), (status, "application/problem+json"), "{body}");
    }
    let pushed = async || {
        let lines = console.json("/api/v1/audit?who=127.0.0.1").await["lines"].take();
        lines.as_array().is_some_and(|lines| lines.len() >= 4 && lines.iter().all(|line| line["who"] == "somebody at 127.0.0.1"))
    };
    eventually("the audit log says who", Duration::from_secs(20), pushed).await;
    assert_eq!(console.post("/api/v1/archive/jobs/99999/retry", &json!({"request": "r9"})).await.0, 404);
    console.stop().await;
}

/// A large payload of the past is a tree like one in Redis.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_payload_of_the_past_is_read_level_by_level() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let own = format!(r#""n":9007199254740993123,"list":[{}]"#, vec![r#""needle""#; 20_000].join(","));
    let raw = crate::support::Payload::new("a", "mail").attempts(2, 2).own(&own).failed("boom");
    dead(&archive, "a", &raw, 1_795_432_801_819).await;
    let console = archive.console(&redis).await;
    let row = console.json("/api/v1/queues/mail/jobs/a").await["row"].as_i64().expect("a row");
    let asked = async |rest: &str| console.json(&format!("/api/v1/queues/mail/jobs/a/payload/{rest}&row={row}")).await;
    let exact = asked("search?q=9007199254740993123").await["hits"][0]["node"].take();
    assert_eq!((&exact["key"], &exact["text"]), (&json!("data.properties.n"), &json!("9007199254740993123")));
    let many = asked("search?q=needle").await;
    assert_eq!(many["more"], true);
    let path: Vec<String> = many["hits"][0]["path"].as_array().expect("a path").iter().map(Value::to_string).collect();
    let list = path[..path.len() - 1].join(".");
    let page = asked(&format!("level?path={list}&from=19900")).await;
    let children = page["children"].as_array().expect("children");
    assert_eq!((&page["node"]["children"], children.len(), &children[99]["text"]), (&json!(20_000), 100, &json!("\"needle\"")));
    for other in
        ["mail/jobs/a/payload/level?row=99999".to_owned(), format!("mail/jobs/b/payload?row={row}"), format!("b/jobs/a/payload?row={row}")]
    {
        let gone = console.get(&format!("/api/v1/queues/{other}")).await;
        assert_eq!(gone.status().as_u16(), 404, "{other}");
    }
    // The rest of the job's past is not read for it.
    let read = async {
        let read = actions::past::payload(&console.state, &queue("mail"), "a", Some(row)).await.expect("an answer");
        assert_eq!(read.as_deref(), Some(raw.as_bytes()));
        SENT.with(|sent| sent.lock().expect("no panic").iter().map(|sql| sql.text.clone()).collect::<Vec<_>>())
    };
    let sent = SENT.scope(Arc::default(), read).await;
    let rest = ["flux_system_logs", "flux_console_audit", "flux_console_operations", "flux_console_attempts"];
    assert!(!sent.is_empty() && !sent.iter().any(|text| rest.iter().any(|table| text.contains(table))), "{sent:#?}");
    let html = console.get(&format!("/queues/mail/jobs/a?row={row}")).await.text().await.expect("a page");
    assert!(html.contains("too much to be edited here") && html.contains("Download all of it"), "{html}");
    console.stop().await;
}

/// What a row of every list of jobs has.
const LISTED: [&str; 13] = [
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
];

/// An ordinary click on Retry is part of the job's story.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_is_told_on_the_jobs_page() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let raw = crate::support::Payload::new("odd id: \"7\"", "mail").attempts(2, 2).failed("boom");
    redis.push_raw("queue:mail:failed", [&raw]).await;
    let console = archive.console(&redis).await;
    let page = console.json("/api/v1/queues/mail/jobs?state=failed").await;
    let body = json!({"state": "failed", "jobs": [page["jobs"][0]["fingerprint"]]});
    assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await.1["done"], 1);
    let told = async || {
        let past = flux_console::server::actions::past::past(&console.state, &queue("mail"), "odd id: \"7\"", false).await.expect("a past");
        past.entries.iter().any(|e| e.title == "Retried by 127.0.0.1" && e.detail.is_none())
    };
    eventually("it is told", Duration::from_secs(20), told).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_tab_says_what_a_row_means() {
    let (archive, redis) = (Archive::recorded(), TestRedis::start().await);
    redis.push_raw("queue:mail", [payload("x", "mail", "")]).await;
    let console = archive.console(&redis).await;
    let page = console.json("/api/v1/queues/mail/jobs?state=completed").await;
    let told: Vec<(&str, &str)> =
        page["jobs"].as_array().expect("jobs").iter().map(|r| (r["id"].as_str().unwrap(), r["verdict"].as_str().unwrap())).collect();
    assert_eq!(told[..3], [("fixed", "sure"), ("flaky-1", "sure"), ("many-1", "sure")]);
    assert!(told.contains(&("flaky-1", "failedAttempt")));
    // The total is that of jobs which completed; what says so and did not is marked, and the pages go over all of it.
    let so = told.iter().filter(|(_, verdict)| *verdict == "sure").count();
    assert!(so < told.len());
    assert_eq!((&page["total"], &page["rows"]), (&json!(so), &json!(told.len())));
    for job in page["jobs"].as_array().expect("jobs") {
        let state = if job["verdict"] == "failedAttempt" { Value::Null } else { json!("completed") };
        assert_eq!(job["state"], state, "{job}");
    }
    let second = console.json("/api/v1/queues/mail/jobs?state=completed&page=2").await;
    assert_eq!((&second["total"], &second["rows"], &second["jobs"]), (&json!(so), &json!(told.len()), &json!([])));
    let job = &page["jobs"][0];
    for key in LISTED {
        assert!(job.get(key).is_some(), "{key}: {job}");
    }
    assert_eq!((&job["state"], &job["fingerprint"], &job["queue"]), (&json!("completed"), &Value::Null, &json!("mail")));
    assert_eq!(console.json("/api/v1/archive/jobs?state=failed&perPage=20").await["total"], 2);
    assert_eq!(console.get("/api/v1/archive/jobs?state=lost").await.status(), 422);
    let html = console.get("/queues/mail?state=completed").await.text().await.expect("a page");
    // The tab has rows of every kind.
    let rows = console.json("/api/v1/archive/jobs?queue=mail").await["total"].clone();
    assert!(html.contains("Failed attempt") && html.contains(&format!("Showing {rows} of {rows} rows")), "{html}");
    console.stop().await;
}

/// A thousand rows are judged to count the jobs that completed; of more nobody says a number.
#[tokio::test(flavor = "multi_thread")]
async fn how_many_completed_is_exact_or_unknown() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let at = Millis(1_795_432_801_819);
    let row = |status: Status, id: &str, attempt: u32| {
        let job = crate::support::Payload::new(id, "mail").attempts(attempt, 2);
        let payload = if status == Status::Failed { job.failed("boom") } else { job.waiting() };
        record::Record { status, queue: queue("mail"), id: Some(id.into()), payload: payload.into_bytes(), at }
    };
    let db = archive.db().await;
    // The library wrote both of a failed attempt.
    let mut rows: Vec<record::Record> = (0..999).map(|n| row(Status::Completed, &format!("ok-{n}"), 1)).collect();
    rows.extend([row(Status::Failed, "dead", 1), row(Status::Completed, "dead", 1)]);
    record::records(&db, &rows).await.expect("written");
    redis.push_raw("queue:mail", [payload("x", "mail", "")]).await;
    let console = archive.console(&redis).await;
    let counted = async || {
        let page = console.json("/api/v1/queues/mail/jobs?state=completed&perPage=20").await;
        (page["total"].clone(), page["rows"].clone(), page["jobs"].as_array().expect("jobs").len())
    };
    eventually("a busy machine may need longer", Duration::from_secs(20), async || counted().await == (json!(999), json!(1_000), 20)).await;
    // Who asks each second is told what was counted: no row is read for that.
    let totals = Totals::default();
    let asked = async || {
        let ask = async {
            let completed = totals.completions(&db, queue("mail")).await.expect("a count");
            (completed, SENT.with(|sent| sent.lock().expect("no panic").len()))
        };
        SENT.scope(Arc::default(), ask).await
    };
    eventually("it is counted", Duration::from_secs(20), async || asked().await.0 == Some(999)).await;
    assert_eq!(asked().await, (Some(999), 0));
    record::records(&db, &[row(Status::Completed, "one more", 1)]).await.expect("written");
    assert_eq!(counted().await, (Value::Null, json!(1_001), 20));
    let gone = sql("DELETE FROM flux_job_archive WHERE job_id = ? OR job_id = ?").bind("ok-0").bind("ok-1");
    assert_eq!(db.run(gone).await.expect("deleted"), 2);
    let soon = Duration::from_secs(60);
    eventually("it is counted anew", soon, async || counted().await == (json!(998), json!(999), 20)).await;
    db.close().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_archive_never_blocks_a_live_job() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    archive.db().await.close().await;
    redis.push_raw("queue:mail", [payload("live", "mail", "")]).await;
    let console = archive.console(&redis).await;
    // Away with the write-ahead log first: in it readers pass a writer, without it they do not.
    let locker = sqlx::SqlitePool::connect(&format!("sqlite:{}", archive.path().display())).await.expect("a connection");
    let mut lock = locker.acquire().await.expect("a connection");
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *lock).await.expect("the lock");
    for _ in 0..3 {
        let since = Instant::now();
        let page = console.get("/queues/mail/jobs/live").await.text().await.expect("a page");
        assert!(page.contains("live") && since.elapsed() < Duration::from_millis(3_000), "{} ms", since.elapsed().as_millis());
        assert_eq!(console.json("/api/v1/queues/mail/jobs/live").await["id"], "live");
    }
    sqlx::query("ROLLBACK").execute(&mut *lock).await.expect("the end");
    drop(lock);
    locker.close().await;
    console.stop().await;
}

/// A page that is only read tells of the runs that the archive knows, also while the job is in Redis.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_jobs_page_tells_its_past_without_javascript() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let raw = crate::support::Payload::new("ORD-15", "mail").attempts(2, 2).failed("boom");
    dead(&archive, "ORD-15", &raw, 1_795_432_801_819).await;
    redis.push_raw("queue:mail:failed", [&raw]).await;
    let console = archive.console(&redis).await;
    let page = async || console.get("/queues/mail/jobs/ORD-15").await.text().await.expect("a page");
    // A busy machine may need longer than a page waits.
    eventually("it is told", Duration::from_secs(20), async || page().await.contains("Attempt 1 failed, retried")).await;
    console.stop().await;
}

/// The facts of a job that is gone are those of one that is there; and of gaps that are not shown it is said how many there are.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_leaves_out_is_said() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let raw = crate::support::Payload::new("ORD-9", "mail").attempts(2, 2).priority("high").failed("boom");
    dead(&archive, "ORD-9", &raw, 1_795_432_801_819).await;
    let db = archive.db().await;
    for n in 0..7 {
        let until = Millis(1_795_432_801_819 + n);
        gaps::write(&db, &Gap { queue: queue("mail"), from: None, until, up_to: Some(7) }).await.expect("written");
    }
    db.close().await;
    let console = archive.console(&redis).await;
    let page = console.get("/queues/mail/jobs/ORD-9").await.text().await.expect("a page");
    let fact: String = page.split(">Priority<").nth(1).expect("the fact").chars().take(80).collect();
    assert!(fact.contains("high"), "{fact}");
    for path in ["/api/v1/archive", "/api/v1/archive/jobs?queue=mail", "/api/v1/queues/mail/jobs?state=completed"] {
        let answer = console.json(path).await;
        assert_eq!((answer["gaps"].as_array().map(Vec::len), &answer["moreGaps"]), (Some(5), &json!(2)), "{path}: {answer}");
    }
    let page = console.get("/queues/mail?state=completed").await.text().await.expect("a page");
    assert!(page.contains("2 older gaps are not shown here"), "{page}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_archive_is_said() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    // A directory stands where the file should be.
    std::fs::create_dir(archive.path()).expect("a directory");
    redis.push_raw("queue:mail", [payload("live", "mail", "")]).await;
    let config = flux_console::server::config::Config {
        url: redis.url.clone(),
        archive: Setting::Sqlite(archive.path()),
        ..flux_console::server::config::Config::default()
    };
    let console = crate::support::TestConsole::start(config).await;
    console.discovered().await;
    let refused = async || console.state.archive.status().problem.is_some();
    eventually("the archive is refused", Duration::from_secs(20), refused).await;
    let past = flux_console::server::actions::past::past(&console.state, &queue("mail"), "live", false).await.expect("an answer");
    assert!(past.unavailable.is_some_and(|text| text.contains("unavailable since")));
    let page = console.get("/queues/mail/jobs/nobody").await.text().await.expect("a page");
    assert!(page.contains("unavailable since"), "{page}");
    // The archive may have it: nobody knows that it is gone.
    for path in ["/api/v1/queues/mail/jobs/nobody", "/api/v1/queues/mail/jobs/nobody/payload"] {
        let response = console.get(path).await;
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!((response.status().as_u16(), kind.as_str()), (503, "application/problem+json"), "{path}");
    }
    assert_eq!(console.json("/api/v1/queues/mail/jobs/live").await["id"], "live");
    console.stop().await;
}
