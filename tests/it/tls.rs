//! A Redis that speaks TLS only, with a certificate of an authority that nobody else knows.

use crate::support::{
    Replica, TestRedis, eventually, get, http,
    payload::{many, many_dead},
    recording::fixtures,
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const PASSWORD: &str = "s3cr@t/p:w?#";
const IN_A_URL: &str = "s3cr%40t%2Fp%3Aw%3F%23";
/// Of both.
const SECRET: &str = "s3cr";

/// With that name in its certificate.
async fn protected(name: &str) -> TestRedis {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    redis.push_raw("queue:mail:failed", many_dead("f", "mail", 2)).await;
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("ops").arg("on").arg(format!(">{PASSWORD}")).arg("~*").arg("&*").arg("+@all");
    user.exec_async(&mut redis.con.clone()).await.expect("ACL SETUSER");
    redis.speak_tls(name).await;
    redis
}

fn url(redis: &TestRedis) -> String {
    format!("rediss://ops:{IN_A_URL}@localhost:{}/", redis.server.port)
}

async fn overview(console: &Replica) -> Value {
    console.json("/api/v1/overview").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_once_it_is_named() {
    let redis = protected("localhost").await;
    let ca = fixtures().join("tls/ca.pem");
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("log");
    let flags = ["--archive", "off", "--log", "trace", "--redis-ca", ca.to_str().expect("text")];
    let console = Replica::logged(&url(&redis), &flags, &log);
    let counted = async || {
        let list = console.json("/api/v1/queues").await;
        let queue = &list["queues"][0];
        queue["name"] == "mail" && queue["waiting"] == 3 && queue["failed"] == 2
    };
    eventually("the queue is counted", SOON, counted).await;

    console.listens().await;
    let event = r#"{"message":"Processing job: a","workerId":"w","jobId":"a"}"#;
    redis.con.clone().publish::<_, _, ()>("flux_console:logs", event).await.expect("PUBLISH");
    eventually("the event is heard", SOON, async || overview(&console).await["heard"]["events"] == 1).await;

    let page = console.json("/api/v1/queues/mail/jobs?state=failed").await;
    let body = json!({ "state": "failed", "jobs": [page["jobs"][0]["fingerprint"]] });
    let retry = format!("{}/api/v1/queues/mail/jobs/retry", console.base_url);
    let answer = http().build().expect("a client").post(retry).json(&body).send().await.expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({ "done": 1, "gone": 0, "corrupt": 0 }));
    assert_eq!((redis.list("queue:mail").await.len(), redis.list("queue:mail:failed").await.len()), (4, 1));

    console.kill();
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(log.contains("redis connected") && !log.contains(SECRET), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_accepted_is_told_with_the_cause_and_without_the_password() {
    let file = fixtures().join("tls/ca.pem");
    let ca = file.to_str().expect("text");
    let dir = tempfile::tempdir().expect("a directory");
    for (name, trust, why) in
        [("localhost", vec![], "--redis-ca FILE"), ("elsewhere.example", vec!["--redis-ca", ca], "for another name than the host")]
    {
        let redis = protected(name).await;
        let log = dir.path().join(name);
        let flags = [vec!["--archive", "off", "--log", "trace"], trust].concat();
        let console = Replica::logged(&url(&redis), &flags, &log);
        let text = async |path: &str| get(format!("{}{path}", console.base_url)).await.text().await.expect("text");
        let tells = async || overview(&console).await["connection"]["problem"].as_str().is_some_and(|problem| problem.contains(why));
        eventually("the overview tells why", SOON, tells).await;
        let mut said = String::new();
        for path in ["/", "/settings", "/api/v1/overview", "/api/v1/queues/mail/jobs?state=failed"] {
            eventually(path, SOON, async || {
                let told = text(path).await;
                said += &told;
                told.contains(why)
            })
            .await;
        }
        for path in ["/queues", "/queues/mail?state=failed", "/api/v1/doctor", "/health/ready"] {
            said += &text(path).await;
        }
        assert_eq!(overview(&console).await["connection"]["status"], "down", "{name}");
        console.kill();
        let log = std::fs::read_to_string(&log).expect("a log");
        assert!(log.contains("invalid peer certificate"), "{name}: {log}");
        assert!(!said.contains(SECRET) && !log.contains(SECRET), "{name}: the password was said");
    }
}
