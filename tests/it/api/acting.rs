//! POST: what a program does, and how it is told that it cannot.

use super::fingerprints;
use crate::support::{
    TestConsole, TestRedis, eventually,
    payload::{dead, many, many_dead},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// Waits for the operation that a 202 names.
async fn finished(console: &TestConsole, started: &Value) -> Value {
    let path = format!("/api/v1/operations/{}", started["operation"]["id"].as_str().unwrap());
    eventually("the operation ends", Duration::from_secs(10), async || console.json(&path).await["status"] != "running").await;
    console.json(&path).await
}

#[tokio::test]
async fn named_jobs_answer_what_was_done_and_a_second_click_is_gone() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 3)).await;
    let console = redis.console().await;
    let jobs = fingerprints(&console, "mail", "failed").await;
    let body = json!({"state": "failed", "jobs": jobs[..2]});
    let (status, outcome) = console.post("/api/v1/queues/mail/jobs/retry", &body).await;
    assert_eq!((status, outcome), (200, json!({"done": 2, "gone": 0, "corrupt": 0})));
    let (status, outcome) = console.post("/api/v1/queues/mail/jobs/retry", &body).await;
    assert_eq!((status, outcome), (200, json!({"done": 0, "gone": 2, "corrupt": 0})));
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (2, 1));

    let (status, outcome) = console.post("/api/v1/queues/unknown/jobs/retry", &json!({"state": "failed", "jobs": [jobs[2]]})).await;
    assert_eq!((status, &outcome["gone"]), (200, &json!(1)), "an unknown queue has no jobs");

    let (status, outcome) = console.post("/api/v1/queues/mail/jobs/discard", &json!({"state": "failed", "jobs": [jobs[2]]})).await;
    assert_eq!((status, &outcome["done"]), (200, &json!(1)));
    let trash = console.json("/api/v1/trash").await;
    let id = trash["trash"][0]["id"].as_str().unwrap();
    assert_eq!(outcome["trash"], id);
    let (status, started) = console.post(&format!("/api/v1/trash/{id}/restore"), &json!({})).await;
    assert_eq!(status, 202, "{started}");
    assert_eq!(finished(&console, &started).await["status"], "done");
    assert_eq!(redis.list("queue:mail:failed").await.len(), 1);
    let (status, again) = console.post(&format!("/api/v1/trash/{id}/restore"), &json!({})).await;
    assert_eq!(status, 404, "{again}");
    console.stop().await;
}

#[tokio::test]
async fn a_handle_that_is_named_three_times_acts_once() {
    let redis = TestRedis::start().await;
    let twin = dead("twin", "mail", "boom", "");
    redis.push_raw("queue:mail:failed", [&twin, &twin, &twin]).await;
    let console = redis.console().await;
    let jobs = fingerprints(&console, "mail", "failed").await;
    for (job, verb, left) in [(&jobs[0], "retry", 2), (&jobs[1], "discard", 1)] {
        let body = json!({"state": "failed", "jobs": [job, job, job]});
        // Sent again, it acts on none of the others that have the same bytes.
        for (done, gone) in [(1, 2), (0, 3)] {
            let (status, outcome) = console.post(&format!("/api/v1/queues/mail/jobs/{verb}"), &body).await;
            assert_eq!((status, &outcome["done"], &outcome["gone"]), (200, &json!(done), &json!(gone)), "{verb}");
            assert_eq!(redis.list("queue:mail:failed").await.len(), left);
        }
    }
    console.stop().await;
}

/// A browser that is closed in the middle: what was asked is done whole, and told once.
#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_leaves_nothing_half_done() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 200)).await;
    let console = redis.console().await;
    let body = json!({"state": "failed", "jobs": fingerprints(&console, "mail", "failed").await}).to_string();
    let address = console.base_url.trim_start_matches("http://");
    let mut client = tokio::net::TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /api/v1/queues/mail/jobs/retry HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(format!("{head}{body}").as_bytes()).await.expect("sent");
    eventually("it has begun", Duration::from_secs(10), async || !redis.list("queue:mail").await.is_empty()).await;
    drop(client);
    let told = async || console.json("/api/v1/audit?queue=mail").await["lines"].clone();
    eventually("it is told", Duration::from_secs(20), async || told().await.as_array().is_some_and(|lines| !lines.is_empty())).await;
    let lines = told().await;
    assert_eq!((lines.as_array().map(Vec::len), &lines[0]["verb"], &lines[0]["jobs"]), (Some(1), &json!("retry"), &json!(200)), "{lines}");
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (200, 0));
    console.stop().await;
}

#[tokio::test]
async fn an_edited_payload_is_for_one_failed_job_and_leaves_a_line() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 2)).await;
    let console = redis.console().await;
    let jobs = fingerprints(&console, "mail", "failed").await;
    let one = &jobs[..1];
    let large = format!(r#"{{"blob":"{}"}}"#, "y".repeat(1024 * 1024));
    for (verb, body, field) in [
        ("retry", json!({"state": "failed", "jobs": one, "payload": "{"}), "payload"),
        ("retry", json!({"state": "failed", "jobs": one, "payload": "[1]"}), "payload"),
        ("retry", json!({"state": "failed", "jobs": one, "payload": ""}), "payload"),
        ("retry", json!({"state": "failed", "jobs": one, "payload": {"id": "f-1"}}), "payload"),
        ("retry", json!({"state": "failed", "jobs": one, "payload": large}), "payload"),
        ("retry", json!({"state": "failed", "jobs": jobs, "payload": "{}"}), "payload"),
        ("retry", json!({"state": "failed", "all": true, "payload": "{}"}), "payload"),
        ("discard", json!({"state": "failed", "jobs": one, "payload": "{}"}), "payload"),
        ("retry", json!({"state": "failed", "jobs": [], "payload": "{}"}), "payload"),
        ("retry", json!({"state": "delayed", "jobs": one, "payload": "{}"}), "state"),
    ] {
        let (status, problem) = console.post(&format!("/api/v1/queues/mail/jobs/{verb}"), &body).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (0, 2));

    let body = json!({"state": "failed", "jobs": one, "payload": r#"{"id":"f-2","n":9007199254740993123}"#});
    for expected in [json!({"done": 1, "gone": 0, "corrupt": 0}), json!({"done": 0, "gone": 1, "corrupt": 0})] {
        assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await, (200, expected));
    }
    assert_eq!(redis.texts("queue:mail").await, [r#"{"id":"f-2","n":9007199254740993123,"attempts":0}"#]);
    let noted = async || {
        let audit = console.json("/api/v1/audit").await;
        let lines = audit["lines"].as_array().unwrap();
        lines.iter().any(|line| line["verb"] == "retry" && line["filter"] == "1 failed, edited" && line["result"] == "1 done")
    };
    eventually("the audit log says that it was edited", Duration::from_secs(5), noted).await;
    console.stop().await;
}

#[tokio::test]
async fn all_of_a_state_is_an_operation() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 30)).await;
    redis.push_raw("queue:mail", many("w", "mail", 5)).await;
    let console = redis.console().await;
    let response = console
        .client
        .post(format!("{}/api/v1/queues/mail/jobs/retry", console.base_url))
        .body(r#"{"state":"failed","all":true}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let started: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/api/v1/operations/{}", started["operation"]["id"].as_str().unwrap()));
    let ended = finished(&console, &started).await;
    assert_eq!(
        (&ended["status"], &ended["verb"], &ended["total"], &ended["done"]),
        (&json!("done"), &json!("retry"), &json!(30), &json!(30))
    );
    assert_eq!(redis.list("queue:mail").await.len(), 35);

    let (status, started) = console.post("/api/v1/queues/mail/purge", &json!({})).await;
    assert_eq!(status, 202);
    assert_eq!(finished(&console, &started).await["done"], 35);
    assert!(redis.list("queue:mail").await.is_empty());
    redis.push_raw("queue:mail", many("again", "mail", 4)).await;
    let (status, started) =
        console.post("/api/v1/queues/mail/jobs/discard", &json!({"state": "waiting", "all": true, "keep": false})).await;
    assert_eq!(status, 202);
    let ended = finished(&console, &started).await;
    assert_eq!((&ended["done"], ended.get("trash")), (&json!(4), None), "nothing to restore");
    let operations = console.json("/api/v1/operations").await;
    assert_eq!(
        operations["operations"].as_array().unwrap().iter().map(|o| o["verb"].as_str().unwrap()).collect::<Vec<_>>(),
        ["discard", "purge", "retry"],
        "newest first"
    );
    let (status, cancelled) = console.post(&format!("{location}/cancel"), &json!({})).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("done")), "what is done stays done");
    console.stop().await;
}

#[tokio::test]
async fn pause_sets_four_flags_and_resume_takes_them_away() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 1)).await;
    let console = redis.console().await;
    let flags = async || redis.keys().await.into_iter().filter(|key| key.ends_with(":paused")).count();
    for _ in 0..2 {
        assert_eq!(console.post("/api/v1/queues/mail/pause", &json!({})).await, (200, json!({"paused": true})));
        assert_eq!(flags().await, 4);
    }
    eventually("the list says so", Duration::from_secs(3), async || console.json("/api/v1/queues").await["queues"][0]["paused"] == true)
        .await;
    assert_eq!(console.post("/api/v1/queues/mail/resume", &json!({})).await, (200, json!({"paused": false})));
    assert_eq!(flags().await, 0);
    console.stop().await;
}

#[tokio::test]
async fn named_jobs_are_deleted_without_undo_where_that_is_asked_for() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", ["a", "b", "c"].map(|id| dead(id, "mail", "boom", ""))).await;
    let console = redis.console().await;
    let jobs = fingerprints(&console, "mail", "failed").await;
    let body = json!({"state": "failed", "jobs": jobs[..2].to_vec(), "keep": false});
    let answer = console.post("/api/v1/queues/mail/jobs/discard", &body).await;
    assert_eq!(answer, (200, json!({"done": 2, "gone": 0, "corrupt": 0})), "nothing to restore");
    assert_eq!((redis.list("queue:mail:failed").await.len(), redis.all_ids().await.len()), (1, 1));
    assert!(!redis.keys().await.iter().any(|key| key.contains(":trash")), "the trash keeps nothing");
    console.stop().await;
}

#[tokio::test]
async fn requests_that_cannot_be_understood_change_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", [dead("f", "mail", "boom", "")]).await;
    let console = redis.console().await;
    let fingerprint = fingerprints(&console, "mail", "failed").await.remove(0);
    let fitting = format!(r#"{{"state":"failed","jobs":["{fingerprint}"]}}"#);
    let table = [
        ("retry", "{", 400, Value::Null),
        ("retry", "", 400, Value::Null),
        ("retry", "[]", 422, json!("state")),
        ("retry", "{}", 422, json!("state")),
        ("retry", r#"{"state":"lost","all":true}"#, 422, json!("state")),
        ("retry", r#"{"state":"waiting","all":true}"#, 422, json!("state")),
        ("promote", r#"{"state":"failed","all":true}"#, 422, json!("state")),
        ("discard", r#"{"state":"completed","all":true}"#, 422, json!("state")),
        ("retry", r#"{"state":"failed"}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","all":false}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","jobs":[]}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","jobs":["x"]}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","jobs":[1]}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","jobs":"all"}"#, 422, json!("jobs")),
        ("retry", r#"{"state":"failed","all":"yes"}"#, 422, json!("all")),
        ("retry", r#"{"state":"failed","all":true,"jobs":[]}"#, 422, json!("all")),
        ("retry", r#"{"state":"failed","all":true,"base":1}"#, 422, json!("base")),
        ("discard", r#"{"state":"failed","all":true,"keep":0}"#, 422, json!("keep")),
        ("discard", r#"{"state":"failed","jobs":[],"keep":false}"#, 422, json!("jobs")),
        ("explode", fitting.as_str(), 404, Value::Null),
        ("purge", fitting.as_str(), 404, Value::Null),
    ];
    for (verb, body, status, field) in table {
        let response =
            console.client.post(format!("{}/api/v1/queues/mail/jobs/{verb}", console.base_url)).body(body.to_owned()).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{verb} {body}");
        let got = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        assert_eq!((got, &problem["status"], &problem["field"]), (status, &json!(status), &field), "{verb} {body}: {problem}");
    }
    for (path, body, status) in [
        ("/api/v1/queues/mail/explode", "{}", 404),
        ("/api/v1/queues/mail/purge", r#"{"keep":"no"}"#, 422),
        ("/api/v1/queues/mail/jobs", "{}", 405),
    ] {
        let response = console.client.post(format!("{}{path}", console.base_url)).body(body).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
            (status, "application/problem+json"),
            "{path}"
        );
    }
    let huge = console
        .client
        .post(format!("{}/api/v1/queues/mail/jobs/retry", console.base_url))
        .body(vec![b' '; 3_000_000])
        .send()
        .await
        .unwrap();
    assert_eq!(huge.status(), 413);
    assert_eq!(redis.list("queue:mail:failed").await.len(), 1);
    assert!(redis.list("queue:mail").await.is_empty());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ninth_operation_is_told_to_wait() {
    let redis = TestRedis::start().await;
    // Each takes long enough that eight of them run at once.
    let jobs = many_dead("f", "mail", 15_000);
    for i in 0..9 {
        redis.push_raw(&format!("queue:q{i}:failed"), &jobs).await;
    }
    let console = redis.console().await;
    let body = json!({"state": "failed", "all": true});
    let ask = async |i: usize| {
        let response =
            console.client.post(format!("{}/api/v1/queues/q{i}/jobs/retry", console.base_url)).json(&body).send().await.expect("an answer");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind, response.json::<Value>().await.unwrap())
    };
    let all = futures::future::join_all((0..9).map(ask)).await;
    let refused: Vec<_> = all.iter().filter(|(status, ..)| *status != 202).collect();
    assert_eq!(refused.len(), 1, "{all:?}");
    let (status, kind, problem) = refused[0];
    assert_eq!((*status, kind.as_str(), &problem["status"]), (429, "application/problem+json", &json!(429)), "{problem}");
    for (_, _, started) in all.iter().filter(|(status, ..)| *status == 202) {
        let path = format!("/api/v1/operations/{}", started["operation"]["id"].as_str().unwrap());
        eventually("the operation ends", Duration::from_secs(60), async || console.json(&path).await["status"] == "done").await;
    }
    // And then there is room again.
    let left = all.iter().position(|(status, ..)| *status == 429).unwrap();
    assert_eq!(ask(left).await.0, 202);
    console.stop().await;
}
