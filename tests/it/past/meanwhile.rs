//! What is not known by rows alone when a group of failures is judged: jobs without an id, failures that the archive does not have, runs
//! that ended a moment ago.

use super::remembered::{SOON, TIMEOUT, by_queue, console, counted, dead, record, timeout, write};
use crate::{
    archive::{fresh, on_each},
    support::{DatabaseKind, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::time::Millis,
    server::{
        archive::{setting::Persist, signatures, sql::sql},
        config::Config,
        digest::sha1_hex,
    },
};
use redis::AsyncCommands;
use serde_json::json;

on_each! {
    a_job_without_an_id_is_known_by_its_bytes
    a_run_that_ended_a_moment_ago_is_known
}

/// Dead letters of a producer that writes no ids, or none that says anything.
async fn a_job_without_an_id_is_known_by_its_bytes(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let at = now_ms() - 60_000;
    let raws: Vec<String> = ["", r#""id":null,"#, r#""id":"","#]
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let error = timeout(n);
            format!(r#"{{{id}"data":"{{}}","createdAt":{at},"attempts":3,"maxAttempts":3,"error":"{error}","failedAt":{at}}}"#)
        })
        .collect();
    let mut records: Vec<_> = raws.iter().map(|raw| record("orders", raw, 0)).collect();
    records.push(record("orders", &dead("named", "orders", &timeout(9), 2), 2));
    write(&db, &records).await;
    redis.push_raw("queue:orders:failed", &raws).await;
    let console = console(&redis, &database).await;
    assert_eq!(by_queue(&counted(&console).await.archived), [("orders", 1)], "the one with an id alone");

    let (places, _) = signatures::places(&db, &sha1_hex(TIMEOUT), i64::MAX, 8).await.expect("places");
    let rows: Vec<i64> = places.iter().filter(|place| place.id != "named").map(|place| place.row).collect();
    assert_eq!(rows.len(), 3);
    let retry =
        async |row: i64, request: String| console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &json!({"request": request})).await;
    for row in &rows {
        let (status, answer) = retry(*row, format!("there-{row}")).await;
        assert_eq!(status, 409, "{answer}");
    }
    assert!(redis.list("queue:orders").await.is_empty());
    // Dropped by the library, it is pushed by whoever asks for it.
    redis.con.clone().del::<_, ()>("queue:orders:failed").await.expect("DEL");
    let (_, answer) = retry(rows[0], "gone".into()).await;
    assert_eq!(answer["pushed"], "done", "{answer}");
    assert_eq!(counted(&console).await.archived.count(), 1, "nothing tells which of them was retried or ran");
    console.stop().await;
}

/// It was retried by somebody else and has completed; the archive learns of it later.
async fn a_run_that_ended_a_moment_ago_is_known(kind: DatabaseKind) {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let records: Vec<_> = ["a", "b"].iter().map(|id| record("orders", &dead(id, "orders", &timeout(1), 2), 2)).collect();
    write(&db, &records).await;
    let console = console(&redis, &database).await;
    console.listens().await;
    assert_eq!(counted(&console).await.archived.count(), 2);
    for message in ["Processing job: a", "Completed job: a"] {
        let event = json!({"level": "info", "message": message, "workerId": "w", "jobId": "a", "timestamp": Millis(now_ms()).iso()});
        redis.con.clone().publish::<_, _, ()>("flux_console:logs", event.to_string()).await.expect("PUBLISH");
    }
    let runs = async || db.one(sql("SELECT COUNT(*) FROM flux_console_attempts"), |row| row.count(0)).await.expect("an answer");
    eventually("the run is written", SOON, async || runs().await == Some(1)).await;
    // As before that.
    db.run(sql("DELETE FROM flux_console_attempts")).await.expect("deleted");
    db.run(sql("DELETE FROM flux_job_archive WHERE status <> 'failed'")).await.expect("deleted");
    assert_eq!(counted(&console).await.archived.count(), 1);
    console.stop().await;
}

/// Nobody copies dead letters, so the archive has the first failure alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_anew_is_left_to_redis() {
    let redis = TestRedis::start().await;
    let (database, archive) = fresh(DatabaseKind::Sqlite).await;
    write(&archive.db().expect("open"), &[record("orders", &dead("a", "orders", &timeout(1), 9), 9)]).await;
    let persist = Persist { failed: false, ..Persist::default() };
    let config = Config { url: redis.url.clone(), archive: database.setting.clone(), persist, ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    assert_eq!(counted(&console).await.archived.count(), 1);
    redis.push_raw("queue:orders:failed", [dead("a", "orders", &timeout(1), 1)]).await;
    assert_eq!(counted(&console).await.archived.count(), 0);
    console.stop().await;
}
