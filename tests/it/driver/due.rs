//! What is due belongs to the workers, while there are some: the library reads a due job and takes it out with two commands, and looks
//! at the answer of neither, so whoever else moves it in between has it run twice.

use super::*;
use crate::support::{payload::payload, redis::id_of};
use flux_console::model::{
    ids::Priority,
    operation::{Outcome, Verb},
};
use flux_console::server::{
    actions,
    demo::wire::Wire,
    driver::redis::{
        Acted, DelayedOneByOne, Promotion,
        due::{MARGIN_MS, Served},
    },
};
use redis::AsyncCommands;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

const SET: &str = "queue:mail:delayed";
const WORKER: &str = "queue:worker:w1";

async fn handles(driver: &RedisDriver) -> Vec<Fingerprint> {
    page(driver, "mail", JobState::Delayed).await.jobs.into_iter().map(|job| job.fingerprint).collect()
}

async fn worker_beats(redis: &TestRedis) {
    redis.con.clone().set::<_, _, ()>(WORKER, r#"{"id":"w1","queues":["mail"]}"#).await.expect("SET");
}

/// All steps; behind the first that moved something others do that.
pub async fn promoted(
    driver: &RedisDriver,
    promotion: &mut Promotion,
    clock: impl Fn() -> Millis + Copy,
    others: impl AsyncFn(),
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut moved = false;
    loop {
        let step = driver.promote_step(promotion, clock).await.expect("a step");
        outcome.add(&step.outcome);
        if !moved && outcome.done > 0 {
            moved = true;
            others().await;
        }
        if step.finished {
            return outcome;
        }
    }
}

/// As the event channel tells of it, or the sampler finds it.
async fn worker_is_heard(redis: &TestRedis, driver: &RedisDriver) {
    worker_beats(redis).await;
    driver.known().heartbeat_seen(WORKER.into(), NOW);
}

#[tokio::test]
async fn what_comes_due_in_a_moment_counts_as_due() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let jobs = [(payload("soon", "mail", ""), NOW.0 + MARGIN_MS), (payload("later", "mail", ""), NOW.0 + MARGIN_MS + 1)];
    redis.delay_raw(SET, jobs.clone()).await;
    let all = handles(&driver).await;
    let promoted = driver.promote(&queue("mail"), &all, true, NOW).await.expect("promote");
    assert_eq!(promoted, Outcome { done: 1, due: 1, ..Outcome::default() });
    redis.delay_raw(SET, jobs).await;
    let discarded = driver.discard(&queue("mail"), &all, true, NOW).await.expect("discard");
    assert_eq!((discarded.done, discarded.due), (1, 1));
    assert_eq!(redis.zset(SET).await.iter().map(|(raw, _)| id_of(raw)).collect::<Vec<_>>(), ["soon"]);
    // Where nobody would take it, it goes like any other.
    assert_eq!(driver.promote(&queue("mail"), &all[..1], false, NOW).await.expect("promote").done, 1);
}

/// A request names two hundred jobs, and each has its own moment.
#[tokio::test]
async fn the_time_is_taken_for_each_job() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    for verb in [Verb::Promote, Verb::Discard] {
        let at = NOW.0 + MARGIN_MS + 200;
        redis.delay_raw(SET, (0..200).map(|i| (payload(&format!("{}-{i:03}", verb.as_str()), "mail", ""), at))).await;
        let all = handles(&driver).await;
        let passed = AtomicI64::new(0);
        // A millisecond a look.
        let clock = || Millis(NOW.0 + passed.fetch_add(1, Relaxed));
        let (mut served, mut acted) = (Served::asked(true, NOW), Acted::default());
        match verb {
            Verb::Promote => driver.promote_telling(&queue("mail"), &all, &mut served, clock, &mut acted).await.expect("promote"),
            _ => driver.discard_telling(&queue("mail"), &all, &mut served, clock, &mut acted).await.expect("discard"),
        }
        let Outcome { done, due, gone, .. } = acted.outcome;
        assert!(done > 0 && due > 0 && gone == 0 && done + due == 200, "{verb:?}: {:?}", acted.outcome);
        assert_eq!(redis.zset(SET).await.len() as u64, due);
        redis.con.clone().del::<_, ()>(SET).await.expect("DEL");
    }
}

/// What fails meanwhile is soon due: it takes no place of those that were there, in whatever set.
#[tokio::test]
async fn due_jobs_of_one_priority_do_not_stop_those_of_another() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mail = queue("mail");
    worker_is_heard(&redis, &driver).await;
    redis.delay_raw("queue:mail:low:delayed", (0..10).map(|i| (payload(&format!("low-{i}"), "mail", ""), NOW.0 + 600_000))).await;
    let mut promotion = Promotion::new(&mail, driver.delayed_sets(&mail).await.expect("counts"), NOW);
    redis.delay_raw(SET, (0..20).map(|i| (payload(&format!("again-{i}"), "mail", ""), NOW.0 + MARGIN_MS))).await;
    let outcome = promoted(&driver, &mut promotion, || NOW, async || ()).await;
    assert_eq!(outcome, Outcome { done: 10, ..Outcome::default() });
    assert_eq!((redis.list("queue:mail:low").await.len(), redis.zset(SET).await.len()), (10, 20));
}

/// Jobs come due between being read and being moved: each is told once, and those that a worker took are no longer due.
#[tokio::test]
async fn what_comes_due_on_the_way_is_counted_once() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mail = queue("mail");
    worker_is_heard(&redis, &driver).await;
    redis.delay_raw(SET, (1..=60).map(|i| (payload(&format!("j-{i:02}"), "mail", ""), NOW.0 + MARGIN_MS + i))).await;
    let mut promotion = Promotion::new(&mail, driver.delayed_sets(&mail).await.expect("counts"), NOW);
    // A millisecond a look.
    let passed = AtomicI64::new(0);
    let clock = || Millis(NOW.0 + passed.fetch_add(1, Relaxed));
    let taken = async || {
        let _: Vec<(Vec<u8>, f64)> = redis.con.clone().zpopmin(SET, 1).await.expect("ZPOPMIN");
    };
    let outcome = promoted(&driver, &mut promotion, clock, taken).await;
    let left = redis.zset(SET).await.len() as u64;
    assert!(outcome.done > 0 && left > 0, "{outcome:?}");
    assert_eq!((outcome.due, outcome.gone), (left, 1), "{outcome:?}");
    assert_eq!(outcome.done + outcome.due + outcome.gone, 60);
}

/// Whoever goes over many jobs asks again whether a worker serves the queue, in the same way.
#[tokio::test]
async fn a_worker_that_starts_meanwhile_is_heard_of() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mail = queue("mail");
    let fill = async || {
        redis.con.clone().del::<_, ()>(&[SET, WORKER]).await.expect("DEL");
        redis.delay_raw(SET, (0..400).map(|i| (payload(&format!("j-{i:03}"), "mail", ""), NOW.0 - 1_000 + i))).await;
    };
    let later = || Millis(NOW.0 + 4_000);

    fill().await;
    let mut promotion = Promotion::new(&mail, driver.delayed_sets(&mail).await.expect("counts"), NOW);
    // The sets of two priorities before it are empty.
    let mut moved = 0;
    for _ in 0..3 {
        moved += driver.promote_step(&mut promotion, || NOW).await.expect("a step").outcome.done;
    }
    assert!(moved > 0, "nobody serves it");
    worker_is_heard(&redis, &driver).await;
    let left = redis.zset(SET).await.len() as u64;
    let step = driver.promote_step(&mut promotion, later).await.expect("a step");
    assert_eq!((step.outcome.done, step.outcome.due), (0, left));

    fill().await;
    let trash = driver.open_trash(&mail, Verb::Discard, NOW).await.expect("an entry");
    let (mut set, mut served, mut outcome) = (DelayedOneByOne::new(Priority::Base, 400, NOW), Served::default(), Outcome::default());
    let more = driver.discard_delayed_step(&mail, &mut set, &trash, &mut served, || NOW, &mut outcome).await.expect("a step");
    assert!(more && outcome.done > 0, "{outcome:?}");
    worker_is_heard(&redis, &driver).await;
    let left = redis.zset(SET).await.len();
    assert!(!driver.discard_delayed_step(&mail, &mut set, &trash, &mut served, later, &mut outcome).await.expect("a step"));
    assert_eq!(redis.zset(SET).await.len(), left);
    // So does the deletion of a whole set.
    let whole = driver.trash_delayed(&mail, Priority::Base, &trash, &mut Served::default(), || NOW, &mut outcome).await;
    whole.expect("an answer");
    assert_eq!(redis.zset(SET).await.len(), left);

    fill().await;
    let (all, mut served) = (handles(&driver).await, Served::default());
    let mut acted = Acted::default();
    driver.promote_telling(&mail, &all[..1], &mut served, || NOW, &mut acted).await.expect("promote");
    driver.discard_into(&mail, &trash, &all[1], &mut served, || NOW, &mut acted.outcome).await.expect("discard");
    assert_eq!((acted.outcome.done, acted.outcome.due), (2, 0));
    worker_is_heard(&redis, &driver).await;
    driver.promote_telling(&mail, &all[2..3], &mut served, later, &mut acted).await.expect("promote");
    driver.discard_into(&mail, &trash, &all[3], &mut served, later, &mut acted.outcome).await.expect("discard");
    assert_eq!((acted.outcome.done, acted.outcome.due), (2, 2));
}

/// A worker of which nobody told is found by the next look over all keys, and is followed from then on. Such a look is not made for
/// every few jobs.
#[tokio::test]
async fn all_keys_are_gone_over_now_and_then() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let mail = queue("mail");
    redis.delay_raw(SET, (0..6).map(|i| (payload(&format!("j-{i}"), "mail", ""), NOW.0 - 1_000 + i))).await;
    let (all, mut served) = (handles(&driver).await, Served::default());
    let mut promote = async |n: usize, after: i64| {
        let mut acted = Acted::default();
        let clock = move || Millis(NOW.0 + after);
        driver.promote_telling(&mail, &all[n..=n], &mut served, clock, &mut acted).await.expect("promote");
        (acted.outcome.done, acted.outcome.due)
    };
    assert_eq!(promote(0, 0).await, (1, 0), "nobody serves it");
    let first = calls(&redis, "scan").await;
    worker_beats(&redis).await;
    assert_eq!(promote(1, 4_000).await, (1, 0));
    assert_eq!(calls(&redis, "scan").await, first, "all keys were gone over a moment ago");
    assert_eq!(promote(2, 31_000).await, (0, 1), "found");
    let second = calls(&redis, "scan").await;
    assert!(first > 0 && second > first);
    assert_eq!(promote(3, 35_000).await, (0, 1));
    assert_eq!(calls(&redis, "scan").await, second, "it is followed");
    redis.con.clone().del::<_, ()>(WORKER).await.expect("DEL");
    assert_eq!(promote(4, 39_000).await, (1, 0), "it is gone");
    assert!(calls(&redis, "scan").await > second, "said after all keys");
}

/// A worker whose clock is a second ahead pops as the library does, while jobs are moved and deleted around their moments.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_come_due_meanwhile_run_once() {
    const JOBS: i64 = 200;
    const APART_MS: i64 = 20;
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    worker_beats(&redis).await;
    let first = actions::now().0 + 1_000;
    let at = |i: i64| first + i * APART_MS;
    redis.delay_raw(SET, (0..JOBS).map(|i| (payload(&format!("j-{i:03}"), "mail", ""), at(i)))).await;
    // Some about when the worker takes them, some where they begin to count as due, some long before.
    let lead = |i: i64| [1_000, MARGIN_MS, 2 * MARGIN_MS][(i % 3) as usize];
    let mut moments: Vec<(i64, Fingerprint)> =
        handles(&driver).await.into_iter().zip(0..).map(|(handle, i)| (at(i) - lead(i), handle)).collect();
    moments.sort_by_key(|(moment, _)| *moment);

    let through = Arc::new(AtomicBool::new(false));
    let worker = tokio::spawn({
        let through = through.clone();
        let mut wire = Wire::connect(&redis.url, "queue:", "flux_console:").await.expect("connected");
        async move {
            let mut popped = Vec::new();
            loop {
                let (ending, now) = (through.load(Relaxed), actions::now().0);
                match wire.pop("mail", Millis(now + 1_000)).await.expect("a pop") {
                    Some(job) => popped.push((id_of(&job.raw), job.doubled)),
                    None if ending && now > first + JOBS * APART_MS => return popped,
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        }
    });
    let mut acted = Acted::default();
    for (n, (moment, handle)) in moments.iter().enumerate() {
        let wait = moment - actions::now().0;
        tokio::time::sleep(Duration::from_millis(u64::try_from(wait).unwrap_or(0))).await;
        let (one, mut served) = (std::slice::from_ref(handle), Served::default());
        // Every other pair is deleted.
        match n / 2 % 2 {
            0 => driver.promote_telling(&queue("mail"), one, &mut served, actions::now, &mut acted).await.expect("promote"),
            _ => driver.discard_telling(&queue("mail"), one, &mut served, actions::now, &mut acted).await.expect("discard"),
        }
    }
    through.store(true, Relaxed);
    let popped = worker.await.expect("no panic");
    assert!(acted.outcome.done > 0 && acted.outcome.due > 0, "{:?}", acted.outcome);
    assert!(popped.iter().all(|(_, doubled)| !doubled), "taken from under the worker's hands: {popped:?}");
    let mut seen = redis.all_ids().await;
    popped.into_iter().for_each(|(id, _)| *seen.entry(id).or_default() += 1);
    assert_eq!(seen.len() as i64, JOBS, "none is lost");
    assert!(seen.values().all(|n| *n == 1), "{seen:?}");
}
