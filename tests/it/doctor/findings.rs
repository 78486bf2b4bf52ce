//! Each finding where it belongs, and nowhere else.

use super::{found, look};
use crate::support::{
    Payload, TestConsole, TestRedis, eventually, now_ms,
    payload::{many, many_dead, payload},
};
use flux_console::server::config::Config;
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

fn pair(subject: &str, level: &str) -> (String, String) {
    (subject.to_owned(), level.to_owned())
}

async fn set(redis: &TestRedis, key: &str, value: &str) {
    let _: () = redis.con.clone().set_ex(key, value, 120).await.unwrap();
}

/// Waits until the sampler has the queue as counted.
async fn counted(console: &TestConsole, queue: &str, waiting: u64) {
    eventually(&format!("{queue} is counted"), SOON, async || {
        console.json("/api/v1/queues").await["queues"].as_array().unwrap().iter().any(|q| q["name"] == queue && q["waiting"] == waiting)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_redis_is_left_in_peace() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    redis.push_raw("queue:tenant:1:mail", many("t", "tenant:1:mail", 3)).await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 3)).await;
    redis.delay_raw("queue:mail:high:delayed", [(payload("d", "mail", ""), now_ms() + 60_000)]).await;
    set(&redis, "flux_console:worker:w-1", r#"{"id":"w-1","hostname":"h","queues":["mail"]}"#).await;
    let console = redis.console().await;
    counted(&console, "mail", 3).await;
    let before = redis.commands().await;
    let diagnosis = look(&console).await;
    let findings: Vec<&Value> = diagnosis["findings"].as_array().unwrap().iter().filter(|f| f["check"] != "settings").collect();
    assert!(findings.is_empty(), "{findings:#?}");
    // The archive of this console is off, which is worth a note.
    assert_eq!(found(&console, "settings").await, [pair("archive", "note")]);
    let checks = diagnosis["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 13);
    assert!(checks.iter().all(|c| c["looked"] == "whole"), "{checks:#?}");
    // It says what it cost, ticks of the sampler aside, and nobody waits for KEYS.
    let cost = diagnosis["commands"].as_u64().unwrap();
    assert!((8..200).contains(&cost), "{cost}");
    assert!(redis.commands().await - before < 2_000);
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.unwrap();
    assert!(!info.contains("cmdstat_keys:"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_pages_share_one_look() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    let console = redis.console().await;
    let first = console.json("/api/v1/doctor").await;
    let all = futures::future::join_all((0..20).map(|_| console.json("/api/v1/doctor"))).await;
    assert!(all.iter().all(|d| d["at"] == first["at"]), "within ten seconds one look serves all");
    let anew = look(&console).await;
    assert_ne!(anew["at"], first["at"]);
    assert_eq!(console.get("/api/v1/doctor?anew=perhaps").await.status().as_u16(), 422);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_a_priority_that_nobody_reads() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:orders", many("o", "orders", 2)).await;
    redis.push_raw("queue:orders:urgent", many("u", "orders", 3)).await;
    // A queue of its own, because its jobs say so; and one that a worker serves.
    redis.push_raw("queue:orders:export", many("e", "orders:export", 3)).await;
    redis.push_raw("queue:orders:5", many("p", "orders", 1)).await;
    // Nothing says that `tenant:1` is a queue.
    redis.push_raw("queue:tenant:1:mail", [r#"{"id":"x"}"#]).await;
    let console = redis.console().await;
    counted(&console, "orders:urgent", 3).await;
    assert_eq!(
        found(&console, "unread-priority").await,
        [pair("orders:5", "possible"), pair("orders:urgent", "possible")],
        "nobody reports"
    );
    set(&redis, "flux_console:worker:w-1", r#"{"id":"w-1","queues":["orders","orders:5"]}"#).await;
    eventually("the worker is seen", SOON, async || found(&console, "unread-priority").await == [pair("orders:urgent", "problem")]).await;
    let diagnosis = look(&console).await;
    let finding = diagnosis["findings"].as_array().unwrap().iter().find(|f| f["check"] == "unread-priority").unwrap();
    assert_eq!((&finding["fixes"][0]["kind"], &finding["fixes"][0]["count"]), (&json!("move-to-base"), &json!(3)));
    assert_eq!(finding["href"], "/queues/orders:urgent");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_keys_out_of_order() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:full:failed", many_dead("f", "full", 1_000)).await;
    redis.push_raw("queue:nearly:failed", many_dead("f", "nearly", 999)).await;
    let mut con = redis.con.clone();
    let _: () = con
        .mset(&[("queue:part:paused", "1"), ("queue:part:high:paused", "1"), ("queue:wrong", "x"), ("queue:active", "x")])
        .await
        .unwrap();
    let _: () = con
        .mset(&[
            ("queue:all:paused", "1"),
            ("queue:all:critical:paused", "1"),
            ("queue:all:high:paused", "1"),
            ("queue:all:low:paused", "1"),
        ])
        .await
        .unwrap();
    redis.push_raw("queue:odd", ["not json", "[1]"]).await;
    redis.push_raw("queue:odd", many("o", "odd", 20)).await;
    let console = redis.console().await;
    counted(&console, "odd", 22).await;
    assert_eq!(found(&console, "dead-letters-at-cap").await, [pair("full", "problem")], "the archive is off");
    assert_eq!(found(&console, "partly-paused").await, [pair("part", "problem")]);
    assert_eq!(found(&console, "wrong-type").await, [pair("queue:active", "problem"), pair("wrong", "problem")]);
    assert_eq!(found(&console, "unreadable-payloads").await, [pair("queue:odd", "problem")], "at the end where they were pushed");
    let diagnosis = look(&console).await;
    let check = |name: &str| diagnosis["checks"].as_array().unwrap().iter().find(|c| c["check"] == name).unwrap()["looked"].clone();
    assert_eq!(check("unreadable-payloads"), "partly", "some of each list, never all");
    assert_eq!(check("orphan-group"), "unknown", "the set of active groups is no set");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_whose_names_are_no_queues() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    redis.push_raw("queue:mail", many("m", "mail", 1)).await;
    redis.push_raw("queue:mail:high:failed", many_dead("f", "mail", 2)).await;
    redis.push_raw("queue:mail:low:failed", many_dead("f", "mail", 2)).await;
    let long = format!("queue:{}", "x".repeat(1_025));
    redis.push_raw(&long, ["{}"]).await;
    let _: () = con.lpush(&b"queue:\xff"[..], "{}").await.unwrap();
    // Not under the prefix.
    let _: () = con.lpush(&b"session:\xff"[..], "{}").await.unwrap();
    let console = redis.console().await;
    counted(&console, "mail", 1).await;
    let shown = format!("{}…", &long[..80]);
    let (dead, not_text) = (pair("queue:mail:high:failed", "possible"), pair("queue:\u{fffd}", "possible"));
    let subjects = async || {
        let mut all = found(&console, "unlisted-keys").await;
        // Which of the two is met first is up to Redis.
        all.iter_mut().for_each(|(subject, _)| *subject = subject.replace(":low:", ":high:"));
        all
    };
    assert_eq!(subjects().await, [dead.clone(), pair(&shown, "possible"), not_text.clone()]);
    let diagnosis = look(&console).await;
    let title = |n: usize| {
        diagnosis["findings"].as_array().unwrap().iter().filter(|f| f["check"] == "unlisted-keys").nth(n).unwrap()["title"].clone()
    };
    assert_eq!(title(0), "2 keys under queue: are called failed lists of priorities");
    assert_eq!(title(2), "1 key under queue: has a name that is no text");
    let names: Vec<Value> = console.json("/api/v1/queues").await["queues"].as_array().unwrap().iter().map(|q| q["name"].clone()).collect();
    assert_eq!(names, ["mail"]);
    let _: () = con.del(&long).await.unwrap();
    eventually("what went is forgotten", SOON, async || subjects().await == [dead.clone(), not_text.clone()]).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_nothing_holds_and_groups_that_nobody_started() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let of = |id: &str, group: &str| Payload::new(id, "pay").group(group).waiting();
    redis.push_raw("queue:pay:high", [of("a", "waits"), Payload::new("n", "pay").group("42").waiting().replace("\"42\"", "42")]).await;
    redis.push_raw("queue:pending:waits", [of("b", "waits")]).await;
    redis.push_raw("queue:pending:hangs", [of("c", "hangs"), of("d", "hangs")]).await;
    redis.push_raw("queue:pending:asleep", [of("e", "asleep")]).await;
    let _: () = con.sadd("queue:active", &["waits", "hangs", "empty", "42"]).await.unwrap();
    let console = redis.console().await;
    counted(&console, "pay", 6).await;
    // No worker reports: one without `monitor` may be running them.
    assert_eq!(found(&console, "orphan-group").await, [pair("empty", "possible"), pair("hangs", "possible")]);
    assert_eq!(found(&console, "idle-group").await, [pair("asleep", "problem")]);

    // A worker that is heard and runs nothing: then it is certain.
    console.listens().await;
    set(&redis, "flux_console:worker:w-1", r#"{"id":"w-1","queues":["pay"]}"#).await;
    let event = |message: &str| {
        json!({"level": "info", "message": message, "workerId": "w-1", "timestamp": flux_console::model::time::Millis(now_ms()).iso()})
            .to_string()
    };
    let _: i64 = con.publish("flux_console:logs", event("Consumer started on [pay]")).await.unwrap();
    eventually("it is certain", SOON, async || {
        found(&console, "orphan-group").await == [pair("empty", "problem"), pair("hangs", "problem")]
    })
    .await;

    // One runs a job of the group: its payload was seen in the list, and went with the worker.
    redis.push_raw("queue:pay", [of("runs", "busy")]).await;
    let _: () = con.sadd("queue:active", "busy").await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let _: Vec<u8> = con.rpop("queue:pay", None).await.unwrap();
    let begun = json!({"level": "info", "message": "Processing job: runs", "workerId": "w-1", "jobId": "runs", "timestamp": flux_console::model::time::Millis(now_ms()).iso()});
    let _: i64 = con.publish("flux_console:logs", begun.to_string()).await.unwrap();
    let orphans = found(&console, "orphan-group").await;
    assert!(orphans.iter().all(|(group, _)| group != "busy"), "{orphans:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_elsewhere_schedules_and_settings() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    set(&redis, "apps:worker:w-9", r#"{"id":"w-9","hostname":"h","queues":["mail"]}"#).await;
    set(&redis, "shop:worker:w-7", r#"{"id":"w-7","hostname":"h","queues":["unheard-of"]}"#).await;
    set(&redis, "session:worker:3", "a session").await;
    redis.push_raw("queue:worker:list", ["no heartbeat"]).await;
    let due = now_ms() - 90_000;
    for (id, at, enabled) in [
        ("late", due, "true"),
        ("off", due, "false"),
        ("soon", now_ms() + 60_000, "true"),
        ("just", now_ms() - 5_000, "true"),
        ("ghost", due, ""),
    ] {
        let _: () = con.zadd("queue:schedules", id, at).await.unwrap();
        if !enabled.is_empty() {
            let _: () = con.hset_multiple(format!("queue:schedule:{id}"), &[("id", id), ("enabled", enabled)]).await.unwrap();
        }
    }
    let console = redis.console().await;
    counted(&console, "mail", 3).await;
    assert_eq!(found(&console, "other-monitor-prefix").await, [pair("apps:", "problem"), pair("shop:", "possible")]);
    assert_eq!(found(&console, "schedules").await, [pair("queue:schedule", "problem"), pair("queue:schedules", "problem")]);
    let diagnosis = look(&console).await;
    let late = diagnosis["findings"].as_array().unwrap().iter().find(|f| f["subject"] == "queue:schedules").unwrap();
    assert!(late["meaning"].as_str().unwrap().starts_with("late: due for up to 1 min 3"), "{late}");
    assert_eq!(found(&console, "clock").await, [], "both on this machine");
    let _: () = redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg("200mb")
        .arg("maxmemory-policy")
        .arg("allkeys-lru")
        .query_async(&mut con)
        .await
        .unwrap();
    assert_eq!(found(&console, "settings").await, [pair("maxmemory-policy", "problem"), pair("archive", "note")]);
    console.stop().await;

    let with = Config {
        url: redis.url.clone(),
        monitor_prefixes: vec!["flux_console:".into(), "apps:".into(), "shop:".into()],
        ..Config::default()
    };
    let console = TestConsole::start(with).await;
    console.discovered().await;
    assert_eq!(found(&console, "other-monitor-prefix").await, []);
    console.stop().await;
}

/// One that is off stays due for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_overdue_schedule_behind_many_that_are_off() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let long_ago = now_ms() - 86_400_000;
    let mut pipe = redis::pipe();
    for (i, enabled) in (0..60).map(|i| (i, if i % 2 == 0 { "false" } else { "yes" })) {
        pipe.zadd("queue:schedules", format!("off-{i}"), long_ago + i).ignore();
        pipe.hset_multiple(format!("queue:schedule:off-{i}"), &[("id", "off"), ("enabled", enabled)]).ignore();
    }
    let _: () = pipe.query_async(&mut con).await.unwrap();
    let console = TestConsole::start(Config { url: redis.url.clone(), scheduler: false, ..Config::default() }).await;
    console.discovered().await;
    assert_eq!(found(&console, "schedules").await, [], "the library takes `true` alone for on");
    let _: () = con.zadd("queue:schedules", "late", now_ms() - 90_000).await.unwrap();
    let _: () = con.hset_multiple("queue:schedule:late", &[("id", "late"), ("enabled", "true")]).await.unwrap();
    assert_eq!(found(&console, "schedules").await, [pair("queue:schedules", "problem")]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticker_beside_the_console() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let job = r#"{"id":"n","type":"class","data":"{\"class\":\"R\",\"properties\":{}}"}"#;
    let soon = now_ms() + 3_600_000;
    let fields = [("id", "n"), ("cron", "0 3 * * *"), ("queue", "reports"), ("job", job), ("enabled", "true")];
    let _: () = con.hset_multiple("queue:schedule:n", &fields).await.unwrap();
    let _: () = con.zadd("queue:schedules", "n", soon).await.unwrap();
    let console = redis.console().await;
    eventually("the console ticks", SOON, async || console.json("/api/v1/schedules").await["ticking"]["console"] == true).await;
    assert_eq!(found(&console, "schedules").await, []);
    // As the library leaves it after a run of its own.
    let _: () = con.hset("queue:schedule:n", "lastRun", now_ms()).await.unwrap();
    assert_eq!(found(&console, "schedules").await, [pair("queue:ticker", "possible")]);
    let diagnosis = look(&console).await;
    let finding = diagnosis["findings"].as_array().unwrap().iter().find(|f| f["check"] == "schedules").unwrap();
    assert!(
        finding["advice"].as_str().unwrap().contains("--no-scheduler") && finding["meaning"].as_str().unwrap().starts_with("It fired n at"),
        "{finding}"
    );
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_beats_and_is_never_heard() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    set(&redis, "flux_console:worker:w-1", r#"{"id":"w-1","hostname":"h","uptime":120,"queues":["mail"]}"#).await;
    // It serves nothing that waits.
    set(&redis, "flux_console:worker:w-2", r#"{"id":"w-2","hostname":"h","uptime":120,"queues":["news"]}"#).await;
    let console = redis.console().await;
    console.listens().await;
    counted(&console, "mail", 3).await;
    assert_eq!(found(&console, "silent-workers").await, [], "it may have just started to listen");
    eventually("it is said after a minute", Duration::from_secs(90), async || {
        tokio::time::sleep(Duration::from_secs(2)).await;
        found(&console, "silent-workers").await == [pair("w-1", "possible")]
    })
    .await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nothing_is_diagnosed() {
    let mut redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.stop();
    eventually("Redis is missed", SOON, async || console.get("/api/v1/doctor?anew=true").await.status().as_u16() == 503).await;
    console.stop().await;
}
