use super::Archive;
use crate::support::{TestRedis, eventually, payload::dead};
use flux_console::{
    model::{archive::Status, errors::filter, ids::QueueName, job::JobState, operation::Verb},
    server::{
        actions,
        archive::{
            index,
            record::{self, Record},
        },
        digest::sha1_hex,
    },
};
use std::time::Duration;

const TIMEOUT: &str = "PaymentTimeout: gateway did not answer within <n> ms";

fn failed(queue: &str, n: usize) -> Vec<String> {
    (0..n)
        .map(|i| dead(&format!("t-{queue}-{i}"), queue, &format!("PaymentTimeout: gateway did not answer within {} ms", 30_000 + i), ""))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_are_counted_in_the_archive_and_in_redis() {
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let db = archive.db().await;
    let queue = QueueName::try_from("orders").expect("a name");
    let at = actions::now();
    let records: Vec<Record> = failed("orders", 7)
        .into_iter()
        .chain([dead("other", "orders", "Card declined", "")])
        .map(|raw| Record { status: Status::Failed, queue: queue.clone(), id: None, payload: raw.into_bytes(), at })
        .collect();
    record::records(&db, &records).await.expect("written");
    while index::step(&db).await.expect("indexed") > 0 {}
    db.close().await;
    redis.push_raw("queue:orders:failed", failed("orders", 3)).await;
    redis.push_raw("queue:mail:failed", failed("mail", 2)).await;
    redis.push_raw("queue:mail:failed", [dead("new", "mail", "Never seen before", "")]).await;
    let console = archive.console(&redis).await;

    let page = console.json("/api/v1/errors?sort=count").await;
    let told: Vec<(&str, u64, u64)> = page["kinds"]
        .as_array()
        .expect("kinds")
        .iter()
        .map(|k| (k["text"].as_str().unwrap(), k["count"].as_u64().unwrap(), k["failed"].as_u64().unwrap()))
        .collect();
    assert_eq!(told[0], (TIMEOUT, 7, 5), "{page}");
    // Two of one count: which comes first is for the hash of the text to say.
    assert!(told.len() == 3 && told.contains(&("Card declined", 1, 0)) && told.contains(&("Never seen before", 1, 1)), "{page}");
    assert_eq!(page["total"], 3);
    let only = console.json("/api/v1/errors?q=CARD").await;
    assert_eq!((&only["total"], &only["kinds"][0]["text"]), (&1.into(), &"Card declined".into()));
    assert_eq!(console.json("/api/v1/errors?queue=mail").await["total"], 1);

    let one = console.json(&format!("/api/v1/errors/{}", sha1_hex(TIMEOUT))).await;
    assert_eq!(one["jobs"].as_array().expect("jobs").len(), 7);
    assert_eq!(one["failed"], serde_json::json!([{"queue": "orders", "count": 3}, {"queue": "mail", "count": 2}]));
    let html = console.get(&format!("/errors/{}", sha1_hex(TIMEOUT))).await.text().await.expect("a page");
    assert!(html.contains("gateway did not answer"), "{html}");
    assert!(console.get("/errors").await.text().await.expect("a page").contains("Card declined"));
    assert_eq!(console.get("/api/v1/errors/none").await.status(), 404);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_retried_and_nothing_else() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", failed("orders", 40)).await;
    redis.push_raw("queue:orders:failed", [dead("other", "orders", "PaymentTimeout: gateway did not answer", "")]).await;
    redis.push_raw("queue:mail:failed", failed("mail", 2)).await;
    let console = redis.console().await;

    let page = console.json("/api/v1/errors").await;
    assert!(page["unavailable"].as_str().is_some_and(|t| t.contains("no archive")), "{page}");
    assert_eq!(page["coverage"], serde_json::json!({"scanned": 43, "of": 43}));
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let counted: Vec<(&str, u64)> = parts.iter().map(|p| (p.queue.as_str(), p.count)).collect();
    assert_eq!(counted, [("mail", 2), ("orders", 40)]);
    // The table that filters by it finds the same jobs.
    let words = filter(TIMEOUT);
    let found = actions::matching::page(&console.state, &parts[1].queue, JobState::Failed, &words, None, 200).await.expect("a page");
    assert_eq!(found.jobs.len(), 40);
    // One more of that kind comes after the count: it stays.
    redis.push_raw("queue:orders:failed", [dead("late", "orders", "PaymentTimeout: gateway did not answer within 1 ms", "")]).await;
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, false).await.expect("started");
    assert_eq!(started.len(), 2);
    eventually("both are through", Duration::from_secs(20), async || {
        redis.list("queue:orders").await.len() == 40 && redis.list("queue:mail").await.len() == 2
    })
    .await;
    let left = redis.texts("queue:orders:failed").await;
    assert!(left.len() == 2 && left.iter().any(|l| l.contains("\"late\"")) && left.iter().any(|l| l.contains("\"other\"")), "{left:?}");
    let refused = actions::errors::act(&console.state, TIMEOUT, Verb::Purge, &parts, false).await;
    assert!(refused.is_err());
    console.stop().await;
}
