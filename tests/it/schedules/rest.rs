//! The same for programs, and pages as the server writes them; this console ticks.

use super::{JOB, PUSHED, at, hash, register};
use crate::support::{TestConsole, TestRedis, eventually, now_ms};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::{
        archive::record::{self, Record},
        config::Config,
    },
};
use serde_json::{Value, json};
use std::time::Duration;

async fn send(console: &TestConsole, method: reqwest::Method, path: &str, body: &Value) -> (u16, Value) {
    let answer = console.client.request(method, format!("{}{path}", console.base_url)).json(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_program_adds_edits_runs_and_deletes() {
    let redis = TestRedis::start().await;
    let console = super::verbs::quiet(&redis).await;
    let job: Value = serde_json::from_str(JOB).unwrap();
    let (status, added) =
        console.post("/api/v1/schedules", &json!({"id": "preview", "cron": "0 3 * * *", "queue": "mail", "job": job})).await;
    assert_eq!((status, &added["schedule"]["words"]), (201, &json!("Every day at 03:00")), "{added}");
    assert_eq!(added["schedule"]["runs"].as_array().map(Vec::len), Some(5));
    let list = console.json("/api/v1/schedules").await;
    assert_eq!((&list["total"], &list["timezone"], &list["prefix"]), (&json!(1), &json!("UTC"), &json!("queue:")));
    let path = "/api/v1/schedules/preview";
    let edit = json!({"cron": "0 4 * * *", "queue": "mail", "job": JOB, "version": added["schedule"]["version"]});
    let (status, edited) = send(&console, reqwest::Method::PUT, path, &edit).await;
    assert_eq!(status, 200, "{edited}");
    assert_eq!(hash(&redis, "preview").await["job"], JOB, "a text is kept byte for byte");
    assert_eq!(send(&console, reqwest::Method::PUT, path, &edit).await.0, 409, "that version is over");
    assert_eq!(console.post("/api/v1/schedules/preview/disable", &Value::Null).await.0, 200);
    assert_eq!(console.post("/api/v1/schedules/preview/run", &json!({"request": "r1"})).await, (200, json!({"pushed": true})));
    assert_eq!(redis.list("queue:mail").await.len(), 1);
    assert_eq!(console.post("/api/v1/schedules/preview/dance", &Value::Null).await.0, 404);
    let (status, said) = console.post("/api/v1/schedules/preview", &json!({"cron": "0 9 * * 5L", "queue": "mail:failed"})).await;
    assert_eq!((status, &said["words"]), (200, &json!("At 09:00, on the last Friday of the month")));
    assert_eq!(said["problems"].as_array().map(Vec::len), Some(2), "queue and job: {said}");
    assert_eq!(send(&console, reqwest::Method::DELETE, path, &Value::Null).await.0, 200);
    assert_eq!(console.get(path).await.status().as_u16(), 404);
    assert_eq!(console.post("/api/v1/schedules/preview/restore", &Value::Null).await.0, 200);
    let (status, wrong) = console.post("/api/v1/schedules", &json!({"id": "x", "cron": "61 * * * *", "queue": "mail", "job": JOB})).await;
    assert_eq!((status, &wrong["field"]), (422, &json!("cron")), "{wrong}");
    console.stop().await;
}

/// Runs are kept under the queue that the job names, not under the one they were pushed to.
#[tokio::test]
async fn the_history_has_every_run_of_the_job() {
    let (redis, archive) = (TestRedis::start().await, crate::past::Archive::new());
    let db = archive.db().await;
    let job = |properties: &str| {
        format!(
            r#"{{"id":"nightly","type":"class","className":"Report","data":"{{\"class\":\"Report\",\"properties\":{{{properties}}}}}","createdAt":1795432831124,"attempts":1}}"#
        )
    };
    let (named, unnamed) = (job(r#"\"queueName\":\"billing\""#), job(""));
    let far = at("2099-01-01T00:00:00Z");
    register(&redis, "named", "0 3 * * *", far, &[("job", &named)]).await;
    register(&redis, "unnamed", "0 3 * * *", far, &[("job", &unnamed)]).await;
    let run = |queue: &str, attempt: u64| Record {
        status: Status::Failed,
        queue: queue.try_into().expect("a name"),
        id: None,
        payload: named.replace("\"attempts\":1", &format!("\"attempts\":{attempt}")).into_bytes(),
        at: Millis(1_795_433_700_000 + i64::try_from(attempt).unwrap() * 1_000),
    };
    for (queue, attempt) in [("billing", 1), ("reports", 2), ("billing", 3), ("default", 4), ("other", 5)] {
        record::records(&db, &[run(queue, attempt)]).await.expect("written");
    }
    let console = archive.console(&redis).await;
    let history = async |id: &str| {
        let detail = console.json(&format!("/api/v1/schedules/{id}")).await;
        let rows = detail["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{} {}", row["queue"].as_str().unwrap(), row["attempt"]))
            .collect::<Vec<_>>();
        (detail["runsIn"].as_str().unwrap().to_owned(), rows)
    };
    assert_eq!(history("named").await, ("billing".into(), vec!["billing 3".into(), "reports 2".into(), "billing 1".into()]));
    assert_eq!(history("unnamed").await, ("default".into(), vec!["default 4".into(), "reports 2".into()]));
    let page = console.get("/schedules/named").await.text().await.unwrap();
    assert!(page.contains("/queues/billing/jobs/nightly") && !page.contains("/queues/reports/jobs/nightly\""), "{page}");
    console.stop().await;
}

#[tokio::test]
async fn a_job_that_waits_longer_than_its_interval_is_pointed_out() {
    let redis = TestRedis::start().await;
    let console = super::verbs::quiet(&redis).await;
    let notes = async |delay: u64| {
        let job = JOB.replace("\"attempts\":0", &format!("\"attempts\":0,\"delaySeconds\":{delay}"));
        let (_, said) = console.post("/api/v1/schedules/preview", &json!({"cron": "*/10 * * * *", "queue": "mail", "job": job})).await;
        said["notes"].to_string()
    };
    assert!(notes(600).await.contains("the next one comes after 10 min"), "{}", notes(600).await);
    assert!(!notes(599).await.contains("the next one comes"));
    console.stop().await;
}

#[tokio::test]
async fn consoles_tick_by_themselves_one_at_a_time() {
    let redis = TestRedis::start().await;
    let (a, b) = (redis.console().await, redis.console().await);
    register(&redis, "soon", "0 0 1 1 *", Millis(now_ms() + 1_500), &[]).await;
    eventually("it is fired", Duration::from_secs(15), async || !redis.list("queue:reports").await.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(redis.texts("queue:reports").await, [PUSHED]);
    let list = a.json("/api/v1/schedules").await;
    assert_eq!(
        (&list["ticking"]["here"], &list["ticking"]["console"], &list["ticking"]["foreign"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn pages_read_without_a_script_and_mark_up_nothing() {
    let redis = TestRedis::start().await;
    let console = TestConsole::start(Config {
        url: redis.url.clone(),
        scheduler: false,
        schedule_timezone: chrono_tz::Tz::Europe__Berlin,
        ..Config::default()
    })
    .await;
    let odd = "<b>\"odd\"</b>";
    register(&redis, odd, "30 9 * * 1-5", at("2030-01-01T08:30:00Z"), &[]).await;
    register(&redis, "broken", "nope", at("2026-01-01T00:00:00Z"), &[]).await;
    let page = console.get("/schedules").await.text().await.unwrap();
    assert!(!page.contains("in another time zone"), "08:30 UTC is 09:30 in Berlin");
    register(&redis, "elsewhere", "30 9 * * *", at("2030-01-01T09:30:00Z"), &[]).await;
    let page = page + &console.get("/schedules").await.text().await.unwrap();
    assert!(page.contains("in another time zone"), "09:30 UTC is none of its runs there");
    for part in ["At 09:30, Monday to Friday", "Broken", "cannot be read", "--no-scheduler", "Europe/Berlin", "CET"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<b>"), "an id is text");
    let href = format!("/schedules/{}", flux_console::model::ids::segment(odd));
    let page = console.get(&href).await.text().await.unwrap();
    for part in ["At 09:30, Monday to Friday", "Next runs", "History", "1795432831124", "09:30 CE"] {
        assert!(page.contains(part), "{part}");
    }
    let page = console.get("/schedules?add=1&cron=0+9+*+*+1%232&queue=mail&id=x&job=nope").await.text().await.unwrap();
    for part in ["At 09:00, on the second Monday of the month", "value=\"0 9 * * 1#2\"", "The job is"] {
        assert!(page.contains(part), "{part}");
    }
    let gone = console.get("/schedules/nobody").await.text().await.unwrap();
    assert!(gone.contains("There is no such schedule"), "{gone}");
    console.stop().await;
}
