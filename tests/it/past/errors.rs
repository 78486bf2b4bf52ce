use super::Archive;
use crate::support::{Replica, TestRedis, eventually, get, http, payload::dead};
use flux_console::{
    model::{
        archive::Status,
        errors::filter,
        ids::QueueName,
        job::JobState,
        operation::{OperationStatus, Verb},
    },
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
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, None, false).await.expect("started");
    assert_eq!(started.len(), 2);
    eventually("both are through", Duration::from_secs(20), async || {
        redis.list("queue:orders").await.len() == 40 && redis.list("queue:mail").await.len() == 2
    })
    .await;
    let left = redis.texts("queue:orders:failed").await;
    assert!(left.len() == 2 && left.iter().any(|l| l.contains("\"late\"")) && left.iter().any(|l| l.contains("\"other\"")), "{left:?}");
    let refused = actions::errors::act(&console.state, TIMEOUT, Verb::Purge, &parts, None, false).await;
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
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, None, false).await.expect("started");
    let known = console.json("/api/v1/operations").await["operations"].as_array().map(Vec::len);
    assert_eq!((started.len(), known), (60, Some(60)), "all of them are known at once");
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
async fn an_operation_that_waits_for_its_turn_can_be_cancelled() {
    let redis = TestRedis::start().await;
    let queues: Vec<String> = (0..40).map(|n| format!("shop-{n}")).collect();
    for queue in &queues {
        redis.push_raw(&format!("queue:{queue}:failed"), failed(queue, 400)).await;
    }
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let act = async || actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, None, false).await.expect("started");
    let started = act().await;
    let last = started.iter().rfind(|o| o.status == OperationStatus::Waiting).expect("not all of them run at once").clone();
    assert!(act().await.iter().any(|o| o.id == last.id), "a second click adds none where one waits");
    let cancelled = actions::cancel(&console.state, &last.id).await.expect("an answer");
    assert!(matches!(cancelled.status, OperationStatus::Waiting | OperationStatus::Cancelled), "{cancelled:?}");
    let of = async |id: &str| actions::operation(&console.state, id).await.expect("an operation");
    eventually("all of them are over", Duration::from_secs(120), async || {
        let runs = console.state.operations.recent().iter().filter(|o| o.status == OperationStatus::Running).count();
        assert!(runs <= 8, "{runs} run at once");
        actions::operations(&console.state).await.expect("a list").iter().all(|o| o.status.is_over())
    })
    .await;
    assert_eq!(of(&last.id).await.status, OperationStatus::Cancelled);
    for queue in &queues {
        let expected = if *queue == last.queue.as_str() { (400, 0) } else { (0, 400) };
        let there = (redis.list(&format!("queue:{queue}:failed")).await.len(), redis.list(&format!("queue:{queue}")).await.len());
        assert_eq!(there, expected, "{queue}");
    }
    let line = async || {
        let audit = console.json(&format!("/api/v1/audit?queue={}", last.queue)).await;
        audit["lines"]
            .as_array()
            .is_some_and(|lines| lines.iter().any(|l| l["result"].as_str().is_some_and(|r| r.starts_with("cancelled"))))
    };
    eventually("it is audited", Duration::from_secs(20), line).await;
    console.stop().await;
}

/// A browser that is closed right after the click takes nothing along that was begun.
#[tokio::test(flavor = "multi_thread")]
async fn who_asked_may_go_away() {
    let redis = TestRedis::start().await;
    let queues: Vec<String> = (0..30).map(|n| format!("shop-{n}")).collect();
    for queue in &queues {
        redis.push_raw(&format!("queue:{queue}:failed"), failed(queue, 20)).await;
    }
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let click = actions::errors::act(&console.state, TIMEOUT, Verb::Retry, &parts, None, false);
    assert!(tokio::time::timeout(Duration::ZERO, click).await.is_err(), "it is given up before it is answered");
    eventually("all of it is done all the same", Duration::from_secs(60), async || {
        let list = actions::operations(&console.state).await.expect("a list");
        list.len() == queues.len() && list.iter().all(|o| o.status == OperationStatus::Done)
    })
    .await;
    for queue in &queues {
        assert_eq!(redis.list(&format!("queue:{queue}")).await.len(), 20, "{queue}");
    }
    console.stop().await;
}

/// Those that waited in a console that is gone are there for everybody to see, and starting again does the rest.
#[tokio::test(flavor = "multi_thread")]
async fn what_waited_in_a_killed_console_is_interrupted() {
    const QUEUES: usize = 30;
    const JOBS: usize = 1_500;
    let redis = TestRedis::start().await;
    for n in 0..QUEUES {
        redis.push_raw(&format!("queue:shop-{n}:failed"), failed(&format!("shop-{n}"), JOBS)).await;
    }
    let (doomed, other) = (Replica::start(&redis), Replica::start(&redis));
    for console in [&doomed, &other] {
        let found = async || console.json("/api/v1/queues").await["queues"].as_array().map(Vec::len) == Some(QUEUES);
        eventually("all queues are found", Duration::from_secs(20), found).await;
    }
    let client = http().build().expect("a client");
    let ask = async |console: &Replica, name: &str, body: serde_json::Value| -> serde_json::Value {
        let answer = client.post(format!("{}/api/fn/errors/{name}", console.base_url)).json(&body).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let retry = async |console: &Replica| {
        let parts = ask(console, "count", serde_json::json!({"text": TIMEOUT})).await;
        ask(console, "act", serde_json::json!({"text": TIMEOUT, "verb": "retry", "parts": parts, "base": false})).await
    };
    let listed = async || other.json("/api/v1/operations").await["operations"].as_array().cloned().expect("a list");
    let is = |o: &serde_json::Value, status: &str| o["status"] == status;

    let started = retry(&doomed).await;
    assert_eq!(started.as_array().map(Vec::len), Some(QUEUES), "{started}");
    let known = listed().await;
    assert!(known.len() == QUEUES && known.iter().any(|o| is(o, "waiting")), "every console knows all of them: {known:?}");
    doomed.kill();
    let mut left = Vec::new();
    eventually("what it left is interrupted", Duration::from_secs(60), async || {
        left = listed().await;
        left.iter().all(|o| is(o, "interrupted") || is(o, "done"))
    })
    .await;
    assert_eq!(left.len(), QUEUES);
    let waited: Vec<_> = left.iter().filter(|o| o["message"].as_str().is_some_and(|m| m.contains("before its turn came"))).collect();
    assert!(!waited.is_empty(), "the kill came too late");
    assert!(waited.iter().all(|o| is(o, "interrupted") && o["done"] == 0), "{waited:?}");
    let page = get(format!("{}/operations", other.base_url)).await.text().await.expect("a page");
    assert!(page.contains("Nothing of it was done; start it again."), "{page}");

    retry(&other).await;
    eventually("the rest is done", Duration::from_secs(120), async || {
        let mut waiting = 0;
        for n in 0..QUEUES {
            waiting += redis.list(&format!("queue:shop-{n}")).await.len();
        }
        waiting == QUEUES * JOBS
    })
    .await;
    assert!(redis.all_ids().await.values().all(|n| *n == 1), "no job is lost or doubled");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_console_that_stops_says_so() {
    let redis = TestRedis::start().await;
    for n in 0..30 {
        redis.push_raw(&format!("queue:shop-{n}:failed"), failed(&format!("shop-{n}"), 600)).await;
    }
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Discard, &parts, None, false).await.expect("started");
    assert!(started.iter().any(|o| o.status == OperationStatus::Waiting));
    console.stop().await;
    let next = redis.console().await;
    let mut all = Vec::new();
    eventually("all of them are over", Duration::from_secs(20), async || {
        all = actions::operations(&next.state).await.expect("a list");
        all.iter().all(|o| o.status.is_over())
    })
    .await;
    assert_eq!(all.len(), 30);
    let waited: Vec<_> = all.iter().filter(|o| o.message.as_deref().is_some_and(|m| m.contains("before its turn came"))).collect();
    assert!(!waited.is_empty() && waited.iter().all(|o| o.status == OperationStatus::Interrupted && o.outcome.done == 0), "{all:?}");
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_deleted_into_the_trash() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders:failed", failed("orders", 5)).await;
    redis.push_raw("queue:orders:failed", [dead("other", "orders", "Card declined", "")]).await;
    let console = redis.console().await;
    let parts = actions::errors::count(&console.state, TIMEOUT).await.expect("counted");
    let started = actions::errors::act(&console.state, TIMEOUT, Verb::Discard, &parts, None, false).await.expect("started");
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
    assert_eq!(one["firstAbout"], false, "{one}");
    assert!(one["sample"].as_str().unwrap().starts_with("/queues/orders/jobs/f-now?row="), "{one}");
    console.stop().await;
}
