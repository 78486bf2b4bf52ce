//! A group's failures that only the archive remembers: which they are, and that each is pushed again once.

use crate::{
    archive::{fresh, on_each},
    support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        archive::Status,
        audit::AuditLine,
        errors::{Archived, ArchivedStep, filter},
        ids::QueueName,
        json::edit,
        operation::{Operation, Verb},
        time::Millis,
    },
    server::{
        actions::{self, errors::remembered},
        archive::{
            audit,
            db::{Db, SENT},
            index,
            record::{self, Record, Run},
            signatures,
            sql::sql,
        },
        config::Config,
        digest::sha1_hex,
    },
};
use redis::AsyncCommands;
use serde_json::json;
use std::{sync::Arc, time::Duration};

pub const SOON: Duration = Duration::from_secs(30);
pub const TIMEOUT: &str = "PaymentTimeout: gateway did not answer within <n> ms";
pub const HOUR_MS: i64 = 3_600_000;

on_each! {
    what_only_the_archive_remembers_is_retried_with_the_group
    a_failure_is_pushed_once_whoever_asks
    what_came_further_is_not_counted
}

pub fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a name")
}

pub fn timeout(n: usize) -> String {
    format!("PaymentTimeout: gateway did not answer within {} ms", 30_000 + n)
}

/// A dead letter of `hours` ago, with a back-off that a retry drops.
pub fn dead(id: &str, name: &str, error: &str, hours: i64) -> String {
    Payload::new(id, name)
        .created(now_ms() - hours * HOUR_MS)
        .attempts(3, 3)
        .delay(4)
        .own(r#""n":9007199254740993123,"tags":[]"#)
        .failed(error)
}

/// In the archive as if it had been copied then.
pub fn record(name: &str, raw: &str, hours: i64) -> Record {
    let at = Millis(now_ms() - hours * HOUR_MS + 1_000);
    Record { status: Status::Failed, queue: queue(name), id: None, payload: raw.into(), at }
}

pub async fn write(db: &Db, records: &[Record]) {
    record::records(db, records).await.expect("written");
    while index::step(db).await.expect("indexed") > 0 {}
}

pub async fn console(redis: &TestRedis, database: &Database) -> TestConsole {
    let config = Config { url: redis.url.clone(), archive: database.setting.clone(), ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    console
}

pub async fn counted(console: &TestConsole) -> ArchivedStep {
    let mut step = remembered::count(&console.state, TIMEOUT, None).await.expect("counted");
    while let Some(next) = step.next.take() {
        step = remembered::count(&console.state, TIMEOUT, Some(&next)).await.expect("counted");
    }
    step
}

pub fn by_queue(archived: &Archived) -> Vec<(&str, u64)> {
    let mut parts: Vec<_> = archived.parts.iter().map(|part| (part.queue.as_str(), part.count)).collect();
    parts.sort_unstable();
    parts
}

/// What was started, once all of it is over.
pub async fn over(console: &TestConsole, started: &[Operation]) -> Vec<Operation> {
    let mut ended = Vec::new();
    eventually("it is over", SOON, async || {
        ended.clear();
        for operation in started {
            ended.push(actions::operation(&console.state, &operation.id).await.expect("an operation"));
        }
        ended.iter().all(|operation| operation.status.is_over())
    })
    .await;
    ended
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn retried(raw: &str) -> String {
    edit(raw, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).expect("JSON")
}

async fn what_only_the_archive_remembers_is_retried_with_the_group(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let raws: Vec<String> = (0..7).map(|n| dead(&format!("t-{n}"), "orders", &timeout(n), 9)).collect();
    let mut records: Vec<Record> = raws.iter().map(|raw| record("orders", raw, 9)).collect();
    records.push(record("orders", &dead("other", "orders", "Card declined", 9), 9));
    write(&archive.db().expect("open"), &records).await;
    redis.push_raw("queue:orders:failed", &raws[5..]).await;
    let console = console(&redis, &database).await;

    let step = counted(&console).await;
    assert_eq!((by_queue(&step.archived), step.at_least, &step.unavailable), (vec![("orders", 5)], false, &None), "{step:?}");
    let age = now_ms() - step.oldest_at.expect("a time").0;
    assert!((8 * HOUR_MS..10 * HOUR_MS).contains(&age), "{step:?}");
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    assert_eq!(parts.iter().map(|part| part.count).sum::<u64>(), 2);
    let address = format!("/api/v1/errors/{}", sha1_hex(TIMEOUT));
    assert_eq!(console.json(&format!("{address}/archived")).await, serde_json::to_value(&step).expect("JSON"));
    assert_eq!(console.json(&format!("{address}/count")).await["parts"][0]["count"], 2);
    // Whether their jobs are in Redis is asked by what each row says alone.
    let db = archive.db().expect("open");
    let (places, _) = signatures::places(&db, &sha1_hex(TIMEOUT), i64::MAX, remembered::ROWS).await.expect("places");
    let look = async {
        remembered::Lately::of(&console.state, &db, &places.iter().collect::<Vec<_>>()).await.expect("an answer");
        SENT.with(|sent| sent.lock().expect("no panic").len())
    };
    assert_eq!(SENT.scope(Arc::default(), look).await, 1);

    // A deletion is of Redis alone.
    let delete = actions::errors::act(&console.state, TIMEOUT, Verb::Discard, &parts, Some(&step.archived), false).await;
    assert!(delete.is_err(), "{delete:?}");
    let body = json!({"parts": parts, "archived": step.archived});
    let (status, answer) = console.post(&format!("{address}/retry"), &body).await;
    let started: Vec<Operation> = serde_json::from_value(answer["operations"].clone()).expect("operations");
    assert_eq!((status, started.len()), (202, 2), "{answer}");
    let ended = over(&console, &started).await;
    let done = |verb: Verb| ended.iter().find(|o| o.verb == verb).map(|o| (o.outcome.done, o.outcome.gone));
    assert_eq!((done(Verb::RetryArchived), done(Verb::Retry)), (Some((5, 0)), Some((2, 0))), "{ended:?}");
    let expected = sorted(raws.iter().map(|raw| retried(raw)).collect());
    assert_eq!(sorted(redis.texts("queue:orders").await), expected);
    assert!(redis.list("queue:orders:failed").await.is_empty());

    // Taken by workers of whom nothing is heard: the archive knows by the line, and each job's page tells of it.
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    let mut line = json!(null);
    eventually("it is audited", SOON, async || {
        line = console.json("/api/v1/audit?verb=retry-archived").await["lines"][0].take();
        !line.is_null()
    })
    .await;
    assert_eq!((&line["jobs"], &line["result"], &line["filter"]), (&json!(5), &json!("5 done"), &json!(filter(TIMEOUT))), "{line}");
    let told = actions::past::past(&console.state, &queue("orders"), "t-3", false).await.expect("a past").entries;
    assert!(told.iter().any(|entry| entry.title == "Retried by 127.0.0.1"), "{told:?}");
    assert_eq!(counted(&console).await.archived.count(), 0);
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    let ended = over(&console, &started).await;
    assert_eq!((ended[0].outcome.done, ended[0].outcome.gone), (0, 5), "{ended:?}");
    assert!(redis.list("queue:orders").await.is_empty());
    console.stop().await;
}

/// Two consoles at the same time; and one whose lines were lost.
async fn a_failure_is_pushed_once_whoever_asks(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let raws: Vec<String> = (0..50).map(|n| dead(&format!("t-{n}"), "orders", &timeout(n), 2)).collect();
    write(&db, &raws.iter().map(|raw| record("orders", raw, 2)).collect::<Vec<_>>()).await;
    let (one, other) = (console(&redis, &database).await, console(&redis, &database).await);
    let step = counted(&one).await;
    assert_eq!(by_queue(&step.archived), [("orders", 50)]);
    let act = async |console: &TestConsole| {
        let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
        over(console, &started).await.remove(0).outcome
    };
    let (a, b) = tokio::join!(act(&one), act(&other));
    assert_eq!((a.done + b.done, a.gone + b.gone), (50, 50), "{a:?} {b:?}");
    assert_eq!(sorted(redis.texts("queue:orders").await), sorted(raws.iter().map(|raw| retried(raw)).collect()));

    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    db.run(sql("DELETE FROM flux_console_audit_jobs")).await.expect("deleted");
    db.run(sql("DELETE FROM flux_console_audit")).await.expect("deleted");
    assert_eq!(counted(&one).await.archived.count(), 0, "the archive does not know, the notes in Redis do");
    let after = act(&other).await;
    assert_eq!((after.done, after.gone), (0, 50));
    assert!(redis.list("queue:orders").await.is_empty());
    one.stop().await;
    other.stop().await;
}

async fn what_came_further_is_not_counted(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let of = |id: &str, name: &str, hours: i64| record(name, &dead(id, name, &timeout(1), hours), hours);
    let mut records: Vec<Record> =
        ["plain", "completed", "lost", "retried", "deleted", "waits", "clicked"].map(|id| of(id, "orders", 9)).into();
    // Failed twice: of one kind, and of two.
    records.extend([of("twice", "orders", 9), of("twice", "orders", 5), of("turned", "orders", 9)]);
    records.push(record("orders", &dead("turned", "orders", "Card declined", 5), 5));
    // A bulk action may have taken the one; the other had been dropped by then.
    records.extend([of("swept", "mail", 9), of("dropped", "big", 9), of("kept", "twofold", 9)]);
    records.extend((0..2_000).map(|n| record("big", &dead(&format!("b-{n}"), "big", "Card declined", 6), 6)));
    records.extend((0..999).map(|n| record("twofold", &dead(&format!("f-{n}"), "twofold", "Card declined", 6), 6)));
    write(&db, &records).await;
    // The library's rows of the same failures: it kept 1,000 jobs, and they are 1,000 with the first one.
    let columns = "job_id, queue, status, payload, error, created_at, archived_at";
    let again = format!("INSERT INTO flux_job_archive ({columns}) SELECT {columns} FROM flux_job_archive");
    db.run(sql(format!("{again} WHERE queue = 'twofold' AND job_id <> 'kept'"))).await.expect("written");
    write(&db, &[]).await;
    let ago = |hours: i64| Millis(now_ms() - hours * HOUR_MS);
    let run = |id: &str, outcome| Run {
        job: id.into(),
        queue: Some(queue("orders")),
        worker: "w".into(),
        class: None,
        attempt: Some(1),
        started_at: ago(3),
        ended_at: Millis(ago(3).0 + 200),
        wait_ms: None,
        outcome,
        error: None,
    };
    record::runs(&db, &[run("completed", "completed"), run("lost", "lost")]).await.expect("written");
    let line = |name: &str, verb: &str, filter: &str| AuditLine {
        id: format!("{name} {verb} {filter}"),
        at: ago(4),
        who: "Olga".into(),
        verb: verb.into(),
        queue: Some(name.into()),
        filter: Some(filter.into()),
        jobs: Some(1),
        result: "1 done".into(),
        took_ms: 5,
        ids: Vec::new(),
    };
    let lines = [
        line("orders", "retry", "id:retried"),
        line("orders", "discard", "id:deleted"),
        line("orders", "retry", "id:plain-2"),
        line("mail", "retry", "all failed"),
        line("big", "clear-failed", "all failed"),
        line("twofold", "clear-failed", "all failed"),
    ];
    audit::write(&db, &lines).await.expect("written");
    redis.push_raw("queue:orders", [Payload::new("waits", "orders").waiting()]).await;
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("big", 1), ("orders", 3)], "clicked, plain, twice; dropped");

    // The page of one of them retries it.
    let row = console.json("/api/v1/queues/orders/jobs/clicked").await["row"].as_i64().expect("a row");
    let (_, pushed) = console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &json!({"request": "r1"})).await;
    assert_eq!(pushed["pushed"], "done", "{pushed}");
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    eventually("it is told", SOON, async || by_queue(&counted(&console).await.archived) == [("big", 1), ("orders", 3)]).await;
    let step = counted(&console).await;
    let orders = Archived { parts: step.archived.parts.into_iter().filter(|p| p.queue == queue("orders")).collect(), ..step.archived };
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&orders), false).await.expect("started");
    over(&console, &started).await;
    let ids: Vec<String> = redis.list("queue:orders").await.iter().map(|raw| crate::support::redis::id_of(raw)).collect();
    // The one that had waited is gone without a word: nothing tells it from a failure that nobody took up.
    assert_eq!(sorted(ids), ["plain", "twice", "waits"]);
    console.stop().await;
}

/// What is no job any more stays where it is, and is counted as that.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_pushed_is_said() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let odd = Payload::new("odd", "orders").created(now_ms() - HOUR_MS).attempts(3, 3).priority("urgent").failed(&timeout(1));
    record::records(&db, &[record("orders", &odd, 1)]).await.expect("written");
    for (id, payload) in [("bare", r#"{"id":"bare"}"#), ("broken", "no job")] {
        let into = "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at) VALUES (?, 'orders', 'failed', ?, ?, ?, ?)";
        let at = Millis(now_ms() - HOUR_MS).iso();
        db.run(sql(into).bind(id).bind(payload).bind(timeout(2)).bind(at.clone()).bind(at)).await.expect("written");
    }
    write(&db, &[]).await;
    let console = console(&redis, &database).await;
    let step = counted(&console).await;
    assert_eq!(by_queue(&step.archived), [("orders", 3)]);
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    let outcome = over(&console, &started).await.remove(0).outcome;
    assert_eq!((outcome.done, outcome.corrupt, outcome.unread_priority), (0, 2, 1), "{outcome:?}");
    assert!(redis.list("queue:orders").await.is_empty());
    // Sent to the base list it is read.
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), true).await.expect("started");
    assert_eq!(over(&console, &started).await.remove(0).outcome.done, 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_archive_what_is_in_redis_is_retried_and_that_is_said() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", (0..3).map(|n| dead(&format!("t-{n}"), "orders", &timeout(n), 1))).await;
    let console = redis.console().await;
    let step = counted(&console).await;
    assert!(step.unavailable.as_deref().is_some_and(|why| why.contains("no archive")) && step.archived.count() == 0, "{step:?}");
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let archived: Archived = serde_json::from_value(json!({"parts": [{"queue": "orders", "count": 5}], "top": 9})).expect("a count");
    assert!(actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&archived), false).await.is_err());
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, Some(&archived), false).await.expect("started");
    assert_eq!(started.len(), 1);
    assert_eq!(over(&console, &started).await[0].outcome.done, 3);
    console.stop().await;
}
