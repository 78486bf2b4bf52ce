use super::{bulk::ended, here::Between, *};
use crate::support::{
    Payload,
    payload::{many, many_dead, payload},
    redis::id_of,
};
use flux_console::model::{
    ids::Priority,
    operation::{OperationStatus, Outcome, Verb},
};
use flux_console::server::{
    actions,
    driver::redis::{DelayedOneByOne, OneByOne, due::Served},
};
use redis::AsyncCommands;

#[tokio::test]
async fn clear_failed_and_restore_bring_back_the_same_list() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 1_000)).await;
    let before = redis.list("queue:mail:failed").await;
    let operation = ended(&console, actions::clear_failed(&console.state, &queue("mail"), true).await.expect("started")).await;
    assert_eq!((operation.status, operation.outcome.done), (OperationStatus::Done, 1_000));
    assert!(redis.list("queue:mail:failed").await.is_empty());
    let trash = operation.outcome.trash.expect("it can be restored");
    let restored = ended(&console, actions::restore(&console.state, &trash).await.expect("started")).await;
    assert_eq!(restored.outcome.done, 1_000);
    assert_eq!(redis.list("queue:mail:failed").await, before);
    assert_eq!(
        redis.con.clone().ttl::<_, i64>("queue:mail:failed").await.expect("TTL"),
        -1,
        "the backstop of the trash must not follow it"
    );
    assert_eq!(actions::restore(&console.state, &trash).await.expect_err("gone").status(), 404);
    console.stop().await;
}

#[tokio::test]
async fn a_restored_list_goes_behind_what_came_since() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:mail", many("old", "mail", 1_200)).await;
    let operation =
        ended(&console, actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started")).await;
    assert_eq!(operation.outcome.done, 1_200);
    redis.push_raw("queue:mail", many("new", "mail", 2)).await;
    ended(&console, actions::restore(&console.state, &operation.outcome.trash.expect("an id")).await.expect("started")).await;
    let order: Vec<_> = redis.list("queue:mail").await.iter().rev().map(|raw| id_of(raw)).collect();
    assert_eq!((order.len(), order[0].as_str(), order[1199].as_str(), order[1200].as_str()), (1_202, "old-1", "old-1200", "new-1"));
    console.stop().await;
}

#[tokio::test]
async fn purge_takes_the_whole_queue_completes_its_groups_and_leaves_other_queues_jobs() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a", [Payload::new("holder", "a").group("g").waiting(), Payload::new("plain", "a").waiting()]).await;
    redis.push_raw("queue:a:high", many("h", "a", 150)).await;
    redis
        .push_raw(
            "queue:pending:g",
            [Payload::new("mine-1", "a"), Payload::new("theirs", "b"), Payload::new("mine-2", "a")].map(|j| j.group("g").waiting()),
        )
        .await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", "g").await.expect("SADD");
    redis.push_raw("queue:a:failed", many_dead("f", "a", 10)).await;
    redis.delay_raw("queue:a:low:delayed", [(payload("d", "a", ""), crate::support::now_ms() + 600_000)]).await;
    redis.push_raw("queue:ab", many("other", "ab", 3)).await;
    let console = redis.console().await;
    let before = redis.all_ids().await;
    let operation = ended(&console, actions::purge(&console.state, &queue("a"), true).await.expect("started")).await;
    assert_eq!((operation.status, operation.outcome.done), (OperationStatus::Done, 1 + 1 + 150 + 2 + 10 + 1), "{operation:?}");
    // Completing the group released the other queue's job, where the library would have put it.
    assert_eq!(redis.list("queue:a").await.iter().map(|raw| id_of(raw)).collect::<Vec<_>>(), ["theirs"]);
    assert!(redis.con.clone().sismember::<_, _, bool>("queue:active", "g").await.expect("SISMEMBER"));
    assert_eq!(redis.list("queue:ab").await.len(), 3);
    assert_eq!(redis.all_ids().await, before, "everything is in the queue or in the trash");
    ended(&console, actions::restore(&console.state, &operation.outcome.trash.expect("an id")).await.expect("started")).await;
    assert_eq!(redis.all_ids().await, before);
    assert_eq!(redis.list("queue:a:failed").await.len(), 10);
    console.stop().await;
}

#[tokio::test]
async fn a_purge_without_undo_leaves_nothing() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a", many("w", "a", 500)).await;
    redis.push_raw("queue:a:failed", many_dead("f", "a", 10)).await;
    let console = redis.console().await;
    let operation = ended(&console, actions::purge(&console.state, &queue("a"), false).await.expect("started")).await;
    assert_eq!((operation.outcome.done, operation.outcome.trash), (510, None));
    assert!(redis.all_ids().await.is_empty());
    assert_eq!(actions::trash(&console.state).await.expect("a list"), []);
    console.stop().await;
}

#[tokio::test]
async fn due_jobs_stay_in_a_purge_while_a_worker_serves_the_queue() {
    let redis = TestRedis::start().await;
    redis.con.clone().set::<_, _, ()>("flux_console:worker:w1", r#"{"id":"w1","queues":["a"]}"#).await.expect("SET");
    let now = crate::support::now_ms();
    redis.delay_raw("queue:a:delayed", (0..300).map(|i| (payload(&format!("due-{i}"), "a", ""), now - 1_000))).await;
    redis.delay_raw("queue:a:delayed", (0..300).map(|i| (payload(&format!("later-{i}"), "a", ""), now + 600_000))).await;
    redis.delay_raw("queue:a:high:delayed", [(payload("due", "a", ""), now - 1_000), (payload("later", "a", ""), now + 600_000)]).await;
    let console = redis.console().await;
    let operation = ended(&console, actions::purge(&console.state, &queue("a"), true).await.expect("started")).await;
    assert_eq!(
        (operation.outcome.done, redis.zset("queue:a:delayed").await.len(), redis.zset("queue:a:high:delayed").await.len()),
        (301, 300, 1)
    );
    console.stop().await;
}

#[tokio::test]
async fn jobs_delayed_after_the_start_stay_though_they_are_due_last() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let since = |id: &str| Payload::new(id, "a").created(NOW.0 + 1).waiting();
    redis.delay_raw("queue:a:delayed", (0..300).map(|i| (payload(&format!("due-{i}"), "a", ""), NOW.0 - 1_000))).await;
    redis.delay_raw("queue:a:delayed", (0..300).map(|i| (payload(&format!("later-{i:03}"), "a", ""), NOW.0 + 10_000 + i))).await;
    let trash = driver.open_trash(&queue("a"), Verb::Discard, NOW).await.expect("an entry");
    let (mut outcome, mut served) = (Outcome::default(), Served::asked(true, NOW));
    let whole = driver.trash_delayed(&queue("a"), Priority::Base, &trash, &mut served, || NOW, &mut outcome).await;
    assert!(!whole.expect("an answer"), "many are due");
    // 600 were there. While it goes one by one, later ones come: behind all others, and among them.
    let mut set = DelayedOneByOne::new(Priority::Base, 600, NOW);
    let mut came = 0;
    loop {
        redis.delay_raw("queue:a:delayed", [(since(&format!("behind-{came}")), NOW.0 + 900_000 + came)]).await;
        redis.delay_raw("queue:a:delayed", [(since(&format!("among-{came}")), NOW.0 + 10_001)]).await;
        came += 1;
        assert!(came < 100, "it ends");
        let more = driver.discard_delayed_step(&queue("a"), &mut set, &trash, &mut served, || NOW, &mut outcome).await;
        if !more.expect("a step") {
            break;
        }
    }
    assert_eq!((outcome.done, outcome.gone, outcome.due), (300, 0, 300));
    let left: Vec<_> = redis.zset("queue:a:delayed").await.iter().map(|(raw, _)| id_of(raw)).collect();
    assert_eq!(left.iter().filter(|id| id.starts_with("due-")).count(), 300);
    assert_eq!(left.len() as i64, 300 + 2 * came, "what came since is all there");
}

/// One is delayed to a later time than all others between two commands of a step, and what is read twice is large: the step brings less
/// than it might, and is not the last one.
#[tokio::test]
async fn large_delayed_jobs_all_go_while_others_are_delayed() {
    let redis = TestRedis::start().await;
    let between = Between::start(&redis).await;
    let (driver, a) = (&between.driver, queue("a"));
    let large = format!(r#","text":"{}""#, "x".repeat(50_000));
    redis.delay_raw("queue:a:delayed", (0..6).map(|i| (payload(&format!("j-{i}"), "a", &large), NOW.0 + 10_000 + i))).await;
    let trash = driver.open_trash(&a, Verb::Discard, NOW).await.expect("an entry");
    let mut meanwhile = redis::pipe();
    meanwhile.zadd("queue:a:delayed", Payload::new("since", "a").created(NOW.0 + 1).waiting(), NOW.0 + 900_000).ignore();
    between.before("ZREVRANGEBYSCORE", "queue:a:delayed", 2, meanwhile);
    let (mut set, mut served, mut outcome) = (DelayedOneByOne::new(Priority::Base, 6, NOW), Served::asked(false, NOW), Outcome::default());
    while driver.discard_delayed_step(&a, &mut set, &trash, &mut served, || NOW, &mut outcome).await.expect("a step") {}
    assert_eq!((outcome.done, outcome.gone), (6, 0));
    assert_eq!(redis.zset("queue:a:delayed").await.iter().map(|(raw, _)| id_of(raw)).collect::<Vec<_>>(), ["since"]);
}

#[tokio::test]
async fn a_list_to_which_jobs_came_is_not_deleted_whole() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:a", many("old", "a", 20)).await;
    let top = newest_waiting(&driver, "a").await;
    let trash = driver.open_trash(&queue("a"), Verb::Purge, NOW).await.expect("an entry");
    let mut outcome = Outcome::default();
    redis.con.clone().lpush::<_, _, ()>("queue:a", Payload::new("since", "a").created(NOW.0 + 1).waiting()).await.expect("LPUSH");
    assert!(!driver.trash_waiting(&queue("a"), Priority::Base, top.as_ref(), &trash, &mut outcome).await.expect("an answer"));
    let mut list = OneByOne::new(Priority::Base, 20, top, NOW);
    while driver.discard_step(&queue("a"), &mut list, &trash, &mut outcome).await.expect("a step") {}
    assert_eq!(outcome.done, 20);
    assert_eq!(redis.list("queue:a").await.iter().map(|raw| id_of(raw)).collect::<Vec<_>>(), ["since"]);
}

/// Workers take some of those that were to go, and as many are retried: these were created long ago, and came since. That happens
/// before the list is deleted whole, while a part is read, and when it was read.
#[tokio::test]
async fn what_is_retried_since_is_not_deleted_in_place_of_what_workers_took() {
    let old = many("old", "mail", 1_000);
    let retried = many("retried", "mail", 50);
    let mut meanwhile = redis::pipe();
    // Once.
    let script = "if redis.call('SETNX', 'once', 1) == 0 then return end
        redis.call('RPOP', KEYS[1], 50)
        redis.call('LPUSH', KEYS[1], unpack(ARGV))";
    meanwhile.cmd("EVAL").arg(script).arg(1).arg("queue:mail").arg(&retried).ignore();
    for (verb, from) in [("EVALSHA", 1), ("LRANGE", 1), ("LRANGE", 4), ("EVALSHA", 2)] {
        let redis = TestRedis::start().await;
        redis.push_raw("queue:mail", &old).await;
        let between = Between::start(&redis).await;
        let (driver, mail) = (&between.driver, queue("mail"));
        driver.load_scripts().await.expect("loaded");
        let top = newest_waiting(driver, "mail").await;
        let trash = driver.open_trash(&mail, Verb::Discard, NOW).await.expect("an entry");
        let mut outcome = Outcome::default();
        // While a group is active it does not go whole anyway.
        if (verb, from) != ("EVALSHA", 1) {
            redis.con.clone().sadd::<_, _, ()>("queue:active", "elsewhere").await.expect("SADD");
        }
        between.before(verb, "queue:mail", from, meanwhile.clone());
        let whole = driver.trash_waiting(&mail, Priority::Base, top.as_ref(), &trash, &mut outcome).await.expect("an answer");
        assert!(!whole, "before {verb} {from}");
        let mut list = OneByOne::new(Priority::Base, 1_000, top, NOW);
        while driver.discard_step(&mail, &mut list, &trash, &mut outcome).await.expect("a step") {}
        let mut left: Vec<_> = redis.list("queue:mail").await.iter().map(|raw| id_of(raw)).collect();
        left.sort();
        let mut expected: Vec<_> = retried.iter().map(|raw| id_of(raw.as_bytes())).collect();
        expected.sort();
        assert_eq!((outcome.done, left), (950, expected), "before {verb} {from}");
    }
}

/// A producer goes on pushing into a group whose queue is being purged.
#[tokio::test]
async fn what_came_to_a_group_since_stays_behind_it() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    let job = |id: &str, queue: &str, at: i64| Payload::new(id, queue).group("g").created(at).waiting();
    let theirs = job("theirs", "b", NOW.0 - 1);
    let jobs =
        [job("old-1", "a", NOW.0 - 2), theirs, job("old-2", "a", NOW.0), job("since-1", "a", NOW.0 + 1), job("since-2", "a", NOW.0 + 2)];
    redis.push_raw("queue:pending:g", jobs).await;
    let trash = driver.open_trash(&queue("a"), Verb::Purge, NOW).await.expect("an entry");
    let (mut outcome, mut from) = (Outcome::default(), Some(0));
    while let Some(at) = from {
        from = driver.discard_grouped(&queue("a"), "g", at, NOW, &trash, &mut outcome).await.expect("a step");
    }
    assert_eq!((outcome.done, outcome.gone), (2, 0));
    let left = redis.list("queue:pending:g").await;
    assert_eq!(left.iter().map(|raw| id_of(raw)).collect::<Vec<_>>(), ["theirs", "since-1", "since-2"]);
}

#[tokio::test]
async fn what_failed_since_is_not_deleted_with_the_rest() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:a:failed", many_dead("old", "a", 10)).await;
    let top = driver.tops(&queue("a"), JobState::Failed).await.expect("a list").pop().flatten();
    redis.put_before("queue:a:failed", many_dead("new", "a", 3)).await;
    let trash = driver.open_trash(&queue("a"), Verb::ClearFailed, NOW).await.expect("an entry");
    let mut outcome = Outcome::default();
    driver.trash_failed(&queue("a"), top.as_ref(), &trash, &mut outcome).await.expect("a step");
    assert_eq!((outcome.done, driver.close_trash(&trash).await.expect("a count")), (10, 10));
    let left = redis.list("queue:a:failed").await;
    assert_eq!(left.iter().map(|raw| id_of(raw)).collect::<Vec<_>>(), ["new-3", "new-2", "new-1"]);
    // Of a list in which nothing was, nothing goes.
    let trash = driver.open_trash(&queue("a"), Verb::ClearFailed, NOW).await.expect("an entry");
    driver.trash_failed(&queue("a"), None, &trash, &mut outcome).await.expect("a step");
    assert_eq!((outcome.done, redis.list("queue:a:failed").await.len()), (10, 3));
    // Two clicked on clear, and the other one was faster: what stands there failed since.
    driver.trash_failed(&queue("a"), top.as_ref(), &trash, &mut outcome).await.expect("a step");
    assert_eq!((outcome.done, outcome.gone, redis.list("queue:a:failed").await.len()), (10, 3, 3));
}

#[tokio::test]
async fn all_of_a_state_can_be_deleted_without_undo() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("w", "mail", 300)).await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 20)).await;
    let later = crate::support::now_ms() + 600_000;
    redis.delay_raw("queue:mail:delayed", (0..30).map(|i| (payload(&format!("d-{i}"), "mail", ""), later + i))).await;
    let console = redis.console().await;
    for (state, jobs) in [(JobState::Waiting, 300), (JobState::Delayed, 30), (JobState::Failed, 20)] {
        let started = actions::discard_all(&console.state, &queue("mail"), state, false).await.expect("started");
        let operation = ended(&console, started).await;
        assert_eq!((operation.outcome.done, operation.outcome.trash), (jobs, None), "{state:?}");
    }
    assert!(redis.all_ids().await.is_empty());
    assert_eq!(actions::trash(&console.state).await.expect("a list"), []);
    console.stop().await;
}
