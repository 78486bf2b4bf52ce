use super::*;
use crate::support::{
    Payload, TestConsole, eventually, now_ms,
    payload::{dead, many_dead, payload},
    redis::id_of,
};
use flux_console::model::{
    ids::Priority,
    operation::{Operation, OperationStatus, Outcome},
};
use flux_console::server::{
    actions,
    driver::redis::{Promotion, Sweep, trash::Stays},
};
use redis::AsyncCommands;
use std::time::Duration;

/// Waits for an operation to end.
pub async fn ended(console: &TestConsole, operation: Operation) -> Operation {
    eventually("the operation ends", Duration::from_secs(60), async || {
        actions::operation(&console.state, &operation.id).await.expect("an operation").status != OperationStatus::Running
    })
    .await;
    actions::operation(&console.state, &operation.id).await.expect("an operation")
}

#[tokio::test]
async fn retry_all_moves_everything_that_was_there_oldest_first() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 3_000)).await;
    let operation = ended(&console, actions::retry_all(&console.state, &queue("mail"), false).await.expect("started")).await;
    assert_eq!((operation.status, operation.total, operation.outcome.done), (OperationStatus::Done, 3_000, 3_000));
    let waiting = redis.list("queue:mail").await;
    assert_eq!((waiting.len(), redis.list("queue:mail:failed").await.len()), (3_000, 0));
    // The oldest failure runs first.
    assert_eq!(id_of(waiting.last().expect("jobs")), "j-1");
    assert!(waiting.iter().all(|raw| !String::from_utf8_lossy(raw).contains("failedAt")));
    console.stop().await;
}

#[tokio::test]
async fn retry_all_leaves_the_unreadable_respects_groups_and_priorities() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let mut jobs = Vec::new();
    for i in 0..1_200 {
        let job = Payload::new(&format!("j-{i}"), "pay");
        jobs.push(match i % 6 {
            0 => b"{broken".to_vec(),
            1 => job.priority("urgent").failed("x").into_bytes(),
            2 => job.group(&format!("g{}", i % 4)).failed("x").into_bytes(),
            3 => job.priority("high").failed("x").into_bytes(),
            _ => job.failed("x").into_bytes(),
        });
    }
    redis.push_raw("queue:pay:failed", &jobs).await;
    let operation = ended(&console, actions::retry_all(&console.state, &queue("pay"), false).await.expect("started")).await;
    assert_eq!(operation.status, OperationStatus::Done, "{operation:?}");
    assert_eq!((operation.outcome.done, operation.outcome.corrupt, operation.outcome.unread_priority), (800, 200, 200));
    assert_eq!(redis.list("queue:pay:failed").await.len(), 400);
    assert_eq!(redis.list("queue:pay:high").await.len(), 200);
    // Of each group one waits, the others pend behind it, in order.
    let groups: Vec<String> = redis.con.clone().smembers("queue:active").await.expect("SMEMBERS");
    assert_eq!(groups.len(), 2);
    let pending = redis.list("queue:pending:g2").await.len() + redis.list("queue:pending:g0").await.len();
    assert_eq!((pending, redis.list("queue:pay").await.len()), (198, 402));
    console.stop().await;
}

#[tokio::test]
async fn every_mix_of_priority_and_group_goes_where_it_belongs_in_order() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    // Each priority, one that nobody reads, with a free group, with a busy one, without: the oldest of each mix ends in 0.
    let mut jobs = Vec::new();
    for i in 0..3 {
        for priority in ["critical", "high", "", "low", "urgent"] {
            for group in ["", "free", "busy"] {
                let job = Payload::new(&format!("{priority}/{group}/{i}"), "pay").priority(priority);
                jobs.push(if group.is_empty() { job } else { job.group(&format!("{group}-{priority}")) }.failed("x").into_bytes());
            }
        }
    }
    // Dead letters stand newest first.
    jobs.reverse();
    redis.push_raw("queue:pay:failed", &jobs).await;
    for priority in ["critical", "high", "", "low", "urgent"] {
        redis.con.clone().sadd::<_, _, ()>("queue:active", format!("busy-{priority}")).await.expect("SADD");
    }
    let operation = ended(&console, actions::retry_all(&console.state, &queue("pay"), true).await.expect("started")).await;
    assert_eq!((operation.status, operation.outcome.done), (OperationStatus::Done, 45), "{operation:?}");
    let ids = async |key: &str| redis.list(key).await.iter().map(|raw| id_of(raw)).collect::<Vec<_>>();
    for (suffix, priority) in [(":critical", "critical"), (":high", "high"), (":low", "low")] {
        let expected = [format!("{priority}//2"), format!("{priority}//1"), format!("{priority}/free/0"), format!("{priority}//0")];
        assert_eq!(ids(&format!("queue:pay{suffix}")).await, expected);
    }
    assert_eq!(ids("queue:pay").await, ["urgent//2", "//2", "urgent//1", "//1", "urgent/free/0", "urgent//0", "/free/0", "//0"]);
    for priority in ["critical", "high", "", "low", "urgent"] {
        let busy: Vec<String> = (0..3).map(|i| format!("{priority}/busy/{i}")).collect();
        assert_eq!(ids(&format!("queue:pending:busy-{priority}")).await, busy);
        assert_eq!(ids(&format!("queue:pending:free-{priority}")).await, [format!("{priority}/free/1"), format!("{priority}/free/2")]);
    }
    assert!(redis.list("queue:pay:failed").await.is_empty());
    console.stop().await;
}

#[tokio::test]
async fn jobs_that_fail_again_meanwhile_are_not_retried_twice() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 4_000)).await;
    // A worker that fails everything at once, back into the list.
    let mut con = redis.con.clone();
    let worker = tokio::spawn(async move {
        let mut runs = std::collections::BTreeMap::<String, u32>::new();
        let mut idle = 0;
        while idle < 300 {
            let Some(raw) = con.rpop::<_, Option<Vec<u8>>>("queue:mail", None).await.expect("RPOP") else {
                idle += 1;
                tokio::time::sleep(Duration::from_millis(2)).await;
                continue;
            };
            idle = 0;
            let id = id_of(&raw);
            *runs.entry(id.clone()).or_default() += 1;
            let again = Payload::new(&id, "mail").created(now_ms()).failed("again");
            con.lpush::<_, _, ()>("queue:mail:failed", again).await.expect("LPUSH");
        }
        runs
    });
    let operation = ended(&console, actions::retry_all(&console.state, &queue("mail"), false).await.expect("started")).await;
    let runs = worker.await.expect("no panic");
    assert_eq!((operation.status, operation.outcome.done), (OperationStatus::Done, 4_000));
    assert!(runs.len() == 4_000 && runs.values().all(|n| *n == 1), "some job ran twice");
    assert_eq!(redis.list("queue:mail:failed").await.len(), 4_000);
    console.stop().await;
}

/// Four fail, and the list is cut at ten: the four oldest of those that were to be retried are gone. The clock of whoever wrote the
/// others down is late.
#[tokio::test]
async fn what_failed_since_is_not_retried_in_place_of_what_was_dropped() {
    let redis = TestRedis::start().await;
    let driver = driver(&redis);
    redis.push_raw("queue:mail:failed", many_dead("old", "mail", 10)).await;
    let top = driver.tops(&queue("mail"), JobState::Failed).await.expect("a list").pop().flatten();
    let mut sweep = Sweep::retry(&queue("mail"), 10, top, NOW, false);
    redis.put_before("queue:mail:failed", many_dead("new", "mail", 4)).await;
    redis.con.clone().ltrim::<_, ()>("queue:mail:failed", 0, 9).await.expect("LTRIM");
    let mut outcome = Outcome::default();
    loop {
        let step = driver.retry_step(&mut sweep).await.expect("a step");
        outcome.add(&step.outcome);
        if step.finished {
            break;
        }
    }
    assert_eq!((outcome.done, outcome.gone), (6, 4));
    let ids = async |key: &str| redis.list(key).await.iter().map(|raw| id_of(raw)).collect::<Vec<_>>();
    assert_eq!(ids("queue:mail:failed").await, ["new-4", "new-3", "new-2", "new-1"]);
    assert_eq!(ids("queue:mail").await, ["old-10", "old-9", "old-8", "old-7", "old-6", "old-5"]);
}

#[tokio::test]
async fn promote_all_skips_due_jobs_while_a_worker_serves_the_queue() {
    let redis = TestRedis::start().await;
    redis.con.clone().set::<_, _, ()>("flux_console:worker:w1", r#"{"id":"w1","queues":["mail"]}"#).await.expect("SET");
    let console = redis.console().await;
    let now = now_ms();
    redis
        .delay_raw(
            "queue:mail:delayed",
            (0..1_500).map(|i| (Payload::new(&format!("later-{i}"), "mail").delay(60).waiting(), now + 600_000 + i)),
        )
        .await;
    redis.delay_raw("queue:mail:high:delayed", (0..20).map(|i| (payload(&format!("due-{i}"), "mail", ""), now - 1_000 - i))).await;
    redis.delay_raw("queue:mail:high:delayed", [("{broken", now + 600_000)]).await;
    let operation = ended(&console, actions::promote_all(&console.state, &queue("mail")).await.expect("started")).await;
    assert_eq!(operation.status, OperationStatus::Done, "{operation:?}");
    assert_eq!((operation.outcome.done, operation.outcome.due, operation.outcome.corrupt), (1_500, 20, 1));
    let waiting = redis.texts("queue:mail").await;
    assert!(waiting.len() == 1_500 && waiting.iter().all(|raw| !raw.contains(r#","delaySeconds":60,"attempts""#)));
    assert_eq!(redis.zset("queue:mail:high:delayed").await.len(), 21);
    console.stop().await;
}

#[tokio::test]
async fn whatever_is_asked_of_a_key_of_another_type_says_so() {
    let redis = TestRedis::start().await;
    let mut con = redis.con.clone();
    let _: () = con.mset(&[("queue:wf:failed", "s"), ("queue:wd:delayed", "s"), ("queue:part:delayed", "s")]).await.expect("MSET");
    redis.delay_raw("queue:part:high:delayed", (0..3).map(|i| (payload(&format!("p-{i}"), "part", ""), now_ms() + 600_000))).await;
    let console = redis.console().await;
    let (state, wf, wd, part) = (&console.state, queue("wf"), queue("wd"), queue("part"));
    for (operation, key, done) in [
        (actions::retry_all(state, &wf, false).await, "queue:wf:failed", 0),
        (actions::discard_all(state, &wf, JobState::Failed, true).await, "queue:wf:failed", 0),
        (actions::clear_failed(state, &wf, true).await, "queue:wf:failed", 0),
        (actions::promote_all(state, &wd).await, "queue:wd:delayed", 0),
        (actions::discard_all(state, &wd, JobState::Delayed, true).await, "queue:wd:delayed", 0),
        // What can be read before it is moved.
        (actions::promote_all(state, &part).await, "queue:part:delayed", 3),
    ] {
        let operation = ended(&console, operation.expect("started")).await;
        assert_eq!((operation.status, operation.outcome.done), (OperationStatus::Failed, done), "{operation:?}");
        assert_eq!(operation.message, Some(format!("The key {key} holds a string.")));
    }
    for key in ["queue:wf:failed", "queue:wd:delayed", "queue:part:delayed"] {
        assert_eq!(con.get::<_, String>(key).await.expect("GET"), "s");
    }
    // One that changes its type on the way.
    redis.delay_raw("queue:way:delayed", (0..3).map(|i| (payload(&format!("w-{i}"), "way", ""), NOW.0 + 600_000))).await;
    let mut promotion = Promotion::new(&queue("way"), vec![(Priority::Base, 3)], NOW);
    let _: () = con.set("queue:way:delayed", "s").await.expect("SET");
    let error = loop {
        match state.driver.promote_step(&mut promotion, || NOW).await {
            Ok(step) => assert!(!step.finished, "it is told"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "queue:way:delayed holds a string");
    console.stop().await;
}

#[tokio::test]
async fn a_second_click_gets_the_running_operation_and_cancel_stops_it() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis
        .push_raw(
            "queue:mail:failed",
            (0..20_000).map(|i| dead(&format!("j-{i}"), "mail", "x", &format!(r#","pad":"{}""#, "p".repeat(2_000)))),
        )
        .await;
    let first = actions::retry_all(&console.state, &queue("mail"), false).await.expect("started");
    let second = actions::retry_all(&console.state, &queue("mail"), false).await.expect("the same");
    assert_eq!(first.id, second.id);
    actions::cancel(&console.state, &first.id).await.expect("asked");
    let operation = ended(&console, first).await;
    assert_eq!(operation.status, OperationStatus::Cancelled);
    assert!(operation.outcome.done < 20_000, "{operation:?}");
    let (waiting, failed) = (redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len());
    assert_eq!((waiting as u64, waiting + failed), (operation.outcome.done, 20_000));
    console.stop().await;
}

/// A console that was silent for a while looks as if it were gone, and may go on: what was asked for meanwhile reaches it.
#[tokio::test]
async fn an_operation_that_is_silent_can_be_cancelled() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 3)).await;
    let over = ended(&console, actions::retry_all(&console.state, &queue("mail"), false).await.expect("started")).await;
    let silent = Operation { id: "silent".into(), status: OperationStatus::Running, finished_at: None, ..over.clone() };
    let cancel = async |operation: &Operation| {
        let saved = console.state.driver.save_operation(operation, Millis(now_ms() - 60_000)).await.expect("saved");
        let told = actions::cancel(&console.state, &operation.id).await.expect("an answer");
        let next = console.state.driver.save_operation(operation, Millis(now_ms())).await.expect("saved");
        (saved, told.status, next)
    };
    assert_eq!(cancel(&silent).await, (false, OperationStatus::Interrupted, true));
    assert_eq!(cancel(&over).await, (false, OperationStatus::Done, false));
    console.stop().await;
}

#[tokio::test]
async fn deleting_beside_active_groups_leaves_what_came_since_and_comes_back_in_order() {
    let redis = TestRedis::start().await;
    redis.con.clone().sadd::<_, _, ()>("queue:active", &["elsewhere", "held"]).await.expect("SADD");
    // From head to tail; the tail runs next. Among the old ones two that are the same byte for byte, and one that holds a group.
    let mut jobs: Vec<String> = (0..700).map(|i| payload(&format!("j-{i}"), "mail", "")).collect();
    jobs[650] = jobs[649].clone();
    jobs[300] = Payload::new("held", "mail").group("held").waiting();
    jobs[699] = Payload::new("since-1", "mail").created(now_ms() + 3_600_000).waiting();
    jobs[500] = Payload::new("since-2", "mail").created(now_ms() + 3_600_000).waiting();
    redis.push_raw("queue:mail", &jobs).await;
    let console = redis.console().await;
    let started = actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started");
    let operation = ended(&console, started).await;
    assert_eq!((operation.status, operation.outcome.done, operation.outcome.gone), (OperationStatus::Done, 698, 0), "{operation:?}");
    assert_eq!(redis.list("queue:mail").await.iter().map(|raw| id_of(raw)).collect::<Vec<_>>(), ["since-2", "since-1"]);
    assert_eq!(redis.con.clone().smembers::<_, Vec<String>>("queue:active").await.expect("SMEMBERS"), ["elsewhere"]);

    let trash = operation.outcome.trash.expect("a trash entry");
    ended(&console, actions::restore(&console.state, &trash).await.expect("started")).await;
    // A grouped job asks its group again, so it comes as a new one.
    let plain = |list: Vec<Vec<u8>>| list.into_iter().filter(|raw| !matches!(id_of(raw).as_str(), "held" | "since-1" | "since-2"));
    let back = redis.list("queue:mail").await;
    assert_eq!(back.len(), 700);
    assert!(plain(back).eq(plain(jobs.into_iter().map(String::into_bytes).collect())), "bytes or order changed");
    console.stop().await;
}

#[tokio::test]
async fn a_restore_that_was_cut_short_says_what_is_left() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", (0..5_000).map(|i| payload(&format!("j-{i}"), "mail", ""))).await;
    let console = redis.console().await;
    let started = actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started");
    let trash = ended(&console, started).await.outcome.trash.expect("a trash entry");
    // Beside what came since they are put back in parts.
    redis.push_raw("queue:mail", [payload("since", "mail", "")]).await;
    let driver = &console.state.driver;
    let step = driver.restore_step(&queue("mail"), &trash, &mut Stays::default()).await.expect("a step").expect("jobs");
    let back = redis.list("queue:mail").await.len() as u64 - 1;
    assert!(step.done == back && (1..5_000).contains(&back), "{step:?}");
    let entry = driver.trash_entry(&trash, actions::now()).await.expect("an answer").expect("it is not empty");
    assert_eq!(entry.jobs, 5_000 - back);
    console.stop().await;
}

#[tokio::test]
async fn a_restore_in_the_last_moment_of_the_hour_is_not_emptied_under_its_hands() {
    let redis = TestRedis::start().await;
    // An active group keeps the list from going whole: job by job it comes back in many steps.
    redis.con.clone().sadd::<_, _, ()>("queue:active", "elsewhere").await.expect("SADD");
    redis.push_raw("queue:mail", (0..3_000).map(|i| payload(&format!("j-{i}"), "mail", ""))).await;
    let before = redis.all_ids().await;
    let console = redis.console().await;
    let started = actions::discard_all(&console.state, &queue("mail"), JobState::Waiting, true).await.expect("started");
    let trash = ended(&console, started).await.outcome.trash.expect("a trash entry");
    let driver = &console.state.driver;
    // As it is when nearly an hour has passed.
    let at = now_ms() + 60_000;
    driver.touch_trash(&trash, Millis(at - 3_600_000)).await.expect("touched");
    let restored = actions::restore(&console.state, &trash).await.expect("started");
    assert_eq!(driver.empty_trash(Millis(at)).await.expect("a step"), 0, "another console empties what is over by its clock");
    let restored = ended(&console, restored).await;
    assert_eq!((restored.status, restored.outcome.done), (OperationStatus::Done, 3_000));
    assert_eq!(redis.all_ids().await, before);
    console.stop().await;
}
