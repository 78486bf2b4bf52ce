//! What may have been done, and nobody knows it for sure, is not offered again with its group.

use super::{
    once::{failures, forgotten, minutes_ago},
    remembered::{HOUR_MS, SOON, TIMEOUT, by_queue, console, counted, dead, queue, record, timeout, write},
};
use crate::{
    archive::{fresh, on_each},
    support::{Database, DatabaseKind, Payload, Proxy, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        job::JobState,
        operation::{LOST_REDIS, Operation, OperationStatus, Outcome, Verb},
        time::Millis,
    },
    server::{
        actions,
        archive::{audit, db::Db, setting::Persist, signatures, timeline},
        config::Config,
        digest::sha1_hex,
    },
};
use redis::AsyncCommands;
use serde_json::{Value, json};

on_each! {
    a_selection_that_stops_half_way_is_told_as_far_as_it_came
    a_click_of_which_the_answer_was_lost_may_have_moved_the_job
    what_an_operation_named_without_leaving_a_line_is_left_alone
    an_operation_of_which_an_answer_was_lost_may_have_taken_all
}

/// Once the archive alone knows what was clicked.
async fn known(console: &TestConsole, redis: &TestRedis) {
    let moved = async || console.state.driver.audit_waiting().await.is_ok_and(|waiting| waiting == 0);
    eventually("the lines are in the archive", SOON, moved).await;
    forgotten(redis).await;
}

async fn deeds(console: &TestConsole, id: &str) -> Vec<(String, String)> {
    let told = actions::past::past(&console.state, &queue("orders"), id, false).await.expect("a past").entries;
    told.into_iter().filter(|entry| entry.kind == "action").map(|entry| (entry.title, entry.detail.unwrap_or_default())).collect()
}

async fn fingerprint(console: &TestConsole, id: &str) -> Value {
    let page = console.json("/api/v1/queues/orders/jobs?state=failed").await;
    let jobs = page["jobs"].as_array().expect("jobs");
    jobs.iter().find(|job| job["id"] == id).expect("the job")["fingerprint"].clone()
}

/// The second one cannot be moved: a key of another type is where it would go.
async fn a_selection_that_stops_half_way_is_told_as_far_as_it_came(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let high = Payload::new("b", "orders").created(now_ms() - 2 * HOUR_MS).attempts(3, 3).priority("high").failed(&timeout(2));
    let raws = [dead("a", "orders", &timeout(1), 2), high];
    write(&archive.db().expect("open"), &raws.each_ref().map(|raw| record("orders", raw, 2))).await;
    redis.push_raw("queue:orders:failed", &raws).await;
    let console = console(&redis, &database).await;
    let jobs = [fingerprint(&console, "a").await, fingerprint(&console, "b").await];
    redis.con.clone().set::<_, _, ()>("queue:orders:high", "no list").await.expect("SET");
    let (status, problem) = console.post("/api/v1/queues/orders/jobs/retry", &json!({"state": "failed", "jobs": jobs})).await;
    assert_eq!(status, 409, "{problem}");
    for key in ["queue:orders:high", "queue:orders"] {
        redis.con.clone().del::<_, ()>(key).await.expect("DEL");
    }
    known(&console, &redis).await;

    assert_eq!(counted(&console).await.archived.count(), 0, "one was moved, the other is in Redis");
    let line = console.json("/api/v1/audit?verb=retry").await["lines"][0].take();
    assert_eq!(line["jobs"], 1, "{line}");
    assert!(line["result"].as_str().is_some_and(|said| said.starts_with("1 of 2 jobs were done, then ")), "{line}");
    let told = deeds(&console, "a").await;
    assert!(matches!(told.as_slice(), [(title, why)] if title == "Retried by 127.0.0.1" && why.starts_with("1 of 2 jobs")), "{told:?}");
    assert!(deeds(&console, "b").await.is_empty());
    console.stop().await;
}

async fn by_way_of(proxy: &Proxy, database: &Database) -> TestConsole {
    let url = format!("redis://127.0.0.1:{}/", proxy.port);
    let console = TestConsole::start(Config { url, archive: database.setting.clone(), ..Config::default() }).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    console
}

/// Redis did it, and the console did not hear that.
async fn a_click_of_which_the_answer_was_lost_may_have_moved_the_job(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let raws = ["before", "lost-answer"].map(|id| dead(id, "orders", &timeout(1), 2));
    write(&archive.db().expect("open"), &raws.each_ref().map(|raw| record("orders", raw, 2))).await;
    redis.push_raw("queue:orders:failed", &raws).await;
    let proxy = Proxy::start(redis.server.port).await;
    let console = by_way_of(&proxy, &database).await;
    let retry = async |job: Value| console.post("/api/v1/queues/orders/jobs/retry", &json!({"state": "failed", "jobs": [job]})).await;
    let (first, second) = (fingerprint(&console, "before").await, fingerprint(&console, "lost-answer").await);
    // Redis knows the script from now on.
    assert_eq!(retry(first).await.1["done"], 1);
    proxy.lose_answer_to(r#""id":"lost-answer""#);
    let (status, problem) = retry(second).await;
    assert_eq!((status, proxy.lost()), (503, 1), "{problem}");
    assert!(redis.list("queue:orders:failed").await.is_empty(), "it was done");
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    let perhaps = "Perhaps retried: 127.0.0.1 asked for it";
    let told = async || deeds(&console, "lost-answer").await.iter().any(|(title, _)| title == perhaps);
    eventually("its line is in the archive", SOON, told).await;
    known(&console, &redis).await;
    assert_eq!(counted(&console).await.archived.count(), 0);
    let line = console.json("/api/v1/audit?verb=retry").await["lines"][0].take();
    assert!(line["result"].as_str().is_some_and(|said| said.starts_with("unsure: Redis cannot be reached.")), "{line}");
    console.stop().await;
}

async fn left(db: &Db, id: &str, operations: &[Operation]) -> bool {
    let (places, _) = signatures::places(db, &sha1_hex(TIMEOUT), i64::MAX, 8).await.expect("places");
    let place = places.iter().find(|place| place.id == id).expect("a place");
    timeline::left(db, &place.queue, id, place.row, operations, Millis(0), true).await.expect("an answer").is_some()
}

/// The only console was killed, and the next one began after Redis had forgotten the operation.
async fn what_an_operation_named_without_leaving_a_line_is_left_alone(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a", "b"])).await;
    assert!(left(&db, "a", &[]).await && left(&db, "b", &[]).await);
    audit::name(&db, "killed", &["a".to_owned()]).await.expect("named");
    assert!(!left(&db, "a", &[]).await && left(&db, "b", &[]).await);
    let told = timeline::past(&db, &queue("orders"), "a", false).await.expect("a past").entries;
    assert!(told.iter().all(|entry| entry.kind != "action"), "nobody knows who, and when: {told:?}");
    // Its line says when: the job failed since.
    let began = Operation { verb: Verb::RetryArchived, state: None, ..operation(OperationStatus::Done, None) };
    let line = actions::audit::ended(&Operation { id: "killed".into(), started_at: minutes_ago(5 * 60), ..began }, minutes_ago(0));
    audit::write(&db, &[line]).await.expect("written");
    assert!(left(&db, "a", &[]).await);
}

fn operation(status: OperationStatus, message: Option<String>) -> Operation {
    Operation {
        id: "o".into(),
        verb: Verb::ClearFailed,
        queue: queue("orders"),
        state: Some(JobState::Failed),
        status,
        total: 3,
        outcome: Outcome::default(),
        started_at: minutes_ago(60),
        finished_at: Some(minutes_ago(59)),
        message,
        filter: None,
        who: Some("Olga".into()),
    }
}

/// Redis renamed the list, its answer was lost, and it was away for half a minute; or what was moved was counted as gone.
async fn an_operation_of_which_an_answer_was_lost_may_have_taken_all(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    write(&db, &failures("orders", &["a"])).await;
    let unreached = format!("{LOST_REDIS} Redis could not be reached for half a minute.");
    let some_gone = Outcome { gone: 3, ..Outcome::default() };
    let failed = operation(OperationStatus::Failed, Some(unreached));
    let counted_as_gone = Operation { outcome: some_gone.clone(), ..operation(OperationStatus::Done, Some(LOST_REDIS.into())) };
    let all_gone = Operation { outcome: some_gone, ..operation(OperationStatus::Done, None) };
    let refused = operation(OperationStatus::Failed, Some("Redis is out of memory.".into()));
    for (operation, is_left) in [(&failed, false), (&counted_as_gone, false), (&all_gone, true), (&refused, true)] {
        assert_eq!(left(&db, "a", std::slice::from_ref(operation)).await, is_left, "{operation:?}");
    }
    // A day later its line alone tells of it.
    for (operation, is_left) in [(&all_gone, true), (&refused, true), (&failed, false)] {
        let line = actions::audit::ended(&Operation { id: format!("{operation:?}"), ..operation.clone() }, minutes_ago(59));
        audit::write(&db, std::slice::from_ref(&line)).await.expect("written");
        assert_eq!(left(&db, "a", &[]).await, is_left, "{line:?}");
    }
    let line = actions::audit::ended(&failed, minutes_ago(59));
    assert_eq!((line.result.as_str(), line.jobs), ("interrupted: at least 0 done of 3", Some(0)));
}

/// What stands behind those that are looked at is retried with the rest of the list.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_failed_list_that_is_too_long_to_look_through_nothing_is_left() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let last = dead("a", "orders", &timeout(1), 2);
    let mut records = vec![record("orders", &last, 2)];
    records.extend(failures("mail", &["m"]));
    write(&archive.db().expect("open"), &records).await;
    redis.push_raw("queue:orders:failed", (0..20_200).map(|n| dead(&format!("f-{n}"), "orders", "Card declined", 1))).await;
    redis.push_raw("queue:orders:failed", [&last]).await;
    let persist = Persist { failed: false, ..Persist::default() };
    let config = Config { url: redis.url.clone(), archive: database.setting.clone(), persist, ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("mail", 1)]);
    redis.con.clone().ltrim::<_, ()>("queue:orders:failed", 0, 19_999).await.expect("LTRIM");
    assert_eq!(by_queue(&counted(&console).await.archived), [("mail", 1), ("orders", 1)]);
    console.stop().await;
}
