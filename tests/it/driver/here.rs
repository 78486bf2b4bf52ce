//! Whether a job that the archive knows is in Redis, while others move what is there between two looks.

use super::*;
use crate::support::{
    Payload,
    payload::{dead, many, many_dead},
    proxy::Proxy,
};
use flux_console::model::archive::{ArchivedRow, Status, Verdict};
use redis::{AsyncCommands, Pipeline, aio::MultiplexedConnection};

const FAILED: &str = "queue:mail:failed";
const WAITING: &str = "queue:mail";

/// A driver whose looks go through a stretch of network in which others get busy.
pub struct Between {
    /// Of this stretch.
    pub url: String,
    pub driver: RedisDriver,
    proxy: Proxy,
    con: MultiplexedConnection,
}

impl Between {
    pub async fn start(redis: &TestRedis) -> Self {
        let proxy = Proxy::start(redis.server.port).await;
        let url = format!("redis://127.0.0.1:{}/", proxy.port);
        let driver = RedisDriver::new(&url, Keys::new("queue:", &["flux_console:".into()])).expect("a URL of our own");
        // From now on Redis knows the script, so each look is asked for once.
        redis.push_raw("queue:known:failed", [dead("a", "known", "no", "")]).await;
        driver.are_here(&queue("known"), &[&row("a", "known")]).await.expect("an answer");
        redis.con.clone().del::<_, ()>("queue:known:failed").await.expect("DEL");
        Self { url, driver, proxy, con: redis.con.clone() }
    }

    /// Before each look by this command at this key, from that one on, others do this.
    pub fn before(&self, verb: &'static str, key: &'static str, from: usize, meanwhile: Pipeline) {
        self.proxy.before(vec![verb.into(), format!("\r\n{key}\r\n")], from, meanwhile, self.con.clone());
    }

    /// Whether a job is found, and with how many looks at that list.
    async fn finds(&self, id: &str, key: &'static str, meanwhile: Pipeline) -> (bool, usize) {
        self.before("EVALSHA", key, 2, meanwhile);
        let here = self.driver.are_here(&queue("mail"), &[&row(id, "mail")]).await.expect("an answer");
        (here[0], self.proxy.met())
    }
}

fn row(id: &str, name: &str) -> ArchivedRow {
    ArchivedRow {
        row: 1,
        id: id.into(),
        queue: queue(name),
        status: Status::Failed,
        verdict: Verdict::Sure,
        class_name: None,
        attempt: Some(3),
        max_attempts: Some(3),
        delay_s: None,
        created_at: Some(Millis(1_795_432_801_819)),
        archived_at: None,
        failed_at: None,
        error: None,
        group_id: None,
        bytes: 100,
    }
}

/// Where a look may end.
fn places() -> impl Iterator<Item = usize> {
    [300, 400, 490, 500, 600, 700].into_iter().flat_map(|border| border - 8..border + 8)
}

async fn fill(redis: &TestRedis, key: &str, jobs: &[String]) {
    redis.con.clone().del::<_, ()>(key).await.expect("DEL");
    if !jobs.is_empty() {
        redis.push_raw(key, jobs).await;
    }
}

/// Three fail, and the library cuts the list at its cap.
#[tokio::test]
async fn a_failed_job_is_found_while_others_fail() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let all = many_dead("old", "mail", 1_000);
    let new: Vec<String> = (0..3).map(|n| dead(&format!("new-{n}"), "mail", "no", "")).collect();
    let mut fail = redis::pipe();
    fail.atomic().lpush(FAILED, &new).ignore().ltrim(FAILED, 0, 999).ignore();
    for place in places() {
        fill(&redis, FAILED, &all).await;
        // `old-1` is at the tail.
        let (found, looks) = between.finds(&format!("old-{}", place + 1), FAILED, fail.clone()).await;
        assert!(found && looks > 1, "{place} from the tail, {looks} looks");
    }
    // One at the very end of a list that has place for more.
    fill(&redis, FAILED, &all[100..]).await;
    let (found, looks) = between.finds("old-1", FAILED, fail).await;
    assert!(found && looks > 1, "{looks} looks");
}

#[tokio::test]
async fn a_failed_job_is_found_while_others_are_retried() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let all = many_dead("old", "mail", 1_000);
    for place in places() {
        fill(&redis, FAILED, &all).await;
        let mut retried = redis::pipe();
        retried.cmd("LPOP").arg(FAILED).arg(3).ignore();
        let (found, looks) = between.finds(&format!("old-{}", 1_000 - place), FAILED, retried).await;
        assert!(found && looks > 1, "{place} from the head, {looks} looks");
    }
}

#[tokio::test]
async fn a_waiting_job_is_found_while_workers_take_others() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let all = many("old", "mail", 1_500);
    for place in places() {
        fill(&redis, WAITING, &all).await;
        let mut taken = redis::pipe();
        taken.cmd("RPOP").arg(WAITING).arg(3).ignore();
        let (found, looks) = between.finds(&format!("old-{}", place + 1), WAITING, taken).await;
        assert!(found && looks > 1, "{place} from the tail, {looks} looks");
    }
}

/// A delayed job that is run now between the looks at the two lists is met where it comes to.
#[tokio::test]
async fn a_delayed_job_that_is_run_now_is_found() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let job = Payload::new("a", "mail").waiting();
    fill(&redis, WAITING, &many("old", "mail", 1_500)).await;
    redis.delay_raw("queue:mail:delayed", [(job.as_str(), 1_900_000_000_000)]).await;
    let mut promote = redis::pipe();
    promote.atomic().zrem("queue:mail:delayed", &job).ignore().rpush(WAITING, &job).ignore();
    let (found, looks) = between.finds("a", WAITING, promote).await;
    assert!(found && looks > 1, "{looks} looks");
}

/// One that is retried elsewhere while the failed list is read is met in the waiting list, however long that was before.
#[tokio::test]
async fn a_failed_job_that_is_retried_meanwhile_is_found() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let (all, job) = (many_dead("old", "mail", 1_000), dead("old-1", "mail", "PaymentTimeoutError: gateway did not answer", ""));
    for waiting in [0, 5, 900] {
        fill(&redis, FAILED, &all).await;
        fill(&redis, WAITING, &many("other", "mail", waiting)).await;
        let mut retry = redis::pipe();
        retry.atomic().lrem(FAILED, 0, &job).ignore().lpush(WAITING, &job).ignore();
        let (found, looks) = between.finds("old-1", FAILED, retry).await;
        assert!(found && looks > 1, "{waiting} waiting, {looks} looks");
        assert_eq!(redis.list(WAITING).await.len(), waiting + 1, "it was moved");
    }
}

/// The library stamps a job anew with each failure, and the archive need not have the newest one yet.
#[tokio::test]
async fn a_job_that_failed_anew_is_found() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let anew = Payload::new("a", "mail").created(1_795_432_999_999).attempts(3, 3).failed("no");
    redis.push_raw(FAILED, [anew]).await;
    let (a, b) = (row("a", "mail"), row("b", "mail"));
    assert_eq!(driver.are_here(&queue("mail"), &[&a, &b]).await.expect("an answer"), [true, false]);
}

/// A page says that a failure is in Redis only where it is this one.
#[tokio::test]
async fn the_very_failure_is_told_from_another_one() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let (one, other) = (Payload::new("a", "mail").attempts(3, 3).failed("no"), Payload::new("a", "mail").attempts(2, 3).failed("no"));
    let nameless = [r#"{"data":"{}","error":"no"}"#, r#"{"id":"","error":"no"}"#];
    redis.push_raw(FAILED, many_dead("old", "mail", 1_000)).await;
    redis.push_raw(FAILED, [one.as_str(), nameless[0]]).await;
    let has = async |raw: &str| driver.has_failure(&queue("mail"), "a", raw.as_bytes()).await.expect("an answer");
    assert_eq!((has(one.as_str()).await, has(other.as_str()).await), (true, false));
    let lies = async |raw: &str| driver.has_nameless(&queue("mail"), raw.as_bytes()).await.expect("an answer");
    assert_eq!((lies(nameless[0]).await, lies(nameless[1]).await, lies(one.as_str()).await), (true, false, false));
}
