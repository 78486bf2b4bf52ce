//! Archives that the library made: opened at once, read exactly, not a row lost.

use super::{on_each, open};
use crate::support::{Database, DatabaseKind, recording::fixtures};
use flux_console::{
    model::{
        archive::{Status, Verdict},
        query::ArchiveQuery,
        time::parse_iso,
    },
    server::archive::{Archive, jobs, setting::Setting, sql::sql, totals::Totals},
};
use serde_json::Value;

fn all(queue: Option<&str>) -> ArchiveQuery {
    ArchiveQuery { queue: queue.map(|q| q.try_into().expect("a name")), status: None, page: 1, per_page: 200 }
}

fn recorded(file: &str) -> Value {
    let text = std::fs::read_to_string(fixtures().join("sql").join(file)).expect("a recording");
    serde_json::from_str(&text).expect("JSON")
}

/// Every row as it was recorded, times to the digit that the database keeps.
async fn equal(archive: &Archive, recording: &Value) {
    let db = archive.db().expect("open");
    let rows = recording["flux_job_archive"].as_array().expect("rows");
    let (page, total) = jobs::page(&db, &Totals::default(), &all(None)).await.expect("a page");
    assert_eq!((page.len(), total), (rows.len(), rows.len() as u64));
    for (read, row) in page.iter().rev().zip(rows) {
        assert_eq!((Some(read.row), Some(read.id.as_str())), (row["id"].as_i64(), row["job_id"].as_str()));
        assert_eq!((Some(read.queue.as_str()), Some(read.status.as_str())), (row["queue"].as_str(), row["status"].as_str()));
        assert_eq!(read.archived_at, row["archived_at"].as_str().and_then(parse_iso), "{row}");
        assert_eq!(read.error.as_deref(), row["error"].as_str());
        let payload = jobs::payload(&db, read.row).await.expect("an answer").expect("a payload");
        assert_eq!(Some(String::from_utf8(payload).expect("text").as_str()), row["payload"].as_str());
    }
    let logs = recording["flux_system_logs"].as_array().expect("lines");
    let text = format!("SELECT level, message, worker_id, queue, {} FROM flux_system_logs ORDER BY id", db.dialect().ms("timestamp"));
    let read = db.rows(sql(text), |r| (r.text(0), r.text(1), r.text(2), r.text(3), r.int(4))).await.expect("lines");
    assert_eq!(read.len(), logs.len());
    for (line, log) in read.iter().zip(logs) {
        let text = |name: &str| log[name].as_str().map(str::to_owned);
        let at = log["timestamp"].as_str().and_then(parse_iso).map(|m| m.0);
        assert_eq!(*line, (text("level"), text("message"), text("worker_id"), text("queue"), at));
    }
}

#[tokio::test]
async fn the_recorded_sqlite_archive_is_read_exactly() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("flux.sqlite");
    std::fs::copy(fixtures().join("sql/sqlite-archive.db"), &file).expect("a copy");
    let archive = Archive::new(Setting::Sqlite(file), flux_console::server::actions::now());
    assert!(archive.open(flux_console::server::actions::now()).await);
    equal(&archive, &recorded("sqlite-archive-rows.json")).await;

    // By hand: the library writes a `completed` row for every attempt.
    let db = archive.db().expect("open");
    let verdicts = async |queue: &str, id: &str| {
        let (rows, n) = jobs::of_job(&db, &queue.try_into().expect("a name"), id).await.expect("rows");
        assert_eq!(rows.len() as u64, n);
        rows.iter().map(|r| (r.status, r.attempt, r.verdict)).collect::<Vec<_>>()
    };
    use Status::{Completed, Failed, Waiting};
    use Verdict::{FailedAttempt, Sure};
    assert_eq!(verdicts("mail", "ok-0").await, [(Waiting, Some(0), Sure), (Completed, Some(1), Sure)]);
    assert_eq!(
        verdicts("payments", "dead-1").await,
        [(Waiting, Some(0), Sure), (Failed, Some(1), Sure), (Completed, Some(1), FailedAttempt)]
    );
    assert_eq!(
        verdicts("payments", "dead-2").await,
        [
            (Waiting, Some(0), Sure),
            (Waiting, Some(2), Sure),
            (Failed, Some(2), Sure),
            (Completed, Some(2), FailedAttempt),
            (Completed, Some(2), FailedAttempt)
        ]
    );
    assert_eq!(
        verdicts("mail", "flaky-1").await,
        [(Waiting, Some(0), Sure), (Waiting, Some(2), Sure), (Completed, Some(2), FailedAttempt), (Completed, Some(2), Sure)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_mariadb_archive_is_read_exactly() {
    let database = Database::new(DatabaseKind::MariaDb).await;
    let made = std::fs::read_to_string(fixtures().join("sql/mariadb-show-create.txt")).expect("a recording");
    for table in ["flux_job_archive", "flux_system_logs"] {
        let at = made.find(&format!("CREATE TABLE `{table}`")).expect("the table");
        let end = at + made[at..].find(";\n").or_else(|| made[at..].find("\n***")).unwrap_or(made.len() - at);
        database.run(&made[at..end]);
    }
    let recording = recorded("mariadb-archive-rows.json");
    let quoted = |v: &Value| v.as_str().map_or("NULL".to_owned(), |t| format!("'{}'", t.replace('\\', "\\\\").replace('\'', "\\'")));
    let time = |v: &Value| quoted(v).replace('T', " ").replace(".000Z", "");
    let mut text = String::from("SET time_zone = '+00:00';");
    for row in recording["flux_job_archive"].as_array().expect("rows") {
        let columns = [&row["job_id"], &row["queue"], &row["status"], &row["payload"], &row["error"]].map(quoted).join(", ");
        let times = [&row["created_at"], &row["archived_at"]].map(time).join(", ");
        text.push_str(&format!("INSERT INTO flux_job_archive VALUES ({}, {columns}, {times});", row["id"]));
    }
    for line in recording["flux_system_logs"].as_array().expect("lines") {
        let columns = [&line["level"], &line["message"], &line["worker_id"], &line["queue"]].map(quoted).join(", ");
        text.push_str(&format!("INSERT INTO flux_system_logs VALUES ({}, {columns}, {});", line["id"], time(&line["timestamp"])));
    }
    database.run(&text);
    equal(&open(&database).await, &recording).await;
    // A second console, and the same one again.
    equal(&open(&database).await, &recording).await;
}

/// Replicas start together.
async fn several_consoles_open_a_new_archive_at_once(kind: DatabaseKind) {
    let database = Database::new(kind).await;
    let opened = futures::future::join_all((0..4).map(|_| open(&database))).await;
    for archive in opened {
        assert!(jobs::page(&archive.db().expect("open"), &Totals::default(), &all(Some("mail"))).await.expect("a page").0.is_empty());
    }
}

on_each! { several_consoles_open_a_new_archive_at_once }
