//! A failure that the console copies after the library wrote that the attempt completed, and rows beyond those that are looked at.

use super::{fresh, on_each};
use crate::support::{DatabaseKind, Payload};
use flux_console::{
    model::{
        archive::{Status, Verdict},
        ids::QueueName,
        query::ArchiveQuery,
        time::Millis,
    },
    server::archive::{
        db::Db,
        jobs,
        record::{self, Record},
        sql::sql,
        timeline,
        totals::Totals,
    },
};

const AT: i64 = 1_795_433_700_000;

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a name")
}

/// A `completed` row as the library writes it: of attempt 1, stamped anew.
async fn completed(db: &Db, id: &str, queue: &str, at: i64) {
    let payload = Payload::new(id, queue).created(at).attempts(1, 1).waiting();
    let mark = db.dialect().at();
    let text = format!(
        "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at) VALUES (?, ?, 'completed', ?, NULL, {mark}, {mark})"
    );
    let mut tx = db.begin().await.expect("begins");
    tx.run(sql(text).bind(id).bind(queue).bind(payload).bind(at).bind(at)).await.expect("written");
    tx.commit().await.expect("committed");
}

/// A dead letter of attempt 1, read from Redis at another time.
async fn failed(db: &Db, id: &str, name: &str, at: i64, read_at: i64) {
    let payload = Payload::new(id, name).created(at).attempts(1, 1).failed("boom").into_bytes();
    let record = Record { status: Status::Failed, queue: queue(name), id: None, payload, at: Millis(read_at) };
    assert_eq!(record::records(db, &[record]).await.expect("written").rows, 1);
}

async fn a_failure_copied_late_denies_its_completion(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    completed(&db, "fc-1", "fcq", AT + 4).await;
    // Retried by an operator before the failure was copied.
    completed(&db, "fc-2", "fcq", AT + 4).await;
    completed(&db, "fc-2", "fcq", AT + 60_000).await;
    for id in ["fc-1", "fc-2"] {
        failed(&db, id, "fcq", AT, AT + 90_000).await;
    }
    let query = ArchiveQuery { queue: Some(queue("fcq")), status: None, page: 1, per_page: 20 };
    let (rows, _) = jobs::page(&db, &Totals::default(), &query).await.expect("a page");
    let told: Vec<_> = rows.iter().rev().map(|row| (row.id.as_str(), row.status, row.verdict)).collect();
    let expected = [
        ("fc-1", Status::Completed, Verdict::FailedAttempt),
        ("fc-2", Status::Completed, Verdict::FailedAttempt),
        ("fc-2", Status::Completed, Verdict::Sure),
        ("fc-1", Status::Failed, Verdict::Sure),
        ("fc-2", Status::Failed, Verdict::Sure),
    ];
    assert_eq!(told, expected);
    let story = async |id: &str| {
        let past = timeline::past(&db, &queue("fcq"), id, false).await.expect("a past");
        past.entries.into_iter().filter(|entry| entry.kind != "note").map(|entry| entry.title).collect::<Vec<_>>()
    };
    assert_eq!(story("fc-1").await, ["Attempt 1 failed, no attempts left"]);
    assert_eq!(story("fc-2").await, ["Attempt 1 failed, no attempts left", "Attempt 1 completed"]);
    let shown = async |id: &str| timeline::job(&db, &queue("fcq"), id, None, 10).await.expect("a job").expect("rows").row.status;
    assert_eq!((shown("fc-1").await, shown("fc-2").await), (Status::Failed, Status::Completed));
}

/// A schedule pushes the same id for ever: of its runs one failed.
async fn a_schedules_other_runs_stay_completed(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    for n in 1..=4 {
        completed(&db, "nightly", "fcq", AT + n * 60_000).await;
    }
    failed(&db, "nightly", "fcq", AT + 119_990, AT + 900_000).await;
    let (rows, _) = jobs::of_job(&db, &queue("fcq"), "nightly").await.expect("rows");
    let told: Vec<_> = rows.iter().map(|row| (row.status, row.verdict)).collect();
    let (sure, denied) = ((Status::Completed, Verdict::Sure), (Status::Completed, Verdict::FailedAttempt));
    assert_eq!(told, [sure, (Status::Failed, Verdict::Sure), denied, sure, sure], "in the order of what they tell");
}

/// A link to a row shows that row or none.
async fn a_row_is_found_by_its_number_however_old(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let night = |n: i64| {
        let payload = Payload::new("nightly", "sched").created(AT + n * 1_000).attempts(1, 1).failed(&format!("night {n}"));
        Record { status: Status::Failed, queue: queue("sched"), id: None, payload: payload.into_bytes(), at: Millis(AT + n * 1_000) }
    };
    assert_eq!(record::records(&db, &(0..250).map(night).collect::<Vec<_>>()).await.expect("written").rows, 250);
    failed(&db, "other", "sched", AT, AT).await;
    let number = async |text: &str| db.one(sql(text), |row| row.int(0)).await.expect("a row").flatten().expect("a number");
    let first = number("SELECT MIN(id) FROM flux_job_archive").await;
    let other = number("SELECT id FROM flux_job_archive WHERE job_id = 'other'").await;
    let asked = async |name: &str, id: &str, row: Option<i64>| {
        let job = timeline::job(&db, &queue(name), id, row, 1 << 20).await.expect("an answer");
        job.map(|job| (job.row.row, job.error.unwrap_or_default()))
    };
    assert_eq!(asked("sched", "nightly", Some(first)).await, Some((first, "night 0".into())));
    assert_eq!(asked("sched", "nightly", None).await.expect("the newest").1, "night 249");
    for (name, id, row) in
        [("sched", "nightly", other), ("sched", "nightly", 999_999), ("sched", "other", first), ("mail", "nightly", first)]
    {
        assert_eq!(asked(name, id, Some(row)).await, None, "{name} {id} {row}");
    }
}

on_each! {
    a_failure_copied_late_denies_its_completion
    a_schedules_other_runs_stay_completed
    a_row_is_found_by_its_number_however_old
}
