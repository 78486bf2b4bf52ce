//! What the running library registered and ticked, read exactly and done again.

use super::{at, driver, hash, tick};
use crate::support::{
    TestRedis,
    recording::{Recording, fixtures},
};
use chrono_tz::Tz;
use flux_console::{model::time::Millis, server::schedule::stored::Stored};
use redis::AsyncCommands;

/// When the library's tick took place: `lastRun` in the recording.
const TICKED: Millis = Millis(1_795_432_836_699);

async fn registered() -> (TestRedis, Recording) {
    let redis = TestRedis::start().await;
    let recording = Recording::read(&fixtures().join("scheduler-registered.json"));
    recording.load(&redis).await;
    (redis, recording)
}

#[tokio::test]
async fn registered_schedules_are_read_exactly() {
    let (redis, recording) = registered().await;
    let (total, found) = driver(&redis).schedules(0, 50).await.expect("a page");
    assert_eq!(total, 5);
    let now = Millis(recording.recorded_at);
    let shown: Vec<_> = found.into_iter().map(|f| Stored::of(f).shown(now, Tz::UTC)).collect();
    let names: Vec<&str> = shown.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["six-field", "every-minute", "daily-report", "weekday", "id:with:colons"]);
    for schedule in &shown {
        assert_eq!(schedule.problem, None, "{}", schedule.name);
        assert!(schedule.enabled && !schedule.other_zone && !schedule.overdue, "{}", schedule.name);
        assert_eq!(schedule.next_run, schedule.runs.first().map(|run| run.at), "{}: as the library counts", schedule.name);
        assert_eq!((schedule.class_name.as_deref(), schedule.last_run), (Some("SendEmail"), None));
    }
    let weekday = &shown[3];
    assert_eq!(weekday.words.as_deref(), Some("At 09:30, Monday to Friday"));
    assert_eq!(weekday.queue.as_ref().map(|q| q.as_str()), Some("reports"));
    assert_eq!(weekday.runs[0].said, "Tue 24 Nov 09:30 UTC");
    assert_eq!(weekday.runs[4].at, at("2026-11-30T09:30:00Z"));
    assert_eq!(shown[4].id.as_ref().map(|id| id.href()).as_deref(), Some("/schedules/id:with:colons"));
}

#[tokio::test]
async fn a_tick_does_what_the_library_did_byte_for_byte() {
    let (redis, _) = registered().await;
    let driver = driver(&redis);
    let ticked = tick(&driver, TICKED).await;
    assert_eq!((ticked.fired, ticked.lost, ticked.more), (1, 0, false));

    let expected = TestRedis::start().await;
    Recording::read(&fixtures().join("scheduler-ticked.json")).load(&expected).await;
    assert_eq!(redis.list("queue:fast").await, expected.list("queue:fast").await);
    assert_eq!(redis.zset("queue:schedules").await, expected.zset("queue:schedules").await);
    for id in ["six-field", "every-minute", "daily-report", "weekday", "id:with:colons"] {
        assert_eq!(hash(&redis, id).await, hash(&expected, id).await, "{id}");
    }
    let lock = "queue:lock:schedule:six-field:1795432836";
    let (ours, theirs): (String, String) =
        (redis.con.clone().get(lock).await.expect("GET"), expected.con.clone().get(lock).await.expect("GET"));
    assert_eq!(ours, theirs);
    let left: i64 = redis.con.clone().pttl(lock).await.expect("PTTL");
    assert!((9_000..=10_000).contains(&left), "{left}");
    // Of the recording only the run by hand of daily-report is left: another scenario.
    let (mut keys, mut recorded) = (redis.keys().await, expected.keys().await);
    keys.retain(|key| !key.starts_with("flux_console:"));
    recorded.retain(|key| key != "queue:reports");
    assert_eq!(keys, recorded);

    assert_eq!(tick(&driver, TICKED).await.fired, 0, "a second tick of that second finds nothing due");
}
