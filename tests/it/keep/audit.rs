//! Every write leaves one line, wherever it can be kept.

use super::{SOON, console, ints, open, texts};
use crate::support::{Payload, Replica, TestConsole, TestRedis, eventually, http, now_ms, pause_line, payload::many_dead};
use flux_console::{
    model::{
        archive::ArchiveState,
        job::JobState,
        operation::{Operation, OperationStatus, Outcome, Verb},
        time::Millis,
    },
    server::{archive::setting::Setting, config::Config},
};
use redis::AsyncCommands;
use serde_json::{Value, json};

async fn lines(console: &TestConsole, query: &str, many: usize) -> Vec<Value> {
    let mut found = Vec::new();
    eventually(&format!("{many} audit lines for {query:?}"), SOON, async || {
        found = console.json(&format!("/api/v1/audit{query}")).await["lines"].as_array().cloned().unwrap_or_default();
        found.len() == many
    })
    .await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_leaves_one_line() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 3)).await;
    redis.push_raw("queue:mail", [Payload::new("w", "mail").waiting()]).await;
    let console = console(&redis, &dir.path().join("a.sqlite")).await;
    let page = console.json("/api/v1/queues/mail/jobs?state=failed").await;
    let fingerprint = page["jobs"][0]["fingerprint"].as_str().unwrap().to_owned();

    let body = json!({"state": "failed", "jobs": [fingerprint]});
    assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await.0, 200);
    assert_eq!(console.post("/api/v1/queues/mail/jobs/retry", &body).await.1["gone"], 1, "a second click");
    assert_eq!(console.post("/api/v1/queues/mail/pause", &Value::Null).await.0, 200);
    assert_eq!(console.post("/api/v1/queues/mail:high/resume", &Value::Null).await.0, 422);
    let (status, started) = console.post("/api/v1/queues/mail/jobs/retry", &json!({"state": "failed", "all": true})).await;
    assert_eq!(status, 202, "{started}");
    let all = lines(&console, "", 5).await;

    let said = |i: usize| {
        let line = &all[i];
        (line["verb"].as_str().unwrap(), line["result"].as_str().unwrap(), line["jobs"].as_u64())
    };
    assert_eq!(said(0), ("retry", "2 done", Some(2)), "the operation, at its end: {all:#?}");
    assert_eq!(all[0]["filter"], "all failed");
    assert_eq!((said(1).0, said(1).2), ("resume", None));
    assert!(said(1).1.starts_with("refused: mail:high is not a queue"), "{}", said(1).1);
    assert_eq!(said(2), ("pause", "done", None));
    assert_eq!(said(3), ("retry", "1 gone", Some(0)));
    assert_eq!(said(4), ("retry", "1 done", Some(1)));
    for line in &all {
        assert_eq!(line["who"], "somebody at 127.0.0.1");
        assert!(line["tookMs"].as_i64().unwrap() >= 0);
    }
    assert_eq!(lines(&console, "?verb=retry", 3).await.len(), 3);
    assert_eq!(lines(&console, "?queue=mail%3Ahigh", 1).await[0]["verb"], "resume");
    lines(&console, "?who=127.0.0", 5).await;
    lines(&console, "?who=127_0", 0).await;
    lines(&console, "?page=2", 0).await;

    // Redis forgets an operation after a day; the archive does not.
    let id = started["operation"]["id"].as_str().unwrap();
    let db = open(&dir.path().join("a.sqlite")).await;
    eventually("the operation is in the archive", std::time::Duration::from_secs(60), async || {
        !texts(&db, "SELECT id FROM flux_console_operations").await.is_empty()
    })
    .await;
    for key in redis.keys().await.iter().filter(|k| k.contains(":operation")) {
        redis::cmd("DEL").arg(key).exec_async(&mut redis.con.clone()).await.unwrap();
    }
    assert_eq!(console.json("/api/v1/operations").await["operations"][0]["id"], id);
    assert_eq!(console.json(&format!("/api/v1/operations/{id}")).await["done"], 2);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_in_redis_while_the_archive_is_away_and_move_once() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    redis.push_raw("queue:mail", [Payload::new("w", "mail").waiting()]).await;
    // A file stands where the folder should be.
    let folder = dir.path().join("folder");
    std::fs::write(&folder, "").unwrap();
    let file = folder.join("a.sqlite");
    let config = Config { url: redis.url.clone(), archive: Setting::Sqlite(file.clone()), ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is unavailable", SOON, async || console.state.archive.status().state == ArchiveState::Unavailable).await;

    for _ in 0..3 {
        assert_eq!(console.post("/api/v1/queues/mail/pause", &Value::Null).await.0, 200, "no action waits for the archive");
    }
    lines(&console, "", 3).await;
    let page = console.json("/api/v1/audit").await;
    assert_eq!((page["archived"].as_bool(), page["waiting"].as_u64(), page["lost"].as_u64()), (Some(false), Some(3), Some(0)));
    lines(&console, "?verb=pause&queue=mail", 3).await;
    lines(&console, "?verb=resume", 0).await;
    // As if a console had been killed between writing and taking out: one of them is moved twice.
    let key = redis.keys().await.into_iter().find(|k| k.ends_with(":audit")).expect("the list");
    let twice = redis.list(&key).await[1].clone();
    redis.push_raw(&key, [twice, b"no line".to_vec()]).await;

    std::fs::remove_file(&folder).unwrap();
    eventually("the lines are moved", SOON, async || !redis.keys().await.contains(&key)).await;
    let db = open(&file).await;
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_audit").await, [3]);
    let page = console.json("/api/v1/audit").await;
    assert_eq!((page["archived"].as_bool(), page["total"].as_u64(), page["waiting"].as_u64()), (Some(true), Some(3), Some(0)));
    console.stop().await;
}

/// The archive is busy with somebody else's transaction, and the console is killed with the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_was_answered_has_its_line_whatever_is_killed() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    redis.push_raw("queue:mail", [Payload::new("w", "mail").waiting()]).await;
    let killed = Replica::with(&redis, &["--archive", &format!("sqlite:{}", file.display())]);
    eventually("the archive is open", SOON, async || killed.json("/api/v1/archive").await["status"]["state"] == "ready").await;
    let db = open(&file).await;
    let busy = db.begin().await.expect("the lock");
    let url = format!("{}/api/v1/queues/mail/pause", killed.base_url);
    let answer = http().build().unwrap().post(url).send().await.expect("an answer");
    killed.kill();
    assert_eq!(answer.status().as_u16(), 200);
    let key = redis.keys().await.into_iter().find(|k| k.ends_with(":audit")).expect("it lies in Redis");
    assert_eq!(redis.list(&key).await.len(), 1);

    drop(busy);
    let next = console(&redis, &file).await;
    let line = lines(&next, "?verb=pause", 1).await.remove(0);
    assert_eq!((line["queue"].as_str(), line["who"].as_str()), (Some("mail"), Some("somebody at 127.0.0.1")));
    eventually("it is moved", SOON, async || !redis.keys().await.contains(&key)).await;
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_audit").await, [1]);
    next.stop().await;
}

/// Operations of consoles that were killed: while they ran, and between their end and the line about it.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_a_killed_console_leaves_says_who_began_it() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let driver = crate::driver::driver(&redis);
    let long_ago = Millis(now_ms() - 600_000);
    let operation = |id: &str, status: OperationStatus| Operation {
        id: id.into(),
        verb: Verb::Retry,
        queue: "mail".try_into().unwrap(),
        state: Some(JobState::Failed),
        status,
        total: 3,
        outcome: Outcome { done: 2, ..Outcome::default() },
        started_at: long_ago,
        finished_at: status.is_over().then_some(long_ago),
        message: None,
        filter: None,
        who: Some("operator at 10.0.0.3".into()),
    };
    let all = [
        operation("running", OperationStatus::Running),
        operation("over", OperationStatus::Done),
        operation("old", OperationStatus::Running),
    ];
    driver.save_operations(&all, long_ago).await.unwrap();
    // Its console may only be held up.
    driver.save_operations(&[operation("silent", OperationStatus::Running)], Millis(now_ms() - 60_000)).await.unwrap();
    // As an older version wrote it.
    let mut old = serde_json::to_value(&all[2]).unwrap();
    assert!(old.as_object_mut().unwrap().remove("who").is_some());
    let _: () = redis.con.clone().hset(driver.keys().operation("old"), "json", old.to_string()).await.unwrap();

    let file = dir.path().join("a.sqlite");
    let console = console(&redis, &file).await;
    let mut said: Vec<(Value, Value)> =
        lines(&console, "?verb=retry", 3).await.iter_mut().map(|line| (line["who"].take(), line["result"].take())).collect();
    said.sort_by_key(|pair| format!("{pair:?}"));
    let expected = [
        ("not known", "interrupted: at least 2 done of 3"),
        ("operator at 10.0.0.3", "2 done"),
        ("operator at 10.0.0.3", "interrupted: at least 2 done of 3"),
    ];
    assert_eq!(said, expected.map(|(who, result)| (json!(who), json!(result))));
    let mut shown: Vec<Option<String>> = Vec::new();
    for id in ["running", "old"] {
        shown.push(console.json(&format!("/api/v1/operations/{id}")).await["who"].as_str().map(str::to_owned));
    }
    assert_eq!(shown, [Some("operator at 10.0.0.3".to_owned()), None]);
    let kept = async || texts(&open(&file).await, "SELECT id FROM flux_console_operations ORDER BY id").await;
    assert_eq!(kept().await, ["old", "over", "running"]);
    console.stop().await;

    // It was: its line says what came of it, whoever writes that.
    driver.save_operations(&[operation("silent", OperationStatus::Done)], Millis(now_ms())).await.unwrap();
    let next = super::console(&redis, &file).await;
    let all = lines(&next, "?verb=retry", 4).await;
    assert_eq!(all.iter().filter(|line| line["result"] == "2 done").count(), 2, "{all:#?}");
    assert_eq!(kept().await, ["old", "over", "running", "silent"]);
    next.stop().await;
}

/// The answer to a push came too late, so the line was pushed again.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_lies_in_redis_twice_is_shown_once() {
    let redis = TestRedis::start().await;
    let driver = crate::driver::driver(&redis);
    let line = |n: usize| serde_json::to_string(&pause_line(&n.to_string(), Millis(n as i64))).unwrap();
    // More than a page and, read in parts, farther apart than a part.
    let all: Vec<String> = (0..1_200).map(line).chain([line(7), line(1_199), line(1_150)]).collect();
    driver.push_audit(&all).await.unwrap();
    let console = redis.console().await;
    for (query, total) in [("", 1_200), ("?verb=pause", 1_200), ("?verb=resume", 0)] {
        let mut ids: Vec<usize> = Vec::new();
        for page in 1..=25 {
            let path = format!("/api/v1/audit{query}{}page={page}", if query.is_empty() { "?" } else { "&" });
            let page = console.json(&path).await;
            assert_eq!(page["waiting"], 1_203, "as many lie there");
            let lines = page["lines"].as_array().unwrap();
            assert!(lines.len() <= 50);
            ids.extend(lines.iter().map(|line| line["id"].as_str().unwrap().parse::<usize>().unwrap()));
        }
        assert_eq!(ids.len(), total, "{query}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), total, "{query}: each once");
        let counted = console.json(&format!("/api/v1/audit{query}")).await["total"].as_u64();
        // A part is read for the first page: what lies twice behind it is not known yet.
        assert!(counted.is_some_and(|n| (total as u64..=total as u64 + 3).contains(&n)), "{query}: {counted:?}");
    }
    console.stop().await;
}

#[tokio::test]
async fn redis_keeps_ten_thousand_lines() {
    let redis = TestRedis::start().await;
    let driver = crate::driver::driver(&redis);
    let line = |n: usize| serde_json::to_string(&pause_line(&n.to_string(), Millis(0))).unwrap();
    let all: Vec<String> = (0..10_250).map(line).collect();
    driver.push_audit(&all).await.unwrap();
    assert_eq!(driver.audit_waiting().await.unwrap(), 10_000);
    assert_eq!(driver.audit(0, 1).await.unwrap(), [line(10_249).into_bytes()]);
    assert_eq!(driver.oldest_audit(1).await.unwrap(), [line(250).into_bytes()], "the oldest went");
}
