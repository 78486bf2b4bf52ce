//! Every verb of the driver on a real Redis: normal, gone, changed, second click, priority, group, a worker popping at the
//! same time, due jobs, bytes.

mod beside;
mod bulk;
mod carry;
mod crash;
mod discard;
mod due;
pub mod here;
mod lease;
mod moving;
mod pages;
mod promote;
mod purge;
mod push;
mod queue_verbs;
mod retry;
mod twins;

use crate::support::TestRedis;
use flux_console::model::{
    ids::{Fingerprint, Priority, QueueName},
    job::{JobState, JobsPage, Order},
    query::JobsQuery,
    time::Millis,
};
use flux_console::server::driver::redis::{RedisDriver, keys::Keys, search::Top};

/// Long after every payload of these tests was created.
pub const NOW: Millis = Millis(1_795_500_000_000);

pub fn driver(redis: &TestRedis) -> RedisDriver {
    RedisDriver::new(&redis.url, Keys::new("queue:", &["flux_console:".into()])).expect("a URL of our own")
}

pub fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a valid name")
}

/// How often a command was called.
pub async fn calls(redis: &TestRedis, command: &str) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls="))).unwrap_or("0,");
    line.split(',').next().and_then(|n| n.parse().ok()).expect("a number")
}

/// The first page as the queue's page shows it.
pub async fn page(driver: &RedisDriver, name: &str, state: JobState) -> JobsPage {
    let query = JobsQuery { queue: queue(name), state, page: 1, per_page: 200, order: JobsQuery::first_order(state) };
    driver.jobs(&query, NOW).await.expect("a page")
}

pub fn query(name: &str, state: JobState, page: u64, per_page: u64, order: Order) -> JobsQuery {
    JobsQuery { queue: queue(name), state, page, per_page, order }
}

pub fn ids(page: &JobsPage) -> Vec<&str> {
    page.jobs.iter().map(|j| j.id.as_deref().unwrap_or("?")).collect()
}

/// The handle of the job with this id on the first page.
pub async fn handle(driver: &RedisDriver, name: &str, state: JobState, id: &str) -> Fingerprint {
    let page = page(driver, name, state).await;
    page.jobs.iter().find(|j| j.id.as_deref() == Some(id)).unwrap_or_else(|| panic!("no {id} among {:?}", ids(&page))).fingerprint.clone()
}

/// The newest jobs of the base list, as an operation notes them at its start.
pub async fn newest_waiting(driver: &RedisDriver, name: &str) -> Option<Top> {
    let tops = driver.tops(&queue(name), JobState::Waiting).await.expect("lists");
    Priority::ALL.into_iter().zip(tops).find_map(|(p, top)| top.filter(|_| p == Priority::Base))
}
