//! Three tickers in processes of their own, without a lease between them, killed with `kill -9` again and again while 10,000
//! runs fall due: each is fired once. The clock is one key that the test moves; nobody asks Redis or the machine for the time.

use super::{at, driver, register};
use crate::support::TestRedis;
use chrono_tz::Tz;
use flux_console::{model::time::Millis, server::tasks::scheduler::Ticker};
use redis::AsyncCommands;
use std::{
    collections::HashMap,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const SCHEDULES: usize = 200;
const MINUTES: i64 = 50;
const TICKERS: usize = 3;
const CLOCK: &str = "clock";
/// Names the Redis to the child.
const URL: &str = "FLUX_RACE_URL";

fn child(redis: &TestRedis) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "schedules::race::ticks_until_it_is_killed", "--ignored", "--quiet"])
        .env(URL, &redis.url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}

/// The child's part: fires what is due by the shared clock, as fast as it can.
#[tokio::test]
#[ignore = "a part of the test below"]
async fn ticks_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let driver =
        flux_console::server::driver::redis::RedisDriver::new(&url, flux_console::server::driver::redis::keys::Keys::new("queue:", &[]))
            .expect("a URL");
    let mut con = redis::Client::open(url).expect("a URL").get_multiplexed_async_connection().await.expect("a connection");
    let mut ticker = Ticker::default();
    // Whoever is forgotten ends by itself.
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(60) {
        let now: i64 = con.get(CLOCK).await.expect("a clock");
        if ticker.tick(&driver, Tz::UTC, Millis(now)).await.expect("a tick").fired == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_10_000_due_runs_is_fired_once_whoever_is_killed() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let start = at("2026-11-24T00:00:00Z");
    con.set::<_, _, ()>(CLOCK, start.0 - 1).await.unwrap();
    for i in 0..SCHEDULES {
        register(&redis, &format!("s-{i}"), "* * * * *", start, &[("job", &format!("{{\"id\":\"s-{i}\"}}"))]).await;
    }
    let mut tickers: Vec<Child> = (0..TICKERS).map(|_| child(&redis)).collect();
    let (mut chance, mut kills, mut midway) = (3_u64, 0, 0);
    for minute in 0..MINUTES {
        let now = start.0 + minute * 60_000;
        con.set::<_, _, ()>(CLOCK, now + 250).await.unwrap();
        let (since, mut killed) = (Instant::now(), false);
        loop {
            let due: usize = con.zcount("queue:schedules", 0, now).await.unwrap();
            if due == 0 {
                break;
            }
            // Every second minute one of them dies, most often in the middle of its work.
            if minute % 2 == 0 && !killed && due < SCHEDULES {
                killed = true;
                kills += 1;
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let victim = &mut tickers[(chance >> 33) as usize % TICKERS];
                victim.kill().expect("kill -9");
                victim.wait().expect("it ended");
                let left: usize = con.zcount("queue:schedules", 0, now).await.unwrap();
                midway += usize::from(left > 0);
                *victim = child(&redis);
            }
            assert!(since.elapsed() < Duration::from_secs(30), "{due} runs of minute {minute} are not fired");
        }
    }
    for ticker in &mut tickers {
        ticker.kill().expect("kill -9");
        ticker.wait().expect("it ended");
    }
    let mut fired: HashMap<String, i64> = HashMap::new();
    for job in redis.texts("queue:reports").await {
        *fired.entry(job).or_default() += 1;
    }
    assert_eq!(fired.values().sum::<i64>(), SCHEDULES as i64 * MINUTES);
    assert_eq!((fired.len(), fired.values().all(|n| *n == MINUTES)), (SCHEDULES, true));
    assert!(kills > 15 && midway > 5, "kills hit tickers at work: {midway} of {kills}");
    assert!(driver(&redis).missed_runs().await.unwrap().is_empty(), "each was fired in its minute");
}
