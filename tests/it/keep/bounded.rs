//! What makes it true that nobody waits long for retention: one transaction deletes a bounded number of rows and bytes, and merges
//! nothing. How many the next one may have is shown in `tasks/retention/pace.rs`.

use super::{DAY_MS, databases, ints, open, retention::delete_old, run, searched, texts, write_words};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, Payload, TestRedis, now_ms},
};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::{
        archive::{
            db::Db,
            record::{self, Record},
            retention::{BYTES, OLD, delete, next},
            shelf,
            sql::sql,
        },
        tasks::retention::pace,
    },
};

const MEGABYTE: usize = 1024 * 1024;

on_each! { a_batch_has_an_end }

fn days_ago(days: i64) -> Millis {
    Millis(now_ms() - days * DAY_MS)
}

async fn rows_and_bytes(db: &Db) -> (u64, u64) {
    let text = format!("SELECT COUNT(*), COALESCE({}, 0) FROM flux_job_archive", db.dialect().sum("octet_length(payload)"));
    db.rows(sql(text), |row| (row.count(0), row.count(1))).await.expect("counts")[0]
}

async fn a_batch_has_an_end(kind: DatabaseKind) {
    const MOST: usize = 100;
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let dead = |id: String, bytes: usize| {
        let payload = Payload::new(&id, "mail").own(&format!(r#""data":"{}""#, "y".repeat(bytes))).attempts(3, 3).failed("no").into_bytes();
        Record { status: Status::Failed, queue: "mail".try_into().expect("a name"), payload, id: None, at: days_ago(40) }
    };
    // One alone is more than a batch may have.
    let sizes = std::iter::repeat_n(10, 250).chain(std::iter::repeat_n(MEGABYTE, 20)).chain([8 * MEGABYTE + 1]);
    let all: Vec<Record> = sizes.enumerate().map(|(n, bytes)| dead(format!("j-{n}"), bytes)).collect();
    assert_eq!(record::records(&db, &all).await.expect("written").rows, 271);
    let (jobs, border) = (&OLD[0], days_ago(30));
    let (mut left, mut most_rows, mut batches) = (rows_and_bytes(&db).await, 0, 0);
    while left.0 > 0 {
        let batch = next(&db, jobs, border, None, MOST).await.expect("a batch");
        let (deleted, _) = delete(&db, jobs, &batch, days_ago(0)).await.expect("deleted");
        let now = rows_and_bytes(&db).await;
        let (rows, bytes) = (left.0 - now.0, left.1 - now.1);
        assert!(rows == deleted && rows == batch.len() as u64 && rows > 0, "{rows} rows went, {deleted} were told of {}", batch.len());
        assert!(rows <= MOST as u64 && (bytes <= BYTES || rows == 1), "{rows} rows, {bytes} bytes");
        (left, most_rows, batches) = (now, most_rows.max(rows), batches + 1);
    }
    assert!(most_rows > 50 && batches >= 5, "{batches} batches, the largest of {most_rows} rows");
}

/// Of a whole run: PostgreSQL can say which transaction deleted a row.
#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_of_a_run_takes_more_than_it_may() {
    let (_redis, _database, console, db) = databases::console(DatabaseKind::Postgres).await;
    for text in [
        "CREATE TABLE taken (tx BIGINT, bytes BIGINT)",
        "CREATE FUNCTION take_note() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO taken VALUES (txid_current(), octet_length(OLD.payload)); RETURN OLD; END'",
        "CREATE TRIGGER take_note BEFORE DELETE ON flux_job_archive FOR EACH ROW EXECUTE FUNCTION take_note()",
    ] {
        run(&db, text, []).await;
    }
    for (stem, count, bytes) in [("small", 3_000, 100), ("large", 30, MEGABYTE)] {
        let text = format!(
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) \
             SELECT concat('{stem}-', i), 'mail', 'completed', concat('{{\"id\":\"{stem}-', i, '\",\"pad\":\"', repeat('y', {bytes}), '\"}}'), {} \
             FROM generate_series(1, {count}) AS n(i)",
            db.dialect().at()
        );
        run(&db, &text, [days_ago(40).0.into()]).await;
    }
    assert_eq!(delete_old(&console).await["job rows"].as_u64(), Some(3_030));
    let text = "SELECT COUNT(*), CAST(SUM(bytes) AS BIGINT) FROM taken GROUP BY tx ORDER BY tx";
    let taken = db.rows(sql(text), |row| (row.count(0), row.count(1))).await.expect("counts");
    assert_eq!(taken.iter().map(|(rows, _)| rows).sum::<u64>(), 3_030, "each row once");
    assert!(taken[0].0 <= pace::FIRST as u64, "the first one is small: {taken:?}");
    for (rows, bytes) in &taken {
        assert!(*rows <= pace::ROWS as u64 && (*bytes <= BYTES || *rows == 1), "{rows} rows, {bytes} bytes: {taken:?}");
    }
    console.stop().await;
}

/// What is left of rows that the library deleted: each transaction on it is as small as any other, and its time is told.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_rows_goes_in_small_transactions_too() {
    const LEFT: i64 = 2_500;
    let (_redis, _database, console, db) = databases::console(DatabaseKind::Postgres).await;
    for text in [
        "CREATE TABLE taken (tx BIGINT, what TEXT)",
        "CREATE FUNCTION take_note() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO taken VALUES (txid_current(), TG_TABLE_NAME); RETURN COALESCE(NEW, OLD); END'",
        "CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END'",
    ] {
        run(&db, text, []).await;
    }
    for (table, event) in
        [("flux_console_rows", "DELETE"), ("flux_console_whole", "DELETE"), ("flux_console_failures", "UPDATE OF gone_ms")]
    {
        run(&db, &format!("CREATE TRIGGER take_note BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION take_note()"), []).await;
    }
    // No archive row has these numbers. The failures are of three kinds.
    for text in [
        "INSERT INTO flux_console_rows (row_id, class) SELECT 1000000 + i, 'A' FROM generate_series(1, 2500) AS n(i)",
        "INSERT INTO flux_console_whole (row_id, job_id) SELECT 1000000 + i, 'a' FROM generate_series(1, 2500) AS n(i)",
        "INSERT INTO flux_console_failures (identity, row_id, signature, queue, hour) \
         SELECT concat('f', i), 1000000 + i, concat('s', i % 3), 'mail', 7 FROM generate_series(1, 2500) AS n(i)",
        "INSERT INTO flux_console_signatures (signature, text, count, first_ms, last_ms, last_row) \
         SELECT signature, signature, COUNT(*), 0, 0, 0 FROM flux_console_failures GROUP BY signature",
        "INSERT INTO flux_console_signature_hours (signature, queue, hour, count) \
         SELECT signature, queue, hour, COUNT(*) FROM flux_console_failures GROUP BY signature, queue, hour",
    ] {
        run(&db, text, []).await;
    }
    assert_eq!(delete_old(&console).await["notes of rows that are gone"].as_i64(), Some(2 * LEFT));
    for what in ["flux_console_rows", "flux_console_whole", "flux_console_failures"] {
        let taken = ints(&db, &format!("SELECT COUNT(*) FROM taken WHERE what = '{what}' GROUP BY tx ORDER BY tx")).await;
        assert_eq!(taken.iter().sum::<i64>(), LEFT, "{what}: each once, {taken:?}");
        assert!(taken[0] <= pace::FIRST as i64, "{what}: the first one is small, {taken:?}");
        assert!(taken.iter().all(|rows| *rows <= pace::ROWS as i64), "{what}: {taken:?}");
    }
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_signatures").await, [0], "they are out of the counts");

    // Whoever waits for such a transaction waits for a step of the run.
    for text in [
        "CREATE TRIGGER be_slow AFTER UPDATE OF gone_ms ON flux_console_failures FOR EACH STATEMENT EXECUTE FUNCTION be_slow()",
        "INSERT INTO flux_console_failures (identity, row_id) VALUES ('slow', 1)",
    ] {
        run(&db, text, []).await;
    }
    delete_old(&console).await;
    let longest = console.json("/api/v1/settings/retention").await["run"]["longestMs"].as_u64();
    assert!(longest >= Some(150), "{longest:?}");
    console.stop().await;
}

/// Rows with words that stand in each of them, and some of their own, in an index as the indexer writes it: two hundred at a time.
async fn fill(db: &Db, stem: &str, count: i64, days: i64) {
    let at = days_ago(days).iso();
    let text = format!(
        "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT '{stem}-' || i, 'mail', 'completed', '{{\"id\":\"{stem}-' || i || '\"}}', ? FROM n"
    );
    run(db, &text, [at.into()]).await;
    let first = ints(db, "SELECT MAX(id) FROM flux_job_archive").await[0] - count;
    for from in (first..first + count).step_by(200) {
        let own = ["hex(randomblob(16))"; 4].join(" || ' ' || ");
        let words = format!("'so many words stand in every row ' || {own}");
        write_words(db, &format!("SELECT id, {words} FROM flux_job_archive WHERE id > {from} AND id <= {}", from + 200)).await;
    }
    let rows = format!("INSERT INTO flux_console_rows (row_id, class) SELECT id, job_id FROM flux_job_archive WHERE id > {first}");
    run(db, &rows, []).await;
    let last = (first + count).to_string();
    let mark = "INSERT INTO flux_console_marks (name, value) VALUES ('index', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    run(db, mark, [last.into()]).await;
}

/// What the index of words on the first shelf consists of: a merge makes a new piece (their numbers stand before the 37 bits of a page's;
/// beyond 65,535 they are of notes of what was deleted).
async fn pieces(db: &Db) -> Vec<i64> {
    ints(db, "SELECT DISTINCT id >> 37 FROM flux_console_words_0_data WHERE id > 10 AND id >> 37 < 65536 ORDER BY 1").await
}

async fn found(db: &Db) -> usize {
    shelf::rows_with(db, &[("every".to_owned(), false)], i64::MAX, usize::MAX >> 1).await.expect("rows").len()
}

#[tokio::test]
async fn a_deletion_merges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("a.sqlite")).await;
    fill(&db, "old", 20_000, 45).await;
    let (jobs, border, before) = (&OLD[0], days_ago(30), pieces(&db).await);
    // Far more than the tenth of which FTS5 would be rid by itself.
    for gone in 1..20_000 / pace::ROWS {
        let batch = next(&db, jobs, border, None, pace::ROWS).await.expect("a batch");
        assert_eq!(delete(&db, jobs, &batch, days_ago(0)).await.expect("deleted").0, pace::ROWS as u64);
        // A piece that is empty goes; a merge would make a new one.
        assert!(pieces(&db).await.iter().all(|piece| before.contains(piece)), "it merged within the transaction");
        assert_eq!(found(&db).await, 20_000 - gone * pace::ROWS, "what was deleted is not found");
    }
    let batch = next(&db, jobs, border, None, pace::ROWS).await.expect("a batch");
    delete(&db, jobs, &batch, days_ago(0)).await.expect("deleted");
    let tables = async |name: &str| texts(&db, &format!("SELECT name FROM sqlite_master WHERE name GLOB '{name}*'")).await.len();
    assert_eq!(tables("flux_console_words_").await, 0, "the shelf goes whole");
    fill(&db, "young", 200, 2).await;
    assert_eq!(found(&db).await, 200, "it is made again for who needs it");

    assert!(tables("flux_console_gone_").await > 0);
    let mut parts = 0;
    while shelf::clear(&db).await.expect("cleared") {
        parts += 1;
        assert!(parts < 100, "it ends");
    }
    assert!(parts > 1, "{parts}: what was given up goes in parts");
    assert_eq!((tables("flux_console_gone_").await, found(&db).await), (0, 200));
}

/// What FTS5 has put off, it would do with a deletion.
#[tokio::test]
async fn a_merge_that_is_due_waits_for_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&dir.path().join("a.sqlite")).await;
    let automerge = "INSERT INTO flux_console_words_0 (flux_console_words_0, rank) VALUES ('automerge', ?)";
    fill(&db, "old", 200, 45).await;
    run(&db, automerge, [0_i64.into()]).await;
    fill(&db, "old", 2_200, 45).await;
    run(&db, automerge, [4_i64.into()]).await;
    let before = pieces(&db).await;
    assert_eq!(before.len(), 12);
    let batch = next(&db, &OLD[0], days_ago(30), None, 100).await.expect("a batch");
    assert_eq!(delete(&db, &OLD[0], &batch, days_ago(0)).await.expect("deleted").0, 100);
    assert_eq!(pieces(&db).await, before, "it merged within the transaction");
    assert_eq!(ints(&db, "SELECT v FROM flux_console_words_0_config WHERE k = 'automerge'").await, [4], "whoever indexes merges as ever");
    fill(&db, "old", 200, 45).await;
    assert!(pieces(&db).await.iter().any(|piece| !before.contains(piece)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_the_words_of_what_stays() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    // The old ones on three shelves, the young ones on the third of them.
    for (stem, count, days, last) in [("old", 3_000, 45, 64_000), ("old", 3_000, 45, 130_000), ("young", 2_000, 2, 134_000)] {
        run(&db, "DELETE FROM sqlite_sequence", []).await;
        run(&db, "INSERT INTO sqlite_sequence (name, seq) VALUES ('flux_job_archive', ?)", [i64::into(last)]).await;
        fill(&db, stem, count, days).await;
    }
    let console = super::console(&redis, &file).await;
    assert_eq!(delete_old(&console).await["job rows"].as_u64(), Some(6_000));
    assert_eq!(found(&db).await, 2_000);
    assert_eq!(searched(&db).await, "(SELECT rowid AS row_id FROM \"flux_console_words_2\")");
    console.stop().await;
}
