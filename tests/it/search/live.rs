//! Live steps: coverage, hostile data, lists that move.

use super::{all, ids, queue};
use crate::support::{Payload, TestRedis, eventually, payload::many};
use flux_console::model::{
    ids::{Priority, Source},
    job::JobState,
    search::{Field, Whereabouts},
};
use redis::AsyncCommands;
use std::{collections::BTreeSet, time::Duration};

const HOSTILE: &str = r#"100% of a_b* said "yes" \o/ <b>"#;

#[tokio::test]
async fn every_state_is_searched_and_told_where() {
    let redis = TestRedis::start().await;
    let own = format!("\"note\":{}", serde_json::to_string(HOSTILE).expect("JSON"));
    redis.push_raw("queue:mail", [Payload::new("W-1", "mail").own(&own).waiting(), Payload::new("W-2", "mail").waiting()]).await;
    redis.push_raw("queue:mail:high", [Payload::new("H-1", "mail").class("PaymentTimeout").waiting()]).await;
    redis.push_raw("queue:orders:failed", [Payload::new("F-1", "orders").failed("The gateway did not answer: 100% lost")]).await;
    redis.delay_raw("queue:orders:delayed", [(Payload::new("D-1", "orders").own(&own).waiting(), 9_000_000_000_000)]).await;
    redis.push_raw("queue:pending:g-7", [Payload::new("G-1", "mail").group("g-7").waiting()]).await;
    let console = redis.console().await;
    eventually("the group is known", Duration::from_secs(10), async || all(&console, "group:g-7").await.0.len() == 1).await;

    for (text, found) in [
        ("W-1", vec!["W-1"]),
        ("id:W-1", vec!["W-1"]),
        ("w-", vec!["W-1", "W-2"]),
        ("100%", vec!["D-1", "F-1", "W-1"]),
        ("100% state:delayed", vec!["D-1"]),
        ("a_b*", vec!["D-1", "W-1"]),
        ("\"said \\\"yes\"", vec!["D-1", "W-1"]),
        ("<b>", vec!["D-1", "W-1"]),
        ("%", vec!["D-1", "F-1", "W-1"]),
        ("%ateway", vec![]),
        ("class:timeout", vec!["H-1"]),
        ("error:gateway", vec!["F-1"]),
        ("queue:mail state:waiting", vec!["H-1", "W-1", "W-2"]),
        ("queue:m… -state:waiting", vec!["G-1"]),
        ("queue:m... -state:waiting", vec!["G-1"]),
        ("queue:m*", vec![]),
        ("id:W%", vec![]),
        ("id:W-_", vec![]),
        ("id:W-?", vec![]),
        ("id:W…", vec!["W-1", "W-2"]),
        ("queue:nowhere", vec![]),
        ("state:active", vec![]),
    ] {
        let (hits, last) = all(&console, text).await;
        assert_eq!(ids(&hits), found, "{text}");
        assert_eq!(last.coverage.of, Some(last.coverage.scanned), "{text}");
    }
    let (hits, _) = all(&console, "gateway").await;
    assert_eq!((hits[0].whereabouts, hits[0].place.field, hits[0].state), (Whereabouts::Live, Field::Error, JobState::Failed));
    let page = console.get(&hits[0].href()).await.text().await.expect("text");
    assert!(page.contains("The gateway did not answer"));
    console.stop().await;
}

#[tokio::test]
async fn huge_and_broken_elements_are_searched_too() {
    let redis = TestRedis::start().await;
    let long = "x".repeat(10_000_000);
    let huge = format!(r#"{{"id":"huge","data":"{{\"first\":\"begins\",\"y\":\"{long}\"}}","error":"ran out of room","failedAt":1}}"#);
    let broken = "{\"id\": nope, 100% broken".to_owned();
    redis.push_raw("queue:a:failed", [huge, broken, "\"text\"".into(), Payload::new("ok", "a").failed("fine")]).await;
    let bytes: [&[u8]; 1] = [b"{\"id\":\"bin\",\"x\":\"\xff\xfe needle\"}"];
    redis.push_raw("queue:a:failed", bytes).await;
    let _: () = redis.con.clone().set("queue:a:high", "no list").await.expect("SET");
    let console = redis.console().await;
    for (text, n) in [
        ("begins", 1),
        ("\"out of room\"", 1),
        ("\"100% broken\"", 1),
        ("nope", 1),
        ("text", 1),
        ("needle", 1),
        ("queue:a state:failed", 5),
    ] {
        let (hits, last) = all(&console, text).await;
        assert_eq!(hits.len(), n, "{text}");
        assert_eq!(last.skipped.is_empty(), text.contains("state:"), "{text}: {:?}", last.skipped);
    }
    console.stop().await;
}

#[tokio::test]
async fn steps_are_small_and_tell_how_far_they_are() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:big", many("J", "big", 9_000)).await;
    let console = redis.console().await;
    let (mut cursor, mut scanned, mut steps) = (None, 0, 0);
    loop {
        let before = redis.commands().await;
        let step = flux_console::server::actions::search::live(&console.state, "J-1 queue:big", cursor.as_deref()).await.expect("a step");
        // The sampler ticks meanwhile.
        assert!(redis.commands().await - before < 400, "a step is a handful of commands");
        assert!(step.coverage.scanned - scanned <= 2_500);
        (scanned, steps) = (step.coverage.scanned, steps + 1);
        assert_eq!(step.coverage.of, Some(9_000));
        match step.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(scanned, 9_000);
    assert!(steps >= 4);
    // One id is looked for ten times as far in a step.
    let (hits, last) = all(&console, "id:J-77").await;
    assert_eq!((ids(&hits), last.coverage.scanned), (vec!["J-77".to_owned()], 9_000));
    let first = flux_console::server::actions::search::live(&console.state, "id:J-77", None).await.expect("a step");
    assert!(first.coverage.scanned >= 4_000, "{:?}", first.coverage);
    assert!(flux_console::server::actions::search::live(&console.state, "x", Some("{}")).await.is_err());
    console.stop().await;
}

/// Pushes, pops, dead letters, restores at the tail: what stays is found, and found once.
#[tokio::test]
async fn what_is_there_all_the_time_is_found_while_lists_move() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:busy", many("S", "busy", 3_000)).await;
    redis.push_raw("queue:busy", (0..2_000).map(|i| Payload::new(&format!("T-{i}"), "busy").waiting())).await;
    let same = 9_000_000_000_000_i64;
    redis
        .delay_raw(
            "queue:busy:delayed",
            (0..1_500).map(|i| (Payload::new(&format!("S-d{i}"), "busy").waiting(), same + i64::from(i / 700))),
        )
        .await;
    redis.delay_raw("queue:busy:delayed", (0..500).map(|i| (Payload::new(&format!("T-d{i}"), "busy").waiting(), same))).await;
    let console = redis.console().await;
    let (mut hits, mut cursor, mut n) = (Vec::new(), None, 0);
    loop {
        let step = flux_console::server::actions::search::live(&console.state, "S- queue:busy", cursor.as_deref()).await.expect("a step");
        hits.extend(step.hits);
        // Between any two steps: new ones at the head, workers at the tail, one put back there, delayed ones that come and go.
        let mut con = redis.con.clone();
        for i in 0..40 {
            let _: () = con.lpush("queue:busy", Payload::new(&format!("N-{n}-{i}"), "busy").waiting()).await.expect("LPUSH");
            let raw: Option<String> = con.lindex("queue:busy", -1).await.expect("LINDEX");
            if raw.is_some_and(|raw| raw.contains("\"T-")) {
                let _: () = con.rpop("queue:busy", None).await.expect("RPOP");
            }
        }
        let _: () = con.rpush("queue:busy", Payload::new(&format!("T-back{n}"), "busy").waiting()).await.expect("RPUSH");
        let _: () = con.zrem("queue:busy:delayed", Payload::new(&format!("T-d{n}"), "busy").waiting()).await.expect("ZREM");
        let _: () = con.zadd("queue:busy:delayed", Payload::new(&format!("N-d{n}"), "busy").waiting(), same).await.expect("ZADD");
        n += 1;
        match step.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert!(n > 20, "lists moved between many steps: {n}");
    let found: BTreeSet<String> = ids(&hits).into_iter().collect();
    let missing: Vec<String> =
        (1..=3_000).map(|i| format!("S-{i}")).chain((0..1_500).map(|i| format!("S-d{i}"))).filter(|id| !found.contains(id)).collect();
    assert_eq!(missing, Vec::<String>::new());
    assert_eq!(hits.len(), 4_500, "none was found twice");
    console.stop().await;
}

/// The same where Redis passes over what lacks the id.
#[tokio::test]
async fn one_id_is_found_in_every_list_while_they_move() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:busy", many("S", "busy", 30_000)).await;
    redis.push_raw("queue:busy", (0..3).map(|_| Payload::new("ONE", "busy").waiting())).await;
    redis.push_raw("queue:busy", (0..200).map(|i| Payload::new(&format!("T-{i}"), "busy").waiting())).await;
    redis
        .delay_raw("queue:busy:delayed", (0..6_000).map(|i| (Payload::new(&format!("S-d{i}"), "busy").waiting(), 9_000_000_000_000)))
        .await;
    redis.delay_raw("queue:busy:delayed", [(Payload::new("ONE", "busy").waiting(), 9_000_000_000_000)]).await;
    let console = redis.console().await;
    let (mut hits, mut cursor, mut steps) = (Vec::new(), None, 0);
    loop {
        let step = flux_console::server::actions::search::live(&console.state, "id:ONE", cursor.as_deref()).await.expect("a step");
        hits.extend(step.hits);
        let mut con = redis.con.clone();
        for i in 0..20 {
            let _: () = con.lpush("queue:busy", Payload::new(&format!("N-{steps}-{i}"), "busy").waiting()).await.expect("LPUSH");
            let _: () = con.rpop("queue:busy", None).await.expect("RPOP");
        }
        steps += 1;
        match step.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    // A step also ends by its time: on a busy machine there are more.
    assert!((2..40).contains(&steps), "{steps} steps");
    assert_eq!(ids(&hits), ["ONE"; 4]);
    console.stop().await;
}

/// A mark whose element is gone finds its place by the one before it.
#[tokio::test]
async fn the_place_is_found_again_when_its_element_went() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a:failed", (0..50).map(|i| Payload::new(&format!("J-{i}"), "a").failed("x"))).await;
    let console = redis.console().await;
    let driver = &console.state.driver;
    let first = driver.piece(&queue("a"), &Source::Failed, None, 10).await.expect("a piece");
    let mark = first.mark(10, None).expect("a mark");
    assert_eq!((first.length, first.rows.len(), mark.at), (Some(50), 10, 40));
    // Five leave at the tail, and so does the very element that was read last.
    let mut con = redis.con.clone();
    let _: () = con.ltrim("queue:a:failed", 0, -6).await.expect("LTRIM");
    let _: u64 = con.lrem("queue:a:failed", 1, Payload::new("J-9", "a").failed("x")).await.expect("LREM");
    let next = driver.piece(&queue("a"), &Source::Failed, Some(&mark), 10).await.expect("a piece");
    assert_eq!((next.rows.first().map(|r| r.position()), next.lost), (Some(34), false));
    assert!(driver.lengths(&[(&queue("a"), &Source::Waiting(Priority::Low))]).await.expect("lengths") == [Some(0)]);
    console.stop().await;
}
