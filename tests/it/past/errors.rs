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

/// More queues than operations run at once: those that find no place begin later.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_in_many_queues_is_acted_on_in_all() {
    let redis = TestRedis::start().await;
    let queues: Vec<String> = (0..60).map(|n| format!("shop-{n}")).collect();
    for queue in &queues {
        redis.push_raw(&format!("queue:{queue}:failed"), failed(queue, 3)).await;
    }
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    assert_eq!(parts.len(), 60);
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, false).await.expect("started");
    assert!((1..=8).contains(&started.len()), "{}", started.len());
    eventually("all of them are through", Duration::from_secs(60), async || {
        let mut through = true;
        for queue in &queues {
            through &= redis.list(&format!("queue:{queue}")).await.len() == 3;
        }
        through
    })
    .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_deleted_into_the_trash() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", failed("orders", 5)).await;
    redis.push_raw("queue:orders:failed", [dead("other", "orders", "Card declined", "")]).await;
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Discard, &parts, false).await.expect("started");
    assert_eq!(started.len(), 1);
    eventually("they are gone", Duration::from_secs(20), async || redis.list("queue:orders:failed").await.len() == 1).await;
    let mut trash = serde_json::Value::Null;
    eventually("they are in the trash", Duration::from_secs(20), async || {
        trash = console.json("/api/v1/trash").await;
        trash["trash"][0]["jobs"] == 5
    })
    .await;
    let id = trash["trash"][0]["id"].as_str().expect("an id");
    assert_eq!(console.post(&format!("/api/v1/trash/{id}/restore"), &serde_json::Value::Null).await.0, 202, "{trash}");
    eventually("they are back", Duration::from_secs(20), async || redis.list("queue:orders:failed").await.len() == 6).await;
    console.stop().await;
}

/// Hours, first and last time, the sample, and what rises.
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_tells_when_and_whether_it_rises() {
    const HOUR: i64 = 3_600_000;
    let redis = TestRedis::start().await;
    let archive = Archive::new();
    let db = archive.db().await;
    let now = actions::now().0;
    let kind = |error: &str, id: String, ago: i64| {
        let payload = crate::support::Payload::new(&id, "orders").created(now - ago * HOUR).attempts(3, 3).failed(error).into_bytes();
        let at = flux_console::model::time::Millis(now - ago * HOUR);
        Record { status: Status::Failed, queue: QueueName::try_from("orders").expect("a name"), id: None, payload, at }
    };
    // Ten yesterday and one now; three now; and one a week ago.
    let mut all: Vec<Record> = (0..10).map(|n| kind("falling", format!("f-{n}"), 30)).collect();
    all.push(kind("falling", "f-now".into(), 0));
    all.extend((0..3).map(|n| kind("rising", format!("r-{n}"), 0)));
    all.push(kind("old", "o".into(), 24 * 7));
    record::records(&db, &all).await.expect("written");
    while index::step(&db).await.expect("indexed") > 0 {}
    db.close().await;
    let console = archive.console(&redis).await;
    let texts = async |sort: &str| {
        let page = console.json(&format!("/api/v1/errors?sort={sort}")).await;
        page["kinds"].as_array().unwrap().iter().map(|k| k["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts("rising").await, ["rising", "old", "falling"]);
    assert_eq!(texts("count").await, ["falling", "rising", "old"]);
    let page = console.json("/api/v1/errors?q=falling").await;
    let one = &page["kinds"][0];
    let hours: Vec<u64> = one["hours"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    assert_eq!((hours.len(), hours.iter().sum::<u64>(), one["count"].as_u64()), (24, 1, Some(11)), "{one}");
    let hour_of = |at: i64| flux_console::model::time::Millis(at).iso()[..13].to_owned();
    assert!(one["firstAt"].as_str().unwrap().starts_with(&hour_of(now - 30 * HOUR)), "{one}");
    assert!(one["lastAt"].as_str().unwrap().starts_with(&hour_of(now)), "{one}");
    assert!(one["sample"].as_str().unwrap().starts_with("/queues/orders/jobs/f-now?row="), "{one}");
    console.stop().await;
}
