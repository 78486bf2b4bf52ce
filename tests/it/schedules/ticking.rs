//! What a tick fires, what it leaves alone, and what it says of others. The clock is passed in.

use super::{JOB, PUSHED, at, driver, hash, register, score, tick};
use crate::support::TestRedis;
use chrono_tz::Tz;
use flux_console::model::time::Millis;
use flux_console::server::{
    driver::redis::schedules::{Found, Held},
    schedule::stored::Stored,
    tasks::scheduler::Ticker,
};
use redis::AsyncCommands;

#[tokio::test]
async fn a_due_run_is_pushed_to_the_base_list_once_and_the_schedule_goes_on() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let due = at("2026-11-24T03:00:00Z");
    register(&redis, "nightly", "0 3 * * *", due, &[("owner", "ops"), ("nextRun", "kept until it is fired")]).await;
    assert_eq!(tick(&driver, Millis(due.0 - 1)).await.fired, 0, "not before its time");
    let now = Millis(due.0 + 400);
    assert_eq!(tick(&driver, now).await.fired, 1);
    assert_eq!(redis.texts("queue:reports").await, [PUSHED]);
    assert!(redis.list("queue:reports:high").await.is_empty(), "a tick pushes without options");
    let next = at("2026-11-25T03:00:00Z").0;
    assert_eq!(score(&redis, "nightly").await, Some(next));
    let stored = hash(&redis, "nightly").await;
    let field = |name: &str| stored.get(name).map(String::as_str);
    assert_eq!((field("lastRun"), field("nextRun")), (Some(now.0.to_string().as_str()), Some(next.to_string().as_str())));
    assert_eq!((field("owner"), field("job")), (Some("ops"), Some(JOB)), "what the tick does not know stays");
    assert_eq!(tick(&driver, now).await.fired, 0);
    assert!(driver.missed_runs().await.expect("a list").is_empty(), "it was in time");
}

#[tokio::test]
async fn a_delay_of_the_job_and_a_time_zone_are_kept() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let due = at("2026-03-28T02:00:00Z");
    register(&redis, "a", "30 2 * * *", due, &[("job", r#"{"id":"a","delaySeconds":90}"#)]).await;
    let ticked = Ticker::default().tick(&driver, Tz::Europe__Berlin, due).await.expect("a tick");
    assert_eq!(ticked.fired, 1);
    assert_eq!(redis.zset("queue:reports:delayed").await, [(br#"{"id":"a","delaySeconds":90}"#.to_vec(), (due.0 + 90_000) as f64)]);
    // 02:30 is skipped on the 29th in Berlin: 03:30 CEST.
    assert_eq!(score(&redis, "a").await, Some(at("2026-03-29T01:30:00Z").0));
}

#[tokio::test]
async fn what_was_missed_is_listed_and_fired_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let due = at("2026-11-24T03:00:00Z");
    register(&redis, "hourly", "0 * * * *", due, &[]).await;
    register(&redis, "busy", "* * * * * *", due, &[("job", r#"{"id":"busy"}"#)]).await;
    let now = at("2026-11-24T08:12:30Z");
    let mut ticker = Ticker::default();
    assert_eq!(ticker.tick(&driver, Tz::UTC, now).await.expect("a tick").fired, 2);
    assert_eq!(ticker.tick(&driver, Tz::UTC, Millis(now.0 + 100)).await.expect("a tick").fired, 0, "no burst");
    assert_eq!(redis.list("queue:reports").await.len(), 2);
    assert_eq!(score(&redis, "hourly").await, Some(at("2026-11-24T09:00:00Z").0));
    let mut missed = driver.missed_runs().await.expect("a list");
    missed.sort_by(|a, b| b.id.cmp(&a.id));
    let [hourly, busy] = &missed[..] else { panic!("{missed:?}") };
    assert_eq!((hourly.due, hourly.fired_at, hourly.left_out, hourly.more), (due, now, 5, false));
    assert_eq!((busy.left_out, busy.more), (1_000, true), "counted up to a thousand");
    for minute in 0..110 {
        register(&redis, "hourly", "0 * * * *", due, &[]).await;
        tick(&driver, Millis(now.0 + minute * 60_000)).await;
    }
    assert_eq!(driver.missed_runs().await.expect("a list").len(), 100, "the list is capped");
}

/// Id, fields that differ from a sound schedule's, and a part of the reason.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

#[tokio::test]
async fn broken_ones_are_named_skipped_and_in_nobodys_way() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let now = at("2026-11-24T08:00:00Z");
    let due = Millis(now.0 - 5_000);
    let cases: [Case; 7] = [
        ("bad cron", &[("cron", "61 * * * *")], "cannot be read: minute: 61"),
        ("not json", &[("job", "{oops")], "no JSON object"),
        ("an array", &[("job", "[1]")], "no JSON object"),
        ("no queue", &[("queue", "")], "names no queue"),
        ("no id", &[("id", "")], "no id"),
        ("<b>\"odd\" %41/é", &[("cron", "nope")], "cannot be read"),
        ("never", &[("cron", "0 0 31 4 *")], "never runs"),
    ];
    let mut con = redis.con.clone();
    for (id, fields, _) in cases {
        register(&redis, id, "* * * * *", due, fields).await;
    }
    con.zadd::<_, _, _, ()>("queue:schedules", "hash missing", due.0).await.unwrap();
    con.zadd::<_, _, _, ()>("queue:schedules", "wrong type", due.0).await.unwrap();
    con.set::<_, _, ()>("queue:schedule:wrong type", "text").await.unwrap();
    con.zadd::<_, _, _, ()>("queue:schedules", b"\xff\xfe".as_slice(), due.0).await.unwrap();
    register(&redis, "huge", "* * * * *", due, &[("job", &"x".repeat(300_000))]).await;
    register(&redis, "list is text", "* * * * *", due, &[("queue", "odd")]).await;
    con.set::<_, _, ()>("queue:odd", "text").await.unwrap();
    register(&redis, "sound", "* * * * *", due, &[]).await;

    let mut ticker = Ticker::default();
    assert_eq!(ticker.tick(&driver, Tz::UTC, now).await.expect("a tick").fired, 1);
    assert_eq!(redis.texts("queue:reports").await, [PUSHED]);
    let before = redis.commands().await;
    ticker.tick(&driver, Tz::UTC, Millis(now.0 + 1_000)).await.expect("a tick");
    assert!(redis.commands().await - before <= 2, "they are not read again each second");

    let (total, found) = driver.schedules(0, 50).await.expect("a page");
    assert_eq!(total, 13);
    let stored: Vec<Stored> = found.into_iter().map(Stored::of).collect();
    let why = |id: &str| stored.iter().find(|s| s.name == id).and_then(|s| s.sound.clone().err()).unwrap_or_default();
    for (id, _, part) in cases {
        assert!(why(id).contains(part), "{id}: {}", why(id));
    }
    for (id, part) in
        [("hash missing", "hash is missing"), ("wrong type", "lies a string"), ("\u{fffd}\u{fffd}", "id is no text"), ("huge", "256 kB")]
    {
        assert!(why(id).contains(part), "{id}: {}", why(id));
    }
    assert!(why("sound").is_empty());
    assert!(!stored.iter().any(|s| s.sound.is_err() && s.overdue(Millis(now.0 + 600_000))), "broken is not overdue");
}

#[tokio::test]
async fn many_that_are_off_do_not_hide_one_that_is_on() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let now = at("2026-11-24T08:00:00Z");
    for i in 0..450 {
        register(&redis, &format!("off-{i}"), "* * * * *", Millis(now.0 - 100_000 + i), &[("enabled", "false")]).await;
    }
    register(&redis, "on", "* * * * *", now, &[]).await;
    let (mut ticker, mut ticks) = (Ticker::default(), 0);
    while ticker.tick(&driver, Tz::UTC, now).await.expect("a tick").more {
        ticks += 1;
        assert!(ticks < 10, "it comes to an end");
    }
    assert_eq!(redis.texts("queue:reports").await, [PUSHED]);
}

#[tokio::test]
async fn the_lock_of_a_second_that_another_holds_is_respected_and_told() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let now = at("2026-11-24T08:00:00Z");
    driver.ticking_since(Millis(now.0 - 60_000)).await.unwrap();
    register(&redis, "a", "* * * * *", now, &[]).await;
    redis.con.clone().set::<_, _, ()>(format!("queue:lock:schedule:a:{}", now.0 / 1_000), "1").await.unwrap();
    let ticked = tick(&driver, now).await;
    assert_eq!((ticked.fired, ticked.lost), (0, 1));
    assert!(redis.list("queue:reports").await.is_empty());
    assert_eq!(driver.who_ticks(&[]).await.unwrap().foreign, Some((now, "a".into())));
    // The other one died between its lock and its push: the next second fires.
    assert_eq!(tick(&driver, Millis(now.0 + 1_000)).await.fired, 1);
}

#[tokio::test]
async fn a_run_that_no_console_fired_tells_of_another_ticker() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let now = at("2026-11-24T08:00:00Z");
    register(&redis, "a", "* * * * *", now, &[("lastRun", &(now.0 - 120_000).to_string())]).await;
    driver.ticking_since(Millis(now.0 - 60_000)).await.unwrap();
    let met = async |who: &str| {
        let found: Found = driver.schedule("a").await.unwrap().expect("it is there");
        assert!(matches!(found.held, Held::Fields(_)), "{who}");
        Stored::of(found).fired_by_another(&driver.who_ticks(&[b"a".to_vec()]).await.unwrap())
    };
    assert_eq!(met("before").await, None, "it was fired before consoles began to tick");
    tick(&driver, now).await;
    assert_eq!(met("ours").await, None);
    // The library's tick, a minute later: push, then advance.
    let theirs = now.0 + 61_000;
    let (last, next) = (theirs.to_string(), (now.0 + 120_000).to_string());
    redis.con.clone().hset_multiple::<_, _, _, ()>("queue:schedule:a", &[("lastRun", &last), ("nextRun", &next)]).await.unwrap();
    redis.con.clone().zadd::<_, _, _, ()>("queue:schedules", "a", &next).await.unwrap();
    assert_eq!(met("theirs").await, Some(Millis(theirs)));
    tick(&driver, Millis(now.0 + 120_500)).await;
    assert_eq!(met("ours again").await, None);
    assert_eq!(driver.who_ticks(&[]).await.unwrap().foreign, Some((Millis(theirs), "a".into())), "it is remembered");
}
