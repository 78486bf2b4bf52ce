//! What the inbox counts goes with the rows that it counted, and with nothing else; on each of the three databases.

use super::{
    SOON,
    databases::{console, days, mail},
    ints,
    retention::delete_old,
    searched, texts,
};
use crate::{
    archive::on_each,
    support::{DatabaseKind, Payload, eventually},
};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::archive::record::{self, Record},
};
use serde_json::json;

on_each! { the_inbox_forgets_with_the_rows the_inbox_counts_what_is_kept }

/// Kinds and their hours go with the rows that they count, and so does what was read in rows that the library deleted.
async fn the_inbox_forgets_with_the_rows(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let dead = |id: &str, error: &str, at: Millis| Record {
        status: Status::Failed,
        queue: mail(),
        payload: Payload::new(id, "mail").created(at.0).attempts(3, 3).failed(error).into_bytes(),
        id: None,
        at,
    };
    let mut all: Vec<Record> =
        (0..120).map(|n| dead(&format!("old-{n}"), &format!("kind {} of old", "x".repeat(n % 60)), days(40))).collect();
    all.push(dead("both-1", "kept", days(40)));
    all.push(dead("both-2", "kept", days(2)));
    all.push(Record { payload: b"{broken".to_vec(), ..dead("", "", days(2)) });
    all.push(dead("gone", "kept", days(3)));
    assert_eq!(record::records(&db, &all).await.unwrap().rows, 124);
    eventually("all is indexed", SOON, async || ints(&db, "SELECT COUNT(*) FROM flux_console_rows").await == [124]).await;
    let kinds = console.json("/api/v1/errors").await["kinds"].take();
    let kept = kinds.as_array().expect("kinds").iter().find(|kind| kind["text"] == "kept").expect("the kind");
    assert_eq!(kept["firstAbout"], false, "{kept}");
    // As the library does it.
    super::run(&db, "DELETE FROM flux_job_archive WHERE job_id = 'gone' OR payload NOT LIKE '%attempts%'", []).await;
    let deleted = delete_old(&console).await;
    // SQLite takes broken JSON where it belongs.
    let notes = if kind == DatabaseKind::Sqlite { 2 } else { 3 };
    assert_eq!(deleted["notes of rows that are gone"].as_u64(), Some(notes), "{deleted}");
    for table in ["flux_job_archive", "flux_console_rows", &format!("{} words", searched(&db).await)] {
        assert_eq!(ints(&db, &format!("SELECT COUNT(*) FROM {table}")).await, [1], "{table}");
    }
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_whole").await, [0]);
    assert_eq!(texts(&db, "SELECT text FROM flux_console_signatures").await, ["kept"]);
    assert_eq!(ints(&db, "SELECT count FROM flux_console_signatures").await, [1]);
    assert!(ints(&db, "SELECT first_ms FROM flux_console_signatures").await[0] >= days(31).0);
    // Of what is left the hours are known, not the moments.
    let left = console.json("/api/v1/errors").await["kinds"][0].take();
    assert_eq!((&left["text"], &left["firstAbout"]), (&json!("kept"), &json!(true)), "{left}");
    assert!(left["firstAt"].as_str().is_some_and(|at| at.ends_with(":00:00.000Z")), "{left}");
    let page = console.get("/errors").await.text().await.expect("a page");
    assert!(page.contains(">about "), "{page}");
    assert_eq!(ints(&db, "SELECT count FROM flux_console_signature_hours").await, [1]);
    console.stop().await;
}

/// A row goes by when it was archived, and its failure is counted in the hour in which it failed: that may be weeks before, when it
/// lay in Redis until a console came, or long after, by a wrong clock.
async fn the_inbox_counts_what_is_kept(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let dead = |id: &str, error: &str, failed: Millis, archived: Millis| Record {
        status: Status::Failed,
        queue: mail(),
        payload: Payload::new(id, "mail").created(failed.0).attempts(3, 3).failed(error).into_bytes(),
        id: None,
        at: archived,
    };
    let all = [
        dead("late-1", "found late", days(60), days(1)),
        dead("late-2", "found late", days(60), days(40)),
        dead("ahead", "not yet so", days(-300), days(40)),
    ];
    assert_eq!(record::records(&db, &all).await.unwrap().rows, 3);
    eventually("all is indexed", SOON, async || ints(&db, "SELECT COUNT(*) FROM flux_console_rows").await == [3]).await;
    assert_eq!(ints(&db, "SELECT count FROM flux_console_signatures ORDER BY count").await, [1, 2]);
    delete_old(&console).await;
    assert_eq!(texts(&db, "SELECT job_id FROM flux_job_archive").await, ["late-1"]);
    assert_eq!(texts(&db, "SELECT text FROM flux_console_signatures").await, ["found late"]);
    assert_eq!(ints(&db, "SELECT count FROM flux_console_signatures").await, [1]);
    assert_eq!(ints(&db, "SELECT count FROM flux_console_signature_hours").await, [1]);
    // As the library does it.
    super::run(&db, "DELETE FROM flux_job_archive", []).await;
    delete_old(&console).await;
    for table in ["flux_console_signatures", "flux_console_signature_hours"] {
        assert_eq!(ints(&db, &format!("SELECT COUNT(*) FROM {table}")).await, [0], "{table}");
    }
    console.stop().await;
}
