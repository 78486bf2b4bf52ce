//! Three consoles, the evaluating one killed in the middle: each message once.

use super::{SOON, backlog, empty, hold_back, push, store, told};
use crate::{
    notify::{self, FLAGS},
    support::{Receiver, Replica, Reply, Smtp, TestRedis, eventually, smtp::Manners},
};
use flux_console::model::time::Millis;
use flux_console::server::driver::redis::{
    RedisDriver,
    alerts::{LEASE, Turn, Turned},
    channels::LEASE as DELIVER,
    keys::Keys,
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

async fn holder(redis: &TestRedis, lease: &str) -> Option<u32> {
    let token: Option<String> = redis.con.clone().get(Keys::new("queue:", &[]).lease(lease)).await.expect("GET");
    token?.split(':').next()?.parse().ok()
}

/// Kills the replica that holds a lease.
async fn kill_holder(redis: &TestRedis, lease: &str, replicas: &mut Vec<Replica>) {
    let mut found = None;
    eventually(&format!("somebody holds the lease {lease}"), SOON, async || {
        found = holder(redis, lease).await;
        found.is_some_and(|id| replicas.iter().any(|r| r.process_id() == id))
    })
    .await;
    let at = replicas.iter().position(|r| Some(r.process_id()) == found).expect("one of ours");
    replicas.swap_remove(at).kill();
}

async fn kill_evaluator(redis: &TestRedis, replicas: &mut Vec<Replica>) {
    kill_holder(redis, LEASE, replicas).await;
}

/// From rules to receivers over everything that can happen on the way: a time to hold, tries that fail, kills of whoever
/// evaluates and of whoever delivers, the end, the cool-down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receivers_get_exactly_what_happened() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([Reply::Say(500, "no"), Reply::Say(503, "no")]).await;
    let smtp = Smtp::start(Manners::default()).await;
    notify::store(
        &redis,
        &json!({
            "webhook": { "enabled": true, "url": webhook.url },
            "email": { "enabled": true, "smtpHost": "127.0.0.1", "smtpPort": smtp.at.port(), "from": "flux@example.com", "to": "ops@example.com" },
        }),
    )
    .await;
    let held = backlog(3, 30.0, json!({ "id": "a", "name": "A", "queue": "a*", "holdSeconds": 4 }));
    let at_once = backlog(3, 30.0, json!({ "id": "b", "name": "B", "queue": "b*" }));
    store(&redis, &json!([held, at_once])).await;
    let mut replicas = vec![Replica::with(&redis, &FLAGS), Replica::with(&redis, &FLAGS), Replica::with(&redis, &FLAGS)];
    for replica in &replicas {
        replica.listens().await;
    }
    let posted = || {
        let word = |g: &Value, name: &str| g[name].as_str().unwrap_or("?").to_owned();
        webhook.got().iter().map(|g| g.json()).map(|g| format!("{} {}", word(&g, "kind"), word(&g, "subject"))).collect::<Vec<_>>()
    };
    let mailed = || {
        let subject = |text: String| text.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap_or("?").to_owned();
        smtp.mails().into_iter().map(|mail| subject(mail.text)).collect::<Vec<_>>()
    };
    let under_way = async || redis.con.clone().hgetall::<_, BTreeMap<String, String>>(notify::key("delivering")).await.expect("HGETALL");

    push(&redis, "a1", 5).await;
    // The mail is settled and the webhook refused, and both are noted: now whoever delivers ends.
    eventually("the first try failed", SOON, async || {
        let all = under_way().await;
        webhook.count() == 1
            && mailed().len() == 1
            && !all.keys().any(|k| k.starts_with("s:email:"))
            && all.values().any(|v| v.contains("HTTP 500"))
    })
    .await;
    kill_holder(&redis, DELIVER, &mut replicas).await;
    eventually("the next one goes on", SOON * 2, async || webhook.count() >= 3 && notify::done(&redis).await).await;
    // Its end begins to hold; now whoever evaluates ends.
    empty(&redis, "a1").await;
    eventually("it clears", SOON, async || {
        let states: BTreeMap<String, String> = redis.con.clone().hgetall(Keys::new("queue:", &[]).alert_states()).await.expect("HGETALL");
        states.values().any(|state| state.contains("clear"))
    })
    .await;
    kill_evaluator(&redis, &mut replicas).await;
    eventually("its end is told", SOON * 2, async || posted().len() >= 4 && mailed().len() >= 2 && notify::done(&redis).await).await;
    // Silent within the cool-down; what fires beside it shows that somebody looked.
    push(&redis, "a1", 5).await;
    push(&redis, "b1", 5).await;
    // Nobody has looked at this console for a while: a tick in ten seconds finds the queue, the next one counts it.
    eventually("the other one fires", SOON * 2, async || posted().len() >= 5 && mailed().len() >= 3 && notify::done(&redis).await).await;
    empty(&redis, "b1").await;
    eventually("and is over", SOON, async || posted().len() >= 6 && mailed().len() >= 4 && notify::done(&redis).await).await;
    assert_eq!(posted(), ["fired a1", "fired a1", "fired a1", "resolved a1", "fired b1", "resolved b1"], "two tries failed");
    assert_eq!(mailed(), ["Fired: A", "Resolved: A", "Fired: B", "Resolved: B"]);
    let ids: BTreeSet<String> = webhook.got()[..3].iter().map(|g| g.header("x-flux-console-id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "all tries are of one alert");
    assert_eq!(replicas[0].json("/api/v1/alerts/undelivered").await["alerts"], json!([]));
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
    let state = [("down".to_owned(), r#"{"fired":1}"#.to_owned())];
    for _ in 0..2 {
        driver.note_alerts("x", &state, &[("{}".into(), false), ("{}".into(), true)]).await.unwrap();
    }
    assert_eq!((super::history(&redis).await.len(), super::outbox(&redis).await.len()), (3, 2));
    assert_eq!(driver.alerts(0, 0).await.unwrap().states, state);
}

/// A key of another type is refused before anything is written, so that the same request can be made again.
#[tokio::test]
async fn a_change_is_all_of_it_or_nothing() {
    let redis = TestRedis::start().await;
    let driver = RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL");
    let keys = Keys::new("queue:", &[]);
    let mut con = redis.con.clone();
    driver.take_lease(LEASE, "one", Millis(1)).await.unwrap().expect("free");
    for odd in [keys.alert_outbox(), keys.alert_history(), keys.alert_seq(), keys.alert_states()] {
        let _: () = con.sadd(&odd, "x").await.unwrap();
        let before = redis.keys().await;
        assert!(driver.turn_alert("one", &Turn { field: "f", before: "", after: "firing", message: "{}" }).await.is_err(), "{odd}");
        assert!(driver.note_alerts("x", &[("f".into(), "s".into())], &[("{}".into(), true)]).await.is_err(), "{odd}");
        assert_eq!(redis.keys().await, before, "{odd}");
        let _: u64 = con.del(&odd).await.unwrap();
    }
    driver.note_alerts("x", &[("f".into(), "s".into())], &[("{}".into(), true)]).await.unwrap();
    assert_eq!(driver.alerts(0, 10).await.unwrap().history.len(), 1);
}
