//! From the outbox to the channels: tries, waits, order, and what is given up.

use super::{SOON, config, console, done, key, message, push, store};
use crate::support::{Receiver, Reply, TestConsole, TestRedis, eventually};
use flux_console::{
    model::alert::message::{Kind, Message},
    server::{
        config::{Config, Delivery},
        notify,
    },
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

fn hook(receiver: &Receiver) -> Value {
    json!({ "enabled": true, "url": receiver.url })
}

fn ids(receiver: &Receiver) -> Vec<String> {
    receiver.got().iter().map(|got| got.json()["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_and_the_others_do_not_wait() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(500, "no"), Reply::Say(503, "no")]).await;
    let (slack, discord) = (Receiver::ending([], Reply::Hang).await, Receiver::start([]).await);
    store(
        &redis,
        &json!({ "webhook": hook(&webhook), "slack": { "enabled": true, "webhookUrl": slack.url }, "discord": { "enabled": true, "webhookUrl": discord.url } }),
    )
    .await;
    let console = console(&redis).await;
    for n in 0..10 {
        push(&redis, &message(&format!("m-{n}"))).await;
    }
    eventually("the two that answer have all", SOON, async || webhook.count() == 12 && discord.count() == 10).await;
    let mut all = ids(&webhook);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 10);
    assert!(!done(&redis).await, "the one that hangs is still tried");
    let waiting = console.json("/api/v1/alerts/undelivered").await["waiting"].as_u64();
    assert!(waiting.is_some_and(|n| n > 0), "{waiting:?}");
    eventually("the one that hangs is given up", Duration::from_secs(40), async || done(&redis).await).await;
    let list = console.json("/api/v1/alerts/undelivered").await;
    assert_eq!((list["alerts"].as_array().map(Vec::len), &list["waiting"]), (Some(10), &json!(0)));
    assert_eq!((webhook.count(), discord.count(), slack.count()), (12, 10, 40), "four tries each, and nothing twice");
    console.stop().await;
}

#[tokio::test]
async fn a_receiver_says_when_to_come_back() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::With(429, "retry-after", "2".into())]).await;
    store(&redis, &json!({ "webhook": hook(&webhook) })).await;
    let console = console(&redis).await;
    push(&redis, &message("m-1")).await;
    eventually("it came again", SOON, async || webhook.count() == 2).await;
    let got = webhook.got();
    let waited = got[1].at - got[0].at;
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
    console.stop().await;
}

#[tokio::test]
async fn what_is_given_up_is_listed_sent_again_or_dismissed() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(410, "gone away"), Reply::Say(410, "gone away")]).await;
    let discord = Receiver::start([]).await;
    store(&redis, &json!({ "webhook": hook(&webhook), "discord": { "enabled": true, "webhookUrl": discord.url } })).await;
    let console = console(&redis).await;
    push(&redis, &message("m-1")).await;
    push(&redis, &message("m-2")).await;
    let _: u64 = redis.con.clone().lpush(key("outbox"), "{ no alert").await.expect("LPUSH");
    let list = async || console.json("/api/v1/alerts/undelivered").await["alerts"].as_array().cloned().expect("a list");
    eventually("three are listed", SOON, async || list().await.len() == 3 && done(&redis).await).await;
    assert_eq!((webhook.count(), discord.count()), (2, 2), "410 is not tried again");
    let all = list().await;
    let entry = all.iter().find(|e| e["message"]["id"] == "m-1").expect("listed");
    assert_eq!((&entry["channel"], &entry["reason"], &entry["tries"]), (&json!("webhook"), &json!("HTTP 410 Gone: gone away"), &json!(1)));
    let broken = all.iter().find(|e| e["message"].is_null()).expect("what was no alert is listed too");
    assert!(broken["reason"].as_str().is_some_and(|r| r.contains("{ no alert")), "{broken}");

    let act = async |entry: &Value, verb: &str| {
        console.post(&format!("/api/v1/alerts/undelivered/{}/{verb}", entry["id"].as_str().expect("an id")), &json!({})).await.0
    };
    assert_eq!(act(broken, "retry").await, 409);
    assert_eq!(act(broken, "dismiss").await, 204);
    assert_eq!((act(entry, "retry").await, act(entry, "retry").await), (204, 404), "once");
    eventually("it came", SOON, async || webhook.count() == 3 && done(&redis).await).await;
    assert_eq!((webhook.got()[2].header("x-flux-console-id"), discord.count()), ("m-1", 2), "to the one channel only");
    let second = list().await;
    assert_eq!(second.len(), 1);
    assert_eq!((act(&second[0], "dismiss").await, list().await.len()), (204, 0));
    let page = console.get("/alerts/channels").await.text().await.expect("text");
    assert!(page.contains("Undelivered"), "the page has the list");
    let lines = console.json("/api/v1/audit").await["lines"].to_string();
    for part in ["alert-send-again", "alert-dismiss", "Webhook: or<ders has 12,000 waiting jobs"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    console.stop().await;
}

#[tokio::test]
async fn resolved_never_overtakes_fired() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(500, ""), Reply::Say(500, "")]).await;
    store(&redis, &json!({ "webhook": hook(&webhook) })).await;
    let console = console(&redis).await;
    let fired = Message { rule_id: "r".into(), ..message("fired") };
    push(&redis, &fired).await;
    push(&redis, &Message { id: "resolved".into(), kind: Kind::Resolved, ..fired }).await;
    eventually("both came", SOON, async || webhook.count() == 4 && done(&redis).await).await;
    assert_eq!(ids(&webhook), ["fired", "fired", "fired", "resolved"]);
    console.stop().await;
}

#[tokio::test]
async fn an_alert_waits_while_redis_or_the_console_is_away() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(500, "no")]).await;
    store(&redis, &json!({ "webhook": hook(&webhook) })).await;
    let slow = Delivery { waits: vec![Duration::from_secs(3); 3], ..config(&redis).delivery };
    let first = TestConsole::start(Config { delivery: slow.clone(), ..config(&redis) }).await;
    push(&redis, &message("m-1")).await;
    eventually("it was tried", SOON, async || webhook.count() == 1).await;
    // Until what came of it is noted.
    tokio::time::sleep(Duration::from_millis(300)).await;
    first.stop().await;
    let second = TestConsole::start(Config { delivery: slow, ..config(&redis) }).await;
    eventually("it came", SOON, async || webhook.count() == 2 && done(&redis).await).await;
    assert!(webhook.got()[1].at - webhook.got()[0].at >= Duration::from_secs(3), "the wait holds over the restart");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ids(&webhook), ["m-1", "m-1"]);
    second.stop().await;
}

#[tokio::test]
async fn without_a_channel_an_alert_is_let_go_and_idleness_costs_little() {
    let redis = TestRedis::start().await;
    let console = console(&redis).await;
    push(&redis, &message("m-1")).await;
    eventually("it is let go", SOON, async || done(&redis).await).await;
    assert_eq!(console.json("/api/v1/alerts/undelivered").await["alerts"], json!([]));
    let stats = async || {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
        let line = info.lines().find_map(|l| l.strip_prefix("cmdstat_llen:calls=")).map(str::to_owned);
        line.and_then(|l| l.split(',').next().and_then(|n| n.parse::<u64>().ok())).unwrap_or(0)
    };
    let before = stats().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let looked = stats().await - before;
    assert!(looked <= 5, "{looked} looks in 3 s");
    console.stop().await;
}

/// What is to be said about Redis goes past Redis.
#[tokio::test]
async fn without_redis_the_last_known_channels_are_told() {
    let mut redis = TestRedis::start().await;
    let (webhook, discord) = (Receiver::start([Reply::Say(500, "no")]).await, Receiver::start([]).await);
    store(&redis, &json!({ "webhook": hook(&webhook), "discord": { "enabled": true, "webhookUrl": discord.url } })).await;
    let console = console(&redis).await;
    eventually("they are known", SOON, async || console.state.channels.get().enabled().len() == 2).await;
    redis.stop();
    let outside = notify::Outside { allow_private: true, within: Duration::from_secs(2), names: notify::Names::default() };
    let came = notify::send_now(&outside, &console.state.channels.get(), &message("down")).await;
    assert!(came.iter().all(|(_, answer)| answer.is_ok()), "{came:?}");
    assert_eq!((ids(&webhook), discord.count()), (vec!["down".to_owned(), "down".into()], 1));
    console.stop().await;
}
