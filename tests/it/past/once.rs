//! An archived failure is pushed once, whatever is stale, was killed, or is not known yet.

use super::remembered::{HOUR_MS, SOON, TIMEOUT, by_queue, console, counted, dead, over, queue, record, timeout, write};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, Payload, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        audit::AuditLine,
        job::JobState,
        operation::{Operation, OperationStatus, Outcome, Verb},
        past::Pushed,
        settings::Retention,
        time::Millis,
    },
    server::{
        actions::{self, errors::remembered},
        archive::{audit, db::Db, jobs, record::Record, signatures},
        digest::sha1_hex,
        driver::redis::{Once, Push, RedisDriver},
    },
};
use redis::AsyncCommands;
use serde_json::{Value, json};

on_each! {
    a_page_from_before_the_group_was_retried_pushes_nothing
    what_a_killed_retry_may_have_taken_is_left_alone
    what_a_killed_console_had_pushed_is_named
    actions_beyond_those_that_are_read_are_not_passed_over
}

pub fn failures(name: &str, ids: &[&str]) -> Vec<Record> {
    ids.iter().map(|id| record(name, &dead(id, name, &timeout(1), 2), 2)).collect()
}

/// An operation that its console left behind, as it was written down some minutes ago.
fn left_behind(id: &str, verb: Verb, name: &str) -> Operation {
    Operation {
        id: id.into(),
        verb,
        queue: queue(name),
        state: (verb == Verb::Retry).then_some(JobState::Failed),
        status: OperationStatus::Running,
        total: 500,
        outcome: Outcome::default(),
        started_at: minutes_ago(7),
        finished_at: None,
        message: None,
        filter: None,
        who: Some("Olga".into()),
    }
}

pub fn minutes_ago(minutes: i64) -> Millis {
    Millis(now_ms() - minutes * 60_000)
}

/// Its line, once another console has written it.
async fn audited(console: &TestConsole, verb: &str) -> Value {
    let mut line = json!(null);
    eventually("it is audited", SOON, async || {
        line = console.json(&format!("/api/v1/audit?verb={verb}")).await.pointer("/lines/0").cloned().unwrap_or_default();
        !line.is_null()
    })
    .await;
    line
}

/// As after a day: what Redis noted of operations and pushes is gone.
pub async fn forgotten(redis: &TestRedis) {
    for key in redis.keys().await {
        if key.starts_with("flux_console:") && (key.contains(":operation") || key.contains(":request:")) {
            redis.con.clone().del::<_, ()>(key).await.expect("DEL");
        }
    }
}

async fn a_page_from_before_the_group_was_retried_pushes_nothing(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    write(&archive.db().expect("open"), &failures("orders", &["a"])).await;
    let console = console(&redis, &database).await;
    let answer = actions::past::answer(&console.state, &queue("orders"), "a", None, None, false).await.expect("a page");
    let row = answer.past.expect("an archived job").row.row;
    let step = counted(&console).await;
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    assert_eq!(over(&console, &started).await[0].outcome.done, 1);
    let click = async |request: &str, seen_at: Option<Millis>| {
        let body = json!({"request": request, "seenAt": seen_at});
        console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &body).await.1["pushed"].take()
    };
    assert_eq!(click("r1", Some(answer.answered_at)).await, "since", "the page was open while the group was retried");
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    assert_eq!(click("r2", Some(answer.answered_at)).await, "since", "a worker has taken it since");
    assert_eq!(click("r3", None).await, "since", "it was pushed just now");
    assert!(redis.list("queue:orders").await.is_empty());
    // A page that was made later tells of the retry, which the archive may not know of yet.
    let later = actions::past::answer(&console.state, &queue("orders"), "a", None, None, false).await.expect("a page");
    assert!(later.pushed_at.is_some_and(|at| at >= answer.answered_at && at <= later.answered_at), "{:?}", later.pushed_at);
    let audit = console.json("/api/v1/audit?verb=retry-archived").await;
    let results: Vec<&str> = audit["lines"].as_array().expect("lines").iter().filter_map(|line| line["result"].as_str()).collect();
    assert!(results.contains(&"refused: it was pushed since it was read"), "{results:?}");
    assert_eq!(click("r4", Some(Millis(now_ms() + 10_000))).await, "done");
    assert_eq!(click("r5", Some(answer.answered_at)).await, "since", "of another open page");
    assert_eq!(redis.list("queue:orders").await.len(), 1);
    let (status, problem) = console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &json!({"request": "r6", "seenAt": 5})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("seenAt")), "{problem}");
    console.stop().await;
}

/// It was killed before it wrote down how far it was.
async fn what_a_killed_retry_may_have_taken_is_left_alone(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let mut records = failures("orders", &["a"]);
    records.extend(failures("mail", &["m-1", "m-2"]));
    write(&archive.db().expect("open"), &records).await;
    let driver = crate::driver::driver(&redis);
    driver.save_operations(&[left_behind("killed", Verb::Retry, "mail")], minutes_ago(6)).await.expect("saved");
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("orders", 1)], "Redis tells of it");
    let line = audited(&console, "retry").await;
    assert_eq!(line["result"], "interrupted: at least 0 done of 500", "{line}");
    forgotten(&redis).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("orders", 1)], "its line tells of it");
    console.stop().await;
}

/// It was killed between a push and the note in the archive; or the answer to the push was lost.
async fn what_a_killed_console_had_pushed_is_named(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a", "b"])).await;
    let driver = crate::driver::driver(&redis);
    driver.save_operations(&[left_behind("killed", Verb::RetryArchived, "orders")], minutes_ago(6)).await.expect("saved");
    pushed(&driver, &db, "killed", "a").await;
    let console = console(&redis, &database).await;
    assert_eq!(counted(&console).await.archived.count(), 1, "the job still waits");
    audited(&console, "retry-archived").await;
    let told = actions::past::past(&console.state, &queue("orders"), "a", true).await.expect("a past").entries;
    assert!(told.iter().any(|entry| entry.title == "Retried by Olga"), "{told:?}");
    assert!(driver.pushed("killed").await.expect("ids").is_empty());
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    forgotten(&redis).await;
    assert_eq!(counted(&console).await.archived.count(), 1, "the archive knows of a");
    console.stop().await;
}

/// A key that holds something else than ids keeps the end of no operation from the archive.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_named_holds_nobody_up() {
    let redis = TestRedis::start().await;
    let (database, _archive) = fresh(DatabaseKind::Sqlite).await;
    let driver = crate::driver::driver(&redis);
    redis.con.clone().set::<_, _, ()>(driver.keys().pushed("odd"), "1").await.expect("SET");
    let both = [left_behind("odd", Verb::RetryArchived, "orders"), left_behind("killed", Verb::Retry, "mail")];
    driver.save_operations(&both, minutes_ago(6)).await.expect("saved");
    let console = console(&redis, &database).await;
    for verb in ["retry", "retry-archived"] {
        assert_eq!(audited(&console, verb).await["result"], "interrupted: at least 0 done of 500", "{verb}");
    }
    console.stop().await;
}

/// Pushes an archived failure as an operation does, and no more.
async fn pushed(driver: &RedisDriver, db: &Db, operation: &str, id: &str) {
    let (places, _) = signatures::places(db, &sha1_hex(TIMEOUT), i64::MAX, 8).await.expect("places");
    let row = places.iter().find(|place| place.id == id).expect("a place").row;
    let failure = jobs::by_ids(db, vec![row]).await.expect("rows").remove(0);
    let raw = jobs::payload(db, row).await.expect("read").expect("a payload");
    let name = remembered::name(&failure);
    let once = Once::Failure { name: &name, operation, job: id };
    let done = driver.push(&queue("orders"), &Push { raw: &raw, once, id: None, base: false }).await.expect("pushed");
    assert_eq!(done.0, Pushed::Done);
}

/// Two hundred retries of something else, then one of all.
async fn actions_beyond_those_that_are_read_are_not_passed_over(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a"])).await;
    let line = |n: i64, filter: &str| AuditLine {
        id: format!("line {n}"),
        at: Millis(now_ms() - HOUR_MS + n),
        who: "Olga".into(),
        verb: "retry".into(),
        queue: Some("orders".into()),
        filter: Some(filter.into()),
        jobs: Some(1),
        result: "1 done".into(),
        took_ms: 5,
        ids: Vec::new(),
    };
    let mut lines: Vec<AuditLine> = (0..200).map(|n| line(n, "failed matching id:other")).collect();
    audit::write(&db, &lines[..199]).await.expect("written");
    let console = console(&redis, &database).await;
    assert_eq!(counted(&console).await.archived.count(), 1, "none of these meant it");
    lines.push(line(1_000, "all failed"));
    audit::write(&db, &lines).await.expect("written");
    assert_eq!(counted(&console).await.archived.count(), 0);
    console.stop().await;
}

/// What is old enough to be deleted may have lost its success, which goes first.
#[tokio::test(flavor = "multi_thread")]
async fn what_retention_is_about_to_delete_is_left_alone() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let mut records = failures("orders", &["a"]);
    records.push(record("orders", &dead("old", "orders", &timeout(2), 31 * 24), 31 * 24));
    write(&archive.db().expect("open"), &records).await;
    let console = console(&redis, &database).await;
    assert_eq!(counted(&console).await.archived.count(), 2);
    let keep = Retention { auto_cleanup: true, retention_days: 30, logs_retention_days: 30 };
    console.state.driver.set_retention(&keep).await.expect("set");
    assert_eq!(counted(&console).await.archived.count(), 1);
    console.stop().await;
}

/// Redis would be held up for minutes by a search that reads on from each of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_ids_alone_is_read_once() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    write(&archive.db().expect("open"), &failures("orders", &["a"])).await;
    let deep = format!("{}1{}", r#"{"id":"#.repeat(30_000), "}".repeat(30_000));
    let listed = format!("{}1{}", r#"{"id":["#.repeat(30_000), "]}".repeat(30_000));
    redis.push_raw("queue:orders:failed", [&deep, &listed]).await;
    redis.push_raw("queue:orders", [&deep, &listed]).await;
    let console = console(&redis, &database).await;
    assert_eq!(counted(&console).await.archived.count(), 1);
    console.stop().await;
}

/// A step of rows, here the only one, reads each list once, and only then what moved jobs lately: what is moved meanwhile is seen by one of the two.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_reads_each_list_once_and_operations_afterwards() {
    type Entry = (u64, u64, u64, Vec<String>, String, String);
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let ids: Vec<String> = (0..31).map(|n| format!("a-{n}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    write(&archive.db().expect("open"), &failures("orders", &names)).await;
    redis.push_raw("queue:orders:failed", (0..1_000).map(|n| dead(&format!("f-{n}"), "orders", "Card declined", 1))).await;
    redis.push_raw("queue:orders", (0..1_500).map(|n| Payload::new(&format!("w-{n}"), "orders").waiting())).await;
    // One of them waits, in another way of writing ids; another is delayed.
    redis.push_raw("queue:orders:high", [r#"{"data":"{}","id" : "a-7","queue":"orders"}"#]).await;
    redis.delay_raw("queue:orders:delayed", [(Payload::new("a-8", "orders").waiting(), now_ms() + HOUR_MS)]).await;
    let console = console(&redis, &database).await;
    let mut all = redis::pipe();
    all.cmd("CONFIG").arg("SET").arg("slowlog-log-slower-than").arg(0).cmd("CONFIG").arg("SET").arg("slowlog-max-len").arg(100_000);
    all.cmd("SLOWLOG").arg("RESET");
    let _: () = all.query_async(&mut redis.con.clone()).await.expect("set");
    let step = remembered::count(&console.state, TIMEOUT, None).await.expect("counted");
    assert_eq!(step.archived.count(), 29, "{step:?}");
    // Newest first.
    let log: Vec<Entry> = redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(&mut redis.con.clone()).await.expect("SLOWLOG");
    let looks = |entry: &&Entry| {
        let args = &entry.3;
        args[0] == "EVALSHA"
            && args.get(3).is_some_and(|key| key.starts_with("queue:orders"))
            && args.get(7).is_some_and(|order| ["tail", "head", "scored"].contains(&order.as_str()))
    };
    let looked: Vec<u64> = log.iter().filter(looks).map(|entry| entry.0).collect();
    assert!((4..=8).contains(&looked.len()), "{} scripts", looked.len());
    let operations = log.iter().find(|entry| entry.3[0] == "ZREVRANGE" && entry.3[1].ends_with(":operations")).expect("were read");
    assert!(looked.iter().all(|id| *id < operations.0), "{looked:?}, then {}", operations.0);
    console.stop().await;
}
