//! What is kept without any flag: the story of every job that failed, up to its success, and all that workers say.

use super::on_each;
use crate::support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually};
use flux_console::{
    model::time::Millis,
    server::{actions::now, archive::sql::sql, config::Config},
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

async fn texts(console: &TestConsole, text: &str) -> Vec<String> {
    let db = console.state.archive.db().expect("open");
    db.rows(sql(text), |row| row.text(0).unwrap_or_default()).await.expect("rows")
}

/// One worker of one queue says these, a tenth of a second apart.
async fn say(redis: &TestRedis, lines: &[(&str, &str)]) {
    let began = now().0 - 60_000;
    for (n, (message, job)) in lines.iter().enumerate() {
        let at = Millis(began + n as i64 * 100).iso();
        let event = serde_json::json!({ "level": "info", "message": message, "workerId": "w", "jobId": job, "timestamp": at });
        redis::cmd("PUBLISH").arg("flux_console:logs").arg(event.to_string()).exec_async(&mut redis.con.clone()).await.expect("published");
    }
}

async fn a_success_after_a_failure_is_kept(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    // One that failed before anybody listened.
    redis.push_raw("queue:mail:failed", [Payload::new("back", "mail").attempts(3, 3).failed("boom")]).await;
    let console = TestConsole::start(Config { url: redis.url.clone(), archive: database.setting.clone(), ..Config::default() }).await;
    console.discovered().await;
    console.listens().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    let dead = "SELECT job_id FROM flux_job_archive WHERE status = 'failed'";
    eventually("the dead letter is archived", SOON, async || texts(&console, dead).await == ["back"]).await;
    // An operator's retry, or anybody's.
    redis::cmd("DEL").arg("queue:mail:failed").exec_async(&mut redis.con.clone()).await.expect("deleted");
    let lines = [
        ("Consumer started on [mail]", ""),
        ("Processing job: sound", "sound"),
        ("Completed job: sound", "sound"),
        ("Processing job: flaky", "flaky"),
        ("Job failed: flaky - boom", "flaky"),
        ("Job retrying in 2s (Attempt 2/3)", "flaky"),
        ("Processing job: flaky", "flaky"),
        ("Completed job: flaky", "flaky"),
        ("Processing job: back", "back"),
        ("Completed job: back", "back"),
    ];
    say(&redis, &lines).await;
    let said = "SELECT message FROM flux_system_logs ORDER BY timestamp, id";
    eventually("all lines are archived", SOON, async || texts(&console, said).await.len() == lines.len()).await;
    // In the same batches as the lines, and before them.
    let completed = "SELECT job_id FROM flux_console_attempts WHERE outcome = 'completed' ORDER BY job_id";
    assert_eq!(texts(&console, completed).await, ["back", "flaky"]);
    assert!(texts(&console, "SELECT job_id FROM flux_job_archive WHERE status = 'completed'").await.is_empty());
    let answer = console.json("/api/v1/logs/archive?q=sound").await;
    assert_eq!(answer["lines"].as_array().map(Vec::len), Some(2), "{answer}");
    for (job, story) in [("flaky", vec!["retry", "completed"]), ("back", vec!["failed", "completed"])] {
        let told = console.json(&format!("/api/v1/queues/mail/jobs/{job}")).await;
        let kinds: Vec<&str> = told["timeline"].as_array().expect("a timeline").iter().map(|e| e["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds.into_iter().filter(|kind| *kind != "note").collect::<Vec<_>>(), story, "{told}");
        let page = console.get(&format!("/queues/mail/jobs/{job}")).await.text().await.expect("a page");
        assert!(page.contains("An attempt completed"), "{page}");
    }
    console.stop().await;
}

on_each! { a_success_after_a_failure_is_kept }
