//! `kill -9` in the middle of retention, on each of the three databases: rows are there whole or not at all, and none that should stay
//! is gone.

use super::{DAY_MS, SOON, ints, run, searched, write_words};
use crate::{
    archive::on_each,
    support::{Database, DatabaseKind, Replica, TestRedis, eventually, http, now_ms},
};
use flux_console::server::archive::{
    db::Db,
    dialect::Dialect,
    sql::{Value, sql},
};
use std::time::{Duration, Instant};

const OLD: i64 = 30_000;
const YOUNG: i64 = 2_000;
const KILLS: i64 = 8;
/// A statement of a page may take five seconds in PostgreSQL: rows are made in parts.
const PART: i64 = 5_000;
const LATE: Duration = Duration::from_secs(60);

on_each! { a_killed_run_leaves_whole_rows_and_the_next_one_does_the_rest }

/// The whole numbers from one to another, as `n.i`.
fn numbers(dialect: Dialect, from: i64, to: i64) -> String {
    match dialect {
        Dialect::Sqlite => {
            format!("(WITH RECURSIVE c(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM c WHERE i < {to}) SELECT i FROM c) n")
        }
        Dialect::MySql => format!("(SELECT seq AS i FROM seq_{from}_to_{to}) n"),
        Dialect::Postgres => format!("generate_series({from}, {to}) AS n(i)"),
    }
}

/// `{stem}-1` to `{stem}-{count}`, every other one failed, and all that is read in them.
async fn fill(db: &Db, stem: &str, count: i64, days: i64) {
    let (dialect, pad) = (db.dialect(), "0".repeat(400));
    let at = Value::from(now_ms() - days * DAY_MS);
    for from in (1..=count).step_by(usize::try_from(PART).unwrap()) {
        let text = format!(
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) \
             SELECT CONCAT('{stem}-', n.i), 'mail', CASE WHEN n.i % 2 = 1 THEN 'failed' ELSE 'completed' END, \
             CONCAT('{{\"id\":\"{stem}-', n.i, '\",\"createdAt\":', n.i, ',\"attempts\":1,\"pad\":\"{pad}\"}}'), {} FROM {}",
            dialect.at(),
            numbers(dialect, from, (from + PART - 1).min(count))
        );
        run(db, &text, [at.clone()]).await;
    }
    let words = if dialect == Dialect::Postgres { "to_tsvector('simple', job_id)" } else { "job_id" };
    let last = ints(db, "SELECT MAX(id) FROM flux_job_archive").await[0];
    let sides = [
        ("flux_console_rows (row_id, class)", "job_id"),
        ("flux_console_whole (row_id, error)", "job_id"),
        ("flux_console_search (row_id, words)", words),
    ];
    for (side, column) in sides {
        for from in (0..=last).step_by(usize::try_from(PART).unwrap()) {
            let some = format!("job_id LIKE '{stem}-%' AND id > {from} AND id <= {}", from + PART);
            let rows = format!("SELECT id, {column} FROM flux_job_archive WHERE {some}");
            if dialect == Dialect::Sqlite && side.starts_with("flux_console_search") {
                write_words(db, &rows).await;
            } else {
                run(db, &format!("INSERT INTO {side} {rows}"), []).await;
            }
        }
    }
}

/// Old rows that are left. All counts come from one statement, so they are of one moment: what the killed console's last transaction
/// did, which a server may still be ending, is in all of them or in none.
async fn whole(db: &Db) -> i64 {
    let rows = "SELECT COUNT(*) FROM flux_job_archive";
    let stray =
        |side: &str| format!("(SELECT COUNT(*) FROM {side} s WHERE NOT EXISTS (SELECT 1 FROM flux_job_archive a WHERE a.id = s.row_id))");
    let text = format!(
        "SELECT ({rows} WHERE job_id LIKE 'old-%'), ({rows} WHERE job_id LIKE 'young-%'), \
         {}, {}, (SELECT COUNT(*) FROM flux_console_rows), (SELECT COUNT(*) FROM flux_console_whole), (SELECT COUNT(*) FROM {} words), \
         ({rows} WHERE job_id LIKE 'old-%' AND status = 'failed'), (SELECT COUNT(*) FROM flux_console_failures WHERE gone_ms IS NOT NULL)",
        stray("flux_console_rows"),
        stray("flux_console_whole"),
        searched(db).await,
    );
    let counts = db.rows(sql(text), |row| (0..9).map(|i| row.int(i).unwrap_or(-1)).collect::<Vec<i64>>()).await.expect("counts");
    let [old, young, stray_rows, stray_wholes, rows, wholes, searched, failed, marked] = counts[0][..] else { panic!("{counts:?}") };
    assert_eq!(young, YOUNG, "what is young stays");
    assert_eq!((stray_rows, stray_wholes), (0, 0), "rows of nothing");
    assert_eq!((rows, wholes, searched), (old + YOUNG, old + YOUNG, old + YOUNG), "what was read in {old} old rows");
    assert_eq!(marked, OLD / 2 - failed, "each failure that went is still known, once");
    old
}

/// A console in a process of its own that has begun a run.
async fn begun(redis: &TestRedis, database: &Database) -> Replica {
    // The lease of the one that was killed would have to end first.
    for key in redis.keys().await.iter().filter(|k| k.ends_with("retention:lease")) {
        redis::cmd("DEL").arg(key).exec_async(&mut redis.con.clone()).await.unwrap();
    }
    let console = Replica::with(redis, &["--archive", &database.flag()]);
    let client = http().build().expect("a client");
    eventually("a run begins", SOON, async || {
        let answer = client.post(format!("{}/api/v1/settings/retention/run", console.base_url)).send().await.expect("an answer");
        answer.status().as_u16() == 202
    })
    .await;
    console
}

async fn a_killed_run_leaves_whole_rows_and_the_next_one_does_the_rest(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    let db = Db::open(&database.setting).await.expect("the archive opens");
    if kind == DatabaseKind::Sqlite {
        // On two shelves, of which the older one goes whole.
        run(&db, "INSERT INTO sqlite_sequence (name, seq) VALUES ('flux_job_archive', 55536)", []).await;
    }
    fill(&db, "old", OLD, 45).await;
    fill(&db, "young", YOUNG, 2).await;
    // All of it is indexed: the consoles have nothing else to do here.
    let last = ints(&db, "SELECT MAX(id) FROM flux_job_archive").await[0];
    run(&db, "INSERT INTO flux_console_marks (name, value) VALUES ('index', ?)", [last.to_string().into()]).await;
    assert_eq!(whole(&db).await, OLD);

    let (mut chance, mut kills, mut partly) = (5_u64, 0, 0);
    while kills < KILLS && whole(&db).await > OLD / 6 {
        let before = ints(&db, "SELECT COUNT(*) FROM flux_job_archive").await[0];
        let console = begun(&redis, &database).await;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if kills % 4 == 3 {
            // Now and then by chance alone.
            tokio::time::sleep(Duration::from_millis((chance >> 33) % 150)).await;
        } else {
            // As soon as so many are gone: on a fast machine as on a slow one.
            let (enough, since) = (1 + i64::try_from((chance >> 33) % 500).unwrap(), Instant::now());
            while before - ints(&db, "SELECT COUNT(*) FROM flux_job_archive").await[0] < enough {
                assert!(since.elapsed() < LATE, "nothing is deleted");
            }
        }
        console.kill();
        let left = whole(&db).await;
        kills += 1;
        partly += i64::from(left > 0 && left + YOUNG < before);
    }
    assert!(partly * 3 >= kills * 2, "only {partly} of {kills} kills hit a running run");

    let console = begun(&redis, &database).await;
    let done = async || {
        let run = console.json("/api/v1/settings/retention").await["run"].clone();
        println!("{run}");
        run["status"] == "done"
    };
    eventually("the rest is done", LATE, done).await;
    assert_eq!(whole(&db).await, 0);
    console.kill();
}
