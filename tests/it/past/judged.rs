//! What is left of a group is judged with clocks that differ, and an action on it goes no further than what was counted.

use super::remembered::{HOUR_MS, SOON, TIMEOUT, by_queue, console, counted, dead, over, queue, record, timeout, write};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, Payload, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        archive::Status,
        errors::Archived,
        job::JobState,
        operation::{Operation, OperationStatus, Outcome, Verb},
        time::Millis,
    },
    server::{
        actions,
        archive::{
            record::{self, Record, Run},
            signatures, timeline,
        },
        digest::sha1_hex,
    },
};
use redis::AsyncCommands;
use serde_json::json;

const MINUTE_MS: i64 = 60_000;

on_each! {
    a_completion_counts_whatever_the_clocks_say
    rows_of_one_queue_are_found_among_those_of_others
}

fn run(id: &str, worker: &str, outcome: &'static str, ended: i64) -> Run {
    Run {
        job: id.into(),
        queue: Some(queue("orders")),
        worker: worker.into(),
        class: None,
        attempt: Some(if outcome == "completed" { 1 } else { 3 }),
        started_at: Millis(ended - 200),
        ended_at: Millis(ended),
        wait_ms: None,
        outcome,
        error: None,
    }
}

/// The worker on which they failed is five minutes ahead of the one on which they completed.
async fn a_completion_counts_whatever_the_clocks_say(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let at = now_ms() - HOUR_MS;
    let ahead = at + 5 * MINUTE_MS;
    let row = |id: &str, failed: i64, archived: i64| Record {
        status: Status::Failed,
        queue: queue("orders"),
        id: None,
        payload: Payload::new(id, "orders").created(failed).attempts(3, 3).failed(&timeout(1)).into_bytes(),
        at: Millis(archived),
    };
    // A console writes its own time, the library that of the worker.
    let rows = [row("console", ahead, at), row("library", ahead, ahead), row("before", ahead, ahead), row("alone", ahead, ahead)];
    // In the order in which they were heard.
    let runs = [
        run("before", "b", "completed", at - 2 * HOUR_MS),
        run("before", "a", "dead", ahead),
        run("library", "a", "dead", ahead),
        run("library", "b", "completed", at + MINUTE_MS),
        run("console", "b", "completed", at + MINUTE_MS),
        run("alone", "a", "dead", ahead),
    ];
    for run in runs {
        record::runs(&db, &[run]).await.expect("written");
    }
    write(&db, &rows).await;
    let (places, _) = signatures::places(&db, &sha1_hex(TIMEOUT), i64::MAX, 8).await.expect("places");
    let mut left = Vec::new();
    for place in places {
        if timeline::left(&db, &place.queue, &place.id, place.row, &[], Millis(0), true).await.expect("an answer").is_some() {
            left.push(place.id);
        }
    }
    assert_eq!(left, ["alone", "before"]);
}

async fn rows_of_one_queue_are_found_among_those_of_others(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let of = |name: &str, n: usize| record(name, &dead(&format!("{name}-{n}"), name, &timeout(n), 2), 2);
    let mut records: Vec<Record> = (0..3).map(|n| of("mail", n)).collect();
    records.extend((0..300).map(|n| of("orders", n)));
    records.extend((3..5).map(|n| of("mail", n)));
    write(&db, &records).await;
    let (signature, mail) = (sha1_hex(TIMEOUT), queue("mail"));
    let (mut found, mut before) = (Vec::new(), Some(i64::MAX));
    while let Some(from) = before {
        let (places, next) = signatures::places_of(&db, &signature, &mail, from, 2).await.expect("places");
        assert!(places.len() <= 2 && next.is_none_or(|next| next < from), "{next:?}");
        found.extend(places.into_iter().map(|place| place.id));
        before = next;
    }
    assert_eq!(found, ["mail-4", "mail-3", "mail-2", "mail-1", "mail-0"]);
}

/// Its own clock is behind, so it seems to have begun before the failure.
#[tokio::test]
async fn an_operation_that_goes_on_counts_whenever_it_began() {
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    write(&db, &[record("orders", &dead("a", "orders", &timeout(1), 1), 1)]).await;
    let (places, _) = signatures::places(&db, &sha1_hex(TIMEOUT), i64::MAX, 8).await.expect("places");
    let left = async |status| {
        let operation = Operation {
            id: "o".into(),
            verb: Verb::Retry,
            queue: queue("orders"),
            state: Some(JobState::Failed),
            status,
            total: 9,
            outcome: Outcome { done: 3, ..Outcome::default() },
            started_at: Millis(now_ms() - 2 * HOUR_MS),
            finished_at: None,
            message: None,
            filter: None,
            who: None,
        };
        timeline::left(&db, &queue("orders"), "a", places[0].row, &[operation], Millis(0), true).await.expect("an answer").is_some()
    };
    assert_eq!((left(OperationStatus::Running).await, left(OperationStatus::Done).await), (false, true));
}

/// What came into question since the count stays where it is, also when what was counted is gone.
#[tokio::test(flavor = "multi_thread")]
async fn rows_older_than_those_counted_are_not_taken_instead() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let old = dead("old", "orders", &timeout(1), 3);
    write(&archive.db().expect("open"), &[record("orders", &old, 3), record("orders", &dead("a", "orders", &timeout(2), 2), 2)]).await;
    redis.push_raw("queue:orders:failed", [&old]).await;
    let console = console(&redis, &database).await;
    let step = counted(&console).await;
    assert_eq!(by_queue(&step.archived), [("orders", 1)]);
    assert_eq!(step.archived.parts[0].bottom, step.archived.top, "the newest alone was counted");
    redis.con.clone().del::<_, ()>("queue:orders:failed").await.expect("DEL");
    redis.push_raw("queue:orders", [Payload::new("a", "orders").waiting()]).await;
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    let outcome = over(&console, &started).await.remove(0).outcome;
    assert_eq!((outcome.done, outcome.gone), (0, 1), "{outcome:?}");
    assert_eq!(redis.list("queue:orders").await.len(), 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_named_twice_has_one_operation() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    write(&archive.db().expect("open"), &[record("orders", &dead("a", "orders", &timeout(1), 2), 2)]).await;
    redis.push_raw("queue:orders:failed", [dead("here", "orders", &timeout(2), 1)]).await;
    let console = console(&redis, &database).await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let step = counted(&console).await;
    assert_eq!((parts.len(), by_queue(&step.archived)), (1, vec![("orders", 1)]));
    let parts = [parts.clone(), parts].concat();
    let archived = Archived { parts: [step.archived.parts.clone(), step.archived.parts].concat(), ..step.archived };
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, Some(&archived), false).await.expect("started");
    assert_eq!(started.iter().map(|o| o.verb).collect::<Vec<_>>(), [Verb::RetryArchived, Verb::Retry], "{started:?}");
    let ended = over(&console, &started).await;
    assert!(ended.iter().all(|o| o.outcome.done == 1), "{ended:?}");
    assert_eq!(actions::operations(&console.state).await.expect("a list").len(), 2);
    console.stop().await;
}

/// A program retries by what it was answered, as a page does.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_when_a_failure_was_read_and_pushed() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    write(&archive.db().expect("open"), &[record("orders", &dead("a", "orders", &timeout(1), 2), 2)]).await;
    let console = console(&redis, &database).await;
    let job = console.json("/api/v1/queues/orders/jobs/a").await;
    let row = job["row"].as_i64().expect("a row");
    assert!(job["answeredAt"].is_string() && job.get("pushedAt").is_some_and(serde_json::Value::is_null), "{job}");
    let retry = async |request: &str, seen_at: &serde_json::Value| {
        let body = json!({"request": request, "seenAt": seen_at});
        console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &body).await.1["pushed"].take()
    };
    assert_eq!(retry("r1", &job["answeredAt"]).await, "done");
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    assert_eq!(retry("r2", &job["answeredAt"]).await, "since");
    let mut later = json!(null);
    eventually("it is told", SOON, async || {
        later = console.json(&format!("/api/v1/queues/orders/jobs/a?row={row}")).await;
        later["pushedAt"].is_string()
    })
    .await;
    let times = |job: &serde_json::Value, name: &str| job[name].as_str().expect("a time").to_owned();
    assert!(times(&later, "pushedAt") >= times(&job, "answeredAt") && times(&later, "answeredAt") >= times(&later, "pushedAt"), "{later}");
    console.stop().await;
}
