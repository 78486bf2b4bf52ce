//! Links to rows of the archive: what Redis has of the job besides, and how it ended after the failure that a row tells of.

use super::Archive;
use crate::support::{Payload, TestRedis};
use flux_console::{
    model::{archive::Status, audit::AuditLine, ids::QueueName, time::Millis},
    server::archive::{
        audit,
        db::Db,
        record::{self, Record, Run},
        timeline,
    },
};
use serde_json::{Value, json};

const AT: i64 = 1_795_432_801_819;

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a name")
}

async fn write(db: &Db, status: Status, name: &str, raw: &str, at: i64) {
    let record = Record { status, queue: queue(name), id: None, payload: raw.into(), at: Millis(at) };
    assert_eq!(record::records(db, &[record]).await.expect("written").rows, 1);
}

fn run(id: &str, name: &str, attempt: u64, ended: i64, outcome: &'static str, worker: &str) -> Run {
    Run {
        job: id.into(),
        queue: Some(queue(name)),
        worker: worker.into(),
        class: None,
        attempt: Some(attempt),
        started_at: Millis(ended - 700),
        ended_at: Millis(ended),
        wait_ms: Some(3_000),
        outcome,
        error: (outcome != "completed").then(|| "second boom".into()),
    }
}

/// How the button that retries is shown; `None`: it is not there.
fn button(html: &str) -> Option<&str> {
    let (before, _) = html.split_once("Retry job…")?;
    before.rsplit("<button").next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_still_in_redis_is_not_pushed_from_the_archive() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let raw = Payload::new("b-5", "bill").created(AT).attempts(2, 2).failed("boom");
    let db = archive.db().await;
    write(&db, Status::Failed, "bill", &raw, AT + 5_000).await;
    db.close().await;
    redis.push_raw("queue:bill:failed", [&raw]).await;
    let console = archive.console(&redis).await;
    let row = console.json("/api/v1/archive/jobs?queue=bill").await["rows"][0]["row"].as_i64().expect("a row");
    let page = async || console.get(&format!("/queues/bill/jobs/b-5?row={row}")).await.text().await.expect("a page");
    let push =
        async |verb: &str, request: &str| console.post(&format!("/api/v1/archive/jobs/{row}/{verb}"), &json!({"request": request})).await;

    let html = page().await;
    assert!(html.contains("This failure is still in Redis") && html.contains("Show it in Redis"), "{html}");
    assert!(!html.contains("no longer in Redis") && button(&html).is_none() && html.contains("Duplicate…"), "{html}");
    let (status, problem) = push("retry", "r1").await;
    let said = json!("This failure is still in Redis: retry it there. Nothing was changed.");
    assert_eq!((status, &problem["detail"]), (409, &said), "{problem}");
    assert!(redis.texts("queue:bill").await.is_empty());
    assert_eq!(redis.texts("queue:bill:failed").await, [raw.as_str()]);
    assert_eq!(push("duplicate", "r2").await.0, 200, "a copy is another job");

    // Another failure of the same id is no reason.
    let later = Payload::new("b-5", "bill").created(AT + 60_000).attempts(2, 2).failed("boom");
    redis::cmd("DEL").arg("queue:bill:failed").arg("queue:bill").exec_async(&mut redis.con.clone()).await.expect("deleted");
    redis.push_raw("queue:bill:failed", [&later]).await;
    let html = page().await;
    assert!(html.contains("A job with this id is in Redis: failed."), "{html}");
    assert!(button(&html).is_some_and(|button| !button.contains("primary")), "{html}");
    assert_eq!(push("retry", "r3").await.0, 200);
    let html = page().await;
    assert!(html.contains("2 jobs with this id are in Redis."), "{html}");

    redis::cmd("DEL").arg("queue:bill:failed").arg("queue:bill").exec_async(&mut redis.con.clone()).await.expect("deleted");
    let html = page().await;
    // A worker has taken it: the archive knows nothing of that yet.
    assert!(html.contains("This job is no longer in Redis. This is its archived copy. It was pushed again at "), "{html}");
    assert!(button(&html).is_some_and(|button| !button.contains("primary")), "{html}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_completed_after_its_failure_is_headed_so() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let db = archive.db().await;
    let raw = |id: &str| Payload::new(id, "life").created(AT).attempts(2, 2).failed("second boom");
    for id in ["life-1", "life-2"] {
        write(&db, Status::Failed, "life", &raw(id), AT + 2_000).await;
    }
    let runs = [
        run("life-1", "life", 2, AT, "dead", "w-1"),
        run("life-1", "life", 1, AT + 60_000, "completed", "again-1"),
        // It completed before, as a schedule's job does, and failed since.
        run("life-2", "life", 1, AT - 60_000, "completed", "again-1"),
        run("life-2", "life", 2, AT, "dead", "w-1"),
    ];
    record::runs(&db, &runs).await.expect("written");
    db.close().await;
    let console = archive.console(&redis).await;
    let job = console.json("/api/v1/queues/life/jobs/life-1").await;
    let row = job["row"].as_i64().expect("a row");
    let asked = console.json(&format!("/api/v1/queues/life/jobs/life-1?row={row}")).await;
    let told = |job: &Value| ["status", "later", "error"].map(|field| job[field].clone());
    assert_eq!(told(&job), [json!("completed"), json!("completed"), json!("second boom")], "{job}");
    // Nothing tells that this failure was retried: it may be a schedule's next run that completed.
    assert_eq!(told(&asked), [json!("failed"), Value::Null, json!("second boom")], "{asked}");
    for job in [&job, &asked] {
        assert_eq!((&job["last"]["outcome"], &job["ran"]["worker"]), (&json!("completed"), &json!("w-1")), "{job}");
        assert!(!job["failedAt"].is_null(), "{job}");
    }
    let db = archive.db().await;
    let retried = AuditLine {
        id: "1-0".into(),
        at: Millis(AT + 30_000),
        who: "somebody".into(),
        verb: "retry".into(),
        queue: Some("life".into()),
        filter: Some("life-1".into()),
        jobs: Some(1),
        result: "1 done".into(),
        took_ms: 1,
        ids: vec!["life-1".into()],
    };
    audit::write(&db, &[retried]).await.expect("written");
    db.close().await;
    let asked = console.json(&format!("/api/v1/queues/life/jobs/life-1?row={row}")).await;
    assert_eq!(told(&asked), [json!("completed"), json!("completed"), json!("second boom")], "{asked}");
    let other = console.json("/api/v1/queues/life/jobs/life-2").await;
    assert_eq!((&other["status"], &other["later"]), (&json!("failed"), &Value::Null), "{other}");

    let page = async |id: &str| console.get(&format!("/queues/life/jobs/{id}")).await.text().await.expect("a page");
    let head = |html: &str| html.split_once("<h1").expect("a title").1.chars().take(1_000).collect::<String>();
    let html = page("life-1").await;
    assert!(head(&html).contains("Completed") && !head(&html).contains("Failed"), "{html}");
    assert!(html.contains("second boom") && html.contains("It completed after the failure"), "{html}");
    assert!(button(&html).is_some_and(|button| !button.contains("primary")), "{html}");
    let worker: String = html.split_once(">Worker<").expect("the fact").1.chars().take(80).collect();
    assert!(worker.contains("w-1"), "{worker}");
    let html = page("life-2").await;
    assert!(head(&html).contains("Failed") && button(&html).is_some_and(|button| button.contains("primary")), "{html}");
    console.stop().await;
}

/// A schedule's job goes on after each of its rows.
#[tokio::test]
async fn a_row_that_tells_of_a_success_stands_for_itself() {
    let archive = Archive::new();
    let db = archive.db().await;
    let payload = |at: i64| Payload::new("nightly", "life").created(at).attempts(1, 1);
    write(&db, Status::Completed, "life", &payload(AT).waiting(), AT).await;
    write(&db, Status::Failed, "life", &payload(AT + 60_000).failed("boom"), AT + 60_000).await;
    let asked = async |row: Option<i64>| timeline::job(&db, &queue("life"), "nightly", row, 10).await.expect("an answer").expect("a row");
    let newest = asked(None).await;
    assert_eq!((newest.row.status, newest.later), (Status::Failed, None));
    let first = asked(Some(newest.row.row - 1)).await;
    assert_eq!((first.row.status, first.later, first.succeeded()), (Status::Completed, None, true));
    // The library's row of the failed attempt, and of the schedule's next run.
    for at in [AT + 60_004, AT + 120_000] {
        write(&db, Status::Completed, "life", &payload(at).waiting(), at).await;
    }
    let failure = asked(Some(newest.row.row)).await;
    assert_eq!((failure.row.status, failure.later), (Status::Failed, None));
    // A retry keeps the stamp of the push.
    write(&db, Status::Completed, "life", &payload(AT + 60_000).attempts(0, 1).waiting(), AT + 180_000).await;
    let failure = asked(Some(newest.row.row)).await;
    assert_eq!((failure.row.status, failure.later), (Status::Failed, Some(Status::Completed)));
    db.close().await;
}

/// A number that is no row of the job is answered with 404, and on its page with that sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_no_row_of_the_job_is_not_found() {
    let (redis, archive) = (TestRedis::start().await, Archive::new());
    let db = archive.db().await;
    for id in ["night-1", "night-2"] {
        write(&db, Status::Failed, "life", &Payload::new(id, "life").created(AT).attempts(1, 1).failed("boom"), AT).await;
    }
    db.close().await;
    let console = archive.console(&redis).await;
    let other = console.json("/api/v1/queues/life/jobs/night-2").await["row"].as_i64().expect("a row");
    for row in [other, 999_999] {
        let answer = console.get(&format!("/api/v1/queues/life/jobs/night-1?row={row}")).await;
        let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
        assert_eq!((answer.status().as_u16(), kind.as_str()), (404, "application/problem+json"), "{row}");
        let html = console.get(&format!("/queues/life/jobs/night-1?row={row}")).await.text().await.expect("a page");
        assert!(html.contains(&format!("The archive has no row {row} of this job.")) && button(&html).is_none(), "{html}");
    }
    redis.push_raw("queue:life:failed", [Payload::new("night-1", "life").attempts(1, 1).failed("another")]).await;
    let html = console.get("/queues/life/jobs/night-1?row=999999").await.text().await.expect("a page");
    assert!(html.contains("The archive has no row 999999 of this job.") && button(&html).is_none(), "{html}");
    console.stop().await;
}
