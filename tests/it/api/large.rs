//! A payload of ten megabytes as a tree: level by level, and searched.

use crate::support::{TestConsole, TestRedis, payload::Payload};
use flux_console::model::ids::segment;
use redis::AsyncCommands;
use serde_json::{Value, json};

const ROWS: usize = 61_000;
/// Beyond what JavaScript counts exactly.
const FIRST: u64 = 9_007_199_254_740_993_000;

fn ten_megabytes(id: &str) -> String {
    let row = |n: usize| format!(r#"{{"sku":"{n:06}-{}","total":{}}}"#, "x".repeat(120), FIRST + n as u64);
    let rows: Vec<String> = (0..ROWS).map(row).collect();
    let job = Payload::new(id, "mail").own(r#""orderId":9007199254740993123,"tags":[]"#).waiting();
    format!("{},\"rows\":[{}]}}", job.strip_suffix('}').unwrap(), rows.join(","))
}

/// Place of the child with this key.
fn place(level: &Value, key: &str) -> u64 {
    let all = level["children"].as_array().unwrap();
    all.iter().find(|node| node["key"] == key).unwrap_or_else(|| panic!("{key}: {level}"))["at"].as_u64().unwrap()
}

async fn refused(console: &TestConsole, path: &str) -> (u16, String) {
    let response = console.get(path).await;
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    (status, problem["detail"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_read_level_by_level() {
    let redis = TestRedis::start().await;
    let raw = ten_megabytes("big");
    assert!(raw.len() > 10_000_000);
    redis.push_raw("queue:mail", [raw]).await;
    let console = redis.console().await;
    let jobs = console.json("/api/v1/queues/mail/jobs").await;
    let fingerprint = jobs["jobs"][0]["fingerprint"].as_str().unwrap().to_owned();
    let of = |query: &str| format!("/api/v1/queues/mail/jobs/big/payload/level?at={}{query}", segment(&fingerprint));
    let level = async |query: &str| console.json(&of(query)).await;

    let top = level("").await;
    let (data, rows) = (place(&top, "data"), place(&top, "rows"));
    let children = top["children"].as_array().unwrap();
    assert_eq!((&top["node"]["kind"], &top["node"]["children"]), (&json!("object"), &json!(children.len())));
    assert_eq!(children[usize::try_from(rows).unwrap()]["children"], json!(ROWS));
    let page = level(&format!("&path={rows}&from=60900")).await;
    let last = page["children"].as_array().unwrap();
    assert_eq!((&page["from"], last.len(), &last[99]["at"], &last[99]["children"]), (&json!(60_900), 100, &json!(60_999), &json!(2)));
    let row = level(&format!("&path={rows}.60999")).await;
    let total = &row["children"][1];
    assert_eq!((&total["text"], &total["note"]), (&json!((FIRST + 60_999).to_string()), &json!("exact, 19 digits")));
    // The JSON in the string is a level like any other.
    let inside = level(&format!("&path={data}")).await;
    assert_eq!((&inside["node"]["note"], &inside["node"]["kind"]), (&json!("decoded from a JSON string"), &json!("object")));
    let properties = level(&format!("&path={data}.{}", place(&inside, "properties"))).await;
    let order = place(&properties, "orderId");
    assert_eq!(properties["children"][usize::try_from(order).unwrap()]["text"], "9007199254740993123");

    let asked = json!({"queue": "mail", "handle": "big", "at": fingerprint, "row": null, "path": [], "from": 0});
    assert_eq!(console.post("/api/fn/job/payload-level", &asked).await, (200, top));
    for wrong in ["&path=x", "&path=0..1", "&path=99", "&path=0.0", "&from=-1", "&row=x"] {
        assert_eq!(refused(&console, &of(wrong)).await.0, 422, "{wrong}");
    }

    // What is gone is said to be gone, also when another job has its id.
    let _: () = redis.con.clone().del("queue:mail").await.unwrap();
    redis.push_raw("queue:mail", [Payload::new("big", "mail").waiting()]).await;
    let (status, detail) = refused(&console, &of("")).await;
    assert!(status == 404 && detail.contains("no longer where it was"), "{status} {detail}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_searched_and_their_page_is_small() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", [ten_megabytes("big"), format!("{{\"id\":\"broken\",\"x\":\"{}\",}}", "y".repeat(100_000))]).await;
    let console = redis.console().await;
    let find = async |q: &str| console.json(&format!("/api/v1/queues/mail/jobs/big/payload/search?q={q}")).await;

    let found = find("060999-X").await;
    assert_eq!((found["hits"].as_array().unwrap().len(), &found["more"]), (1, &json!(false)));
    let hit = &found["hits"][0];
    assert_eq!((&hit["node"]["key"], &hit["path"][1], &hit["path"][2]), (&json!("rows[60999].sku"), &json!(60_999), &json!(0)));
    let found = find("orderid").await;
    let order = &found["hits"][0]["node"];
    assert_eq!((&order["key"], &order["text"]), (&json!("data.properties.orderId"), &json!("9007199254740993123")));
    let many = find("sku").await;
    assert_eq!((many["hits"].as_array().unwrap().len(), &many["more"]), (50, &json!(true)));
    assert_eq!(find("nowhere").await, json!({"hits": [], "more": false}));
    assert_eq!(refused(&console, "/api/v1/queues/mail/jobs/big/payload/search?q=%20").await.0, 422);
    assert_eq!(refused(&console, "/api/v1/queues/mail/jobs/nobody/payload/search?q=x").await.0, 404);

    // What is no JSON has no tree; where it breaks is said.
    let list = console.json("/api/v1/queues/mail/jobs").await;
    let broken = list["jobs"].as_array().unwrap().iter().find(|job| job["bytes"].as_u64() < Some(200_000)).unwrap();
    let broken = segment(broken["fingerprint"].as_str().unwrap());
    let (status, detail) = refused(&console, &format!("/api/v1/queues/mail/jobs/x/payload/level?at={broken}")).await;
    assert!(status == 409 && detail.contains("not JSON at byte 100022: a key is expected"), "{status} {detail}");

    let page = console.get("/queues/mail/jobs/big").await.text().await.unwrap();
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(page.contains("too much to be edited here") && page.contains("Download all of it") && !page.contains("060999-x"));
    // For readers without JavaScript its beginning stands there as well.
    assert!(page.contains("The tree is fetched") && page.contains("Raw payload") && page.contains("hidden noscript:block"));
    console.stop().await;
}

/// Above 32 MB there is no tree: the page shows the beginning at once and promises none.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_too_large_for_a_tree_shows_its_beginning() {
    let redis = TestRedis::start().await;
    let job = Payload::new("huge", "mail").waiting();
    let raw = format!("{},\"blob\":\"{}\"}}", job.strip_suffix('}').unwrap(), "x".repeat(32_100_000));
    redis.push_raw("queue:mail", [raw]).await;
    let console = redis.console().await;
    let (status, detail) = refused(&console, "/api/v1/queues/mail/jobs/huge/payload/level").await;
    assert!(status == 409 && detail.contains("up to 32.0 MB can be read as a tree"), "{status} {detail}");
    let page = console.get("/queues/mail/jobs/huge").await.text().await.unwrap();
    assert!(page.len() < 400_000, "{} bytes", page.len());
    assert!(page.contains("too much to be edited here or shown as a tree") && page.contains("Raw payload"));
    assert!(!page.contains("The tree is fetched") && !page.contains("View of the payload"));
    console.stop().await;
}
