//! The library writes a failed attempt down as completed as well, with a stamp of its own: it is one failure, whichever row is clicked.

use super::{Archive, remembered::queue};
use crate::support::TestRedis;
use flux_console::{
    model::time::Millis,
    server::{
        actions::{self, errors::remembered},
        archive::jobs,
    },
};
use redis::AsyncCommands;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_false_completion_is_pushed_as_its_failure() {
    let (redis, archive) = (TestRedis::start().await, Archive::recorded());
    let console = archive.console(&redis).await;
    let db = console.state.archive.db().expect("open");
    let raw = jobs::payload(&db, 10).await.expect("read").expect("a payload");
    redis.push_raw("queue:payments:failed", [&raw]).await;
    let click = async |row: i64, request: &str, seen_at: Option<Millis>| {
        console.post(&format!("/api/v1/archive/jobs/{row}/retry"), &json!({"request": request, "seenAt": seen_at})).await
    };
    let (status, problem) = click(11, "r1", None).await;
    assert_eq!(status, 409, "{problem}");
    assert!(redis.list("queue:payments").await.is_empty());
    let html = console.get("/queues/payments/jobs/dead-1?row=11").await.text().await.expect("a page");
    assert!(html.contains("This failure is still in Redis: retry it there.") && !html.contains("Retry job…"), "{html}");

    redis.con.clone().del::<_, ()>("queue:payments:failed").await.expect("DEL");
    let page = async || {
        let payments = queue("payments");
        actions::past::answer(&console.state, &payments, "dead-1", None, Some(11), false).await.expect("a page")
    };
    let before = page().await;
    assert_eq!(before.pushed_at, None);
    assert_eq!(click(10, "r2", None).await.1["pushed"], "done");
    assert_eq!(click(11, "r3", Some(before.answered_at)).await.1["pushed"], "since", "another operator retried its failure");
    let after = page().await;
    assert!(after.pushed_at.is_some_and(|at| at >= before.answered_at), "{:?}", after.pushed_at);
    assert_eq!(redis.list("queue:payments").await.len(), 1);

    // A retry of all of its kind asks for the failure, whichever row was clicked.
    let rows = jobs::by_ids(&db, vec![14, 20, 21]).await.expect("rows");
    let failure = rows.iter().find(|row| row.row == 20).expect("the failure");
    assert_eq!(click(21, "r4", None).await.1["pushed"], "done");
    assert_eq!(console.state.driver.were_pushed(&[remembered::name(failure)]).await.expect("an answer"), [true]);
    // One second before, another attempt of that job had failed, and was retried.
    let mut told = Vec::new();
    for row in &rows {
        told.push((row.row, jobs::failure_of(&db, row).await.expect("an answer").map(|failure| failure.row)));
    }
    assert_eq!(told, [(21, Some(20)), (20, Some(20)), (14, Some(14))]);
    let completed = jobs::by_ids(&db, vec![9]).await.expect("rows").remove(0);
    assert_eq!(jobs::failure_of(&db, &completed).await.expect("an answer"), None);
    console.stop().await;
}
