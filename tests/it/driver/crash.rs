//! `kill -9` in the middle of bulk operations: every job stays in exactly one place.

use super::{bulk::ended, queue};
use crate::support::{
    Payload, Replica, TestRedis, eventually, http, now_ms,
    payload::{dead, many, many_dead, payload},
};
use flux_console::{model::job::JobState, server::actions};
use redis::AsyncCommands;
use std::time::{Duration, Instant};

const JOBS: usize = 20_000;
/// Of the two operations that everybody uses.
const KILLS: usize = 30;
/// Of each of the others that move jobs in many steps.
const FEW: usize = 5;
/// Every so many-th kill comes by chance alone.
const BY_CHANCE: usize = 5;
const LATE: Duration = Duration::from_secs(60);
const WAITING: &str = "queue:mail";
const FAILED: &str = "queue:mail:failed";
const DELAYED: &str = "queue:mail:delayed";

struct Chance(u64);

impl Chance {
    /// Another one in each run; a run that fails shows it.
    fn new() -> Self {
        let seed = now_ms().unsigned_abs();
        println!("kills by chance from {seed}");
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

/// How far an operation had come when its console was killed.
struct Cut {
    moved: u64,
    of: u64,
}

impl Cut {
    /// It had begun and was not through.
    fn partly(&self) -> bool {
        (1..self.of).contains(&self.moved)
    }
}

/// How many jobs have moved when the n-th of so many kills comes: evenly spread, by chance within each part. Not over the last quarter:
/// until the kill is there the operation goes on.
fn moment(n: usize, kills: usize, of: u64, chance: &mut Chance) -> u64 {
    let part = of * 3 / 4 / kills as u64;
    1 + n as u64 * part + chance.below(part)
}

async fn length(redis: &TestRedis, key: &str) -> u64 {
    let command = if key == DELAYED { "ZCARD" } else { "LLEN" };
    redis::cmd(command).arg(key).query_async(&mut redis.con.clone()).await.expect(command)
}

/// What is started: it moves jobs out of a list, or into it.
struct Started<'a> {
    redis: &'a TestRedis,
    path: &'a str,
    body: serde_json::Value,
    list: &'a str,
}

impl Started<'_> {
    /// In a fresh console.
    async fn begin(&self) -> Replica {
        let console = Replica::start(self.redis);
        let post = http().build().expect("a client").post(format!("{}{}", console.base_url, self.path));
        let answer = post.json(&self.body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 202, "{:?}", answer.text().await);
        console
    }

    /// Kills the console as soon as `enough` of `of` jobs have moved: on a fast machine as on a slow one.
    async fn kill(&self, of: u64, enough: u64) -> Cut {
        let before = length(self.redis, self.list).await;
        let console = self.begin().await;
        let since = Instant::now();
        // Without a pause: the operation makes none.
        while length(self.redis, self.list).await.abs_diff(before) < enough {
            assert!(since.elapsed() < LATE, "{}: nothing moves", self.path);
        }
        console.kill();
        Cut { moved: length(self.redis, self.list).await.abs_diff(before), of }
    }

    /// After a while that may be over before the operation begins, or long after its end.
    async fn kill_by_chance(&self, of: u64, chance: &mut Chance) -> Cut {
        let before = length(self.redis, self.list).await;
        let console = self.begin().await;
        tokio::time::sleep(Duration::from_micros(chance.below(120_000))).await;
        console.kill();
        Cut { moved: length(self.redis, self.list).await.abs_diff(before), of }
    }
}

fn all(state: &str) -> serde_json::Value {
    serde_json::json!({"state": state, "all": true})
}

/// Kills the operation again and again, which takes jobs out of a list; `fill` makes a Redis as it is at the beginning.
async fn killed_again_and_again(
    path: &str,
    body: serde_json::Value,
    list: &str,
    kills: usize,
    mut chance: Chance,
    fill: impl AsyncFn(&TestRedis),
) {
    let redis = TestRedis::start().await;
    fill(&redis).await;
    let started = Started { redis: &redis, path, body, list };
    let (expected, full, mut partly) = (redis.all_ids().await, length(&redis, list).await, 0);
    for n in 0..kills {
        let of = length(&redis, list).await;
        let cut = if n % BY_CHANCE == BY_CHANCE - 1 {
            started.kill_by_chance(of, &mut chance).await
        } else {
            started.kill(of, moment(n, kills, of, &mut chance)).await
        };
        assert!(redis.all_ids().await == expected, "kill {n}, after {} of {of} jobs: a job is lost or there twice", cut.moved);
        partly += usize::from(cut.partly());
        if of - cut.moved < full / 2 {
            redis::cmd("FLUSHALL").exec_async(&mut redis.con.clone()).await.expect("FLUSHALL");
            fill(&redis).await;
        }
    }
    assert!(partly * 2 >= kills, "only {partly} of {kills} kills hit a running operation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_retry_of_all_loses_and_doubles_nothing() {
    let jobs = many_dead("j", "mail", JOBS);
    killed_again_and_again("/api/v1/queues/mail/jobs/retry", all("failed"), FAILED, KILLS, Chance::new(), async |redis: &TestRedis| {
        redis.push_raw(FAILED, &jobs).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_now_of_all_loses_and_doubles_nothing() {
    let jobs = many("j", "mail", 8_000);
    killed_again_and_again("/api/v1/queues/mail/jobs/promote", all("delayed"), DELAYED, FEW, Chance::new(), async |redis: &TestRedis| {
        delay(redis, &jobs, now_ms() + 3_600_000).await;
    })
    .await;
}

/// More are due than go back in one step, and a worker serves the queue: the others go one by one.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_deletion_of_delayed_jobs_leaves_each_where_it_was_or_in_the_trash() {
    let (due, jobs) = (many("due", "mail", 210), many("j", "mail", 6_000));
    killed_again_and_again("/api/v1/queues/mail/jobs/discard", all("delayed"), DELAYED, FEW, Chance::new(), async |redis: &TestRedis| {
        redis.con.clone().set::<_, _, ()>("queue:worker:w1", r#"{"id":"w1","queues":["mail"]}"#).await.expect("SET");
        delay(redis, &due, now_ms() - 60_000).await;
        delay(redis, &jobs, now_ms() + 3_600_000).await;
    })
    .await;
}

/// Due a millisecond after each other.
async fn delay(redis: &TestRedis, jobs: &[String], first: i64) {
    let scored: Vec<(i64, &str)> = (first..).zip(jobs.iter().map(String::as_str)).collect();
    for chunk in scored.chunks(1_000) {
        let _: () = redis.con.clone().zadd_multiple(DELAYED, chunk).await.expect("ZADD");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_purge_leaves_every_job_in_the_queue_or_in_the_trash() {
    let (failed, high, delayed) = (many_dead("f", "mail", 500), many("h", "mail", 500), many("d", "mail", 500));
    killed_again_and_again("/api/v1/queues/mail/purge", serde_json::Value::Null, WAITING, FEW, Chance::new(), async |redis: &TestRedis| {
        fill_with_groups(redis, 6_000).await;
        redis.push_raw(FAILED, &failed).await;
        redis.push_raw("queue:mail:high", &high).await;
        delay(redis, &delayed, now_ms() + 3_600_000).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_deletion_leaves_every_job_in_the_queue_or_in_the_trash() {
    killed_again_and_again("/api/v1/queues/mail/jobs/discard", all("waiting"), WAITING, KILLS, Chance::new(), async |redis: &TestRedis| {
        fill_with_groups(redis, JOBS).await;
    })
    .await;
}

/// Active groups keep a list from being renamed whole: jobs go one by one, and groups are completed on the way.
async fn fill_with_groups(redis: &TestRedis, jobs: usize) {
    let job = |i: usize| {
        let job = Payload::new(&format!("j-{i}"), "mail");
        if i.is_multiple_of(10) { job.group(&format!("g-{i}")) } else { job }.waiting()
    };
    redis.push_raw(WAITING, (0..jobs).map(job)).await;
    let groups: Vec<String> = (0..jobs).step_by(10).map(|i| format!("g-{i}")).collect();
    redis.con.clone().sadd::<_, _, ()>("queue:active", groups).await.expect("SADD");
    for i in (0..jobs).step_by(100) {
        let behind = Payload::new(&format!("p-{i}"), "other").group(&format!("g-{i}")).waiting();
        redis.push_raw(&format!("queue:pending:g-{i}"), [behind]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_deletion_of_a_whole_list_leaves_it_here_or_there() {
    let jobs = many("j", "mail", JOBS);
    killed_as_it_goes_whole("/api/v1/queues/mail/jobs/discard", all("waiting"), WAITING, async |redis: &TestRedis| {
        redis.push_raw(WAITING, &jobs).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_deletion_of_a_whole_delayed_set_leaves_it_here_or_there() {
    let jobs = many("j", "mail", JOBS);
    killed_as_it_goes_whole("/api/v1/queues/mail/jobs/discard", all("delayed"), DELAYED, async |redis: &TestRedis| {
        delay(redis, &jobs, now_ms() + 3_600_000).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_clearing_of_failed_jobs_leaves_them_here_or_there() {
    let jobs = many_dead("j", "mail", JOBS);
    killed_as_it_goes_whole("/api/v1/queues/mail/clear-failed", serde_json::Value::Null, FAILED, async |redis: &TestRedis| {
        redis.push_raw(FAILED, &jobs).await;
    })
    .await;
}

async fn killed_as_it_goes_whole(path: &str, body: serde_json::Value, list: &str, fill: impl AsyncFn(&TestRedis)) {
    let (redis, mut chance) = (TestRedis::start().await, Chance::new());
    let started = Started { redis: &redis, path, body, list };
    for n in 0..4 {
        fill(&redis).await;
        let expected = redis.all_ids().await;
        let console = started.begin().await;
        if n % 2 == 0 {
            // It is one step: about then it happens.
            tokio::time::sleep(Duration::from_micros(chance.below(3_000))).await;
        } else {
            eventually("it is gone", LATE, async || length(&redis, list).await == 0).await;
        }
        console.kill();
        assert!(redis.all_ids().await == expected, "kill {n}: a job is lost or there twice");
        let left = length(&redis, list).await;
        assert!(left == 0 || left == JOBS as u64, "kill {n}: {left} are left of a list that goes whole");
        redis::cmd("FLUSHALL").exec_async(&mut redis.con.clone()).await.expect("FLUSHALL");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_of_a_whole_list_is_gone_on_with() {
    let jobs = many("j", "mail", JOBS);
    let redis = killed_restores(4, async |redis: &TestRedis| redis.push_raw(WAITING, &jobs).await).await;
    let back = redis.texts(WAITING).await;
    assert!(back[1..] == jobs, "bytes or order changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_of_single_jobs_is_gone_on_with() {
    killed_restores(3, async |redis: &TestRedis| fill_with_groups(redis, 4_000).await).await;
}

/// Deletes all that wait, kills the restore that often, and lets another one do the rest.
async fn killed_restores(kills: usize, fill: impl AsyncFn(&TestRedis)) -> TestRedis {
    let (redis, mut chance, mut partly) = (TestRedis::start().await, Chance::new(), 0);
    fill(&redis).await;
    let console = redis.console().await;
    let started = actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started");
    let trash = ended(&console, started).await.outcome.trash.expect("a trash entry");
    console.stop().await;
    // Beside what came since they are put back in parts.
    redis.push_raw(WAITING, [payload("since", "mail", "")]).await;
    let expected = redis.all_ids().await;
    let path = format!("/api/v1/trash/{trash}/restore");
    let started = Started { redis: &redis, path: &path, body: serde_json::Value::Null, list: WAITING };
    for n in 0..kills {
        if all_is_back(&redis).await {
            break;
        }
        let of = expected.len() as u64 - length(&redis, WAITING).await;
        let cut = started.kill(of, 1 + chance.below(of / 2)).await;
        assert!(redis.all_ids().await == expected, "kill {n}, after {} of {of} jobs: a job is lost or there twice", cut.moved);
        partly += usize::from(!all_is_back(&redis).await);
    }
    // A whole list is back within a tenth of a second.
    assert!(partly * 2 >= kills, "only {partly} of {kills} kills hit a running restore");
    let console = redis.console().await;
    if let Ok(rest) = actions::restore(&console.state, &trash).await {
        ended(&console, rest).await;
    }
    console.stop().await;
    assert!(redis.all_ids().await == expected, "a job is lost or there twice");
    assert!(all_is_back(&redis).await, "something stays in the trash");
    redis
}

async fn all_is_back(redis: &TestRedis) -> bool {
    !redis.keys().await.iter().any(|key| key.contains(":trash:"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_whose_console_was_killed_is_interrupted_and_can_be_started_again() {
    let redis = TestRedis::start().await;
    let pad = format!(r#","pad":"{}""#, "p".repeat(2_000));
    redis.push_raw("queue:mail:failed", (0..30_000).map(|i| dead(&format!("j-{i}"), "mail", "x", &pad))).await;
    let (doomed, other) = (Replica::start(&redis), Replica::start(&redis));
    let retry = async |console: &Replica| -> serde_json::Value {
        let path = format!("{}/api/v1/queues/mail/jobs/retry", console.base_url);
        let body = serde_json::json!({"state": "failed", "all": true});
        let answer = http().build().expect("a client").post(path).json(&body).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let started = retry(&doomed).await;
    let path = format!("/api/v1/operations/{}", started["operation"]["id"].as_str().expect("an id"));
    doomed.kill();
    assert_eq!(other.json(&path).await["status"], "running", "its silence is still short");
    let told = async || other.json(&path).await["status"] == "interrupted";
    eventually("it is interrupted", Duration::from_secs(60), told).await;
    let left: u64 = redis.con.clone().llen("queue:mail:failed").await.expect("LLEN");
    assert!(left > 0, "the kill came too late");
    let again = retry(&other).await;
    let path = format!("/api/v1/operations/{}", again["operation"]["id"].as_str().expect("an id"));
    eventually("the rest is done", Duration::from_secs(60), async || other.json(&path).await["status"] == "done").await;
    assert_eq!(other.json(&path).await["done"], left);
    assert_eq!(redis.con.clone().llen::<_, u64>("queue:mail").await.expect("LLEN"), 30_000);
}
