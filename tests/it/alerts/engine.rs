//! One console: fires, holds, cools down, resolves; a restart repeats nothing; Redis away says nothing wrong.

use super::{SOON, backlog, empty, history, hold_back, outbox, push, store, told};
use crate::{
    notify,
    support::{Receiver, Reply, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::time::{Millis, parse_iso},
    server::driver::redis::keys::Keys,
};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_fires_once_cools_down_over_a_restart_and_is_resolved() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    store(&redis, &json!([backlog(3, 30.0, json!({ "queue": "mail*" }))])).await;
    push(&redis, "mail", 5).await;
    push(&redis, "orders", 9).await;
    let console = redis.console().await;
    eventually("it fires", SOON, async || told(&redis).await == ["fired b mail"]).await;
    let message = outbox(&redis).await.remove(0);
    assert_eq!(
        (message["text"].as_str(), message["value"].as_str(), message["threshold"].as_str()),
        (Some("5 waiting jobs in mail when it fired (limit 3)."), Some("5 waiting jobs"), Some("3 waiting jobs"))
    );
    eventually("every page knows", SOON, async || console.json("/api/v1/overview").await["alerts"]["firing"] == 1).await;
    let now = console.json("/api/v1/overview").await["alerts"].take();
    assert_eq!((now["list"][0]["subject"].as_str(), now["news"][0]["seq"].as_u64(), now["seq"].as_u64()), (Some("mail"), Some(1), Some(1)));
    console.stop().await;

    // A restart while it fires, and one within the cool-down.
    let console = redis.console().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(told(&redis).await, ["fired b mail"]);
    empty(&redis, "mail").await;
    eventually("it is resolved", SOON, async || told(&redis).await == ["fired b mail", "resolved b mail"]).await;
    let over = outbox(&redis).await.remove(1);
    assert!(over["since"].is_string() && over["text"].as_str().unwrap().starts_with("mail has 0 waiting jobs again, after"), "{over}");
    console.stop().await;
    push(&redis, "mail", 7).await;
    let console = redis.console().await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(told(&redis).await.len(), 2, "silent within the cool-down");
    assert_eq!(console.json("/api/v1/alerts").await["firing"].as_array().unwrap().len(), 0);
    let seqs: Vec<u64> = history(&redis).await.iter().filter_map(|e| e["seq"].as_u64()).collect();
    assert_eq!(seqs, [1, 2]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_that_it_must_last_goes_on_over_a_restart() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    store(&redis, &json!([backlog(3, 0.0, json!({ "holdSeconds": 8 }))])).await;
    push(&redis, "mail", 5).await;
    let console = redis.console().await;
    eventually("it waits", SOON, async || redis.keys().await.iter().any(|k| k.ends_with(":alerts:states"))).await;
    let since = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(told(&redis).await, Vec::<String>::new());
    console.stop().await;
    let console = redis.console().await;
    eventually("it fires", SOON, async || told(&redis).await == ["fired b"]).await;
    let took = since.elapsed();
    assert!((Duration::from_secs(6)..Duration::from_secs(14)).contains(&took), "{took:?}");
    assert!(outbox(&redis).await[0]["text"].as_str().unwrap().ends_with(" when it fired (limit 3 for 8 s)."));
    // Turned off: closed, and nothing more.
    store(&redis, &json!([backlog(3, 0.0, json!({ "enabled": false }))])).await;
    eventually("it is closed", SOON, async || told(&redis).await == ["fired b", "resolved b"]).await;
    assert!(outbox(&redis).await[1]["text"].as_str().unwrap().starts_with("Closed after"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_never_were_are_not_missed() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    // Nothing stored: the original's rules, one of them about workers.
    let console = redis.console().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(told(&redis).await, Vec::<String>::new());
    let beat = json!({ "id": "w", "status": "online", "queues": ["mail"] }).to_string();
    let _: () = redis::cmd("SET").arg("flux_console:worker:w").arg(&beat).query_async(&mut redis.con.clone()).await.unwrap();
    eventually("it is seen", SOON, async || console.json("/api/v1/overview").await["workers"] == 1).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    console.stop().await;
    // It ends while no console looks.
    let _: u64 = redis::cmd("DEL").arg("flux_console:worker:w").query_async(&mut redis.con.clone()).await.unwrap();
    let console = redis.console().await;
    eventually("it is missed", SOON * 2, async || told(&redis).await == ["fired no_workers_online"]).await;
    assert_eq!(outbox(&redis).await[0]["text"], "0 workers reported when it fired (minimum 1).");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_rules_cost_redis_no_more_commands() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let console = redis.console().await;
    push(&redis, "mail", 5).await;
    let measure = async || {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let before = redis.commands().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        redis.commands().await - before
    };
    store(&redis, &json!([])).await;
    let none = measure().await;
    let rules: Vec<_> = (0..100).map(|i| backlog(1_000, 1.0, json!({ "id": format!("r{i}"), "queue": "*" }))).collect();
    store(&redis, &json!(rules)).await;
    let many = measure().await;
    assert!(many <= none + none / 3 + 10, "{none} commands without rules, {many} with 100");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_is_said_from_memory_and_noted_afterwards() {
    let mut redis = TestRedis::start().await;
    let rules = json!([{ "id": "down", "name": "Redis", "type": "redis_down", "holdSeconds": 2, "cooldownMinutes": 5 }, backlog(3, 0.0, json!({}))]);
    store(&redis, &rules).await;
    push(&redis, "mail", 5).await;
    let receiver = Receiver::start([]).await;
    notify::store(&redis, &json!({ "webhook": { "enabled": true, "url": receiver.url } })).await;
    let console = TestConsole::start(notify::config(&redis)).await;
    console.discovered().await;
    let got = || receiver.got().iter().map(|g| g.json()["ruleId"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>();
    eventually("the backlog fires and is received", SOON, async || got() == ["b"]).await;
    redis.stop();
    eventually("it is said", SOON, async || console.state.alerts.now().list.first().is_some_and(|f| f.rule_type == "redis_down")).await;
    eventually("it is received without Redis", SOON, async || got() == ["b", "down"]).await;
    let said = receiver.got()[1].json();
    assert!(said["text"].as_str().unwrap().starts_with("Redis cannot be reached, for 2 s."), "{said}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(receiver.count(), 2, "once");
    // The rules are in Redis; the test's Redis forgets everything.
    redis.restart().await;
    store(&redis, &rules).await;
    eventually("it is over", SOON, async || history(&redis).await.len() == 2).await;
    let kinds: Vec<_> = history(&redis).await.iter().map(|e| e["message"]["kind"].as_str().unwrap_or("?").to_owned()).collect();
    assert_eq!(kinds, ["fired", "resolved"], "the backlog was not measured, and then it was not there");
    eventually("nothing fires", SOON, async || console.state.alerts.now().firing == 0).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_without_redis_is_not_said_again_too_soon() {
    let redis = TestRedis::start().await;
    let down =
        |id: &str, cooldown: f64| json!({ "id": id, "name": id, "type": "redis_down", "holdSeconds": 0, "cooldownMinutes": cooldown });
    store(&redis, &json!([down("loud", 0.0), down("quiet", 60.0), backlog(3, 0.0, json!({}))])).await;
    let receiver = Receiver::ending([], Reply::Say(410, "gone")).await;
    notify::store(&redis, &json!({ "webhook": { "enabled": true, "url": receiver.url } })).await;
    let first = TestConsole::start(notify::config(&redis)).await;
    first.discovered().await;
    let lines = async || {
        let text = |e: &serde_json::Value| {
            format!("{} {}", e["message"]["kind"].as_str().unwrap_or("?"), e["message"]["ruleId"].as_str().unwrap_or("?"))
        };
        history(&redis).await.iter().map(text).collect::<Vec<_>>()
    };
    let away = |console: &TestConsole| console.state.alerts.now().list.iter().filter(|f| f.rule_type == "redis_down").count();
    eventually("somebody evaluates", SOON, async || redis.keys().await.iter().any(|k| k.ends_with(":alerts:lease"))).await;
    // Frozen, it does not answer and forgets nothing.
    redis.server.freeze().unwrap();
    eventually("both are said", SOON, async || away(&first) == 1 && receiver.count() == 2).await;
    eventually("the overview says so", SOON, async || first.get("/").await.text().await.unwrap().contains("View alert")).await;
    redis.server.thaw().unwrap();
    eventually("both are over", SOON, async || lines().await.len() == 4).await;
    // What fires now shows that it goes on, and without a cool-down nothing was said twice.
    push(&redis, "mail", 5).await;
    eventually("the backlog fires", SOON, async || lines().await.len() > 4).await;
    assert_eq!(lines().await, ["fired loud", "resolved loud", "fired quiet", "resolved quiet", "fired b"]);
    // What the channel did not take while there was no Redis is listed as well.
    let listed = async || {
        let list = first.json("/api/v1/alerts/undelivered").await["alerts"].take();
        let text = |e: &serde_json::Value| {
            format!("{} {}", e["message"]["kind"].as_str().unwrap_or("?"), e["message"]["ruleId"].as_str().unwrap_or("?"))
        };
        let mut all: Vec<String> = list.as_array().unwrap().iter().map(text).collect();
        all.sort();
        all
    };
    let all = ["fired b", "fired loud", "fired quiet", "resolved loud", "resolved quiet"];
    eventually("five are listed", SOON, async || listed().await == all).await;

    // Another console knows the cool-down.
    first.stop().await;
    let second = TestConsole::start(notify::config(&redis)).await;
    second.discovered().await;
    eventually("the other one evaluates", SOON, async || redis.keys().await.iter().any(|k| k.ends_with(":alerts:lease"))).await;
    redis.server.freeze().unwrap();
    eventually("it is said", SOON, async || away(&second) == 1).await;
    redis.server.thaw().unwrap();
    eventually("it is over", SOON, async || lines().await.len() > 6).await;
    assert_eq!(lines().await.split_off(5), ["fired loud", "resolved loud"]);
    second.stop().await;
}

/// The time to hold counts what was measured, whoever measured it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_to_hold_from_before_all_consoles_were_away_begins_anew() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    store(&redis, &json!([backlog(3, 0.0, json!({ "holdSeconds": 6 }))])).await;
    push(&redis, "mail", 5).await;
    let hour_ago = now_ms() - 3_600_000;
    let states = Keys::new("queue:", &[]).alert_states();
    let fields = [
        (r#"["b",null]"#.to_owned(), json!({ "pending": Millis(hour_ago).iso() }).to_string()),
        ("measured".into(), (hour_ago + 60_000).to_string()),
    ];
    let _: () = redis.con.clone().hset_multiple(&states, &fields).await.unwrap();
    let began = now_ms();
    let console = redis.console().await;
    eventually("it fires", SOON, async || told(&redis).await == ["fired b"]).await;
    let at = outbox(&redis).await[0]["at"].as_str().and_then(parse_iso).unwrap();
    assert!(at.0 - began >= 6_000, "it was held for {} ms", at.0 - began);
    let measured: i64 = redis.con.clone().hget(&states, "measured").await.unwrap();
    assert!(measured > began, "for whoever comes next");
    console.stop().await;
}

/// From the rule to the receiver: what fires and ends is received once each, whatever stops in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_gets_exactly_what_fires_and_ends() {
    let redis = TestRedis::start().await;
    let receiver = Receiver::start([]).await;
    notify::store(&redis, &json!({ "webhook": { "enabled": true, "url": receiver.url, "secret": "s1gning" } })).await;
    store(&redis, &json!([backlog(3, 30.0, json!({ "queue": "mail*" }))])).await;
    push(&redis, "mail", 5).await;
    let consoles = [TestConsole::start(notify::config(&redis)).await, TestConsole::start(notify::config(&redis)).await];
    for console in &consoles {
        console.discovered().await;
    }
    let got = || {
        let word = |g: &serde_json::Value, name: &str| g[name].as_str().unwrap_or("?").to_owned();
        receiver.got().iter().map(|g| g.json()).map(|g| format!("{} {}", word(&g, "kind"), word(&g, "subject"))).collect::<Vec<_>>()
    };
    eventually("it is received", SOON, async || got() == ["fired mail"]).await;
    let [one, other] = consoles;
    one.stop().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    empty(&redis, "mail").await;
    eventually("its end is received", SOON, async || got() == ["fired mail", "resolved mail"]).await;
    push(&redis, "mail", 9).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(got().len(), 2, "silent within the cool-down");
    other.stop().await;
}
