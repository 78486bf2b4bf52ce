//! Every route of REST that changes something leaves exactly one line: who, what, where, on how many jobs, and what came of it.
//! Putting a lost job back takes a worker's death, so that stands in `live::lost`; here it is refused.

use super::{SOON, console, ints, open};
use crate::{
    schedules::JOB,
    support::{
        Payload, TestConsole, TestRedis, eventually, now_ms,
        payload::{many, many_dead},
    },
};
use flux_console::{
    model::{archive::Status, time::Millis},
    server::archive::record::{self, Record},
};
use redis::AsyncCommands;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Verb, queue, filter, jobs, and what the result begins with.
type Line<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<u64>, &'a str);

fn id(line: &Value) -> String {
    line["id"].as_str().expect("an id").to_owned()
}

struct Book {
    console: TestConsole,
    seen: HashSet<String>,
}

impl Book {
    async fn send(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let mut request = self.console.client.request(method, format!("{}/api/v1{path}", self.console.base_url));
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Sends this; its line is the one that is new.
    async fn leaves(&mut self, method: Method, path: &str, body: Value, status: u16, line: Line<'_>) -> Value {
        let (got, answer) = self.send(method, path, &body).await;
        assert_eq!(got, status, "{path}: {answer}");
        let mut lines = Vec::new();
        eventually(&format!("a line of {path}"), SOON, async || {
            let page = self.console.json("/api/v1/audit").await;
            lines = page["lines"].as_array().cloned().unwrap_or_default();
            page["archived"] == true && lines.iter().any(|line| !self.seen.contains(&id(line)))
        })
        .await;
        let new: Vec<&Value> = lines.iter().filter(|line| !self.seen.contains(&id(line))).collect();
        assert_eq!(new.len(), 1, "{path}: {new:#?}");
        let said = new[0];
        let (verb, queue, filter, jobs, result) = line;
        assert_eq!(
            (said["verb"].as_str(), said["queue"].as_str(), said["filter"].as_str(), said["jobs"].as_u64()),
            (Some(verb), queue, filter, jobs),
            "{path}: {said}"
        );
        let began = said["result"].as_str().is_some_and(|text| text.starts_with(result) && !text.is_empty());
        assert!(began, "{path}: {result:?} is expected, {said}");
        assert_eq!(said["who"], "somebody at 127.0.0.1", "{path}");
        assert!(said["tookMs"].as_i64() >= Some(0), "{path}: {said}");
        self.seen.insert(id(said));
        answer
    }

    async fn post(&mut self, path: &str, body: Value, status: u16, line: Line<'_>) -> Value {
        self.leaves(Method::POST, path, body, status, line).await
    }

    /// Id and fingerprint of each job on the first page.
    async fn jobs(&self, queue: &str, state: &str) -> Vec<(String, String)> {
        let page = self.console.json(&format!("/api/v1/queues/{queue}/jobs?state={state}")).await;
        let text = |job: &Value, name: &str| job[name].as_str().expect("text").to_owned();
        page["jobs"].as_array().expect("jobs").iter().map(|job| (text(job, "id"), text(job, "fingerprint"))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_leaves_exactly_one_line() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let later = now_ms() + 3_600_000;
    redis.push_raw("queue:mail:failed", many_dead("j", "mail", 6)).await;
    redis.push_raw("queue:mail", many("w", "mail", 3)).await;
    redis.delay_raw("queue:mail:delayed", many("d", "mail", 2).into_iter().map(|raw| (raw, later))).await;
    redis.push_raw("queue:mail:urgent", many("u", "mail", 2)).await;
    redis.push_raw("queue:bin", many("b", "bin", 2)).await;
    redis.push_raw("queue:bin:failed", many_dead("x", "bin", 1)).await;
    redis.push_raw("queue:pending:sleeps", [Payload::new("g-1", "pay").group("sleeps").waiting()]).await;
    let _: () = redis.con.clone().sadd("queue:active", "empty").await.unwrap();
    let mut book = Book { console: console(&redis, &file).await, seen: HashSet::new() };

    named_jobs(&mut book).await;
    whole_queues(&mut book).await;
    operations(&mut book).await;
    archived_jobs(&mut book, &file).await;
    doctor(&mut book).await;
    schedules(&mut book).await;
    settings(&mut book).await;

    // None came late.
    let total = book.console.json("/api/v1/audit").await["total"].as_u64();
    assert_eq!(total, Some(book.seen.len() as u64));
    book.console.stop().await;
}

async fn named_jobs(book: &mut Book) {
    let (failed, waiting, delayed) =
        (book.jobs("mail", "failed").await, book.jobs("mail", "waiting").await, book.jobs("mail", "delayed").await);
    for (verb, state, (id, fingerprint)) in
        [("retry", "failed", &failed[0]), ("promote", "delayed", &delayed[0]), ("discard", "waiting", &waiting[0])]
    {
        let filter = format!("id:{id}");
        let body = json!({"state": state, "jobs": [fingerprint]});
        let path = format!("/queues/mail/jobs/{verb}");
        book.post(&path, body.clone(), 200, (verb, Some("mail"), Some(filter.as_str()), Some(1), "1 done")).await;
        // The job is not there any more, so the line names no id.
        let filter = format!("1 {state}");
        book.post(&path, body, 200, (verb, Some("mail"), Some(filter.as_str()), Some(0), "1 gone")).await;
    }
    let two = json!({"state": "failed", "jobs": [failed[1].1, failed[2].1]});
    book.post("/queues/mail/jobs/discard", two, 200, ("discard", Some("mail"), Some("2 failed"), Some(2), "2 done")).await;
    let payload = book.console.json(&format!("/api/v1/queues/mail/jobs/{}", failed[3].1)).await["payload"].take();
    let edited = json!({"state": "failed", "jobs": [failed[3].1], "payload": payload});
    book.post("/queues/mail/jobs/retry", edited, 200, ("retry", Some("mail"), Some("1 failed, edited"), Some(1), "1 done")).await;
    let none = json!({"state": "failed", "jobs": []});
    book.post("/queues/mail/jobs/discard", none, 422, ("discard", Some("mail"), Some("0 failed"), None, "refused: Name 1 to")).await;
}

/// Two are left that failed, and one that is delayed. Then eight wait: two that always did, four that failed, two that were delayed.
async fn whole_queues(book: &mut Book) {
    let all = |state: &str| json!({"state": state, "all": true});
    book.post("/queues/mail/jobs/retry", all("failed"), 202, ("retry", Some("mail"), Some("all failed"), Some(2), "2 done")).await;
    book.post("/queues/mail/jobs/promote", all("delayed"), 202, ("promote", Some("mail"), Some("all delayed"), Some(1), "1 done")).await;
    book.post("/queues/mail/jobs/discard", all("waiting"), 202, ("discard", Some("mail"), Some("all waiting"), Some(8), "8 done")).await;
    book.post("/queues/bin/purge", Value::Null, 202, ("purge", Some("bin"), None, Some(3), "3 done")).await;
    let trash = book.console.json("/api/v1/trash").await;
    let entry = trash["trash"].as_array().expect("a list").iter().find(|entry| entry["queue"] == "bin").expect("the entry")["id"].clone();
    let restore = format!("/trash/{}/restore", entry.as_str().expect("an id"));
    book.post(&restore, Value::Null, 202, ("restore", Some("bin"), None, Some(3), "3 done")).await;
    book.post("/queues/bin/clear-failed", Value::Null, 202, ("clear-failed", Some("bin"), Some("all failed"), Some(1), "1 done")).await;
    book.post("/queues/bin/pause", Value::Null, 200, ("pause", Some("bin"), None, None, "done")).await;
    book.post("/queues/bin/resume", Value::Null, 200, ("resume", Some("bin"), None, None, "done")).await;
    book.post(
        "/queues/bin:failed/purge",
        Value::Null,
        422,
        ("purge", Some("bin:failed"), None, None, "refused: bin:failed is not a queue"),
    )
    .await;
}

async fn operations(book: &mut Book) {
    let list = book.console.json("/api/v1/operations").await;
    let last = &list["operations"][0];
    let (id, filter) = (last["id"].as_str().expect("an id"), format!("operation {}", last["id"].as_str().expect("an id")));
    assert_eq!((last["verb"].as_str(), last["who"].as_str()), (Some("clear-failed"), Some("somebody at 127.0.0.1")), "{last}");
    book.post(
        &format!("/operations/{id}/cancel"),
        Value::Null,
        200,
        ("cancel", Some("bin"), Some(filter.as_str()), None, "asked for: 1 of 1"),
    )
    .await;
    for (path, verb, filter) in [
        ("/operations/nothing/cancel", "cancel", "operation nothing"),
        ("/trash/nothing/restore", "restore", "nothing"),
        ("/runs/nothing/put-back", "put-back", "nothing"),
        ("/alerts/undelivered/nothing/dismiss", "alert-dismiss", "nothing"),
        ("/alerts/undelivered/nothing/retry", "alert-send-again", "nothing"),
    ] {
        book.post(path, Value::Null, 404, (verb, None, Some(filter), None, "refused: Th")).await;
    }
    let command = json!({"type": "LARAVEL_ACTION", "queue": "default", "action": "retry-all"});
    let line = ("node-retry-all", None, Some("billing:nobody, queue default"), None, "refused: No heartbeat");
    book.post("/nodes/billing/nobody/commands", command, 404, line).await;
}

async fn archived_jobs(book: &mut Book, file: &std::path::Path) {
    let payload = Payload::new("old-1", "mail").attempts(3, 3).failed("no").into_bytes();
    let record = Record { status: Status::Failed, queue: "mail".try_into().expect("a name"), payload, id: None, at: Millis(now_ms()) };
    let db = open(file).await;
    record::records(&db, &[record]).await.expect("written");
    let row = ints(&db, "SELECT id FROM flux_job_archive WHERE job_id = 'old-1'").await[0];
    for (verb, named) in [("retry", "retry-archived"), ("duplicate", "duplicate")] {
        let (path, body) = (format!("/archive/jobs/{row}/{verb}"), json!({"request": format!("click-{verb}")}));
        book.post(&path, body, 200, (named, Some("mail"), Some("id:old-1"), Some(1), "done")).await;
    }
    db.close().await;
}

async fn doctor(book: &mut Book) {
    let fix = |kind: &str, subject: &str| json!({"kind": kind, "subject": subject});
    let path = "/doctor/fix";
    let moved = ("move-to-base", Some("mail:urgent"), Some("mail:urgent"), Some(2), "2 jobs went from mail:urgent to mail.");
    book.post(path, fix("move-to-base", "mail:urgent"), 200, moved).await;
    let started = ("start-group", None, Some("sleeps"), Some(1), "The first job behind the group sleeps waits in its queue now");
    book.post(path, fix("start-group", "sleeps"), 200, started).await;
    let released = ("release-group", None, Some("empty"), Some(0), "The group empty is not marked active any more.");
    book.post(path, fix("release-group", "empty"), 200, released).await;
    book.post(path, fix("pause", "mail"), 200, ("pause", Some("mail"), None, None, "done")).await;
    book.post(path, fix("resume", "mail"), 200, ("resume", Some("mail"), None, None, "done")).await;
    book.post(path, fix("start-group", ""), 422, ("start-group", None, Some(""), None, "refused: Name the group")).await;
}

async fn schedules(book: &mut Book) {
    let job: Value = serde_json::from_str(JOB).expect("JSON");
    let draft = |cron: &str, version: &Value| json!({"id": "night", "cron": cron, "queue": "mail", "job": job, "version": version});
    let line = |verb: &'static str, filter: &'static str| (verb, None, Some(filter), None, "done");
    let added = book.post("/schedules", draft("0 3 * * *", &Value::Null), 201, line("schedule-add", "night: 0 3 * * * in mail")).await;
    let changed = draft("0 4 * * *", &added["schedule"]["version"]);
    book.leaves(Method::PUT, "/schedules/night", changed.clone(), 200, line("schedule-edit", "night: 0 4 * * * in mail")).await;
    let refused = ("schedule-edit", None, Some("night: 0 4 * * * in mail"), None, "refused: ");
    book.leaves(Method::PUT, "/schedules/night", changed, 409, refused).await;
    book.post("/schedules/night/disable", Value::Null, 200, line("schedule-disable", "night")).await;
    book.post("/schedules/night/enable", Value::Null, 200, line("schedule-enable", "night")).await;
    book.post("/schedules/night/run", json!({"request": "click-run"}), 200, line("schedule-run", "night")).await;
    book.leaves(Method::DELETE, "/schedules/night", Value::Null, 200, line("schedule-delete", "night")).await;
    book.post("/schedules/night/restore", Value::Null, 200, line("schedule-restore", "night")).await;
}

async fn settings(book: &mut Book) {
    let keep = json!({"autoCleanup": false, "retentionDays": 3650, "logsRetentionDays": 3650});
    let line = ("retention-settings", None, Some("off, jobs 3650 days, log lines 3650 days"), None, "done");
    book.leaves(Method::PUT, "/settings/retention", keep, 200, line).await;
    let line = ("retention-run", None, Some("jobs older than 3650 days, log lines older than 3650 days"), None, "nothing was old enough");
    book.post("/settings/retention/run", Value::Null, 202, line).await;

    let rule = json!({"name": "Mail", "type": "backlog", "threshold": 1_000_000, "cooldownMinutes": 5});
    let added = book.post("/alerts/rules", rule.clone(), 201, ("alert-rule-add", None, Some("Mail"), None, "done")).await;
    let id = added["id"].as_str().expect("an id");
    let path = format!("/alerts/rules/{id}");
    book.leaves(Method::PUT, &path, rule, 200, ("alert-rule-change", None, Some("Mail"), None, "done")).await;
    book.leaves(Method::DELETE, &path, Value::Null, 204, ("alert-rule-delete", None, Some(id), None, "done")).await;
    let version = book.console.json("/api/v1/alerts/channels").await["version"].take();
    let off = json!({"version": version, "slack": {"enabled": false}});
    book.leaves(Method::PUT, "/alerts/channels", off, 200, ("alert-channels", None, Some("Slack off"), None, "done")).await;
    book.post("/alerts/channels/slack/test", Value::Null, 200, ("alert-test", None, Some("Slack"), None, "not taken: ")).await;
}
