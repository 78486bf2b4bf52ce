//! SQLite's index of words has a table for each shelf (`archive::shelf`): what stands on any of them is found, newest first.

use super::{
    fresh, open,
    search::{filled, found},
};
use crate::support::{DatabaseKind, Payload, eventually};
use flux_console::server::archive::{
    Archive,
    db::Db,
    index, shelf,
    sql::{Sql, sql},
};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// At both ends of shelves, and far from all others: a library's own number.
const ROWS: [i64; 7] = [5, 65_535, 65_536, 65_537, 130_000, 700_000, 5_000_000_000_000];

async fn run(db: &Db, statement: Sql) {
    db.run(statement).await.expect("written");
}

async fn put(db: &Db, rows: &[i64]) {
    for id in rows {
        let payload = Payload::new(&format!("job{id}"), "mail").attempts(3, 3).failed(&format!("Everywhere the same, own{id}"));
        let into = "INSERT INTO flux_job_archive (id, job_id, queue, status, payload, archived_at) VALUES (?, ?, 'mail', 'failed', ?, ?)";
        let row = sql(into).bind(*id).bind(format!("job{id}")).bind(payload).bind("2026-11-20T10:00:00.000Z");
        run(db, row).await;
    }
    while index::step(db).await.expect("a step") > 0 {}
}

async fn texts(db: &Db, text: &str) -> Vec<String> {
    db.rows(sql(text), |row| row.text(0)).await.expect("rows").into_iter().flatten().collect()
}

async fn with(db: &Db, words: &[(&str, bool)], before: i64, most: usize) -> Vec<i64> {
    let words: Vec<(String, bool)> = words.iter().map(|(word, prefix)| ((*word).to_owned(), *prefix)).collect();
    shelf::rows_with(db, &words, before, most).await.expect("rows")
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_on_every_shelf_newest_first() {
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    put(&db, &ROWS).await;
    let newest: Vec<i64> = ROWS.into_iter().rev().collect();
    assert_eq!(with(&db, &[("everywhere", false)], i64::MAX, 100).await, newest);
    assert_eq!(with(&db, &[("every", true), ("sa", true)], i64::MAX, 100).await, newest);
    assert_eq!(with(&db, &[("every", false)], i64::MAX, 100).await, [0_i64; 0]);
    assert_eq!(with(&db, &[("everywhere", false)], i64::MAX, 3).await, newest[..3], "as many as were asked for");
    assert_eq!(with(&db, &[("everywhere", false)], 65_536, 100).await, [65_535, 5], "and none from that row on");
    for id in ROWS {
        let own = format!("own{id}");
        assert_eq!(with(&db, &[("everywhere", false), (&own, false)], i64::MAX, 100).await, [id]);
    }
    // On one shelf, though not in one row; and on two.
    assert_eq!(with(&db, &[("own65536", false), ("own65537", false)], i64::MAX, 100).await, [0_i64; 0]);
    assert_eq!(with(&db, &[("own5", false), ("own700000", false)], i64::MAX, 100).await, [0_i64; 0]);
    let ids: Vec<String> = newest.iter().map(|id| format!("job{id}")).collect();
    assert_eq!(found(&archive, "EVERYWHERE same").await, ids);

    let tables =
        texts(&db, "SELECT name FROM sqlite_master WHERE name LIKE 'flux_console_words_%' AND sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY 1")
            .await;
    let last = 5_000_000_000_000_i64 >> 16;
    let expected = ["0".to_owned(), "1".into(), "10".into(), last.to_string()].map(|shelf| format!("flux_console_words_{shelf}"));
    assert_eq!(tables, expected);
}

/// Retention drops shelves at any moment: also between a look at which there are and the question.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_when_a_shelf_is_dropped_meanwhile() {
    const SHELVES: i64 = 60;
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let rows: Vec<i64> = (1..=SHELVES).map(|n| n << 16).collect();
    put(&db, &rows).await;
    let drops = async {
        for n in 1..SHELVES {
            let mut tx = db.begin().await.expect("begins");
            tx.run(sql("DELETE FROM flux_console_rows WHERE row_id = ?").bind(n << 16)).await.expect("deleted");
            shelf::forget(&mut tx, [n << 16]).await.expect("forgotten");
            tx.commit().await.expect("committed");
            sleep(Duration::from_millis(10)).await;
        }
    };
    let searches = async {
        let (mut found, mut asked) = (usize::MAX, 0);
        while found > 1 {
            let now = with(&db, &[("everywhere", false)], i64::MAX, 1_000).await;
            assert!(now.len() <= found && now[0] == SHELVES << 16, "{now:?}");
            found = now.len();
            asked += 1;
        }
        asked
    };
    let ((), asked) = tokio::join!(drops, searches);
    assert!(asked > 1, "{asked} searches");
}

/// Whoever opens a shelf reads tables for that, and all tables must stay what they are meanwhile: also those of which nothing is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_while_tables_come_and_go() {
    const SHELVES: i64 = 60;
    const BUSY: Duration = Duration::from_millis(200);
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let rows: Vec<i64> = (1..=SHELVES).map(|n| n << 16).collect();
    put(&db, &rows).await;
    for _ in 0..3 {
        let since = Instant::now();
        let changes = async {
            while since.elapsed() < BUSY {
                run(&db, sql("CREATE TABLE passing (n)")).await;
                run(&db, sql("DROP TABLE passing")).await;
            }
        };
        let searches = async {
            while since.elapsed() < BUSY {
                assert_eq!(with(&db, &[("everywhere", false)], i64::MAX, 1_000).await.len(), rows.len());
            }
        };
        tokio::join!(changes, searches);
    }
    // One that went and was made anew is missed in between.
    let refusal = async |text: &str| db.rows(sql(text), |_| ()).await.expect_err("a refusal");
    assert!(refusal("SELECT 1 FROM flux_console_words_99").await.is_change());
    assert!(!refusal("SELECT nothing FROM flux_console_words_1").await.is_change());
}

/// As many shelves as a first and a second question ask for, and more.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_on_the_last_of_many_shelves_is_found() {
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let rows: Vec<i64> = (1..=200).map(|n| n << 20).collect();
    put(&db, &rows).await;
    for id in [rows[0], rows[1], rows[100], rows[198], rows[199]] {
        assert_eq!(with(&db, &[(&format!("own{id}"), false)], i64::MAX, 100).await, [id]);
    }
    assert_eq!(with(&db, &[("everywhere", false)], i64::MAX, 1_000).await.len(), 200);
    assert_eq!(with(&db, &[("nowhere", false)], i64::MAX, 1_000).await, [0_i64; 0]);
}

/// An index from before there were shelves is made anew; meanwhile and afterwards the same is found, and nothing is counted twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_before_is_made_anew() {
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    let counts = async |archive: &Archive| {
        let db = archive.db().expect("open");
        texts(&db, "SELECT text || ' ' || count FROM flux_console_signatures ORDER BY text").await
    };
    let (before, timeouts) = (counts(&archive).await, found(&archive, "timeout").await);
    assert_eq!((before.len(), timeouts.len()), (5, 100));
    // As one table, as it was before the last migration.
    run(&db, sql("DELETE FROM flux_console_migrations WHERE version = 8")).await;
    for table in ["flux_console_words_0", "flux_console_gone_search"] {
        run(&db, sql(format!("DROP TABLE {table}"))).await;
    }
    run(&db, sql("CREATE VIRTUAL TABLE flux_console_search USING fts5 (words, content = '', contentless_delete = 1, detail = none)")).await;
    assert_eq!(found(&archive, "timeout").await.len(), 0, "there is no index");
    drop((db, archive));

    let archive = open(&database).await;
    assert_eq!(found(&archive, "timeout").await, timeouts, "row by row");
    let db = archive.db().expect("open");
    while index::step(&db).await.expect("a step") > 0 {}
    assert_eq!(found(&archive, "timeout").await, timeouts, "by the index");
    assert_eq!(with(&db, &[("timeout", true)], i64::MAX, 1_000).await.len(), 100);
    assert_eq!(counts(&archive).await, before);
}

/// While nobody looks SQLite keeps as little as it can; who asks or writes afterwards does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_in_memory_is_given_back_and_comes_again() {
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    put(&db, &ROWS).await;
    let Db::Sqlite { read, .. } = &db else { panic!("another database") };
    let mut asking = Vec::new();
    for _ in 0..3 {
        asking.push(read.acquire().await.expect("a reader"));
    }
    let in_use = asking.pop();
    drop(asking);
    assert!(read.size() >= 3);
    // Readers come back to the pool by a task of their own.
    eventually("two are at rest", Duration::from_secs(2), async || read.num_idle() == 2).await;
    db.give_back().await.expect("given back");
    assert_eq!((read.size(), read.num_idle()), (1, 0), "the one that is used stays");
    drop(in_use);
    assert_eq!(with(&db, &[("everywhere", false)], i64::MAX, 100).await.len(), ROWS.len());
    put(&db, &[5_000_000_000_001]).await;
    assert_eq!(with(&db, &[("own5000000000001", false)], i64::MAX, 100).await, [5_000_000_000_001]);
}
