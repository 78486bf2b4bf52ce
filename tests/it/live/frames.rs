//! Figures in Redis: only the holder of the lease writes, and only behind the mark. And what moves through a queue.

use crate::support::{TestRedis, eventually, payload::payload};
use flux_console::model::time::Millis;
use flux_console::server::driver::redis::{
    RedisDriver,
    keys::Keys,
    metrics::{LEASE, Originals, Written, Wrote},
};
use redis::AsyncCommands;
use std::time::Duration;

fn frame(at: i64) -> Vec<Written> {
    vec![Written { step: 1, at, json: format!(r#"{{"at":{at}}}"#), ttl: 60 }]
}

async fn holds(driver: &RedisDriver, token: &str) -> bool {
    driver.take_lease(LEASE, token, Millis(1_800_000_000_000)).await.unwrap().is_some()
}

#[tokio::test]
async fn a_writer_that_lost_the_lease_writes_nothing() {
    let redis = TestRedis::start().await;
    let driver = RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL");
    assert!(holds(&driver, "a").await);
    assert_eq!(driver.mark().await.unwrap(), None);
    let count = Originals { throughput: vec![(7, 3)], gauges: vec![("waiting", 7, 5)] };
    assert_eq!(driver.write_frames("a", 100, 101, &frame(101), &count).await.unwrap(), Wrote::Done);
    // The same once more, as after a lost answer: the mark has moved on.
    assert_eq!(driver.write_frames("a", 100, 101, &frame(101), &count).await.unwrap(), Wrote::Done);
    let counted: u64 = redis.con.clone().get("flux_console:throughput:7").await.unwrap();
    let waiting: u64 = redis.con.clone().get("flux_console:metrics:waiting:7").await.unwrap();
    assert_eq!((counted, waiting), (3, 5), "counted once");
    assert_eq!(driver.write_frames("b", 101, 102, &frame(102), &count).await.unwrap(), Wrote::NotHolder);
    // Its lease is over, another console writes, and then it wakes up.
    let _: () = redis.con.clone().del(driver.keys().lease(LEASE)).await.unwrap();
    assert!(holds(&driver, "b").await);
    assert_eq!(driver.mark().await.unwrap(), Some(101));
    assert_eq!(driver.write_frames("a", 101, 103, &frame(103), &count).await.unwrap(), Wrote::NotHolder);
    assert_eq!(driver.write_frames("b", 99, 104, &frame(104), &count).await.unwrap(), Wrote::MarkIs(101), "an old mark");
    assert_eq!(driver.frames(1, &[101, 102, 103, 104]).await.unwrap(), [br#"{"at":101}"#.to_vec()]);
}

#[tokio::test]
async fn keys_of_another_type_do_not_stop_the_writer() {
    let redis = TestRedis::start().await;
    let driver = RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL");
    let _: () = redis.con.clone().lpush("flux_console:throughput:7", "not a counter").await.unwrap();
    assert!(holds(&driver, "a").await);
    let count = Originals { throughput: vec![(7, 3)], gauges: Vec::new() };
    assert_eq!(driver.write_frames("a", 100, 101, &frame(101), &count).await.unwrap(), Wrote::Done);
    assert_eq!(redis.texts("flux_console:throughput:7").await, ["not a counter"]);
}

/// A queue with a worker of its own: what comes in is the change of its backlog and the runs that started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_in_and_goes_out_is_measured() {
    let redis = TestRedis::start().await;
    redis.beat("w", &["mail"], 120_000).await;
    let console = redis.console().await;
    console.listens().await;
    // Four a second come in, two a second are taken.
    let feed = async {
        for i in 0..120_u32 {
            for part in 0..2 {
                let id = format!("j{i}-{part}");
                let _: u64 = redis.con.clone().lpush("queue:mail", payload(&id, "mail", "")).await.unwrap();
            }
            let taken: Vec<u8> = redis.con.clone().rpop("queue:mail", None).await.unwrap();
            let id = crate::support::redis::id_of(&taken);
            redis.say("w", Some(&id), &format!("Processing job: {id}")).await;
            redis.say("w", Some(&id), &format!("Completed job: {id}")).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let measured = async {
        let flow = async || console.json("/api/v1/queues").await["queues"][0]["flow"].take();
        let near = |value: &serde_json::Value, expected: f64| value.as_f64().is_some_and(|v| (v - expected).abs() < expected * 0.2);
        eventually("both rates are right", Duration::from_secs(58), async || {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let flow = flow().await;
            near(&flow["outPerSecond"], 2.0) && near(&flow["inPerSecond"], 4.0)
        })
        .await;
        let flow = flow().await;
        assert!(flow["spark"].as_array().unwrap().iter().any(|n| n.as_u64() > Some(0)), "{flow}");
        assert_eq!(flow["failedLately"], 0);
    };
    tokio::select! {
        () = feed => panic!("the rates were not right in a minute"),
        () = measured => {}
    }
    console.stop().await;
}
