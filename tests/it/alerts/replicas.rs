//! Three consoles, the evaluating one killed in the middle: each message once.

use super::{SOON, backlog, empty, hold_back, push, store, told};
use crate::support::{Replica, TestRedis, eventually};
use flux_console::model::time::Millis;
use flux_console::server::driver::redis::{
    RedisDriver,
    alerts::{LEASE, Turn, Turned},
    keys::Keys,
};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

async fn holder(redis: &TestRedis) -> Option<u32> {
    let lease = redis.keys().await.into_iter().find(|k| k.ends_with(":alerts:lease"))?;
    let token: Option<String> = redis.con.clone().get(lease).await.expect("GET");
    token?.split(':').next()?.parse().ok()
}

async fn kill_evaluator(redis: &TestRedis, replicas: &mut Vec<Replica>) {
    let mut evaluator = None;
    eventually("somebody evaluates", SOON, async || {
        evaluator = holder(redis).await;
        evaluator.is_some_and(|id| replicas.iter().any(|r| r.process_id() == id))
    })
    .await;
    let at = replicas.iter().position(|r| Some(r.process_id()) == evaluator).expect("one of ours");
    replicas.swap_remove(at).kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_consoles_and_two_kills_say_everything_once() {
    let redis = TestRedis::start().await;
    hold_back(&redis).await;
    let rules = ["a*", "b*", "c*"].map(|queue| backlog(3, 30.0, json!({ "id": queue, "queue": queue })));
    store(&redis, &json!(rules)).await;
    let mut replicas = vec![Replica::start(&redis), Replica::start(&redis), Replica::start(&redis)];
    for replica in &replicas {
        replica.listens().await;
    }
    for queue in ["a1", "a2"] {
        push(&redis, queue, 5).await;
    }
    eventually("the first fire", SOON, async || told(&redis).await.len() == 2).await;
    for replica in &replicas {
        eventually("each shows them", SOON, async || replica.json("/api/v1/overview").await["alerts"]["firing"] == 2).await;
    }
    // At the moment of a kill one is to fire and one is to be resolved.
    push(&redis, "b1", 5).await;
    empty(&redis, "a1").await;
    kill_evaluator(&redis, &mut replicas).await;
    eventually("the next one goes on", SOON, async || told(&redis).await.len() == 4).await;
    push(&redis, "c1", 5).await;
    empty(&redis, "b1").await;
    tokio::time::sleep(Duration::from_millis(1_900)).await;
    kill_evaluator(&redis, &mut replicas).await;
    eventually("and the last one", SOON, async || told(&redis).await.len() == 6).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut all = told(&redis).await;
    all.sort();
    assert_eq!(all, ["fired a* a1", "fired a* a2", "fired b* b1", "fired c* c1", "resolved a* a1", "resolved b* b1"]);
    let page = replicas[0].json("/api/v1/alerts").await;
    assert_eq!((page["total"].as_u64(), page["firing"].as_array().map(Vec::len)), (Some(6), Some(2)));
}

#[tokio::test]
async fn a_change_is_made_once_by_the_holder_from_the_state_that_is_there() {
    let redis = TestRedis::start().await;
    let driver = RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL");
    driver.take_lease(LEASE, "one", Millis(1)).await.unwrap().expect("free");
    let turn = Turn { field: "f", before: "", after: "firing", message: "{}" };
    assert_eq!(driver.turn_alert("two", &turn).await.unwrap(), Turned::NotHolder);
    assert_eq!(driver.turn_alert("one", &turn).await.unwrap(), Turned::Done);
    // After a lost answer, and by a successor that believes the old state.
    assert_eq!(driver.turn_alert("one", &turn).await.unwrap(), Turned::Otherwise);
    driver.drop_lease(LEASE, "one").await.unwrap();
    driver.take_lease(LEASE, "two", Millis(2)).await.unwrap().expect("free");
    assert_eq!(driver.turn_alert("two", &turn).await.unwrap(), Turned::Otherwise);
    assert_eq!(driver.turn_alert("one", &Turn { before: "firing", after: "", ..turn }).await.unwrap(), Turned::NotHolder, "too late");
    assert_eq!(driver.turn_alert("two", &Turn { before: "firing", after: "", message: "", ..turn }).await.unwrap(), Turned::Done);
    let look = driver.alerts(0, 10).await.unwrap();
    assert_eq!((look.history, look.history_len, look.seq, look.states.len()), (vec![r#"{"seq":1,"message":{}}"#.to_owned()], 1, 1, 0));
    assert_eq!(super::outbox(&redis).await.len(), 1);
    // What was said without Redis is written once.
    for _ in 0..2 {
        driver.note_alerts("x", &[("{}".into(), false), ("{}".into(), true)]).await.unwrap();
    }
    assert_eq!((super::history(&redis).await.len(), super::outbox(&redis).await.len()), (3, 2));
}
