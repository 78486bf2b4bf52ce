//! What the simulated application does to Redis, compared with its own ledger.

use crate::support::{TestRedis, eventually, redis::id_of};
use flux_console::server::demo::{
    app::App,
    catalogue as of,
    ledger::{Counts, Fate},
    load::{Load, QueueLoad, WorkerLoad},
    open_shop,
};
use futures::StreamExt;
use redis::AsyncCommands;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const QUEUES: [&str; 3] = ["orders", "payments", "mail"];

/// Some 500 jobs a second with retries, groups, priorities and delays; back-off of one second so that a test sees its end.
fn busy() -> Load {
    Load {
        queues: vec![
            QueueLoad::new("orders", of::ORDERS, 380.0, 2, 0.1).priorities(0.1, 0.2, 0.2).attempts(2).backoff(1.0, 1.0),
            QueueLoad::new("payments", of::PAYMENTS, 60.0, 2, 0.1).groups(6).attempts(2).backoff(1.0, 1.0),
            QueueLoad::new("mail", of::MAIL, 60.0, 2, 0.1).delayed(0.5, 1, 1).attempts(1),
        ],
        workers: (0..8)
            .map(|i| {
                WorkerLoad::new(
                    &format!("host-{i}"),
                    if i % 2 == 0 { &["orders", "payments", "mail"] } else { &["mail", "payments", "orders"] },
                )
            })
            .collect(),
        poll: Duration::from_millis(15),
        first_heartbeat: Duration::ZERO,
        keep_ids: true,
        ..Load::default()
    }
}

/// Ids in every list and sorted set but the dead letters.
async fn in_redis(redis: &TestRedis) -> BTreeMap<String, i64> {
    let elements = redis.all_elements().await.into_iter().filter(|(key, _)| !key.ends_with(":failed"));
    let mut ids = BTreeMap::new();
    for element in elements.flat_map(|(_, elements)| elements) {
        *ids.entry(id_of(&element)).or_default() += 1;
    }
    ids
}

async fn drained(redis: &TestRedis, app: &App) {
    eventually("all jobs are done", Duration::from_secs(20), async || in_redis(redis).await.is_empty() && app.ledger.open().is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_job_is_in_one_place_or_done() {
    let redis = TestRedis::start().await;
    let app = App::start(&redis.url, busy()).await.expect("starts");
    let enough = |counts: Counts| counts.pushed > 900 && counts.retried > 0 && counts.dead > 0;
    eventually("there is enough to say something of", Duration::from_secs(30), async || enough(app.ledger.counts())).await;
    // In the middle of it: a worker dies, then everything stops where it is.
    let victim = app.workers().remove(0);
    app.kill_worker(&victim);
    eventually("the worker died", Duration::from_secs(5), async || app.ledger.counts().killed == 1).await;
    let ledger = app.ledger.clone();
    app.stop().await;

    let counts = ledger.counts();
    assert_eq!((counts.broken, counts.unreadable), (0, 0), "{counts:?}");
    assert_eq!(counts.started, counts.completed + counts.failed + counts.killed, "{counts:?}");
    assert_eq!(counts.failed, counts.retried + counts.dead, "{counts:?}");
    assert_eq!(counts.popped, counts.started, "{counts:?}");

    // What came in is what is there, done, dead or taken along.
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for fate in [Fate::Pushed, Fate::Doubled] {
        ledger.ids(fate).into_iter().for_each(|id| *balance.entry(id).or_default() += 1);
    }
    for fate in [Fate::Completed, Fate::Dead, Fate::Killed] {
        ledger.ids(fate).into_iter().for_each(|id| *balance.entry(id).or_default() -= 1);
    }
    for (id, n) in in_redis(&redis).await {
        *balance.entry(id).or_default() -= n;
    }
    balance.retain(|_, n| *n != 0);
    assert!(balance.is_empty(), "lost (1) or made up (-1): {balance:?}, doubled {:?}", ledger.ids(Fate::Doubled));

    let dead: BTreeSet<String> = ledger.ids(Fate::Dead).into_iter().collect();
    let mut listed = 0;
    for queue in QUEUES {
        for element in redis.list(&format!("queue:{queue}:failed")).await {
            assert!(dead.contains(&id_of(&element)));
            listed += 1;
        }
    }
    assert_eq!(listed, counts.dead);
}

/// What a reader of the channel makes of it, as stream-protocol.md says.
#[derive(Default)]
struct Heard {
    counts: Counts,
    open: BTreeMap<String, String>,
    last_failed: BTreeMap<String, String>,
}

impl Heard {
    fn event(&mut self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let (worker, message, job) = (text("workerId"), text("message"), text("jobId"));
        let keys: Vec<&String> = event.as_object().expect("an object").keys().collect();
        assert!(!keys.iter().any(|k| *k == "queue"), "the stock consumer sends no queue");
        let failed = self.last_failed.remove(&worker);
        if message.starts_with("Processing job: ") {
            assert_eq!(message, format!("Processing job: {job}"));
            self.counts.started += 1;
            assert_eq!(self.open.insert(worker, job), None, "one job at a time");
        } else if message.starts_with("Completed job: ") {
            assert_eq!((text("level").as_str(), self.open.remove(&worker)), ("success", Some(job)));
            self.counts.completed += 1;
        } else if message.starts_with("Job failed: ") {
            assert_eq!((text("level").as_str(), self.open.remove(&worker)), ("error", Some(job.clone())));
            self.counts.failed += 1;
            self.last_failed.insert(worker, job);
            return;
        } else if message.starts_with("Job retrying in ") {
            assert_eq!((text("level").as_str(), failed), ("warning", Some(job)));
            self.counts.retried += 1;
            return;
        } else {
            assert!(message.starts_with("Consumer st"), "{message}");
        }
        self.counts.dead += u64::from(failed.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_bracket_every_run() {
    let redis = TestRedis::start().await;
    let mut channel = redis::Client::open(redis.url.as_str()).unwrap().get_async_pubsub().await.expect("subscribes");
    channel.subscribe("flux_console:logs").await.expect("subscribes");
    let app = App::start(&redis.url, busy()).await.expect("starts");
    let ledger = app.ledger.clone();
    tokio::time::sleep(Duration::from_secs(2)).await;
    app.stop_producing();
    drained(&redis, &app).await;
    app.stop().await;

    let mut heard = Heard::default();
    let mut messages = channel.into_on_message();
    while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(300), messages.next()).await {
        heard.event(&serde_json::from_slice(message.get_payload_bytes()).expect("JSON"));
    }
    // A worker's last failure is known as final only by its next event, its goodbye.
    assert!(heard.open.is_empty() && heard.last_failed.is_empty());
    let counts = ledger.counts();
    let of_both = |c: Counts| (c.started, c.completed, c.failed, c.retried, c.dead);
    assert_eq!(of_both(heard.counts), of_both(counts));
    let history = redis.texts("flux_console:logs:history").await;
    assert_eq!(history.len(), 100);
    assert!(history[0].contains("Consumer stopped"));
    // All groups were let go.
    assert!(!redis.keys().await.iter().any(|k| k == "queue:active" || k.starts_with("queue:pending:")));
}

#[tokio::test]
async fn held_jobs_stay_open_and_a_killed_worker_takes_its_job_along() {
    let redis = TestRedis::start().await;
    let app = App::start(&redis.url, busy()).await.expect("starts");
    app.hold();
    eventually("every worker holds a job", Duration::from_secs(5), async || app.ledger.open().len() == 8).await;
    let before = app.ledger.counts();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((app.ledger.counts().completed, app.ledger.open().len()), (before.completed, 8));

    let (victim, job) = app.ledger.open().pop_first().expect("a worker");
    app.kill_worker(&victim);
    eventually("it is dead", Duration::from_secs(2), async || app.ledger.counts().killed == 1).await;
    assert_eq!(app.workers().len(), 7);
    // No goodbye, a heartbeat that lives on, and the job nowhere.
    let ttl: i64 = redis.con.clone().ttl(format!("flux_console:worker:{victim}")).await.unwrap();
    assert!((1..=10).contains(&ttl), "{ttl}");
    assert!(!redis.all_ids().await.contains_key(&job));
    let mine: Vec<String> = redis.texts("flux_console:logs:history").await.into_iter().filter(|e| e.contains(&victim)).collect();
    assert!(mine[0].contains("Processing job"), "{}", mine[0]);

    app.release();
    let open: BTreeSet<String> = app.ledger.open().into_keys().collect();
    assert!(!open.contains(&victim));
    app.stop().await;
}

#[tokio::test]
async fn heartbeats_are_the_librarys() {
    let redis = TestRedis::start().await;
    let app = App::start(&redis.url, busy()).await.expect("starts");
    let id = app.workers().remove(0);
    let key = format!("flux_console:worker:{id}");
    eventually("a heartbeat", Duration::from_secs(2), async || redis.con.clone().exists(&key).await.unwrap_or(false)).await;
    let text: String = redis.con.clone().get(&key).await.unwrap();
    assert!(text.starts_with(&format!(r#"{{"id":"{id}","status":"online","hostname":"host-0","pid":"#)), "{text}");
    let parsed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed["queues"], serde_json::json!(QUEUES));
    for number in ["/uptime", "/metrics/cpu", "/metrics/cores", "/metrics/ram/rss", "/metrics/ram/heapUsed", "/metrics/ram/total"] {
        assert!(parsed.pointer(number).is_some_and(Value::is_number), "{number} in {text}");
    }
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_opens_with_a_history() {
    let redis = TestRedis::start().await;
    let app = open_shop(&redis.url).await.expect("opens");
    let len = async |key: &str| redis.con.clone().llen::<_, u64>(format!("queue:{key}")).await.unwrap();
    let orders = len("orders").await + len("orders:high").await + len("orders:critical").await + len("orders:low").await;
    assert!((18_000..18_400).contains(&orders), "{orders}");
    assert_eq!(len("orders:failed").await, 1000);
    assert_eq!(len("imports:failed").await, 12);
    assert!(len("tenant:1:mail").await >= 1940);
    for paused in ["", ":critical", ":high", ":low"] {
        let flag: String = redis.con.clone().get(format!("queue:images:resize{paused}:paused")).await.unwrap();
        assert_eq!(flag, "1");
    }
    let delayed: u64 = redis.con.clone().zcard("queue:billing:dunning:delayed").await.unwrap();
    assert!(delayed >= 400, "{delayed}");
    assert!(redis.con.clone().scard::<_, u64>("queue:active").await.unwrap() > 0);
    app.stop().await;
}
