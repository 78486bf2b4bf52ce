//! Several consoles on one Redis, killed at any moment: each alert once on each channel.

use super::{FLAGS, SOON, done, message, push, store};
use crate::support::{Receiver, Replica, Reply, TestRedis, eventually};
use redis::AsyncCommands;
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

fn counts(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for got in receiver.got() {
        *counts.entry(got.header("x-flux-console-id").to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn three_consoles_send_each_alert_once() {
    let redis = TestRedis::start().await;
    let (webhook, discord) = (Receiver::start([]).await, Receiver::start([]).await);
    store(
        &redis,
        &json!({ "webhook": { "enabled": true, "url": webhook.url }, "discord": { "enabled": true, "webhookUrl": discord.url } }),
    )
    .await;
    let consoles = [Replica::with(&redis, &FLAGS), Replica::with(&redis, &FLAGS), Replica::with(&redis, &FLAGS)];
    for n in 0..30 {
        push(&redis, &message(&format!("m-{n}"))).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eventually("all came", SOON, async || webhook.count() >= 30 && discord.count() >= 30 && done(&redis).await).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((webhook.count(), discord.count(), counts(&webhook).len()), (30, 30, 30));
    drop(consoles);
}

#[tokio::test]
async fn a_killed_console_is_followed_where_it_was() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(500, "no"), Reply::Say(500, "no"), Reply::Say(500, "no")]).await;
    let discord = Receiver::start([]).await;
    store(
        &redis,
        &json!({ "webhook": { "enabled": true, "url": webhook.url }, "discord": { "enabled": true, "webhookUrl": discord.url } }),
    )
    .await;
    let first = Replica::with(&redis, &FLAGS);
    for n in 0..3 {
        push(&redis, &message(&format!("m-{n}"))).await;
    }
    eventually("all were tried, and that is noted", SOON, async || {
        let noted: Vec<String> = redis.con.clone().hvals(super::key("delivering")).await.expect("HVALS");
        webhook.count() == 3 && discord.count() == 3 && noted.iter().filter(|v| v.contains("HTTP 500")).count() == 3
    })
    .await;
    first.kill();
    let second = Replica::with(&redis, &FLAGS);
    // The lease of the killed one lasts ten seconds, and what failed waits before it is tried again.
    eventually("all came", SOON * 2, async || webhook.count() >= 6 && done(&redis).await).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((webhook.count(), discord.count()), (6, 3), "who has it does not get it again");
    assert!(counts(&webhook).values().all(|n| *n == 2));
    drop(second);
}

/// In the middle of a try nobody knows whether it arrived: it is sent again, with the same id.
#[tokio::test]
async fn a_try_that_a_kill_cut_short_is_made_again() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Hang]).await;
    store(&redis, &json!({ "webhook": { "enabled": true, "url": webhook.url } })).await;
    let first = Replica::with(&redis, &FLAGS);
    push(&redis, &message("m-1")).await;
    eventually("it is being tried", SOON, async || webhook.count() == 1).await;
    first.kill();
    let second = Replica::with(&redis, &FLAGS);
    eventually("it came", Duration::from_secs(45), async || webhook.count() == 2 && done(&redis).await).await;
    assert_eq!(counts(&webhook), BTreeMap::from([("m-1".to_owned(), 2)]));
    drop(second);
}
