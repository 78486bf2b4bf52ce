//! A Redis that asks for a password or a user, and one that does not let the console in: what it says never holds the password.

use crate::support::{
    Replica, TestConsole, TestRedis, eventually,
    payload::{many, many_dead},
};
use flux_console::{model::live::Link, server::config::Config};
use redis::AsyncCommands;
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

async fn tell(redis: &TestRedis, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    words[1..].iter().for_each(|word| {
        command.arg(*word);
    });
    let _: () = command.query_async(&mut redis.con.clone()).await.expect("OK");
}

/// A Redis with a password for everybody, and a user with one of its own.
async fn guarded() -> TestRedis {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 2)).await;
    tell(&redis, &["CONFIG", "SET", "requirepass", "s3cret"]).await;
    tell(&redis, &["ACL", "SETUSER", "ops", "on", ">p@ss/word", "~*", "&*", "+@all"]).await;
    redis
}

async fn console(redis: &TestRedis, credentials: &str) -> TestConsole {
    let url = format!("redis://{credentials}@127.0.0.1:{}/", redis.server.port);
    TestConsole::start(Config { url, ..Config::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_or_a_user_in_the_url_opens_redis() {
    let redis = guarded().await;
    for credentials in [":s3cret", "ops:p%40ss%2Fword"] {
        let console = console(&redis, credentials).await;
        console.discovered().await;
        console.listens().await;
        let page = console.json("/api/v1/queues/mail/jobs?state=failed").await;
        assert_eq!(page["total"], 2, "{credentials}");
        assert_eq!(console.post("/api/v1/queues/mail/pause", &json!({})).await.0, 200, "{credentials}");
        assert_eq!(console.json("/api/v1/overview").await["connection"]["status"], "connected", "{credentials}");
        console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_so() {
    let redis = guarded().await;
    for credentials in [":wrong-s3cret", "ops:wrong-s3cret", "nobody:wrong-s3cret"] {
        let console = console(&redis, credentials).await;
        eventually("it is said", SOON, async || console.state.snapshot().connection.status == Link::Down).await;
        let mut said = String::new();
        for path in ["/api/v1/queues/mail/jobs?state=failed", "/api/v1/queues/mail/jobs/f-1"] {
            let response = console.get(path).await;
            let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
            assert_eq!((response.status().as_u16(), kind.as_str()), (503, "application/problem+json"), "{path}");
            let problem = response.text().await.expect("text");
            assert!(problem.contains("refuses the user or the password"), "{problem}");
            said += &problem;
        }
        let (status, problem) = console.post("/api/v1/queues/mail/pause", &json!({})).await;
        assert_eq!(status, 503, "{problem}");
        said += &problem.to_string();
        for path in ["/", "/queues", "/queues/mail?state=failed", "/settings", "/api/v1/overview", "/api/v1/doctor", "/health/ready"] {
            said += &console.get(path).await.text().await.expect("text");
        }
        assert!(said.contains("refuses the user or the password"), "the pages say it, too");
        assert!(!said.contains("s3cret"), "{credentials}");
        console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_later_comes_in() {
    let redis = guarded().await;
    let console = console(&redis, ":changed").await;
    eventually("it is refused", SOON, async || console.state.snapshot().connection.status == Link::Down).await;
    assert_eq!(console.get("/api/v1/queues/mail/jobs?state=failed").await.status().as_u16(), 503);
    tell(&redis, &["CONFIG", "SET", "requirepass", "changed"]).await;
    eventually("the numbers come", SOON, async || console.state.snapshot().connection.status == Link::Connected).await;
    eventually("the pages come", SOON, async || console.get("/api/v1/queues/mail/jobs?state=failed").await.status().as_u16() == 200).await;
    console.listens().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_no_answer_and_no_line_of_the_log_holds_the_password() {
    let redis = guarded().await;
    // Of another type than the protocol says: an answer of 409.
    let _: () = redis.con.clone().set("queue:odd:failed", "a string").await.expect("SET");
    let url = format!("redis://ops:p%40ss%2Fword@127.0.0.1:{}/", redis.server.port);
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("log");
    let console = Replica::logged(&url, &["--archive", "off", "--log", "trace"], &log);
    let connected = async || console.json("/api/v1/overview").await["connection"]["status"] == "connected";
    eventually("it is connected", SOON, connected).await;
    let mut said = String::new();
    for path in ["/", "/queues", "/queues/mail", "/settings", "/operations", "/api/v1/overview", "/api/v1/doctor", "/api/v1/audit"] {
        said += &crate::support::get(format!("{}{path}", console.base_url)).await.text().await.expect("text");
    }
    assert!(said.contains(&redis.server.port.to_string()), "the pages tell which Redis it is");
    let retry = format!("{}/api/v1/queues/odd/clear-failed", console.base_url);
    let started = crate::support::http().build().expect("a client").post(retry).body("{}").send().await.expect("an answer");
    said += &started.text().await.expect("text");
    let refused = format!("{}/api/v1/queues/odd/jobs?state=failed", console.base_url);
    said += &crate::support::get(refused).await.text().await.expect("text");
    console.kill();
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains("request"), "the log was read: {log}");
    for secret in ["p@ss", "p%40ss", "ss/word", "ss%2Fword"] {
        assert!(!said.contains(secret) && !log.contains(secret), "{secret} was said");
    }
}
