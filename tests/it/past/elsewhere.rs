//! A link outlives the queue that it names.

use super::Archive;
use crate::support::{Payload, TestRedis};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::archive::record::{self, Record},
};
use serde_json::Value;

/// An archive with failures of these jobs in these queues.
async fn archive(jobs: &[(&str, &str)]) -> Archive {
    let archive = Archive::new();
    let db = archive.db().await;
    let mut at = 1_795_432_800_000;
    for (id, queue) in jobs {
        // One failure is known by job and creation, in whatever queue.
        at += 1_000;
        let payload = Payload::new(id, queue).created(at).attempts(3, 3).failed("no answer").into_bytes();
        let record = Record { status: Status::Failed, queue: (*queue).try_into().expect("a name"), id: None, payload, at: Millis(at) };
        assert_eq!(record::records(&db, &[record]).await.expect("written").rows, 1);
    }
    db.close().await;
    archive
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_another_queue_leads_to_the_one_that_knows_the_job() {
    let redis = TestRedis::start().await;
    let archive = archive(&[("ORD-1", "orders"), ("ORD-2", "orders"), ("ORD-2", "refunds & more"), ("ORD-2", "mail")]).await;
    let console = archive.console(&redis).await;
    let page = async |path: &str| console.get(path).await.text().await.expect("a page");
    let problem = async |path: &str| {
        let response = console.get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        response.json::<Value>().await.expect("JSON")["detail"].as_str().expect("a detail").to_owned()
    };
    let html = page("/queues/mail/jobs/ORD-1").await;
    assert!(html.contains("Found in the queue orders") && html.contains("href=\"/queues/orders/jobs/ORD-1\""), "{html}");
    for path in ["/api/v1/queues/mail/jobs/ORD-1", "/api/v1/queues/mail/jobs/ORD-1/payload", "/api/v1/queues/mail/jobs/ORD-1?row=1"] {
        let detail = problem(path).await;
        // The row that is asked for is of another queue as well.
        assert!(detail.contains("in the queue orders"), "{path}: {detail}");
    }
    let html = page("/queues/gone/jobs/ORD-2").await;
    assert!(html.contains("Found in 3 other queues"), "{html}");
    for href in ["/queues/orders/jobs/ORD-2", "/queues/refunds%20%26%20more/jobs/ORD-2", "/queues/mail/jobs/ORD-2"] {
        assert!(html.contains(&format!("href=\"{href}\"")), "{href}: {html}");
    }
    let detail = problem("/api/v1/queues/gone/jobs/ORD-2").await;
    assert!(["orders", "refunds & more", "mail"].iter().all(|queue| detail.contains(queue)), "{detail}");
    // Where it is known there is nothing to choose.
    let html = page("/queues/mail/jobs/ORD-2").await;
    assert!(html.contains("This is its archived copy") && !html.contains("Found in"), "{html}");
    assert_eq!(console.json("/api/v1/queues/mail/jobs/ORD-2").await["queue"], "mail");
    console.stop().await;
}

/// An element's handle is no id, and an id that nobody knows is known nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_id_is_not_looked_for_elsewhere() {
    let redis = TestRedis::start().await;
    let handle = format!("{}.f.0", "0".repeat(40));
    let archive = archive(&[(handle.as_str(), "orders")]).await;
    let console = archive.console(&redis).await;
    for id in [handle.as_str(), "ORD-9"] {
        let response = console.get(&format!("/api/v1/queues/mail/jobs/{id}")).await;
        assert_eq!(response.status(), 404, "{id}");
        let detail = response.json::<Value>().await.expect("JSON")["detail"].to_string();
        assert!(!detail.contains("The archive knows"), "{detail}");
        let html = console.get(&format!("/queues/mail/jobs/{id}")).await.text().await.expect("a page");
        assert!(html.contains("is not in mail any more") && !html.contains("Found in"), "{html}");
    }
    console.stop().await;
}
