//! Search in the archive. That indexes lead to what is found: `plans`.

use super::{fresh, on_each};
use crate::support::{Database, DatabaseKind, Payload, eventually};
use flux_console::{
    model::{archive::Status, search::Query, time::Millis},
    server::archive::{
        Archive, index,
        record::{self, Record},
        search,
        setting::Setting,
        sql::sql,
    },
};
use std::time::Duration;

const AT: Millis = Millis(1_795_433_700_000);

/// Five hundred failures of five kinds in two queues, indexed.
pub async fn filled(archive: &Archive) {
    let db = archive.db().expect("open");
    let errors = [
        "PaymentTimeout: gateway did not answer within 30000 ms",
        "100% declined",
        "a_b is odd",
        "Zażółć gęślą",
        "connect ECONNREFUSED 10.0.0.4:5432",
    ];
    let batch: Vec<Record> = (0..500)
        .map(|i| {
            let queue = if i % 2 == 0 { "mail" } else { "orders" };
            let payload = Payload::new(&format!("ORD-{i}"), queue)
                .class(if i % 3 == 0 { "ChargeCard" } else { "SendEmail" })
                .attempts(3, 3)
                .failed(errors[i % 5])
                .into_bytes();
            Record { status: Status::Failed, queue: queue.try_into().unwrap(), id: None, payload, at: AT }
        })
        .collect();
    record::records(&db, &batch).await.expect("written");
    while index::step(&db).await.expect("a step") > 0 {}
}

/// Ids of all steps, newest first.
pub async fn found(archive: &Archive, text: &str) -> Vec<String> {
    let query = Query::parse(text, AT);
    let (mut cursor, mut ids) = (None::<String>, Vec::new());
    for _ in 0..200 {
        let step = search::search(archive, &query, cursor.as_deref()).await.expect("a step");
        ids.extend(step.hits.into_iter().filter_map(|h| h.id));
        match step.next {
            Some(next) => cursor = Some(next),
            None => return ids,
        }
    }
    panic!("{text}: the search does not end");
}

async fn words_filters_and_literal_signs(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    for (text, expected) in [
        ("timeout", 100),
        ("TIMEOUT gateway", 100),
        ("imeout", 0),
        ("\"gateway did not\"", 100),
        ("\"did gateway\"", 0),
        ("100%", 100),
        ("10%", 0),
        ("a_b", 100),
        ("a%b", 0),
        ("a*", 500), // every address in the payloads begins with an a; the star is a star
        ("zażółć", 100),
        ("10.0.0.4", 100),
        ("econnrefused queue:mail", 50),
        ("class:ChargeCard", 167),
        ("class:card timeout", 34),
        ("error:declined state:failed", 100),
        ("state:completed", 0),
        ("id:ORD-17", 1),
        ("ORD-17", 11), // ORD-17 and ORD-170 to ORD-179
        ("-timeout queue:orders", 200),
        ("since:2030-01-01", 0),
        ("nothinglikethis", 0),
    ] {
        let ids = found(&archive, text).await;
        let expected = if text == "a*" { 0 } else { expected };
        assert_eq!(ids.len(), expected, "{text}");
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{text} finds something twice");
    }
}

/// A row that nobody indexed yet is found all the same.
async fn what_is_not_indexed_yet_is_found(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let payload = Payload::new("late-1", "mail").attempts(1, 1).failed("PaymentTimeout again").into_bytes();
    let late = Record { status: Status::Failed, queue: "mail".try_into().unwrap(), id: None, payload, at: AT };
    record::records(&archive.db().unwrap(), &[late]).await.expect("written");
    let ids = found(&archive, "timeout").await;
    assert_eq!((ids.len(), ids[0].as_str()), (101, "late-1"));
}

/// The time that counts is the job's own: a worker's clock may be hours ahead of the archive's, and a writer may leave the row's time
/// out or write it in another way.
async fn since_goes_by_the_jobs_own_time(kind: DatabaseKind) {
    const HOUR_MS: i64 = 3_600_000;
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let failed = |id: &str, ahead: i64| {
        let payload = Payload::new(id, "mail").created(AT.0 + ahead * HOUR_MS).attempts(3, 3).failed("Card declined").into_bytes();
        Record { status: Status::Failed, queue: "mail".try_into().unwrap(), id: None, payload, at: AT }
    };
    let all = [failed("ahead", 5), failed("on-time", 0), failed("other-text", 5), failed("without", 5)];
    record::records(&db, &all).await.expect("written");
    // The columns of the others take neither.
    if kind == DatabaseKind::Sqlite {
        db.run(sql("UPDATE flux_job_archive SET archived_at = NULL WHERE job_id = 'without'")).await.expect("changed");
        db.run(sql("UPDATE flux_job_archive SET archived_at = '2026-11-23 00:00' WHERE job_id = 'other-text'")).await.expect("changed");
    }
    let since = Millis(AT.0 + 4 * HOUR_MS).iso();
    for indexed in [false, true] {
        for words in ["", " declined", " queue:mail"] {
            let mut ids = found(&archive, &format!("since:{since}{words}")).await;
            ids.sort();
            assert_eq!(ids, ["ahead", "other-text", "without"], "since:{since}{words}, indexed: {indexed}");
        }
        while !indexed && index::step(&db).await.expect("a step") > 0 {}
    }
}

/// What an index leads to is found at once, among rows that do not match; how far a search went is told by numbers.
async fn kinds_groups_and_beginnings_are_found_at_once(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    let grouped = Payload::new("100%_x", "mail").group("customer-7").attempts(1, 1).failed("Odd one 17");
    let grouped = Record { status: Status::Failed, queue: "mail".try_into().unwrap(), id: None, payload: grouped.into_bytes(), at: AT };
    record::records(&db, &[grouped]).await.expect("written");
    while index::step(&db).await.expect("a step") > 0 {}
    let more: Vec<Record> = (500..1_700)
        .map(|i| {
            let payload = Payload::new(&format!("ord-{i}"), "mail").attempts(3, 3).failed("no room").into_bytes();
            Record { status: Status::Failed, queue: "mail".try_into().unwrap(), id: None, payload, at: AT }
        })
        .collect();
    record::records(&db, &more).await.expect("written");
    while index::step(&db).await.expect("a step") > 0 {}
    for (text, expected) in [
        ("signature:\"Odd one <n>\"", 1),
        ("signature:\"Odd one <n>\" queue:orders", 0),
        ("signature:\"PaymentTimeout: gateway did not answer within <n> ms\"", 100),
        ("group:customer-7", 1),
        ("group:customer-8", 0),
        ("id:100%…", 1),
        ("id:100%...", 1),
        ("id:100%*", 0), // a star is a star
        ("id:ORD-49?", 0),
        ("id:ORD-4%", 0),
        ("id:ORD-49…", 11),
        ("id:ord-49…", 0), // case counts
        ("id:1_…", 0),
        ("group:customer*", 0),
    ] {
        let step = search::search(&archive, &Query::parse(text, AT), None).await.expect("a step");
        let found = step.hits.len();
        assert_eq!((found, step.next.is_none()), (expected.min(100), true), "{text}: one step does");
        assert_eq!((step.coverage.scanned, step.coverage.of), (1_701, Some(1_701)), "{text}");
    }
    let first = search::search(&archive, &Query::parse("queue:mail", AT), None).await.expect("a step");
    assert_eq!((first.coverage.scanned, first.coverage.of), (100, Some(1_701)));
    let second = search::search(&archive, &Query::parse("queue:mail", AT), first.next.as_deref()).await.expect("a step");
    assert_eq!((second.coverage.scanned, second.coverage.of), (200, Some(1_701)));
    assert_eq!(found(&archive, "id:ord-…").await.len(), 1_200);
}

on_each! {
    words_filters_and_literal_signs
    what_is_not_indexed_yet_is_found
    since_goes_by_the_jobs_own_time
    kinds_groups_and_beginnings_are_found_at_once
}

/// Rows that the library wrote are indexed and found like one's own.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_library_are_found() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("flux.sqlite");
    std::fs::copy(crate::support::recording::fixtures().join("sql/sqlite-archive.db"), &file).expect("a copy");
    let archive = Archive::new(Setting::Sqlite(file), AT);
    assert!(archive.open(AT).await);
    let unindexed = found(&archive, "declined").await;
    while index::step(&archive.db().unwrap()).await.expect("a step") > 0 {}
    let ids = found(&archive, "declined").await;
    assert!(!ids.is_empty() && ids.iter().all(|id| id.starts_with("dead-")), "{ids:?}");
    assert_eq!(ids, unindexed, "indexed or not");
    assert_eq!(found(&archive, "state:failed").await.len(), ids.len());
    assert_eq!(found(&archive, "id:dead-1 state:failed").await, ["dead-1"]);
}

/// PostgreSQL's archive, locked as a whole until that is rolled back.
async fn held(database: &Database) -> (sqlx::PgPool, sqlx::Transaction<'static, sqlx::Postgres>) {
    let Setting::Postgres(url) = &database.setting else { panic!("PostgreSQL") };
    let other = sqlx::PgPool::connect(url).await.expect("a connection");
    let mut held = other.begin().await.expect("begins");
    sqlx::query("LOCK TABLE flux_job_archive IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.expect("the lock");
    (other, held)
}

/// Two questions come to wait for the table, and no third one in the time in which it would have come as far.
async fn two_wait(other: &sqlx::PgPool, more: &str) {
    let waiting = async || {
        let text = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(text).fetch_one(other).await.expect("a count")
    };
    eventually("two wait for the table", Duration::from_secs(5), async || waiting().await == 2).await;
    for _ in 0..25 {
        assert!(waiting().await <= 2, "{more}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// However many search, the database has two searches at a time, and who waited has its turn.
#[tokio::test(flavor = "multi_thread")]
async fn few_searches_are_under_way_at_once() {
    let (database, archive) = fresh(DatabaseKind::Postgres).await;
    filled(&archive).await;
    let (other, held) = held(&database).await;
    let six: Vec<_> = (0..6)
        .map(|_| {
            let archive = archive.clone();
            tokio::spawn(async move { search::search(&archive, &Query::parse("timeout", AT), None).await })
        })
        .collect();
    two_wait(&other, "more than two searches at once").await;
    held.rollback().await.expect("the end");
    for one in six {
        // On a slow machine the table was held longer than an answer may take.
        let _ = one.await.expect("no panic");
    }
    assert_eq!(found(&archive, "timeout").await.len(), 100, "turns are given back");
    other.close().await;
}

/// Who asked is gone, and the database is still at work for him.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_nobody_waits_for_keeps_its_place() {
    let (database, archive) = fresh(DatabaseKind::Postgres).await;
    filled(&archive).await;
    let (other, held) = held(&database).await;
    for _ in 0..5 {
        let query = Query::parse("timeout", AT);
        let search = search::search(&archive, &query, None);
        assert!(tokio::time::timeout(Duration::from_millis(100), search).await.is_err(), "the table is held");
    }
    two_wait(&other, "those that nobody waits for count").await;
    held.rollback().await.expect("the end");
    let done = async || search::search(&archive, &Query::parse("timeout", AT), None).await.is_ok();
    eventually("turns are given back", Duration::from_secs(20), done).await;
    other.close().await;
}
