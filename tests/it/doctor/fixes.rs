//! Each fix: as it is meant, changed meanwhile, and clicked twice. What it moves is in one place at every moment, because every
//! step is one script.

use super::{fix, look};
use crate::support::{
    Payload, Replica, TestConsole, TestRedis, eventually, now_ms,
    payload::{many, payload},
};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

async fn set(redis: &TestRedis, key: &str, value: &str) {
    let _: () = redis.con.clone().set_ex(key, value, 120).await.unwrap();
}

async fn active(redis: &TestRedis) -> Vec<String> {
    let mut groups: Vec<String> = redis.con.clone().smembers("queue:active").await.unwrap();
    groups.sort();
    groups
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_an_unread_priority_go_to_the_base_list_in_their_order() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 2)).await;
    redis.push_raw("queue:mail:urgent", many("u", "mail", 450)).await;
    redis.push_raw("queue:mail:urgent", [payload("odd", "mail", r#","n":9007199254740993123,"list":[]"#)]).await;
    let due = now_ms() + 60_000;
    redis.delay_raw("queue:mail:urgent:delayed", [(payload("d1", "mail", ""), due), (payload("twin", "mail", ""), due + 5)]).await;
    redis.delay_raw("queue:mail:delayed", [(payload("twin", "mail", ""), due + 7)]).await;
    let console = redis.console().await;
    let before = redis.list("queue:mail").await;
    let urgent = redis.list("queue:mail:urgent").await;
    let (done, jobs, said) = fix(&console, "move-to-base", "mail:urgent", Some(453)).await;
    assert_eq!((done, jobs), (true, 452), "{said}");
    assert!(said.contains("1 delayed job stayed"), "{said}");
    assert_eq!(redis.list("queue:mail").await, [urgent, before].concat(), "behind what waited, byte for byte, the next one first");
    assert_eq!(redis.zset("queue:mail:delayed").await.iter().map(|(_, at)| *at as i64).collect::<Vec<_>>(), [due, due + 7]);
    assert_eq!(redis.zset("queue:mail:urgent:delayed").await.len(), 1);
    // Twice.
    let (done, jobs, said) = fix(&console, "move-to-base", "mail:urgent", Some(453)).await;
    assert_eq!((done, jobs), (false, 0), "{said}");
    assert!(said.ends_with("Nothing was changed."), "{said}");

    // Never more than were counted.
    redis.push_raw("queue:mail:urgent", many("v", "mail", 5)).await;
    assert_eq!(fix(&console, "move-to-base", "mail:urgent", Some(2)).await.1, 2);
    let left: Vec<String> = redis.texts("queue:mail:urgent").await;
    assert!(left.len() == 3 && left[2].contains("v-3"), "those that would have run next went: {left:?}");

    // Changed meanwhile: a worker serves it, or it turns out to be a queue.
    set(&redis, "flux_console:worker:w-1", r#"{"id":"w-1","queues":["mail:urgent"]}"#).await;
    let (done, _, said) = fix(&console, "move-to-base", "mail:urgent", None).await;
    assert!(!done && said.contains("A worker serves mail:urgent"), "{said}");
    redis.push_raw("queue:mail:own", many("w", "mail:own", 2)).await;
    let (done, _, said) = fix(&console, "move-to-base", "mail:own", None).await;
    assert!(!done && said.contains("name it as their queue"), "{said}");
    for (subject, status) in [("mail", 422), ("mail:high", 422), ("", 422)] {
        assert_eq!(console.post("/api/v1/doctor/fix", &json!({"kind": "move-to-base", "subject": subject})).await.0, status, "{subject}");
    }
    let audit = console.json("/api/v1/audit?verb=move-to-base").await;
    let lines: Vec<_> = audit["lines"].as_array().unwrap().iter().rev().map(|l| (l["queue"].clone(), l["jobs"].clone())).collect();
    assert_eq!(lines[..3], [(json!("mail:urgent"), json!(452)), (json!("mail:urgent"), json!(0)), (json!("mail:urgent"), json!(2))]);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_move_loses_and_doubles_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 1)).await;
    redis.push_raw("queue:mail:urgent", many("u", "mail", 9_000)).await;
    let expected = redis.all_ids().await;
    let mut partly = 0;
    for round in 0..6_u64 {
        let full: usize = redis.con.clone().llen("queue:mail:urgent").await.unwrap();
        let console = Replica::start(&redis);
        let url = format!("{}/api/v1/doctor/fix", console.base_url);
        let body = json!({"kind": "move-to-base", "subject": "mail:urgent", "count": 9_000});
        let click = tokio::spawn(async move { reqwest::Client::new().post(url).json(&body).send().await.map(|r| r.status().as_u16()) });
        // From when the first jobs went: a busy machine may take long until then.
        while !click.is_finished() && redis.con.clone().llen::<_, usize>("queue:mail:urgent").await.unwrap() == full {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        tokio::time::sleep(Duration::from_millis(round)).await;
        console.kill();
        let _ = click.await;
        assert_eq!(redis.all_ids().await, expected);
        let left: usize = redis.con.clone().llen("queue:mail:urgent").await.unwrap();
        partly += usize::from(left > 0 && left < full);
        if left < 2_000 {
            let _: () = redis.con.clone().del(&["queue:mail", "queue:mail:urgent"]).await.unwrap();
            redis.push_raw("queue:mail", many("m", "mail", 1)).await;
            redis.push_raw("queue:mail:urgent", many("u", "mail", 9_000)).await;
        }
    }
    assert!(partly > 0, "no kill hit a running move");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_group_goes_on_and_a_held_one_does_not() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let of = |id: &str, group: &str| Payload::new(id, "pay").group(group).waiting();
    redis.push_raw("queue:pay:low", [of("a", "held"), of("é", "заказ \"7\"")]).await;
    redis.push_raw("queue:pending:hangs", [of("c", "hangs"), of("d", "hangs")]).await;
    redis.push_raw("queue:pending:nowhere", [r#"{"id":"x","groupId":"nowhere"}"#]).await;
    let _: () = con.sadd("queue:active", &["held", "hangs", "empty", "nowhere", "заказ \"7\""]).await.unwrap();
    let console = redis.console().await;
    let wait = async |n: u64| {
        eventually("pay is counted", SOON, async || {
            console.json("/api/v1/queues").await["queues"].as_array().unwrap().iter().any(|q| q["name"] == "pay" && q["waiting"] == n)
        })
        .await;
    };
    wait(4).await;
    for group in ["held", "заказ \"7\""] {
        let (done, _, said) = fix(&console, "release-group", group, None).await;
        assert!(!done && said.contains("so the group is held"), "{said}");
    }
    let (done, _, said) = fix(&console, "release-group", "nowhere", None).await;
    assert!(!done && said.contains("names no queue"), "{said}");

    let (done, jobs, said) = fix(&console, "release-group", "hangs", Some(2)).await;
    assert_eq!((done, jobs), (true, 1), "{said}");
    assert_eq!(redis.texts("queue:pay").await, [of("c", "hangs")], "the first, byte for byte");
    assert_eq!(redis.texts("queue:pending:hangs").await, [of("d", "hangs")]);
    assert!(active(&redis).await.contains(&"hangs".to_owned()), "it holds the group now");
    let (done, _, said) = fix(&console, "release-group", "hangs", Some(2)).await;
    assert!(!done && said.contains("so the group is held"), "a second click: {said}");
    assert_eq!(redis.list("queue:pay").await.len(), 1);

    assert!(fix(&console, "release-group", "empty", Some(0)).await.0);
    assert!(!active(&redis).await.contains(&"empty".to_owned()));
    let (done, _, said) = fix(&console, "release-group", "empty", Some(0)).await;
    assert!(!done && said.contains("not as it was"), "{said}");
    assert_eq!(console.post("/api/v1/doctor/fix", &json!({"kind": "release-group", "subject": ""})).await.0, 422);
    let audit = console.json("/api/v1/audit?verb=release-group").await;
    assert_eq!(audit["total"], 8, "one line for every click: {audit}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleeping_group_starts_with_its_first_job() {
    let redis = TestRedis::start().await;
    let of = |id: &str| Payload::new(id, "pay").group("g").waiting();
    redis.push_raw("queue:pending:g", [of("1"), of("2"), of("3")]).await;
    let console = redis.console().await;
    eventually("it is found", SOON, async || super::found(&console, "idle-group").await == [("g".to_owned(), "problem".to_owned())]).await;
    let diagnosis = look(&console).await;
    let finding = diagnosis["findings"].as_array().unwrap().iter().find(|f| f["check"] == "idle-group").unwrap();
    assert_eq!((&finding["fixes"][0]["kind"], &finding["fixes"][0]["count"]), (&json!("start-group"), &json!(3)));
    let (done, jobs, said) = fix(&console, "start-group", "g", Some(3)).await;
    assert_eq!((done, jobs), (true, 1), "{said}");
    assert!(said.contains("2 more follow one by one"), "{said}");
    assert_eq!((redis.texts("queue:pay").await, redis.texts("queue:pending:g").await), (vec![of("1")], vec![of("2"), of("3")]));
    assert_eq!(active(&redis).await, ["g"]);
    let (done, _, said) = fix(&console, "start-group", "g", Some(3)).await;
    assert!(!done && said.contains("not as it was"), "a second click: {said}");
    assert_eq!(super::found(&console, "idle-group").await, []);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_somebody_takes_meanwhile_is_left_alone() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:pay", many("p", "pay", 1)).await;
    let _: () = redis.con.clone().sadd("queue:active", "g").await.unwrap();
    redis.push_raw("queue:pending:g", [Payload::new("b", "pay").group("g").waiting()]).await;
    let console = redis.console().await;
    let driver = crate::driver::driver(&redis);
    let lists = vec!["queue:pay".to_owned()];
    use flux_console::server::driver::redis::mend::Release;
    // Between finding and click a producer pushed a job of it; then there is none, but the group is done.
    redis.push_raw("queue:pay", [Payload::new("a", "pay").group("g").waiting()]).await;
    assert_eq!(driver.release_group("g", true, &lists).await.unwrap(), Release::Held);
    let _: Vec<u8> = redis.con.clone().rpop("queue:pay", None).await.unwrap();
    let _: () = redis.con.clone().srem("queue:active", "g").await.unwrap();
    assert_eq!(driver.release_group("g", true, &lists).await.unwrap(), Release::Changed);
    // More waits than one script looks at: nothing is guessed.
    let _: () = redis.con.clone().sadd("queue:active", "g").await.unwrap();
    redis.push_raw("queue:pay", many("m", "pay", 12_000)).await;
    assert_eq!(driver.release_group("g", true, &lists).await.unwrap(), Release::TooMuch);
    // Nor when one element alone is too much.
    let _: () = redis.con.clone().del("queue:pay").await.unwrap();
    let huge: Vec<String> = (0..3).map(|i| format!("queue:huge-{i}")).collect();
    for list in &huge {
        redis.push_raw(list, [payload("h", "pay", &format!(r#","blob":"{}""#, "z".repeat(3_000_000)))]).await;
    }
    assert_eq!(driver.release_group("g", true, &huge).await.unwrap(), Release::TooMuch);
    assert_eq!(redis.list("queue:pending:g").await.len(), 1);
    // A key of another type: nothing is written.
    let _: () = redis.con.clone().del("queue:active").await.unwrap();
    let _: () = redis.con.clone().set("queue:active", "x").await.unwrap();
    assert!(driver.release_group("g", true, &lists).await.is_err());
    assert_eq!(redis.list("queue:pending:g").await.len(), 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_in_part_becomes_whole_or_none() {
    let redis = TestRedis::start().await;
    let console: TestConsole = {
        let _: () = redis.con.clone().set("queue:mail:high:paused", "1").await.unwrap();
        redis.console().await
    };
    let flags = async || redis.keys().await.into_iter().filter(|k| k.ends_with(":paused")).count();
    assert!(fix(&console, "pause", "mail", None).await.0);
    assert_eq!(flags().await, 4);
    assert!(fix(&console, "resume", "mail", None).await.0);
    assert!(fix(&console, "resume", "mail", None).await.0, "again, and as it is");
    assert_eq!(flags().await, 0);
    console.stop().await;
}
