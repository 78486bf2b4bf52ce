//! From one console to the next: nothing that was read is dropped, no line is written twice, what fell between is said.

use super::archiver::{archived, console, each_once, fail, fail_at_once, locked};
use crate::support::{Database, DatabaseKind, TestConsole, TestRedis, eventually};
use flux_console::server::{
    actions::now,
    archive::{db::Db, sql::sql},
    tasks::leader::Leader,
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

async fn count(console: &TestConsole, text: &str) -> u64 {
    let db = console.state.archive.db().expect("open");
    db.one(sql(text), |r| r.count(0)).await.expect("a count").unwrap_or(0)
}

pub async fn say(redis: &TestRedis, lines: std::ops::Range<u64>) {
    let mut pipe = redis::pipe();
    for n in lines {
        let at = now().iso();
        let event = format!(r#"{{"level":"info","message":"Rate limit {n}","workerId":"worker-1","timestamp":"{at}"}}"#);
        pipe.cmd("PUBLISH").arg("flux_console:logs").arg(event).ignore();
    }
    pipe.query_async::<()>(&mut redis.con.clone()).await.expect("published");
}

/// The one that takes over has heard for five minutes what the one before it wrote.
async fn lines_are_written_once(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    let mut both = vec![console(&redis, &database).await, console(&redis, &database).await];
    for console in &both {
        console.listens().await;
    }
    say(&redis, 0..3_500).await;
    let lines = "SELECT COUNT(*) FROM flux_system_logs";
    eventually("they are written", SOON, async || count(&both[0], lines).await == 3_500).await;
    let first = usize::from(!both[0].state.archive.archiving().leading);
    both.remove(first).stop().await;
    let next = &both[0];
    say(&redis, 3_500..3_600).await;
    eventually("the other one writes", SOON, async || next.state.archive.archiving().lines >= 100).await;
    eventually("all that it heard is through", SOON, async || next.state.ledger.lock().told.waiting() == 0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count(next, lines).await, 3_600);
    assert_eq!(count(next, "SELECT COUNT(DISTINCT message) FROM flux_system_logs").await, 3_600);
    for console in both {
        console.stop().await;
    }
}

super::on_each! { lines_are_written_once }

/// Redis is slow when the console is told to stop, so the turn that took what was heard is given up half.
#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_is_stopped_in_the_middle_of_a_turn_loses_nothing() {
    const ROUNDS: u64 = 4;
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    for round in 0..ROUNDS {
        let console = console(&redis, &database).await;
        console.listens().await;
        eventually("it archives", SOON, async || console.state.archive.archiving().leading).await;
        fail(&redis, "mail", round * 10..(round + 1) * 10).await;
        say(&redis, round * 20..(round + 1) * 20).await;
        redis::cmd("CLIENT").arg("PAUSE").arg(500).exec_async(&mut redis.con.clone()).await.expect("paused");
        eventually("it is heard", SOON, async || console.state.ledger.lock().heard(now()).events >= 30).await;
        eventually("it is taken", SOON, async || console.state.ledger.lock().told.waiting() == 0).await;
        console.stop().await;
        let db = Db::open(&database.setting).await.expect("the archive opens");
        let asked = "SELECT (SELECT COUNT(*) FROM flux_system_logs), (SELECT COUNT(DISTINCT job_id) FROM flux_console_attempts)";
        let there = db.one(sql(asked), |row| (row.count(0), row.count(1))).await.expect("an answer");
        assert_eq!(there, Some(((round + 1) * 30, (round + 1) * 10)), "all lines, and all failures");
        db.close().await;
    }
    let last = console(&redis, &database).await;
    each_once(&last.state.archive, "mail", ROUNDS * 10).await;
    last.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_written_after_the_lease_is_lost() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    let lock = locked(&database).await;
    fail(&redis, "mail", 10..200).await;
    eventually("it is read", SOON, async || console.state.archive.archiving().spooled == 190).await;
    // Somebody else holds the lease now, and Redis has forgotten.
    let lease = redis.keys().await.into_iter().find(|k| k.ends_with("archiver:lease")).expect("the lease");
    redis::cmd("DEL").arg(&[lease.as_str(), "queue:mail:failed"]).exec_async(&mut redis.con.clone()).await.expect("gone");
    let other = Leader::new(&console.state.driver, "archiver");
    eventually("the lease is another's", SOON, async || {
        let taken = other.lead().await.expect("an answer").is_some();
        taken && !console.state.archive.archiving().leading
    })
    .await;
    assert_eq!(archived(&console.state.archive, "mail").await.len(), 10, "the lock holds");
    lock.release().await;
    each_once(&console.state.archive, "mail", 200).await;
    console.stop().await;
}

/// No console ran while a list was filled anew: none of the heads that were archived is left.
#[tokio::test(flavor = "multi_thread")]
async fn what_fell_between_two_consoles_is_a_gap() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let first = console(&redis, &database).await;
    first.listens().await;
    fail(&redis, "mail", 0..10).await;
    fail(&redis, "quiet", 10_000..11_000).await;
    each_once(&first.state.archive, "mail", 10).await;
    each_once(&first.state.archive, "quiet", 1_000).await;
    first.stop().await;
    fail(&redis, "mail", 10..3_010).await;
    fail(&redis, "new", 20_000..21_500).await;
    fail(&redis, "quiet", 11_000..11_500).await;
    let second = console(&redis, &database).await;
    eventually("the lists are read", SOON, async || {
        archived(&second.state.archive, "mail").await.len() == 1_010
            && archived(&second.state.archive, "new").await.len() == 1_000
            && archived(&second.state.archive, "quiet").await.len() == 1_500
    })
    .await;
    let db = second.state.archive.db().expect("open");
    eventually("the gap is noted", SOON, async || count(&second, "SELECT COUNT(*) FROM flux_console_gaps").await > 0).await;
    let gaps = db.rows(sql("SELECT queue, from_ms, up_to FROM flux_console_gaps"), |r| (r.text(0), r.int(1), r.int(2))).await.unwrap();
    // Of a queue that was never archived nothing can be missing, and one whose old heads are there has all.
    assert!(gaps.len() == 1 && gaps[0].0.as_deref() == Some("mail") && gaps[0].1.is_some() && gaps[0].2.is_none(), "{gaps:?}");
    second.stop().await;
}

/// The list of a healthy queue is empty; then more fails at once than it can hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_into_an_empty_list_is_a_gap() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    redis.push_raw("queue:mail", [crate::support::Payload::new("live", "mail").waiting()]).await;
    let console = console(&redis, &database).await;
    console.listens().await;
    // Seen empty a few times.
    tokio::time::sleep(Duration::from_secs(1)).await;
    fail(&redis, "mail", 0..1_500).await;
    eventually("the list is read", SOON, async || archived(&console.state.archive, "mail").await.len() == 1_000).await;
    let db = console.state.archive.db().expect("open");
    eventually("the gap is noted", SOON, async || count(&console, "SELECT COUNT(*) FROM flux_console_gaps").await > 0).await;
    let gaps = db.rows(sql("SELECT queue, up_to FROM flux_console_gaps"), |r| (r.text(0), r.int(1))).await.unwrap();
    assert_eq!(gaps, [(Some("mail".to_owned()), None)], "how many is not known");
    console.stop().await;
}

/// No key told of the queue when its failures were heard of, and no heartbeat: when its list is met it is full.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_a_queue_that_nobody_knew_are_a_gap() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    eventually("it archives", SOON, async || console.state.archive.archiving().leading).await;
    let mut events = redis::pipe();
    for n in 0..4_000 {
        let event = format!(r#"{{"level":"error","message":"Job failed: j-{n} - no answer","workerId":"worker-1","jobId":"j-{n}"}}"#);
        events.cmd("PUBLISH").arg("flux_console:logs").arg(event).ignore();
    }
    events.query_async::<()>(&mut redis.con.clone()).await.expect("published");
    eventually("they are heard", SOON, async || console.state.ledger.lock().heard(now()).events >= 4_000).await;
    eventually("they are taken", SOON, async || console.state.ledger.lock().told.waiting() == 0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What the library has left of them: the newest thousand.
    let left = (3_000..4_000).map(|n| crate::support::Payload::new(&format!("j-{n}"), "late").attempts(3, 3).failed("no answer"));
    let mut pushed = redis::pipe();
    pushed.atomic();
    pushed.cmd("LPUSH").arg("queue:late:failed").arg(left.collect::<Vec<_>>()).ignore();
    pushed.query_async::<()>(&mut redis.con.clone()).await.expect("written");
    eventually("the list is read", SOON, async || archived(&console.state.archive, "late").await.len() == 1_000).await;
    eventually("the gap is noted", SOON, async || count(&console, "SELECT COUNT(*) FROM flux_console_gaps").await > 0).await;
    let db = console.state.archive.db().expect("open");
    let gaps = db.rows(sql("SELECT queue, from_ms, up_to FROM flux_console_gaps"), |r| (r.text(0), r.int(1), r.int(2))).await.unwrap();
    assert!(gaps.len() == 1 && gaps[0].0.as_deref() == Some("late") && gaps[0].1.is_some() && gaps[0].2.is_none(), "{gaps:?}");

    // Another full list that is met, of which nothing was heard, has lost nothing that anybody knows of.
    let other = (0..1_000).map(|n| crate::support::Payload::new(&format!("o-{n}"), "other").attempts(3, 3).failed("no answer"));
    let mut pushed = redis::pipe();
    pushed.cmd("LPUSH").arg("queue:other:failed").arg(other.collect::<Vec<_>>()).ignore();
    pushed.query_async::<()>(&mut redis.con.clone()).await.expect("written");
    eventually("the list is read", SOON, async || archived(&console.state.archive, "other").await.len() == 1_000).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&console, "SELECT COUNT(*) FROM flux_console_gaps").await, 1);
    console.stop().await;
}

/// The events of a worker that serves several queues do not say of which queue a job is: as many as there are dead letters in all
/// of them are no more than there should be in one.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_two_queues_at_once_are_no_gap() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    let serves = async |queues: &str| {
        let hello = format!(r#"{{"level":"info","message":"Consumer started on [{queues}]","workerId":"worker-1"}}"#);
        redis::cmd("PUBLISH").arg("flux_console:logs").arg(hello).exec_async(&mut redis.con.clone()).await.expect("published");
    };
    serves("mail, quiet").await;
    fail_at_once(&redis, [("mail", 0..10), ("quiet", 10_000..11_000)]).await;
    each_once(&console.state.archive, "mail", 10).await;
    each_once(&console.state.archive, "quiet", 1_000).await;
    let db = console.state.archive.db().expect("open");
    let gaps = db.rows(sql("SELECT queue, from_ms, up_to FROM flux_console_gaps"), |r| (r.text(0), r.int(1), r.int(2))).await.unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
    // More than they can hold is one, when all is heard before the list is looked at: not at every try.
    for n in 0..20 {
        let queue = format!("later-{n}");
        serves(&format!("mail, {queue}")).await;
        let from = 100_000 + n * 10_000;
        fail_at_once(&redis, [("mail", 10 + n..11 + n), (queue.as_str(), from..from + 1_100)]).await;
        eventually("the list is read", SOON, async || archived(&console.state.archive, &queue).await.len() == 1_000).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let noted = db.rows(sql("SELECT queue FROM flux_console_gaps"), |r| r.text(0).unwrap_or_default()).await.unwrap();
        if !noted.is_empty() {
            assert_eq!(noted, [queue]);
            return console.stop().await;
        }
    }
    panic!("no gap was noted");
}

/// Other producers do not trim their lists.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_read_to_its_end() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let all: Vec<String> =
        (0..9_000).map(|i| crate::support::Payload::new(&format!("j-{i}"), "mail").attempts(3, 3).failed("no answer")).collect();
    for part in all.chunks(1_000) {
        redis.push_raw("queue:mail:failed", part).await;
    }
    let console = console(&redis, &database).await;
    each_once(&console.state.archive, "mail", 9_000).await;
    let done = console.state.archive.archiving();
    assert_eq!((done.gaps, done.lost), (0, 0), "{done:?}");
    console.stop().await;
}
