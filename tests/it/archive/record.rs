//! What the console writes: each failure once, everything whole, however hostile.

use super::{fresh, on_each};
use crate::support::{DatabaseKind, Payload};
use flux_console::{
    model::{archive::Status, ids::QueueName, query::ArchiveQuery, signature::signature, time::Millis},
    server::archive::{
        db::Db,
        index, jobs,
        record::{self, Line, Record, Run},
        sql::{Sql, sql},
        totals::Totals,
    },
};

const AT: Millis = Millis(1_795_433_700_000);

fn dead(id: &str, queue: &str, error: &str) -> Record {
    let payload = Payload::new(id, queue).attempts(3, 3).failed(error).into_bytes();
    Record { status: Status::Failed, queue: queue.try_into().expect("a name"), id: None, payload, at: AT }
}

fn whole() -> ArchiveQuery {
    ArchiveQuery { queue: None, status: None, page: 1, per_page: 200 }
}

async fn indexed(db: &Db) {
    while index::step(db).await.expect("a step") > 0 {}
}

async fn a_failure_is_written_once(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let batch: Vec<Record> = (0..450).map(|i| dead(&format!("j-{i}"), "mail", "no answer")).collect();
    // Three consoles that each believe to be the archiver.
    let writers = futures::future::join_all((0..3).map(|_| record::records(&db, &batch))).await;
    let written: u64 = writers.into_iter().map(|w| w.expect("written").rows).sum();
    assert_eq!(written, 450);
    // Read again from Redis, stamped at another time and by another hand.
    let mut again = batch.clone();
    for record in &mut again {
        record.payload = String::from_utf8(record.payload.clone()).unwrap().replace("\"failedAt\":1", "\"failedAt\":2").into_bytes();
    }
    assert_eq!(record::records(&db, &again).await.expect("written").rows, 0);
    assert_eq!(Totals::default().of(&db, &whole()).await.expect("a count"), 450);
}

/// A schedule pushes the same job again and again; after an answer that was lost a push is written again.
async fn a_push_is_written_once(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let push = |ms: i64| Record {
        status: Status::Waiting,
        queue: "mail".try_into().expect("a name"),
        id: None,
        payload: Payload::new("nightly", "mail").attempts(0, 3).waiting().into_bytes(),
        at: Millis(AT.0 + ms),
    };
    let written = async |pushes: &[Record]| record::records(&db, pushes).await.expect("written").rows;
    assert_eq!(written(&[push(7), push(60_007)]).await, 2);
    assert_eq!(written(&[push(7), push(60_007), push(120_007)]).await, 1);
    assert_eq!(written(&[push(120_007)]).await, 0);
    let (rows, total) = jobs::page(&db, &Totals::default(), &whole()).await.expect("a page");
    assert!(total == 3 && rows.iter().all(|row| row.status == Status::Waiting && row.attempt == Some(0)), "{rows:?}");
    let minutes: Vec<i64> = rows.iter().filter_map(|row| row.archived_at).map(|at| (at.0 - AT.0) / 60_000).collect();
    assert_eq!(minutes, [2, 1, 0]);
}

/// The library archives the same failure: before, and after.
async fn the_librarys_own_rows_count_as_well(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let record = dead("dead-1", "mail", "Card declined for order 17");
    let library = async || {
        let mut tx = db.begin().await.expect("begins");
        let at = db.dialect().at();
        let text = format!(
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at) VALUES (?, ?, ?, ?, ?, {at}, {at})"
        );
        let payload = String::from_utf8(record.payload.clone()).unwrap().replace("\"failedAt\":", "\"failedAt\": ");
        tx.run(sql(text).bind("dead-1").bind("mail").bind("failed").bind(payload).bind("Card declined for order 17").bind(AT.0).bind(AT.0))
            .await
            .expect("written");
        tx.commit().await.expect("committed");
    };
    library().await;
    assert_eq!(record::records(&db, std::slice::from_ref(&record)).await.expect("written").rows, 0, "the library was first");
    let other = dead("dead-2", "mail", "Card declined for order 18");
    assert_eq!(record::records(&db, std::slice::from_ref(&other)).await.expect("written").rows, 1);
    // The library writes one that is there, which nobody can prevent: it still counts once.
    library().await;
    indexed(&db).await;
    let kinds = db.rows(sql("SELECT text, count FROM flux_console_signatures"), |r| (r.text(0).unwrap(), r.count(1))).await.expect("rows");
    assert_eq!(kinds, [(signature("Card declined for order 1"), 2)]);
    let (rows, _) = jobs::of_job(&db, &QueueName::try_from("mail").unwrap(), "dead-1").await.expect("rows");
    assert_eq!(rows.len(), 2);
}

/// The library and two consoles write the same failures at the same time: each counts once, and each is there.
async fn two_writers_at_once(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let all: Vec<Record> = (0..200).map(|i| dead(&format!("j-{i}"), "mail", "no answer")).collect();
    let library = async {
        let at = db.dialect().at();
        let text = format!(
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at) VALUES (?, ?, ?, ?, ?, {at}, {at})"
        );
        for (n, record) in all.iter().enumerate() {
            let payload = String::from_utf8(record.payload.clone()).unwrap();
            let row = sql(text.clone()).bind(format!("j-{n}")).bind("mail").bind("failed").bind(payload).bind("no answer");
            db.run(row.bind(AT.0).bind(AT.0)).await.expect("written");
        }
    };
    let console = async {
        for part in all.chunks(20) {
            record::records(&db, part).await.expect("written");
            index::step(&db).await.expect("a step");
        }
    };
    let other = async {
        for part in all.rchunks(20) {
            record::records(&db, part).await.expect("written");
        }
    };
    tokio::join!(library, console, other);
    indexed(&db).await;
    let kinds = db.rows(sql("SELECT text, count FROM flux_console_signatures"), |r| (r.text(0).unwrap(), r.count(1))).await.expect("rows");
    assert_eq!(kinds, [("no answer".to_owned(), 200)], "each failure counts once");
    let jobs = db.one(sql("SELECT COUNT(DISTINCT job_id) FROM flux_job_archive"), |r| r.count(0)).await.unwrap();
    assert_eq!(jobs, Some(200));
    // The library writes what is there; the consoles add nothing to what it or the other one wrote.
    assert_eq!(record::records(&db, &all).await.expect("written").rows, 0);
    let rows = Totals::default().of(&db, &whole()).await.expect("a count");
    assert!((200..=400).contains(&rows), "{rows}");
}

async fn everything_is_kept_whole(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let long_id = format!("id-{}", "é".repeat(400));
    let emoji = "🚀".repeat(200);
    let raws: Vec<(&str, Vec<u8>)> = vec![
        (emoji.as_str(), Payload::new(&long_id, &emoji).failed(&"x".repeat(100_000)).into_bytes()),
        ("mail", b"not { json".to_vec()),
        ("mail", vec![0xff, 0xfe, 0, 1, 2]),
        ("mail", br#"{"id":"nul","error":"a\u0000b","x":"\u0000"}"#.to_vec()),
        ("<script>'\"", br#"{"id":"big","n":9007199254740993123,"a":[],"z":{},"a":1}"#.to_vec()),
        ("mail", format!(r#"{{"id":"ten","data":"{}","error":"e"}}"#, "y".repeat(10 * 1024 * 1024)).into_bytes()),
    ];
    let batch: Vec<Record> = raws
        .iter()
        .map(|(queue, raw)| Record {
            status: Status::Failed,
            queue: (*queue).try_into().expect("a name"),
            id: None,
            payload: raw.clone(),
            at: AT,
        })
        .collect();
    assert_eq!(record::records(&db, &batch).await.expect("written").rows, 6);
    assert_eq!(record::records(&db, &batch).await.expect("written").rows, 0);
    let (page, _) = jobs::page(&db, &Totals::default(), &whole()).await.expect("a page");
    let mut kept = Vec::new();
    for row in &page {
        kept.push((row.queue.to_string(), jobs::payload(&db, row.row).await.expect("an answer").expect("a payload")));
    }
    let mut expected: Vec<(String, Vec<u8>)> = raws.iter().map(|(q, raw)| ((*q).to_owned(), raw.clone())).collect();
    kept.sort();
    expected.sort();
    assert!(kept == expected, "payloads or queues differ");
    let (rows, _) = jobs::of_job(&db, &QueueName::try_from(emoji.as_str()).unwrap(), &long_id).await.expect("rows");
    assert_eq!(rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), [long_id.as_str()]);
    assert_eq!(jobs::error(&db, rows[0].row).await.expect("an answer").map(|e| e.len()), Some(100_000));
    indexed(&db).await;
}

async fn runs_and_lines_are_written_once(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let run = |outcome| Run {
        job: "j-1".into(),
        queue: Some("mail".try_into().unwrap()),
        worker: "worker-1".into(),
        class: None,
        attempt: Some(2),
        started_at: AT,
        ended_at: Millis(AT.0 + 40),
        wait_ms: Some(7),
        outcome,
        error: Some("no answer".into()),
    };
    let another = |n: i64| Run { started_at: Millis(AT.0 + n), ..run("dead") };
    assert_eq!(record::runs(&db, &[run("failed")]).await.expect("written"), 1);
    assert_eq!(record::runs(&db, &[run("retried")]).await.expect("written"), 0, "told again");
    let many: Vec<Run> = (0..450).map(|n| if n == 0 { run("retried") } else { another(n) }).collect();
    assert_eq!(record::runs(&db, &many).await.expect("written"), 449, "but for the one that is there");
    let others = sql("DELETE FROM flux_console_attempts WHERE outcome = 'dead'");
    assert_eq!(db.run(others).await.expect("deleted"), 449);
    let read =
        db.rows(sql("SELECT outcome, error, wait_ms FROM flux_console_attempts"), |r| (r.text(0), r.text(1), r.int(2))).await.unwrap();
    assert_eq!(read, [(Some("retried".into()), Some("no answer".into()), Some(7))]);

    let line = |n: i64| Line {
        level: "info".into(),
        message: format!("line {}", n / 2),
        worker: "w".into(),
        queue: None,
        at: Millis(AT.0 + n / 2),
    };
    // Each text twice: that is so, and stays so.
    let lines: Vec<Line> = (0..600).map(line).collect();
    assert_eq!(record::Lines::default().write(&db, &lines[..400], false).await.expect("written"), 400);
    // Between two seconds MySQL would round up.
    let late = [Line { at: Millis(AT.0 + 700), ..line(1_400) }];
    assert_eq!(record::Lines::default().write(&db, &late, false).await.expect("written"), 1);
    assert_eq!(record::Lines::default().write(&db, &late, true).await.expect("written"), 0);
    // The next archiver heard the last part as well, and what came behind it.
    assert_eq!(record::Lines::default().write(&db, &lines[201..], true).await.expect("written"), 200);
    let count = db.one(sql("SELECT COUNT(*) FROM flux_system_logs"), |r| r.count(0)).await.unwrap();
    assert_eq!(count, Some(601));
}

/// Only a line of the same worker, second and text is the same line, as often as it is there.
async fn a_line_is_known_by_all_that_it_says(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let line = |worker: &str, message: &str, at: i64| Line {
        level: "info".into(),
        message: message.into(),
        worker: worker.into(),
        queue: None,
        at: Millis(AT.0 + at),
    };
    let long = "é".repeat(16_000);
    let there = [line("w", "waits", 0), line("w", "waits", 900), line("w", "waits", 2_000), line("w", &long, 0)];
    assert_eq!(record::Lines::default().write(&db, &there, false).await.expect("written"), 4);
    let year = 365 * 86_400_000;
    let said = [
        line("w", "waits", 300),
        line("w", "waits", 400),
        // The third of this second is not there.
        line("w", "waits", 500),
        line("w", "waits", 2_000),
        line("w", "waits", 1_000),
        line("W", "waits", 0),
        line("w", "Waits", 0),
        line("w", "waits ", 0),
        line("w", &long, 0),
        line("w", &long[2..], 0),
        line("w", "waits", -year),
    ];
    assert_eq!(record::Lines::default().write(&db, &said, true).await.expect("written"), 7);
    assert_eq!(record::Lines::default().write(&db, &said, true).await.expect("written"), 0);
    assert_eq!(db.one(sql("SELECT COUNT(*) FROM flux_system_logs"), |r| r.count(0)).await.unwrap(), Some(11));
}

on_each! { a_line_is_known_by_all_that_it_says two_writers_at_once a_failure_is_written_once a_push_is_written_once the_librarys_own_rows_count_as_well everything_is_kept_whole runs_and_lines_are_written_once
far_pages_hold_the_rows_of_their_place }

/// One line that says a wrong time does not have the log of a whole hour read, and a worker's line not what others said.
#[tokio::test(flavor = "multi_thread")]
async fn of_the_log_only_what_may_be_the_same_is_read() {
    const HOUR: i64 = 3_600_000;
    // Of its own: the server counts what it sends.
    let own = crate::support::databases::own_mariadb().await;
    let archive = super::open(&own.database).await;
    let db = archive.db().expect("open");
    let line =
        |worker: &str, message: String, at: i64| Line { level: "info".into(), message, worker: worker.into(), queue: None, at: Millis(at) };
    let between = (0..2_000).map(|n| line("w", format!("{n} {}", "x".repeat(1_000)), AT.0 - HOUR + n * 1_000));
    let others = (0..2_000).map(|n| line("loud", format!("{n} {}", "x".repeat(1_000)), AT.0));
    let all: Vec<Line> = between.chain(others).collect();
    assert_eq!(record::Lines::default().write(&db, &all, false).await.expect("written"), 4_000);
    let sent = async || {
        let text = "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status WHERE variable_name = 'BYTES_SENT'";
        db.one(sql(text), |r| r.int(0)).await.expect("an answer").flatten().expect("a number")
    };
    let lines = [line("w", "early".into(), AT.0 - 2 * HOUR), line("w", "late".into(), AT.0)];
    let before = sent().await;
    assert_eq!(record::Lines::default().write(&db, &lines, true).await.expect("written"), 2);
    let read = sent().await - before;
    assert!(read < 200_000, "{read} bytes of 4,000,000");
    assert_eq!(record::Lines::default().write(&db, &lines, true).await.expect("written"), 0);
}

/// However many numbers are missing, and whatever is asked for, a page far back holds the rows of its place.
async fn far_pages_hold_the_rows_of_their_place(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    // Rows of the others are stepped over, however many there are.
    let dense = if kind == DatabaseKind::Sqlite { 36_000 } else { 11_000 };
    let mut ids: Vec<i64> = (101..3_000).chain((1..=1_100).map(|n| n * 20_000)).chain(30_000_000..30_000_000 + dense).collect();
    let marks = format!("(?, ?, ?, ?, '{{}}', {})", db.dialect().at());
    let write = async |ids: &[i64]| {
        let rows = ids.iter().map(|id| {
            let (queue, status) = (if id % 3 == 0 { "mail" } else { "orders" }, if id % 7 == 0 { "completed" } else { "failed" });
            vec![(*id).into(), format!("j-{id}").into(), queue.into(), status.into(), AT.0.into()]
        });
        let into = "INSERT INTO flux_job_archive (id, job_id, queue, status, payload, archived_at)";
        db.run(Sql::insert(into, &marks, rows)).await.expect("written");
    };
    for some in ids.chunks(500) {
        write(some).await;
    }
    for gone in [30_000_007_i64, 30_008_000, 2_000] {
        db.run(sql("DELETE FROM flux_job_archive WHERE id = ?").bind(gone)).await.expect("deleted");
        ids.retain(|id| *id != gone);
    }
    let totals = Totals::default();
    let compare = async |ids: &[i64]| {
        for (queue, status) in
            [(None, None), (Some("mail"), None), (Some("mail"), Some(Status::Completed)), (None, Some(Status::Completed))]
        {
            let fits = |id: &&i64| queue.is_none_or(|_| **id % 3 == 0) && status.is_none_or(|_| **id % 7 == 0);
            let expected: Vec<i64> = ids.iter().rev().filter(fits).copied().collect();
            let last = expected.len() as u64 / 50 + 1;
            for page in [1, 2, last / 4 + 1, last / 2, last.saturating_sub(20).max(1), last - 1, last, last + 1, 1 << 40] {
                let query = ArchiveQuery { queue: queue.map(|q| q.try_into().expect("a name")), status, page, per_page: 50 };
                let (rows, total) = jobs::page(&db, &totals, &query).await.expect("a page");
                let rows: Vec<i64> = rows.iter().map(|row| row.row).collect();
                let from = ((page - 1) * 50).min(expected.len() as u64) as usize;
                assert_eq!(rows, expected[from..expected.len().min(from + 50)], "page {page} of {queue:?} {status:?}");
                assert_eq!(total, expected.len() as u64);
            }
        }
    };
    compare(&ids).await;
    // What was counted is kept for a while: rows that come meanwhile are counted besides.
    let since: Vec<i64> = (0..260).map(|n| 39_999_981 + n * 21).collect();
    write(&since).await;
    ids.extend(since);
    compare(&ids).await;
    // Those of the page and of its neighbours go.
    let far = ArchiveQuery { queue: None, status: None, page: 240, per_page: 50 };
    let (there, _) = jobs::page(&db, &totals, &far).await.expect("a page");
    let (last, first) = (there[0].row + 300, there[0].row - 300);
    db.run(sql("DELETE FROM flux_job_archive WHERE id >= ? AND id <= ?").bind(first).bind(last)).await.expect("deleted");
    ids.retain(|id| !(first..=last).contains(id));
    let (rows, _) = jobs::page(&db, &totals, &far).await.expect("a page");
    let from = ids.len() - 239 * 50;
    let expected: Vec<i64> = ids[from - 50..from].iter().rev().copied().collect();
    assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), expected, "what was counted before no longer holds");
}
