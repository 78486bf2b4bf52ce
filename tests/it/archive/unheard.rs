//! Failures of which no event tells: the library's monitor is off. Each list is cut at a thousand, whoever looks.

use super::archiver::console;
use crate::support::{Database, DatabaseKind, Payload, TestRedis, eventually};
use flux_console::server::archive::sql::sql;
use std::time::Duration;

const LISTS: usize = 1_000;
/// Every fifth list gets a failure now and then; every hundred and seventieth many: beyond a thousand in less time than it takes to look
/// into a thousand lists one by one.
const FEW: usize = 5;
const MANY: usize = 170;
const STEPS: usize = 50;
const AT_ONCE: usize = 30;

fn name(list: usize) -> String {
    format!("q-{list:03}")
}

/// As the library leaves it, without a word.
fn fail(pipe: &mut redis::Pipeline, list: usize, id: &str) {
    let queue = name(list);
    let payload = Payload::new(id, &queue).attempts(3, 3).failed("PaymentTimeout: no answer").into_bytes();
    let key = format!("queue:{queue}:failed");
    pipe.cmd("LPUSH").arg(&key).arg(payload).ignore();
    pipe.cmd("LTRIM").arg(&key).arg(0).arg(999).ignore();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_that_nobody_hears_of_are_not_missed() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    for list in 0..LISTS {
        redis.push_raw(&format!("queue:{}", name(list)), [Payload::new("waits", &name(list)).waiting()]).await;
    }
    let console = console(&redis, &database).await;
    let leads = async || console.state.archive.archiving().leading;
    eventually("it archives", Duration::from_secs(20), leads).await;
    let mut failed = 0_u64;
    for step in 0..STEPS {
        let mut pipe = redis::pipe();
        for list in (0..LISTS).step_by(MANY) {
            for n in 0..AT_ONCE {
                fail(&mut pipe, list, &format!("many-{list}-{step}-{n}"));
                failed += 1;
            }
        }
        for list in (0..LISTS).step_by(FEW).filter(|list| list / FEW % 10 == step % 10) {
            fail(&mut pipe, list, &format!("few-{list}-{step}"));
            failed += 1;
        }
        pipe.query_async::<()>(&mut redis.con.clone()).await.expect("written");
        // Never faster than that: where the machine is busy, the console has as much more time.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let db = console.state.archive.db().expect("open");
    let archived = async || {
        let text = "SELECT COUNT(DISTINCT job_id) FROM flux_job_archive WHERE status = 'failed'";
        db.one(sql(text), |row| row.count(0)).await.expect("a count").unwrap_or(0)
    };
    eventually("all are archived", Duration::from_secs(120), async || archived().await == failed).await;
    let done = console.state.archive.archiving();
    assert_eq!((done.dead, done.gaps, done.lost), (failed, 0, 0), "{done:?}");
    console.stop().await;
}
