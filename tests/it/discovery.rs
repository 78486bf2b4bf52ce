//! The sampler on a real Redis: everything is found, counted truly, in one bounded round trip a tick, for all browsers at once.

use crate::support::{
    Payload, TestConsole, TestRedis, eventually, now_ms,
    payload::{many, many_dead, payload},
};
use flux_console::model::{
    ids::QueueName,
    live::Link,
    queue::{Paused, QUEUES_FOLLOWED},
};
use flux_console::server::config::Config;
use redis::AsyncCommands;
use std::time::Duration;

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a valid name")
}

/// `count` keys that have nothing to do with queues.
async fn foreign(redis: &TestRedis, count: u64) {
    for from in (0..count).step_by(50_000) {
        let script = redis::Script::new("for i = ARGV[1], ARGV[2] do redis.call('SET', 'session:' .. i, i) end");
        let _: () = script.arg(from).arg((from + 50_000).min(count) - 1).invoke_async(&mut redis.con.clone()).await.expect("SET");
    }
}

async fn commands(redis: &TestRedis, name: &str) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("INFO");
    let line = info.lines().find_map(|l| l.strip_prefix(&format!("cmdstat_{name}:calls="))).unwrap_or("0,");
    line.split(',').next().and_then(|n| n.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_a_thousand_queues_among_six_hundred_thousand_keys() {
    let redis = TestRedis::start().await;
    foreign(&redis, 600_000).await;
    let mut pipe = redis::pipe();
    (0..1_000).for_each(|i| {
        pipe.lpush(format!("queue:tenant:{i}:mail"), payload("j", "x", "")).ignore();
    });
    let _: () = pipe.query_async(&mut redis.con.clone()).await.expect("LPUSH");
    let console = TestConsole::start(Config { url: redis.url.clone(), ..Config::default() }).await;
    eventually("all queues are found and counted", Duration::from_secs(30), async || {
        let s = console.state.snapshot();
        console.state.watching.request(flux_console::server::actions::now());
        s.discovery.complete && s.totals.queues == 1_000
    })
    .await;
    let snapshot = console.state.snapshot();
    assert_eq!(snapshot.totals.waiting, Some(1_000));
    assert_eq!(commands(&redis, "keys").await, 0);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_step_of_the_first_pass_is_long() {
    let redis = TestRedis::start().await;
    foreign(&redis, 50_000).await;
    redis.push_raw("queue:mail", many("m", "mail", 1)).await;
    let mut con = redis.con.clone();
    let mut everything = redis::pipe();
    everything.cmd("CONFIG").arg("SET").arg("slowlog-log-slower-than").arg(0).cmd("CONFIG").arg("SET").arg("slowlog-max-len").arg(10_000);
    let _: () = everything.query_async(&mut con).await.expect("CONFIG");
    let console = redis.console().await;
    type Entry = (u64, u64, u64, Vec<String>, String, String);
    let log: Vec<Entry> = redis::cmd("SLOWLOG").arg("GET").arg(-1).query_async(&mut con).await.expect("SLOWLOG");
    let counts: Vec<u64> =
        log.iter().filter(|e| e.3[0] == "SCAN").map(|e| e.3.last().and_then(|n| n.parse().ok()).expect("COUNT")).collect();
    // By keys, not by time: what else the machine does would be measured, too.
    assert!(counts.len() >= 100 && counts.iter().all(|n| *n <= 1_000), "{counts:?}");
    console.stop().await;
}

/// A number that is shown was measured: keys that came since the last pass were not looked at.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_came_since_are_not_scanned_before_a_pass_came_by_them() {
    let redis = TestRedis::start().await;
    foreign(&redis, 5_000).await;
    let console = redis.console().await;
    let first = console.state.snapshot().discovery;
    assert!((5_000..6_500).contains(&first.scanned), "{first:?}");
    foreign(&redis, 25_000).await;
    let now = || {
        console.state.watching.nudge_queue(&queue("nobody"));
        console.state.snapshot().discovery
    };
    eventually("the new keys are counted", Duration::from_secs(20), async || now().keys >= Some(25_000)).await;
    let told = console.json("/api/v1/overview").await["discovery"].take();
    assert_eq!(told["complete"], true, "{told}");
    assert!(told["scanned"].as_u64().is_some_and(|n| n < 12_000), "{told}");
    eventually("a whole pass came by them", Duration::from_secs(60), async || now().scanned >= 25_000).await;
    assert!(now().scanned < 26_500, "{:?}", now());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_no_scan_found_yet_is_looked_for_when_somebody_asks() {
    let redis = TestRedis::start().await;
    // A pass over these takes five minutes of ticks.
    foreign(&redis, 300_000).await;
    let console = redis.console().await;
    let known = async |name: &str| {
        eventually("it is followed", Duration::from_secs(5), async || console.state.snapshot().queue(&queue(name)).is_some()).await;
    };
    let page = async |name: &str| console.get(&format!("/queues/{name}")).await.text().await.expect("a page");
    let function = async |name: &str| console.post("/api/fn/queue", &serde_json::json!({ "name": name })).await;

    redis.push_raw("queue:opened", many("j", "opened", 3)).await;
    let opened = page("opened").await;
    assert!(opened.contains("j-3") && !opened.contains("There is no queue"), "{opened}");
    known("opened").await;
    redis.push_raw("queue:asked", many("j", "asked", 3)).await;
    assert_eq!(console.json("/api/v1/queues/asked/jobs?state=failed").await["total"], 0);
    known("asked").await;
    redis.push_raw("queue:called:failed", many_dead("f", "called", 2)).await;
    let (status, called) = function("called").await;
    assert_eq!((status, &called["Found"]["failed"]), (200, &serde_json::json!(2)), "{called}");
    known("called").await;

    // A name that is no queue's does not become one, and is not looked for again and again; a known one is not looked for.
    let nobody = page("nobody").await;
    assert!(nobody.contains("Redis holds no list of this name"), "{nobody}");
    let before = commands(&redis, "dbsize").await;
    for _ in 0..50 {
        assert_eq!(function("nobody").await, (200, serde_json::json!("Absent")));
        assert!(function("opened").await.1["Found"].is_object());
    }
    let asked = commands(&redis, "dbsize").await - before;
    assert!(asked < 30, "100 questions, {asked} looks and ticks");
    assert!(console.state.snapshot().queue(&queue("nobody")).is_none());
    console.stop().await;
}

/// Without Redis nobody can say that there is none.
#[tokio::test]
async fn a_queue_that_cannot_be_looked_for_is_not_said_to_be_absent() {
    let console = TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), ..Config::default() }).await;
    let page = console.get("/queues/mail").await.text().await.expect("a page");
    assert!(page.contains("No list of this name was found yet") && !page.contains("Redis holds no list"), "{page}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_appears_drains_and_stays_known() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let see = async |what: &str, is: &dyn Fn(Option<u64>) -> bool| {
        eventually(what, Duration::from_secs(10), async || {
            console.state.watching.request(flux_console::server::actions::now());
            is(console.state.snapshot().queue(&queue("late")).and_then(|q| q.waiting))
        })
        .await;
    };
    assert!(console.state.snapshot().queue(&queue("late")).is_none());
    redis.push_raw("queue:late", many("j", "late", 3)).await;
    see("a new queue is found", &|n| n == Some(3)).await;
    redis.con.clone().del::<_, ()>("queue:late").await.expect("DEL");
    see("its drain is seen, and it stays listed", &|n| n == Some(0)).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_groups_pauses_caps_ages_and_workers() {
    let redis = TestRedis::start().await;
    let now = now_ms();
    redis
        .push_raw(
            "queue:pay",
            [Payload::new("b", "pay").created(now - 5_000).waiting(), Payload::new("a", "pay").created(now - 90_000).waiting()],
        )
        .await;
    redis.push_raw("queue:pay:high", [Payload::new("h", "pay").created(now - 30_000).waiting()]).await;
    redis.push_raw("queue:pending:g1", many("p", "pay", 4)).await;
    redis.push_raw("queue:pending:g2", [r#"{"id":"x","data":"{}"}"#, r#"{"id":"y"}"#]).await;
    redis.push_raw("queue:pending:g3", many("only-behind-a-group", "ghost", 2)).await;
    redis.push_raw("queue:pay:failed", many_dead("f", "pay", 1_000)).await;
    redis.delay_raw("queue:pay:low:delayed", [(payload("d", "pay", ""), now + 1)]).await;
    let mut con = redis.con.clone();
    let _: () = con.set("queue:pay:high:paused", "1").await.expect("SET");
    // Workers take only `1` for a pause.
    redis.push_raw("queue:open", many("o", "open", 1)).await;
    let _: () = con.set("queue:open:paused", "0").await.expect("SET");
    let _: () = con.set_ex("flux_console:worker:w1", r#"{"id":"w1","queues":["pay","idle"]}"#, 60).await.expect("SET");
    let _: () = con.set_ex("queue:worker:w2", r#"{"id":"w2","queues":["pay"]}"#, 60).await.expect("SET");
    let _: () = con.set("queue:wrong", "a string").await.expect("SET");
    let console = redis.console().await;
    eventually("ages and groups are known", Duration::from_secs(10), async || {
        console.state.watching.request(flux_console::server::actions::now());
        let s = console.state.snapshot();
        s.queue(&queue("pay")).is_some_and(|q| q.oldest_waiting_ms.is_some() && q.grouped == 4)
            && s.queue(&queue("ghost")).is_some()
            && s.totals.grouped_unattributed == 2
    })
    .await;
    let snapshot = console.state.snapshot();
    let pay = snapshot.queue(&queue("pay")).expect("pay");
    assert_eq!((pay.waiting, pay.grouped, pay.delayed, pay.failed, pay.failed_at_cap), (Some(7), 4, Some(1), Some(1_000), true));
    assert_eq!((pay.paused, pay.workers, pay.active, pay.grouped_partial), (Paused::Partly, Some(2), None, false));
    assert!((90_000..120_000).contains(&pay.oldest_waiting_ms.expect("an age")), "{pay:?}");
    assert_eq!(snapshot.queue(&queue("open")).map(|q| q.paused), Some(Paused::No));
    let ghost = snapshot.queue(&queue("ghost")).expect("a queue whose only jobs pend");
    assert_eq!((ghost.waiting, ghost.grouped), (Some(2), 2));
    let wrong = snapshot.queue(&queue("wrong")).expect("shown as what it is");
    assert_eq!((wrong.waiting, wrong.problems.len()), (None, 1));
    assert_eq!(snapshot.queue(&queue("idle")).map(|q| q.workers), Some(Some(1)), "a queue that a worker serves exists while it is empty");
    assert_eq!(snapshot.workers, Some(2));
    assert_eq!(snapshot.totals.waiting, None, "one unknown part makes the sum unknown");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_without_redis_keeps_the_last_numbers_and_recovers_by_itself() {
    let mut redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("j", "mail", 3)).await;
    redis.stop();
    let console = TestConsole::start(Config { url: redis.url.clone(), ..Config::default() }).await;
    let status = async |link: Link| {
        eventually("the connection state changes", Duration::from_secs(20), async || console.state.snapshot().connection.status == link)
            .await;
    };
    status(Link::Down).await;
    let response = console.get("/api/v1/queues/mail/jobs?state=waiting").await;
    assert_eq!(response.status().as_u16(), 503);
    redis.restart().await;
    redis.push_raw("queue:mail", many("j", "mail", 5)).await;
    status(Link::Connected).await;
    eventually("it counts", Duration::from_secs(20), async || console.state.snapshot().totals.waiting == Some(5)).await;
    let since = console.state.snapshot().connection.since;
    redis.stop();
    console.state.watching.nudge_queue(&queue("mail"));
    status(Link::Down).await;
    let snapshot = console.state.snapshot();
    assert_eq!(snapshot.totals.waiting, Some(5), "the last numbers stay");
    assert!(snapshot.connection.since > since && snapshot.sampled_at < Some(flux_console::server::actions::now()));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_page_makes_no_queue() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 3)).await;
    redis.push_raw("queue:mail:high", many("h", "mail", 2)).await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
    redis.con.clone().set_ex::<_, _, ()>("queue:worker:w", r#"{"queues":["mail:high","active","mail"]}"#, 60).await.expect("SET");
    let console = redis.console().await;
    let watches: Vec<_> =
        ["mail:failed", "mail:high", "active", "nobody"].map(|name| console.state.watching.stream(Some(queue(name)))).into();
    for name in ["mail:failed", "mail:high", "active"] {
        let (status, problem) = console.post(&format!("/api/v1/queues/{name}/purge"), &serde_json::json!({})).await;
        assert_eq!((status, problem["field"].as_str()), (422, Some("queue")), "{name}: {problem}");
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let snapshot = console.state.snapshot();
    assert_eq!(snapshot.queues.iter().map(|q| q.name.as_str()).collect::<Vec<_>>(), ["mail"]);
    assert_eq!((snapshot.totals.waiting, snapshot.totals.failed), (Some(2), Some(3)));
    drop(watches);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_prefixes_in_one_redis_see_only_their_own() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a", many("j", "a", 1)).await;
    redis.push_raw("app[1]*:b:high", many("j", "b", 2)).await;
    redis.push_raw("app1x:c", many("j", "c", 1)).await;
    let console = TestConsole::start(Config { url: redis.url.clone(), prefix: "app[1]*:".into(), ..Config::default() }).await;
    console.discovered().await;
    let names: Vec<_> = console.state.snapshot().queues.iter().map(|q| (q.name.to_string(), q.waiting)).collect();
    assert_eq!(names, [("b".to_owned(), Some(2))]);
    console.stop().await;
}

/// Names of all queues and how many workers report, once that is as many as `workers` and everything was looked at again.
async fn queues_beside(console: &TestConsole, workers: u64) -> Vec<String> {
    console.discovered().await;
    let watch = console.state.watching.stream(None);
    eventually("the workers are seen", Duration::from_secs(20), async || console.state.snapshot().workers == Some(workers)).await;
    // The console has written its own keys by then, and has scanned over them.
    let at = flux_console::server::actions::now();
    eventually("some more ticks", Duration::from_secs(30), async || {
        console.state.snapshot().sampled_at.is_some_and(|sampled| sampled.0 > at.0 + 3_000)
    })
    .await;
    drop(watch);
    assert_eq!(console.state.snapshot().workers, Some(workers));
    console.state.snapshot().queues.iter().map(|q| q.name.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_prefix_under_the_queue_prefix_makes_no_queues() {
    let redis = TestRedis::start().await;
    redis.push_raw("app:mail", many("j", "mail", 2)).await;
    redis.push_raw("app:monitor:mail", many("m", "monitor:mail", 1)).await;
    redis.push_raw("app:monitor:logs:history", ["{}", "{}"]).await;
    let mut con = redis.con.clone();
    let _: () = con.set_ex("app:monitor:worker:w-1", r#"{"id":"w-1","queues":["mail"]}"#, 120).await.expect("SET");
    let config =
        Config { url: redis.url.clone(), prefix: "app:".into(), monitor_prefixes: vec!["app:monitor:".into()], ..Config::default() };
    let console = TestConsole::start(config).await;
    assert_eq!(queues_beside(&console, 1).await, ["mail", "monitor:mail"]);
    let snapshot = console.state.snapshot();
    assert_eq!(snapshot.totals.waiting, Some(3));
    assert_eq!(snapshot.queue(&queue("mail")).and_then(|q| q.workers), Some(1));
    let (status, problem) = console.post("/api/v1/queues/monitor:logs:history/purge", &serde_json::json!({})).await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("queue")), "{problem}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_prefix_finds_the_queues_and_nothing_else() {
    let redis = TestRedis::start().await;
    redis.push_raw("mail", many("j", "mail", 2)).await;
    redis.push_raw("mail:failed", many_dead("f", "mail", 1)).await;
    redis.push_raw("flux_console:mail", many("m", "flux_console:mail", 1)).await;
    redis.push_raw("flux_console:logs:history", ["{}"]).await;
    let mut con = redis.con.clone();
    let _: () = con.set_ex("flux_console:worker:w-1", r#"{"id":"w-1","queues":["mail"]}"#, 120).await.expect("SET");
    let _: () = con.set_ex("worker:w-2", r#"{"id":"w-2","queues":["mail"]}"#, 120).await.expect("SET");
    // Of the original, of a console on another prefix, and of a schedule that is off.
    for key in ["flux_console:throughput:29923880", "flux_console:metrics:waiting:29923880", "flux_console:0a1b2c3d:metrics:lease"] {
        let _: () = con.set(key, "1").await.expect("SET");
    }
    let _: () = con.set("gravito:zenith:alerts:rules", "[]").await.expect("SET");
    let _: () = con.zadd("queue:schedules", "nightly", 9_999_999_999_999_i64).await.expect("ZADD");
    let _: () = con.hset_multiple("queue:schedule:nightly", &[("id", "nightly"), ("enabled", "false")]).await.expect("HSET");
    let console = TestConsole::start(Config { url: redis.url.clone(), prefix: String::new(), ..Config::default() }).await;
    assert_eq!(queues_beside(&console, 2).await, ["flux_console:mail", "mail"]);
    let own = redis.keys().await.into_iter().filter(|key| key.starts_with("flux_console:") || key.starts_with("gravito:")).count();
    assert!(own > 7, "the console wrote keys of its own: {:?}", redis.keys().await);
    let snapshot = console.state.snapshot();
    assert_eq!((snapshot.totals.waiting, snapshot.totals.failed), (Some(3), Some(1)));
    assert_eq!(snapshot.queue(&queue("mail")).and_then(|q| q.workers), Some(2));
    console.stop().await;
}

/// Ticks that end while `during` goes on, by the time that the snapshot carries.
async fn ticks(console: &TestConsole, during: impl Future<Output = ()>) -> usize {
    let mut snapshots = console.state.snapshots.clone();
    let mut seen = std::collections::BTreeSet::new();
    let first = snapshots.borrow_and_update().sampled_at;
    tokio::pin!(during);
    loop {
        tokio::select! {
            () = &mut during => return seen.len(),
            changed = snapshots.changed() => {
                changed.expect("the sampler goes on");
                seen.extend(snapshots.borrow_and_update().sampled_at.filter(|at| Some(*at) != first));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_over_a_thousand_queues_is_at_most_five_thousand_commands() {
    let redis = TestRedis::start().await;
    for i in 0..1_000 {
        redis.push_raw(&format!("queue:q{i}"), many("j", "q", 2)).await;
    }
    let console = redis.console().await;
    let watch = console.state.watching.stream(None);
    let before = redis.commands().await;
    let seen = ticks(&console, tokio::time::sleep(Duration::from_secs(8))).await as u64;
    let spent = redis.commands().await - before;
    assert!(seen >= 2, "somebody looks");
    // One may have begun before, and one may not have ended; what else a console asks is little.
    assert!(spent <= (seen + 2) * 5_000, "{spent} commands in {seen} ticks");
    drop(watch);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_are_slow_while_nobody_looks() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("j", "mail", 2)).await;
    let console = redis.console().await;
    let alone = ticks(&console, tokio::time::sleep(Duration::from_secs(9))).await;
    assert!(alone <= 2, "{alone} ticks in 9 s, and nobody looks");
    let watch = console.state.watching.stream(None);
    let seen = ticks(&console, tokio::time::sleep(Duration::from_secs(9))).await;
    assert!(seen >= 5, "{seen} ticks in 9 s while somebody looks");
    drop(watch);
    console.stop().await;
}

/// Rules look at what was counted: an alert about a new queue does not wait for two slow ticks.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_found_while_nobody_looks_is_counted_right_after() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:late", many("j", "late", 3)).await;
    let late = queue("late");
    let found = async || console.state.driver.known().queues.contains_key(&late);
    eventually("a slow tick finds it", Duration::from_secs(30), found).await;
    // Slow ticks are ten seconds apart.
    let counted = async || console.state.snapshot().queue(&late).and_then(|q| q.waiting) == Some(3);
    eventually("it is counted", Duration::from_secs(6), counted).await;
    let alone = ticks(&console, tokio::time::sleep(Duration::from_secs(8))).await;
    assert!(alone <= 2, "{alone} ticks in 8 s: slow ones again");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_queues_than_are_followed_are_said_to_be_more() {
    let redis = TestRedis::start().await;
    let mut pipe = redis::pipe();
    (0..=QUEUES_FOLLOWED).for_each(|i| {
        pipe.lpush(format!("queue:q{i}"), "{}").ignore();
    });
    let _: () = pipe.query_async(&mut redis.con.clone()).await.expect("LPUSH");
    let console = redis.console().await;
    let overview = console.json("/api/v1/overview").await;
    assert_eq!(overview["discovery"]["complete"], true, "{overview}");
    assert_eq!(overview["discovery"]["truncated"], true, "{overview}");
    assert_eq!(console.json("/api/v1/queues").await["discovery"]["truncated"], true);
    let page = console.get("/").await.text().await.expect("a page");
    assert!(page.contains("Redis holds more queues than the 20,000 that the console follows"), "{page}");
    assert!(page.contains("≥ "), "sums are lower bounds");
    console.stop().await;
}

/// Of very many queues some hundred are counted in a tick: a page must not say that all of its rows are of the last one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_in_turn_says_between_when_and_when() {
    let redis = TestRedis::start().await;
    let mut pipe = redis::pipe();
    (0..5_000).for_each(|i| {
        pipe.lpush(format!("queue:q{i}"), "{}").ignore();
    });
    let _: () = pipe.query_async(&mut redis.con.clone()).await.expect("LPUSH");
    let console = redis.console().await;
    let watch = console.state.watching.stream(None);
    eventually("the first count is some ticks old", Duration::from_secs(120), async || {
        let s = console.state.snapshot();
        s.totals.queues == 5_000 && s.sampled_at.zip(s.totals.counted_from).is_some_and(|(to, from)| to.0 - from.0 > 5_000)
    })
    .await;
    let snapshot = console.state.snapshot();
    assert_eq!(snapshot.totals.counted_from, snapshot.queues.iter().map(|q| q.sampled_at).min());
    for (path, words) in [("/queues", "Counted between "), ("/", "Measured between ")] {
        let page = console.get(path).await.text().await.expect("a page");
        assert!(page.contains(words), "{path}: {page}");
    }
    drop(watch);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_a_thousand_groups_the_figures_are_lower_bounds() {
    let redis = TestRedis::start().await;
    for i in 0..1_200 {
        redis.push_raw(&format!("queue:pending:g-{i}"), [Payload::new("p", "pay").group(&format!("g-{i}")).waiting()]).await;
    }
    redis.push_raw("queue:pay", many("j", "pay", 1)).await;
    let console = redis.console().await;
    let pay = async || {
        let list = console.json("/api/v1/queues").await;
        list["queues"].as_array().and_then(|all| all.iter().find(|q| q["name"] == "pay").cloned()).unwrap_or_default()
    };
    eventually("groups are counted", Duration::from_secs(30), async || pay().await["grouped"].as_u64() >= Some(1_000)).await;
    let pay = pay().await;
    assert_eq!(pay["groupedPartial"], true, "{pay}");
    assert!(pay["grouped"].as_u64() <= Some(1_200), "{pay}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_key_of_another_type_is_not_counted_as_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:pay", many("j", "pay", 1)).await;
    redis.push_raw("queue:pending:g-1", many("p", "pay", 3)).await;
    let _: () = redis.con.clone().set("queue:pending:g-2", "no list").await.expect("SET");
    let console = redis.console().await;
    let is = async |what: &str, grouped: u64, partial: bool| {
        eventually(what, Duration::from_secs(20), async || {
            console.state.watching.request(flux_console::server::actions::now());
            let s = console.state.snapshot();
            s.totals.grouped_partial == partial
                && s.queue(&queue("pay"))
                    .is_some_and(|q| (q.grouped, q.grouped_partial, q.waiting) == (grouped, partial, Some(1 + grouped)))
        })
        .await;
    };
    is("what can be counted is a lower bound", 3, true).await;
    let diagnosis = console.json("/api/v1/doctor").await;
    let wrong = diagnosis["findings"].as_array().and_then(|all| all.iter().find(|f| f["check"] == "wrong-type").cloned());
    assert_eq!(wrong.unwrap_or_default()["subject"], "queue:pending:g-2", "{diagnosis}");
    redis.con.clone().del::<_, ()>("queue:pending:g-2").await.expect("DEL");
    is("once it is gone, all is counted", 3, false).await;
    console.stop().await;
}
