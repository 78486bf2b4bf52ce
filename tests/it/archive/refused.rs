//! What a database refuses holds nobody else up, and is kept as far as it can be.

use super::{fresh, on_each};
use crate::support::{DatabaseKind, Payload};
use flux_console::{
    model::{archive::Status, ids::QueueName, query::ArchiveQuery, time::Millis},
    server::archive::{
        db::Db,
        gaps, jobs,
        record::{self, Line, Record, Written},
        sql::sql,
        totals::Totals,
    },
};

const AT: Millis = Millis(1_795_433_700_000);

fn mail() -> QueueName {
    "mail".try_into().expect("a name")
}

fn record(payload: impl Into<Vec<u8>>, at: Millis) -> Record {
    Record { status: Status::Failed, queue: mail(), id: None, payload: payload.into(), at }
}

async fn payloads(db: &Db) -> Vec<Vec<u8>> {
    let all = ArchiveQuery { queue: None, status: None, page: 1, per_page: 200 };
    let mut kept = Vec::new();
    for row in jobs::page(db, &Totals::default(), &all).await.expect("a page").0 {
        kept.push(jobs::payload(db, row.row).await.expect("an answer").expect("a payload"));
    }
    kept.sort();
    kept
}

async fn odd_rows_stop_nobody(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let mut raws: Vec<String> = Vec::new();
    // Times that a TIMESTAMP does not hold, or only just.
    for created in [-1, 0, 999, 1_000, 2_147_483_647_999, 4_102_444_800_000, 253_402_300_799_999] {
        raws.push(Payload::new(&format!("at{created}"), "mail").created(created).failed("late"));
    }
    // Deeper than MariaDB calls valid.
    for depth in [28, 31, 33, 60, 200] {
        raws.push(format!(r#"{{"id":"deep-{depth}","n":{}{},"error":"e"}}"#, "[".repeat(depth), "]".repeat(depth)));
    }
    // An id with a NUL, which PostgreSQL takes in no text.
    raws.push(r#"{"id":"a\u0000b","createdAt":5,"attempts":3,"error":"no"}"#.into());
    // More than one statement may have.
    raws.extend((0..6).map(|i| format!(r#"{{"id":"large-{i}","data":"{}","error":"e"}}"#, "y".repeat(4 * 1024 * 1024))));
    let batch: Vec<Record> = raws.iter().map(|raw| record(raw.as_bytes(), AT)).collect();
    let n = raws.len() as u64;
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written { rows: n, refused: 0 });
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written::default(), "all of them are known now");
    let mut expected: Vec<Vec<u8>> = raws.iter().map(|raw| raw.clone().into_bytes()).collect();
    expected.sort();
    assert!(payloads(&db).await == expected, "payloads differ");
    let (rows, count) = jobs::of_job(&db, &mail(), "a\0b").await.expect("rows");
    assert_eq!((count, rows.iter().map(|r| r.id.as_str()).collect::<Vec<_>>()), (1, vec!["a\0b"]));
    assert!(gaps::newest(&db, None).await.expect("gaps").0.is_empty());
}

/// Log lines bear the producer's time, whatever its clock says.
async fn lines_of_any_time_are_written(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let times = [-62_167_219_200_000, 0, 999, AT.0, 4_102_444_800_000, 253_402_300_799_999];
    let line = |at: i64| Line { level: "info".into(), message: format!("at {at}"), worker: "w".into(), queue: None, at: Millis(at) };
    let lines: Vec<Line> = times.into_iter().map(line).collect();
    assert_eq!(record::Lines::default().write(&db, &lines, false).await.expect("written"), 6);
    let count = db.one(sql("SELECT COUNT(*) FROM flux_system_logs WHERE timestamp IS NOT NULL"), |r| r.count(0)).await.unwrap();
    assert_eq!(count, Some(6));
}

/// A schedule completes the same job, created at the same time, again and again.
async fn each_completion_of_a_schedule_is_written(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let payload = Payload::new("nightly", "mail").attempts(1, 3).waiting();
    let at = |n: i64| Record { status: Status::Completed, ..record(payload.as_bytes(), Millis(AT.0 + n * 60_000)) };
    let first: Vec<Record> = (0..500).map(at).collect();
    assert_eq!(record::records(&db, &first).await.expect("written").rows, 500);
    let next: Vec<Record> = (400..900).map(at).collect();
    assert_eq!(record::records(&db, &next).await.expect("written").rows, 400, "those of another console are known by their time");
    // Whatever page it is, the rows beside it say what its rows mean.
    for page in [1, 9, 18] {
        let query = ArchiveQuery { queue: Some(mail()), status: None, page, per_page: 50 };
        let (rows, total) = jobs::page(&db, &Totals::default(), &query).await.expect("a page");
        assert_eq!((rows.len(), total), (50, 900));
        assert!(rows.iter().all(|r| r.succeeded()), "page {page}: {:?}", rows.iter().find(|r| !r.succeeded()));
    }
}

on_each! { odd_rows_stop_nobody lines_of_any_time_are_written each_completion_of_a_schedule_is_written }

/// A payload beyond what the server takes at all is a gap; the job is there without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_no_packet_holds_is_a_gap() {
    let (_database, archive) = fresh(DatabaseKind::MariaDb).await;
    let db = archive.db().expect("open");
    let huge = format!(r#"{{"id":"huge","data":"{}","error":"e"}}"#, "y".repeat(17 * 1024 * 1024));
    let batch = [record(Payload::new("a", "mail").failed("no"), AT), record(huge, AT), record(Payload::new("b", "mail").failed("no"), AT)];
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written { rows: 3, refused: 1 });
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written::default());
    let (gaps, _) = gaps::newest(&db, Some(&mail())).await.expect("gaps");
    assert_eq!(gaps.iter().map(|g| g.up_to).collect::<Vec<_>>(), [Some(1)]);
    let (rows, _) = jobs::of_job(&db, &mail(), "huge").await.expect("rows");
    assert_eq!(rows.len(), 1);
}

/// A server hangs up on a packet that is larger than it takes: the same batch would be sent for ever.
#[tokio::test(flavor = "multi_thread")]
async fn statements_fit_the_packets_of_a_server_that_takes_small_ones() {
    let own = crate::support::databases::own_mariadb().await;
    own.database.run("SET GLOBAL max_allowed_packet = 1048576");
    let archive = super::open(&own.database).await;
    let db = archive.db().expect("open");
    assert_eq!(db.largest().await.expect("an answer"), Some(1_048_576));
    // Three megabytes together; four of them are larger than their column.
    let message = |n: usize| format!("{n} {}", "x".repeat(if n.is_multiple_of(10) { 250_000 } else { 60_000 }));
    let line = |n| Line { level: "info".into(), message: message(n), worker: "w".into(), queue: None, at: AT };
    let lines: Vec<Line> = (0..40).map(line).collect();
    assert_eq!(record::Lines::default().write(&db, &lines, false).await.expect("written"), 40);
    let asked = sql(
        "SELECT COALESCE(w.message, a.message) FROM flux_system_logs a LEFT JOIN flux_console_whole_lines w ON w.row_id = a.id ORDER BY a.id",
    );
    let kept = db.rows(asked, |row| row.text(0).unwrap_or_default()).await.expect("rows");
    assert!(kept == (0..40).map(message).collect::<Vec<_>>(), "every line is whole");

    let job = |n: usize, bytes: usize| record(format!(r#"{{"id":"j-{n}","data":"{}","error":"e"}}"#, "y".repeat(bytes)), AT);
    let mut batch: Vec<Record> = (0..10).map(|n| job(n, 300_000)).collect();
    batch.push(job(10, 2_000_000));
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written { rows: 11, refused: 1 });
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written::default());
}

/// A value that no rule foresees: the database's own word is taken for it, row by row.
#[tokio::test(flavor = "multi_thread")]
async fn one_refused_value_is_found_among_many() {
    let (_database, archive) = fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON flux_job_archive WHEN NEW.payload LIKE '%poison%' \
                  BEGIN SELECT RAISE(ABORT, 'refused'); END";
    db.run(sql(refuse)).await.expect("a trigger");
    let mut batch: Vec<Record> = (0..300).map(|i| record(Payload::new(&format!("j-{i}"), "mail").failed("no"), AT)).collect();
    batch[137] = record(Payload::new("j-137", "mail").failed("poison"), AT);
    assert_eq!(record::records(&db, &batch).await.expect("written"), Written { rows: 300, refused: 0 });
    let (rows, _) = jobs::of_job(&db, &mail(), "j-137").await.expect("rows");
    assert_eq!(jobs::payload(&db, rows[0].row).await.expect("an answer"), Some(batch[137].payload.clone()), "it is whole beside its row");
}
