//! The rules as they are stored: the original's load, what others wrote survives, what cannot be read is kept beside.

use super::{RULES, SOON, backlog, store};
use crate::support::{TestConsole, TestRedis, eventually};
use redis::AsyncCommands;
use serde_json::{Value, json};

async fn text(redis: &TestRedis) -> String {
    redis.con.clone().get(RULES).await.expect("GET")
}

async fn put(console: &TestConsole, path: &str, body: &Value) -> (u16, Value) {
    let response = console.client.put(format!("{}{path}", console.base_url)).json(body).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

async fn delete(console: &TestConsole, path: &str) -> u16 {
    console.client.delete(format!("{}{path}", console.base_url)).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn the_originals_rules_load_and_a_change_leaves_the_others_as_they_are() {
    let redis = TestRedis::start().await;
    let stored = r#"[{"id":"a","name":"A","type":"backlog","threshold":1000,"cooldownMinutes":60,"note":{"x":[]}},{"id":"m","type":"moon","big":9007199254740993},{"id":"c","name":"CPU","type":"node_cpu","threshold":90,"cooldownMinutes":10}]"#;
    let _: () = redis.con.clone().set(RULES, stored).await.unwrap();
    let console = redis.console().await;
    let rules = console.json("/api/v1/alerts/rules").await;
    let types: Vec<&str> = rules["rules"].as_array().unwrap().iter().filter_map(|r| r["type"].as_str()).collect();
    assert_eq!((types.as_slice(), rules["foreign"][0]["name"].as_str()), (&["backlog", "node_cpu"][..], Some("m")));

    let mut rule = console.json("/api/v1/alerts/rules/a").await;
    rule["threshold"] = 50.into();
    rule["holdSeconds"] = 30.into();
    assert_eq!(put(&console, "/api/v1/alerts/rules/a", &rule).await.0, 200);
    let expected =
        stored.replace(r#""threshold":1000"#, r#""threshold":50"#).replace(r#""note":{"x":[]}}"#, r#""note":{"x":[]},"holdSeconds":30}"#);
    assert_eq!(text(&redis).await, expected);

    let version = console.json("/api/v1/alerts/rules").await["version"].as_str().unwrap().to_owned();
    let add = json!({ "name": "Mail", "type": "oldest_waiting", "threshold": 600, "queue": "mail*", "cooldownMinutes": 5 });
    let (status, added) = console.post(&format!("/api/v1/alerts/rules?version={version}"), &add).await;
    assert_eq!(status, 201, "{added}");
    let id = added["id"].as_str().unwrap();
    assert!(text(&redis).await.contains("9007199254740993"));
    // The page that another operator still has open.
    let (status, problem) = put(&console, &format!("/api/v1/alerts/rules/a?version={version}"), &rule).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(put(&console, "/api/v1/alerts/rules/nobody", &rule).await.0, 404);
    rule["threshold"] = 0.into();
    let (status, problem) = put(&console, "/api/v1/alerts/rules/a", &rule).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("threshold")));

    assert_eq!(delete(&console, &format!("/api/v1/alerts/rules/{id}")).await, 204);
    assert_eq!(delete(&console, &format!("/api/v1/alerts/rules/{id}")).await, 404);
    assert_eq!(text(&redis).await, expected);
    let lines = async || console.json("/api/v1/audit").await["lines"].as_array().cloned().unwrap_or_default();
    eventually("all of it is in the audit log", SOON, async || {
        let verbs: Vec<String> = lines().await.iter().filter_map(|l| l["verb"].as_str().map(Into::into)).collect();
        ["alert-rule-add", "alert-rule-change", "alert-rule-delete"].iter().all(|verb| verbs.iter().any(|v| v == verb))
    })
    .await;
    console.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_said_kept_and_stops_nothing() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let rules = console.json("/api/v1/alerts/rules").await;
    assert_eq!((rules["stored"].as_bool(), rules["rules"].as_array().unwrap().len()), (Some(false), 3), "the original's apply");

    let _: () = redis.con.clone().set(RULES, "{oops").await.unwrap();
    let rules = console.json("/api/v1/alerts/rules").await;
    assert!(rules["problem"].as_str().unwrap().contains("JSON array"), "{rules}");
    assert_eq!(rules["rules"].as_array().unwrap().len(), 3);
    let (status, answer) = console.post("/api/v1/alerts/rules", &backlog(9, 1.0, json!({ "name": "Mine" }))).await;
    assert_eq!(status, 201, "{answer}");
    let backup = redis.keys().await.into_iter().find(|k| k.contains(":alerts:rules-before:")).expect("it is kept");
    let kept: String = redis.con.clone().get(&backup).await.unwrap();
    assert_eq!(kept, "{oops");
    assert_eq!(console.json("/api/v1/alerts/rules").await["rules"].as_array().unwrap().len(), 4);

    // A key of another type.
    let _: u64 = redis.con.clone().del(RULES).await.unwrap();
    let _: u64 = redis.con.clone().rpush(RULES, "x").await.unwrap();
    assert!(console.json("/api/v1/alerts/rules").await["problem"].as_str().unwrap().contains("is a list"));
    assert_eq!(console.post("/api/v1/alerts/rules", &backlog(9, 1.0, json!({ "name": "Mine" }))).await.0, 201);
    assert!(console.json("/api/v1/alerts/rules").await["problem"].is_null());

    // Evaluating went on all the time.
    store(&redis, &json!([backlog(3, 0.0, json!({}))])).await;
    super::push(&redis, "mail", 5).await;
    eventually("it fires", SOON, async || console.json("/api/v1/alerts").await["firing"].as_array().unwrap().len() == 1).await;
    console.stop().await;
}

#[tokio::test]
async fn the_past_is_shown_where_it_was_recorded() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    // The original's counts of the last minutes.
    let minute = crate::support::now_ms() / 60_000;
    for (back, failed) in [(40, 0), (30, 80), (29, 90), (28, 0), (10, 60), (9, 0)] {
        let _: () = redis.con.clone().set(format!("flux_console:metrics:failed:{}", minute - back), failed).await.unwrap();
    }
    let rule = json!({ "name": "Failed", "type": "failure", "threshold": 50, "cooldownMinutes": 0 });
    let (status, preview) = console.post("/api/v1/alerts/preview", &rule).await;
    assert_eq!((status, preview["times"].as_u64()), (200, Some(2)), "{preview}");
    assert!(preview["firings"][1]["until"].is_string(), "{preview}");
    let none = json!({ "name": "Age", "type": "oldest_waiting", "threshold": 50, "cooldownMinutes": 0 });
    let (_, preview) = console.post("/api/v1/alerts/preview", &none).await;
    assert!(preview["from"].is_null() && preview["note"].as_str().unwrap().contains("not recorded"), "{preview}");
    let never = json!({ "name": "Many", "type": "failure", "threshold": 1001, "queue": "mail", "cooldownMinutes": 0 });
    let (_, preview) = console.post("/api/v1/alerts/preview", &never).await;
    assert!(preview["note"].as_str().unwrap().contains("can never fire"), "{preview}");
    let (status, problem) =
        console.post("/api/v1/alerts/preview", &json!({ "name": "x", "type": "backlog", "threshold": -1, "cooldownMinutes": 0 })).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("threshold")));
    assert!(!redis.keys().await.iter().any(|k| k == RULES), "nothing is stored");
    console.stop().await;
}
