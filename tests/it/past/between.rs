//! What comes between the count of a group's archived failures and their push, and what is known of it only in part.

use super::{
    once::{failures, forgotten, minutes_ago},
    remembered::{HOUR_MS, SOON, TIMEOUT, by_queue, console, counted, dead, over, queue, record, timeout, write},
};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, TestRedis, eventually, now_ms, pause_line},
};
use flux_console::{
    model::{audit::AuditLine, errors::GroupPart, operation::Verb, time::Millis},
    server::{
        actions::{self, errors::remembered},
        archive::sql::sql,
    },
};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

on_each! { a_click_on_a_job_with_a_long_id_is_known }

/// Longer than the text of an audit line.
async fn a_click_on_a_job_with_a_long_id_is_known(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let (retried, deleted) = ("a".repeat(600), "b".repeat(600));
    let raws = [&retried, &deleted].map(|id| dead(id, "orders", &timeout(1), 2));
    write(&archive.db().expect("open"), &raws.each_ref().map(|raw| record("orders", raw, 2))).await;
    redis.push_raw("queue:orders:failed", &raws[1..]).await;
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("orders", 1)], "the other one is in Redis");

    let row = console.json(&format!("/api/v1/queues/orders/jobs/{retried}")).await["row"].as_i64().expect("a row");
    let (_, pushed) = console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &json!({"request": "r1"})).await;
    assert_eq!(pushed["pushed"], "done", "{pushed}");
    let job = console.json("/api/v1/queues/orders/jobs?state=failed").await["jobs"][0]["fingerprint"].take();
    let (_, done) = console.post("/api/v1/queues/orders/jobs/discard", &json!({"state": "failed", "jobs": [job]})).await;
    assert_eq!(done["done"], 1, "{done}");
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    let moved = async || console.state.driver.audit_waiting().await.is_ok_and(|waiting| waiting == 0);
    eventually("the lines are in the archive", SOON, moved).await;
    forgotten(&redis).await;
    assert_eq!(counted(&console).await.archived.count(), 0, "the archive knows of both");
    for (id, title) in [(&retried, "Retried by 127.0.0.1"), (&deleted, "Deleted by 127.0.0.1")] {
        let told = actions::past::past(&console.state, &queue("orders"), id, false).await.expect("a past").entries;
        let deeds: Vec<&str> = told.iter().filter(|entry| entry.kind == "action").map(|entry| entry.title.as_str()).collect();
        assert_eq!(deeds, [title]);
    }
    console.stop().await;
}

/// Its operation is forgotten after a day; the archive was away for longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_waits_for_the_archive_tells_of_all_failed_jobs() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let mut records = failures("orders", &["a"]);
    records.extend(failures("mail", &["m"]));
    write(&db, &records).await;
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("mail", 1), ("orders", 1)]);
    // The archive takes nothing while this is open.
    let holds = db.begin().await.expect("begins");
    let line = AuditLine {
        verb: "retry".into(),
        queue: Some("mail".into()),
        filter: Some("all failed".into()),
        jobs: Some(1),
        result: "1 done".into(),
        ..pause_line("line", minutes_ago(5))
    };
    console.state.driver.push_audit(&[serde_json::to_string(&line).expect("JSON")]).await.expect("pushed");
    assert_eq!(by_queue(&counted(&console).await.archived), [("orders", 1)]);
    assert_eq!(console.state.driver.audit_waiting().await.expect("an answer"), 1);
    drop(holds);
    console.stop().await;
}

/// Retention, or the library, deletes a row between its judgement and its push.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_once_it_was_judged_is_gone() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Postgres).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a"])).await;
    let console = console(&redis, &database).await;
    let step = counted(&console).await;
    assert_eq!(by_queue(&step.archived), [("orders", 1)]);
    // The rows of a job are read together with what operators did to it: the judgement waits for that.
    let mut holds = db.begin().await.expect("begins");
    holds.run(sql("LOCK TABLE flux_console_audit IN ACCESS EXCLUSIVE MODE")).await.expect("locked");
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                   AND query LIKE '%JOIN flux_console_audit_jobs%'";
    eventually("it waits", SOON, async || db.one(sql(waiting), |row| row.count(0)).await.expect("a count") > Some(0)).await;
    // By now the others are read.
    tokio::time::sleep(Duration::from_millis(500)).await;
    db.run(sql("DELETE FROM flux_job_archive")).await.expect("deleted");
    holds.commit().await.expect("released");
    let outcome = over(&console, &started).await.remove(0).outcome;
    assert_eq!((outcome.done, outcome.gone, outcome.corrupt), (0, 1, 0), "{outcome:?}");
    console.stop().await;
}

/// The payload is larger than the server takes, and the id longer than its column.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_which_a_part_of_the_id_is_kept_is_not_pushed() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::MariaDb).await;
    let (id, data, at) = ("i".repeat(80), "y".repeat(17 * 1024 * 1024), now_ms() - HOUR_MS);
    let huge = format!(r#"{{"id":"{id}","data":"{data}","createdAt":{at},"attempts":3,"error":"{}","failedAt":{at}}}"#, timeout(1));
    write(&archive.db().expect("open"), &[record("orders", &huge, 1)]).await;
    let console = console(&redis, &database).await;
    let step = counted(&console).await;
    assert_eq!(by_queue(&step.archived), [("orders", 1)]);
    let row = console.json(&format!("/api/v1/queues/orders/jobs/{id}")).await["row"].as_i64().expect("a row");
    for (verb, request) in [("retry", "r1"), ("duplicate", "r2")] {
        let (status, problem) = console.post(&format!("/api/v1/archive/jobs/{row}/{verb}"), &json!({"request": request})).await;
        assert_eq!(status, 409, "{verb}: {problem}");
    }
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    let outcome = over(&console, &started).await.remove(0).outcome;
    assert_eq!((outcome.done, outcome.corrupt), (0, 1), "{outcome:?}");
    assert!(redis.list("queue:orders").await.is_empty());
    console.stop().await;
}

/// The console's clock may be ahead of that of Redis: a page must not seem later than a push that it does not know.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_redis_did_not_tell_the_time_knows_of_no_push() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    write(&archive.db().expect("open"), &failures("orders", &["a"])).await;
    let console = console(&redis, &database).await;
    let page = async || actions::past::answer(&console.state, &queue("orders"), "a", None, None, false).await.expect("a page");
    let failure = page().await.past.expect("an archived job").row;
    let note = console.state.driver.keys().request(&remembered::name(&failure));
    redis.con.clone().rpush::<_, _, ()>(&note, "no time").await.expect("RPUSH");
    let untold = page().await;
    assert_eq!((untold.pushed_at, untold.answered_at), (None, Millis(0)));
    redis.con.clone().del::<_, ()>(&note).await.expect("DEL");
    let click = async |request: &str| {
        let body = json!({"request": request, "seenAt": untold.answered_at});
        console.post(&format!("/api/v1/archive/jobs/{}/retry", failure.row), &body).await.1["pushed"].take()
    };
    assert_eq!(click("r1").await, "done");
    assert_eq!(click("r2").await, "since");
    console.stop().await;
}

/// The part in Redis waits until the part from the archive is through; what fails in between is meant by the later click alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_count_is_acted_on_though_an_earlier_one_waits() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a"])).await;
    redis.push_raw("queue:orders:failed", [dead("here", "orders", &timeout(2), 1)]).await;
    let console = console(&redis, &database).await;
    let parts = async || actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let (earlier, step) = (parts().await, counted(&console).await);
    assert_eq!(by_queue(&step.archived), [("orders", 1)]);
    // What is pushed out of the archive cannot be named meanwhile.
    let holds = db.begin().await.expect("begins");
    let mut all = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &earlier, Some(&step.archived), false).await.expect("started");
    redis.put_before("queue:orders:failed", vec![dead("since", "orders", &timeout(3), 0)]).await;
    let later = parts().await;
    assert_eq!((earlier[0].count, later[0].count), (1, 2));
    let act = async |parts: &[GroupPart]| {
        let mut started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, parts, None, false).await.expect("started");
        started.remove(0)
    };
    let (doubled, second) = (act(earlier.as_slice()).await, act(later.as_slice()).await);
    assert_eq!((all.len(), &doubled.id), (2, &all[1].id), "the same click twice");
    assert_ne!(second.id, doubled.id);
    drop(holds);
    all.push(second);
    let ended = over(&console, &all).await;
    assert_eq!(ended.iter().map(|operation| operation.outcome.done).sum::<u64>(), 3, "{ended:?}");
    assert!(redis.list("queue:orders:failed").await.is_empty());
    assert_eq!(redis.list("queue:orders").await.len(), 3);
    console.stop().await;
}
