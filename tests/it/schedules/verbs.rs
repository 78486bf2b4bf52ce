//! What an operator does to a schedule, through the actions of a console; this one does not tick.

use super::{JOB, at, hash, register, score};
use crate::support::{TestConsole, TestRedis, now_ms};
use flux_console::{
    model::{
        error::ApiError,
        schedule::{Draft, ScheduleId},
        time::Millis,
    },
    server::{actions::schedules as act, config::Config, state::AppState},
};
use redis::AsyncCommands;

pub async fn quiet(redis: &TestRedis) -> TestConsole {
    TestConsole::start(Config { url: redis.url.clone(), scheduler: false, ..Config::default() }).await
}

fn id(text: &str) -> ScheduleId {
    ScheduleId::try_from(text.to_owned()).expect("an id")
}

fn draft(name: &str, cron: &str) -> Draft {
    Draft { id: name.into(), cron: cron.into(), queue: "reports".into(), job: JOB.into() }
}

async fn audited(state: &AppState) -> Vec<(String, String, String)> {
    let query = flux_console::model::audit::AuditQuery::read(|_| None);
    let page = flux_console::server::actions::audit::audit(state, &query).await.expect("lines");
    page.lines.into_iter().map(|l| (l.verb, l.filter.unwrap_or_default(), l.result)).collect()
}

#[tokio::test]
async fn one_that_is_added_is_as_the_library_would_register_it() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let odd = "a/b ?#<script>\"é%41:5";
    let detail = act::add(&console.state, &draft(odd, " 0 3 * * * "), true).await.expect("added");
    let next = detail.schedule.next_run.expect("a next run");
    assert!(next.0 > now_ms() && next.0 % 86_400_000 == 3 * 3_600_000, "{next:?}");
    let mut fields: Vec<(String, String)> = hash(&redis, odd).await.into_iter().collect();
    fields.sort();
    let next = next.0.to_string();
    let expected =
        [("cron", "0 3 * * *"), ("enabled", "true"), ("id", odd), ("job", JOB), ("nextRun", next.as_str()), ("queue", "reports")];
    assert_eq!(fields, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert_eq!(score(&redis, odd).await.map(|s| s.to_string()), Some(next));
    let twice = act::add(&console.state, &draft(odd, "0 4 * * *"), true).await.expect_err("twice");
    assert!(matches!(twice, ApiError::Conflict { .. }), "{twice}");
    assert_eq!(hash(&redis, odd).await["cron"], "0 3 * * *");
    console.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_field() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let good = draft("a", "0 3 * * *");
    let cases = [
        ("id", Draft { id: String::new(), ..good.clone() }),
        ("id", Draft { id: " a".into(), ..good.clone() }),
        ("cron", Draft { cron: "0 3 * *".into(), ..good.clone() }),
        ("cron", Draft { cron: "0 0 30 2 *".into(), ..good.clone() }),
        ("queue", Draft { queue: String::new(), ..good.clone() }),
        ("queue", Draft { queue: "mail:failed".into(), ..good.clone() }),
        ("queue", Draft { queue: "schedules".into(), ..good.clone() }),
        ("job", Draft { job: "nope".into(), ..good.clone() }),
        ("job", Draft { job: r#"{"id":"a"}"#.into(), ..good.clone() }),
        ("job", Draft { job: r#"{"id":"a","type":"class","data":"{}"}"#.into(), ..good.clone() }),
    ];
    for (field, draft) in cases {
        match act::add(&console.state, &draft, true).await {
            Err(ApiError::Invalid { field: named, .. }) => assert_eq!(named, field, "{draft:?}"),
            other => panic!("{draft:?}: {other:?}"),
        }
    }
    let keys = redis.keys().await;
    assert!(keys.iter().all(|key| !key.starts_with("queue:")), "nothing was written: {keys:?}");
    assert!(act::add(&console.state, &Draft { queue: "mail:high".into(), ..good }, true).await.is_ok(), "a list that workers read");
    console.stop().await;
}

#[tokio::test]
async fn an_edit_keeps_what_it_does_not_know_and_never_overwrites_another_one() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let next = Millis(now_ms() + 3_600_000);
    register(&redis, "a", "0 3 * * *", next, &[("connection", "default"), ("lastRun", "17")]).await;
    let seen = act::one(&console.state, &id("a")).await.expect("it is there").schedule;
    let changed = Draft { queue: "mail".into(), ..draft("a", "0 3 * * *") };
    let after = act::edit(&console.state, &id("a"), &changed, &seen.version).await.expect("edited").schedule;
    assert_eq!(after.next_run, Some(next), "with the same cron the next run stays");
    assert_ne!(after.version, seen.version);
    let fields = hash(&redis, "a").await;
    assert_eq!((fields["connection"].as_str(), fields["lastRun"].as_str(), fields["queue"].as_str()), ("default", "17", "mail"));

    let conflict = act::edit(&console.state, &id("a"), &draft("a", "0 5 * * *"), &seen.version).await.expect_err("a stale form");
    assert!(matches!(conflict, ApiError::Conflict { .. }), "{conflict}");
    assert_eq!(hash(&redis, "a").await["cron"], "0 3 * * *");
    let edited = act::edit(&console.state, &id("a"), &draft("a", "0 5 * * *"), &after.version).await.expect("edited").schedule;
    assert_eq!(edited.next_run.map(|at| at.0 % 86_400_000), Some(5 * 3_600_000), "another cron, another next run");
    let _: () = redis.con.clone().del("queue:schedule:a").await.unwrap();
    let _: () = redis.con.clone().zrem("queue:schedules", "a").await.unwrap();
    let gone = act::edit(&console.state, &id("a"), &draft("a", "0 5 * * *"), &edited.version).await.expect_err("gone");
    assert!(matches!(gone, ApiError::NotFound { .. }), "{gone}");
    console.stop().await;
}

#[tokio::test]
async fn one_that_was_off_for_long_does_not_fire_when_it_is_turned_on() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let long_ago = at("2026-01-01T00:00:00Z");
    register(&redis, "a", "*/5 * * * *", long_ago, &[("enabled", "false")]).await;
    let on = act::set_enabled(&console.state, &id("a"), true).await.expect("on").schedule;
    let next = on.next_run.expect("a next run");
    assert!(on.enabled && next.0 > now_ms(), "{next:?}");
    assert_eq!(super::tick(&console.state.driver, Millis(now_ms())).await.fired, 0);
    assert!(redis.list("queue:reports").await.is_empty());
    // Turning on what is on must not put off a run that is due.
    let due = Millis(now_ms() - 500);
    let _: () = redis.con.clone().zadd("queue:schedules", "a", due.0).await.unwrap();
    act::set_enabled(&console.state, &id("a"), true).await.expect("it was on");
    assert_eq!(score(&redis, "a").await, Some(due.0));
    let off = act::set_enabled(&console.state, &id("a"), false).await.expect("off").schedule;
    assert!(!off.enabled && off.runs.is_empty());
    assert_eq!(super::tick(&console.state.driver, Millis(now_ms())).await.fired, 0, "it is off");
    console.stop().await;
}

#[tokio::test]
async fn a_run_by_hand_is_pushed_once_a_click_and_leaves_the_next_run() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let next = Millis(now_ms() + 3_600_000);
    register(&redis, "a", "0 3 * * *", next, &[("enabled", "false")]).await;
    let before = now_ms();
    for click in ["one", "one", "two"] {
        act::run(&console.state, &id("a"), click).await.expect("pushed");
    }
    let pushed = redis.texts("queue:reports").await;
    assert_eq!(pushed.len(), 2, "a doubled click pushes once");
    let job: serde_json::Value = serde_json::from_str(&pushed[0]).unwrap();
    assert!(job["createdAt"].as_i64().unwrap() >= before && job["id"] == "nightly", "{job}");
    assert_eq!(score(&redis, "a").await, Some(next.0));
    assert!(!hash(&redis, "a").await.contains_key("lastRun"));
    console.stop().await;
}

#[tokio::test]
async fn what_is_deleted_comes_back_within_the_hour_with_every_field() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    let long_ago = at("2026-01-01T00:00:00Z");
    register(&redis, "a", "0 3 * * *", long_ago, &[("connection", "default"), ("lastRun", "17")]).await;
    let before = hash(&redis, "a").await;
    act::delete(&console.state, &id("a")).await.expect("deleted");
    assert_eq!((score(&redis, "a").await, hash(&redis, "a").await.len()), (None, 0));
    let again = act::delete(&console.state, &id("a")).await.expect_err("twice");
    assert!(matches!(again, ApiError::NotFound { .. }));
    let back = act::restore(&console.state, &id("a")).await.expect("restored").schedule;
    assert!(back.next_run.is_some_and(|at| at.0 > now_ms()), "it does not fire for what it slept through");
    let mut after = hash(&redis, "a").await;
    assert_eq!(after.remove("nextRun"), back.next_run.map(|at| at.0.to_string()));
    assert!(before.iter().filter(|(name, _)| *name != "nextRun").all(|(name, value)| after.get(name) == Some(value)));
    let ttl: i64 = redis.con.clone().ttl("queue:schedule:a").await.unwrap();
    assert_eq!(ttl, -1);
    assert!(act::restore(&console.state, &id("a")).await.is_err());

    // One without a hash can be deleted too.
    let _: () = redis.con.clone().zadd("queue:schedules", "ghost", 1).await.unwrap();
    act::delete(&console.state, &id("ghost")).await.expect("deleted");
    assert_eq!(score(&redis, "ghost").await, None);
    let lines = audited(&console.state).await;
    let verbs: Vec<&str> = lines.iter().rev().map(|(verb, ..)| verb.as_str()).collect();
    assert_eq!(verbs, ["schedule-delete", "schedule-delete", "schedule-restore", "schedule-restore", "schedule-delete"]);
    assert!(lines.iter().all(|(_, filter, _)| filter == "a" || filter == "ghost"), "{lines:?}");
    assert!(lines[3].2.starts_with("refused"), "{lines:?}");
    console.stop().await;
}

#[tokio::test]
async fn what_nobody_ticks_and_who_else_ticks_can_be_asked() {
    let redis = TestRedis::start().await;
    let console = quiet(&redis).await;
    register(&redis, "late", "* * * * *", Millis(now_ms() - 300_000), &[]).await;
    register(&redis, "off", "* * * * *", Millis(now_ms() - 300_000), &[("enabled", "false")]).await;
    register(&redis, "broken", "x", Millis(now_ms() - 300_000), &[]).await;
    let fired = now_ms() - 30_000;
    register(&redis, "theirs", "* * * * *", Millis(now_ms() + 30_000), &[("lastRun", &fired.to_string())]).await;
    let health = act::health(&console.state).await.expect("an answer");
    assert_eq!((health.total, health.unticked), (4, vec!["late".to_owned()]));
    assert_eq!(health.broken.iter().map(|b| b.id.as_str()).collect::<Vec<_>>(), ["broken"]);
    assert!(!health.ticking.here && !health.ticking.console && !health.ticking.both());
    let foreign = act::foreign_ticker(&console.state).await.expect("an answer").expect("somebody ticks");
    assert_eq!((foreign.at, foreign.id.as_str()), (Millis(fired), "theirs"));
    console.stop().await;
}
