//! Under which queues an id is known, whichever queue is asked for.

use super::{fresh, on_each};
use crate::support::{DatabaseKind, Payload};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::archive::{
        db::Db,
        jobs::QUEUES,
        record::{self, Record, Run},
        timeline,
    },
};

const AT: i64 = 1_795_433_700_000;

/// One failure is known by job, creation and attempt, in whatever queue: `at` tells them apart.
async fn dead(db: &Db, id: &str, queue: &str, at: i64) {
    let payload = Payload::new(id, queue).created(AT + at).attempts(3, 3).failed("no answer").into_bytes();
    let record = Record { status: Status::Failed, queue: queue.try_into().expect("a name"), id: None, payload, at: Millis(AT + at) };
    assert_eq!(record::records(db, &[record]).await.expect("written").rows, 1);
}

async fn queues(db: &Db, id: &str) -> Vec<String> {
    let rows = timeline::by_queue(db, id).await.expect("rows");
    assert!(rows.iter().all(|row| row.id == id), "{rows:?}");
    rows.into_iter().map(|row| row.queue.to_string()).collect()
}

async fn an_id_is_known_in_each_of_its_queues(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    for n in 0..30 {
        dead(&db, "ORD-1", "orders", n * 1_000).await;
    }
    dead(&db, "ORD-1", "refunds", 90_000).await;
    dead(&db, "ord-1", "small", 0).await;
    dead(&db, "ORD-10", "longer", 0).await;
    let run = |queue: Option<&str>, at: i64| Run {
        job: "ORD-1".into(),
        queue: queue.map(|q| q.try_into().expect("a name")),
        worker: "w".into(),
        class: Some("Charge".into()),
        attempt: Some(1),
        started_at: Millis(AT + at - 10),
        ended_at: Millis(AT + at),
        wait_ms: None,
        outcome: "completed",
        error: None,
    };
    // Of a job that completed there may be no more than its run.
    record::runs(&db, &[run(Some("ran"), 60_000), run(Some("orders"), 70_000), run(None, 80_000)]).await.expect("written");
    assert_eq!(queues(&db, "ORD-1").await, ["refunds", "ran", "orders"], "the newest first");
    let rows = timeline::by_queue(&db, "ORD-1").await.expect("rows");
    assert_eq!(rows[2].archived_at, Some(Millis(AT + 29_000)), "of each queue the newest row");
    assert_eq!((rows[1].row, rows[1].status, rows[1].class_name.as_deref()), (0, Status::Completed, Some("Charge")));
    assert_eq!(queues(&db, "ORD").await, Vec::<String>::new());
    for n in 0..2 * QUEUES {
        dead(&db, "everywhere", &format!("q-{n}"), n as i64 * 1_000).await;
    }
    assert_eq!(queues(&db, "everywhere").await.len(), QUEUES, "no more than a page shows");
}

/// What a column cuts, or takes for the same, is told apart.
async fn names_that_do_not_fit_are_told_apart(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let long = |end: &str| format!("{}{end}", "x".repeat(600));
    dead(&db, &long("1"), "mail", 0).await;
    dead(&db, &long("2"), "orders", 0).await;
    for (n, queue) in [(1, long("1")), (2, long("2")), (3, "Mail".into()), (4, "mail".into())] {
        dead(&db, "a", &queue, n * 1_000).await;
    }
    assert_eq!(queues(&db, &long("1")).await, ["mail"]);
    assert_eq!(queues(&db, &long("2")).await, ["orders"]);
    let mut all = queues(&db, "a").await;
    all.sort();
    assert_eq!(all, ["Mail".to_owned(), "mail".into(), long("1"), long("2")]);
}

on_each! { an_id_is_known_in_each_of_its_queues names_that_do_not_fit_are_told_apart }
