//! One holder at a time, and a number that tells a late holder from the one after it.

use crate::support::TestRedis;
use flux_console::model::time::Millis;
use flux_console::server::driver::redis::{RedisDriver, keys::Keys, lease::LEASE_MS};
use redis::AsyncCommands;

const NOW: Millis = Millis(1_800_000_000_000);

async fn start() -> (TestRedis, RedisDriver) {
    let redis = TestRedis::start().await;
    let driver = RedisDriver::new(&redis.url, Keys::new("queue:", &[])).expect("a URL");
    (redis, driver)
}

#[tokio::test]
async fn a_lease_has_one_holder_who_renews_it_and_gives_it_back() {
    let (redis, driver) = start().await;
    let first = driver.take_lease("work", "a", NOW).await.unwrap().expect("it is free");
    assert_eq!(driver.take_lease("work", "b", NOW).await.unwrap(), None);
    assert!(driver.take_lease("other work", "b", NOW).await.unwrap().is_some(), "another name is another lease");
    let lease = driver.keys().lease("work");
    let _: () = redis.con.clone().pexpire(&lease, 1_000).await.unwrap();
    assert_eq!(driver.take_lease("work", "a", NOW).await.unwrap(), Some(first), "renewing is the same turn");
    let left: u64 = redis.con.clone().pttl(&lease).await.unwrap();
    assert!((1_001..=LEASE_MS).contains(&left), "{left}");
    driver.drop_lease("work", "b").await.unwrap();
    assert_eq!(driver.take_lease("work", "b", NOW).await.unwrap(), None, "only one's own lease is given back");
    driver.drop_lease("work", "a").await.unwrap();
    driver.drop_lease("work", "a").await.unwrap();
    assert!(driver.take_lease("work", "b", NOW).await.unwrap() > Some(first), "a later turn has a larger number");
}

#[tokio::test]
async fn turns_grow_with_a_clock_that_is_behind_and_with_an_empty_redis() {
    let (redis, driver) = start().await;
    let mut last = 0;
    for at in [NOW, Millis(NOW.0 - 60_000), NOW] {
        let turn = driver.take_lease("work", "a", at).await.unwrap().expect("it is free");
        assert!(turn > last, "{turn} {last}");
        last = turn;
        driver.drop_lease("work", "a").await.unwrap();
    }
    let _: () = redis::cmd("FLUSHALL").query_async(&mut redis.con.clone()).await.unwrap();
    assert!(driver.take_lease("work", "a", Millis(NOW.0 + 60_000)).await.unwrap() > Some(last));
}
