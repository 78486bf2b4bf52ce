//! What Redis had dropped before many failed jobs were retried or deleted is left of its group; what may have been among them is not.

use super::remembered::{HOUR_MS, SOON, TIMEOUT, by_queue, console, counted, dead, over, queue, record, timeout, write};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, TestConsole, TestRedis, eventually, now_ms, pause_line},
};
use flux_console::{
    model::{
        audit::AuditLine,
        errors::GroupPart,
        operation::{Operation, Verb},
        time::Millis,
    },
    server::{
        actions,
        archive::{audit, db::Db, record::Record, sql::sql},
        digest::sha1_hex,
    },
};
use redis::AsyncCommands;

on_each! {
    a_failure_with_a_thousand_others_behind_it_had_been_dropped
    what_redis_drops_before_its_turn_is_offered_again
}

/// So many failures of another kind.
fn others(name: &str, most: usize, failed: i64, archived: i64) -> impl Iterator<Item = Record> {
    (0..most).map(move |n| record(name, &dead(&format!("{name}-{n}"), name, "Card declined", failed), archived))
}

/// Four hours ago, of all failed jobs of a queue.
fn line(name: &str, jobs: u64) -> AuditLine {
    AuditLine {
        verb: "clear-failed".into(),
        queue: Some(name.into()),
        filter: Some("all failed".into()),
        jobs: Some(jobs),
        result: format!("{jobs} done"),
        ..pause_line(&format!("all of {name}"), Millis(now_ms() - 4 * HOUR_MS))
    }
}

/// The console writes one row of a failure, so there is none more than that.
async fn a_failure_with_a_thousand_others_behind_it_had_been_dropped(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let names = ["cut", "short", "early"];
    let mut records: Vec<Record> = names.map(|name| record(name, &dead(&format!("old-{name}"), name, &timeout(1), 9), 9)).into();
    records.extend(others("cut", 1_000, 6, 6).chain(others("short", 999, 6, 6)));
    // They had failed before it, and were written behind it: a long list that was there before the archive.
    records.extend(others("early", 1_000, 12, 6));
    write(&db, &records).await;
    audit::write(&db, &names.map(|name| line(name, 1_000))).await.expect("written");
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("cut", 1)]);
    console.stop().await;
}

/// Other producers do not cut their lists: what stands far behind was there when all was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_list_that_grows_nothing_had_been_dropped() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let names = ["was-long", "is-long"];
    let mut records: Vec<Record> = names.map(|name| record(name, &dead(&format!("old-{name}"), name, &timeout(1), 9), 9)).into();
    records.extend(names.iter().flat_map(|name| others(name, 2_000, 6, 6)));
    write(&db, &records).await;
    audit::write(&db, &[line("was-long", 1_001), line("is-long", 5)]).await.expect("written");
    // As many as are in the archive already.
    redis.push_raw("queue:is-long:failed", records.iter().rev().take(1_101).map(|record| record.payload.clone())).await;
    let console = console(&redis, &database).await;
    assert!(counted(&console).await.archived.parts.is_empty());
    redis.con.clone().del::<_, ()>("queue:is-long:failed").await.expect("DEL");
    assert_eq!(by_queue(&counted(&console).await.archived), [("is-long", 1)]);
    console.stop().await;
}

/// The operation on these, once its line is in the archive and names all that it moved.
async fn acted(console: &TestConsole, db: &Db, verb: Verb, parts: &[GroupPart]) -> Operation {
    let started = actions::errors::act(&console.state, TIMEOUT, verb, parts, None, false).await.expect("started");
    let ended = over(console, &started).await.remove(0);
    let named = || sql("SELECT COUNT(*) FROM flux_console_audit_jobs WHERE job_id = ? AND identity = ?").bind(audit::ALL);
    let written = async || db.one(named().bind(sha1_hex(&ended.id)), |row| row.count(0)).await.expect("an answer") == Some(1);
    eventually("its line is written", SOON, written).await;
    ended
}

/// The oldest ones are dropped while the operation waits for its turn, by newer failures.
async fn what_redis_drops_before_its_turn_is_offered_again(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let names = ["orders", "mail"];
    for name in names {
        let raws: Vec<String> = (0..5).map(|n| dead(&format!("{name}-{n}"), name, &timeout(n), 2)).collect();
        write(&db, &raws.iter().map(|raw| record(name, raw, 2)).collect::<Vec<_>>()).await;
        redis.push_raw(&format!("queue:{name}:failed"), raws).await;
    }
    let console = console(&redis, &database).await;
    assert!(counted(&console).await.archived.parts.is_empty(), "Redis has them");
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    for name in names {
        redis.con.clone().ltrim::<_, ()>(format!("queue:{name}:failed"), 0, 2).await.expect("LTRIM");
    }
    let mut operations = Vec::new();
    for (name, verb) in names.into_iter().zip([Verb::Retry, Verb::Discard]) {
        let part: Vec<GroupPart> = parts.iter().filter(|part| part.queue == queue(name)).cloned().collect();
        let ended = acted(&console, &db, verb, &part).await;
        assert_eq!((ended.outcome.done, ended.outcome.gone), (3, 2), "{name}");
        operations.push(ended.id);
    }
    // Taken by workers of whom nothing is heard.
    redis.con.clone().del::<_, ()>("queue:orders").await.expect("DEL");
    // A line that does not say that it names all may be of others as well.
    db.run(sql("DELETE FROM flux_console_audit_jobs WHERE job_id = ?").bind(audit::ALL)).await.expect("deleted");
    assert!(counted(&console).await.archived.parts.is_empty());
    for operation in &operations {
        audit::name(&db, operation, &[audit::ALL.to_owned()]).await.expect("written");
    }
    let step = counted(&console).await;
    assert_eq!(by_queue(&step.archived), [("mail", 2), ("orders", 2)], "those that were dropped, and none that was moved");
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &[], Some(&step.archived), false).await.expect("started");
    assert!(over(&console, &started).await.iter().all(|o| o.outcome.done == 2));
    for name in names {
        let mut ids: Vec<String> = redis.list(&format!("queue:{name}")).await.iter().map(|raw| crate::support::redis::id_of(raw)).collect();
        ids.sort();
        assert_eq!(ids, [format!("{name}-3"), format!("{name}-4")]);
    }
    console.stop().await;
}
