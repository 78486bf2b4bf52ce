//! What operators did to a job is told on its page, also when they did it to several, or to many at once.

use crate::{
    archive::{fresh, on_each},
    support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{archive::Status, audit::AuditLine, errors::filter, ids::QueueName, job::TimelineEntry, operation::Verb, time::Millis},
    server::{
        actions,
        archive::{
            audit,
            record::{self, Record, Run},
            sql::sql,
            timeline,
        },
        config::Config,
    },
};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

on_each! {
    each_of_several_jobs_tells_what_was_done
    a_retry_of_many_is_told_where_it_may_have_been_the_one
}

fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a name")
}

async fn console(redis: &TestRedis, database: &Database) -> TestConsole {
    let config = Config { url: redis.url.clone(), archive: database.setting.clone(), ..Config::default() };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.db().is_ok()).await;
    console
}

/// (title, detail) of what operators did.
fn deeds(entries: Vec<TimelineEntry>) -> Vec<(String, String)> {
    entries.into_iter().filter(|e| e.kind == "action").map(|e| (e.title, e.detail.unwrap_or_default())).collect()
}

async fn each_of_several_jobs_tells_what_was_done(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    // One of the names is longer than the library's columns.
    let names = ["mail".to_owned(), "q".repeat(300)];
    for name in &names {
        let dead = ["a", "b", "c", "odd \"d\""].map(|id| Payload::new(id, name).attempts(3, 3).failed("no"));
        redis.push_raw(&format!("queue:{name}:failed"), dead).await;
    }
    let console = console(&redis, &database).await;
    for name in &names {
        let page = console.json(&format!("/api/v1/queues/{name}/jobs?state=failed")).await;
        let jobs = page["jobs"].as_array().expect("jobs");
        let of = |id: &str| jobs.iter().find(|job| job["id"] == id).expect("the job")["fingerprint"].clone();
        let retry = async |jobs: Vec<serde_json::Value>| {
            console.post(&format!("/api/v1/queues/{name}/jobs/retry"), &json!({"state": "failed", "jobs": jobs})).await.1
        };
        assert_eq!(retry(vec![of("c")]).await["done"], 1);
        let several = retry(vec![of("a"), of("c"), of("odd \"d\"")]).await;
        assert_eq!((&several["done"], &several["gone"]), (&json!(2), &json!(1)), "{several}");
        let edited = json!({"state": "failed", "jobs": [of("b")], "payload": Payload::new("b", name).own("\"to\":\"b@x\"").failed("no")});
        assert_eq!(console.post(&format!("/api/v1/queues/{name}/jobs/retry"), &edited).await.1["done"], 1);

        for (id, expected) in [("a", "2 done, 1 gone"), ("odd \"d\"", "2 done, 1 gone"), ("b", ""), ("c", "")] {
            let mut told = Vec::new();
            eventually("it is told", SOON, async || {
                told = deeds(actions::past::past(&console.state, &queue(name), id, true).await.expect("a past").entries);
                !told.is_empty()
            })
            .await;
            assert_eq!(told, [("Retried by 127.0.0.1".to_owned(), expected.to_owned())], "{id}");
        }
    }
    let lines = console.json("/api/v1/audit?queue=mail").await;
    assert!(lines["lines"].as_array().expect("lines").iter().all(|line| line.get("ids").is_none()), "{lines}");
    console.stop().await;
}

const AT: i64 = 1_795_432_801_819;

fn seconds(n: i64) -> Millis {
    Millis(AT + n * 1_000)
}

fn line(id: &str, at: Millis, name: &str, filter: &str, result: &str) -> AuditLine {
    AuditLine {
        id: id.into(),
        at,
        who: "Olga".into(),
        verb: "retry".into(),
        queue: Some(name.into()),
        filter: Some(filter.into()),
        jobs: result.split(' ').next().and_then(|n| n.parse().ok()),
        result: result.into(),
        took_ms: 5,
        ids: Vec::new(),
    }
}

/// It had failed by then, it was seen later, and nobody retried it by name.
async fn a_retry_of_many_is_told_where_it_may_have_been_the_one(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    let db = archive.db().expect("open");
    let dead = |id: &str, error: &str, at: i64| Record {
        status: Status::Failed,
        queue: queue("mail"),
        id: None,
        payload: Payload::new(id, "mail").created(seconds(at).0).attempts(3, 3).failed(error).into_bytes(),
        at: seconds(at),
    };
    let ran = |id: &str, at: i64| Run {
        job: id.into(),
        queue: Some(queue("mail")),
        worker: "w".into(),
        class: None,
        attempt: Some(1),
        started_at: seconds(at),
        ended_at: Millis(seconds(at).0 + 200),
        wait_ms: None,
        outcome: "completed",
        error: None,
    };
    let records = [
        dead("back", "no answer", 0),
        dead("left", "no answer", 0),
        dead("later", "no answer", 90),
        dead("before", "no answer", 0),
        dead("named", "no answer", 0),
        dead("other", "card declined", 0),
    ];
    record::records(&db, &records).await.expect("written");
    let runs = [ran("back", 120), ran("later", 120), ran("before", 30), ran("named", 120), ran("other", 120)];
    record::runs(&db, &runs).await.expect("written");
    let kind = filter("no answer");
    let lines = [
        line("1", seconds(45), "mail", "id:named", "1 done"),
        line("2", seconds(60), "mail", "all failed", "5 done"),
        line("3", seconds(61), "orders", "all failed", "7 done"),
        line("4", seconds(65), "mail", "all failed", "0 done"),
        line("5", seconds(70), "mail", &format!("failed matching {kind}"), "2 done"),
        AuditLine { verb: "discard".into(), ..line("6", seconds(75), "mail", "all failed", "9 done") },
    ];
    audit::write(&db, &lines).await.expect("written");

    let past = async |id: &str, here: bool| timeline::past(&db, &queue("mail"), id, here).await.expect("a past").entries;
    let titles = |entries: Vec<TimelineEntry>| deeds(entries).into_iter().map(|(title, _)| title).collect::<Vec<_>>();
    let (all, matching) = ("All failed jobs retried by Olga".to_owned(), format!("Failed jobs matching {kind} retried by Olga"));
    let story: Vec<String> = past("back", false).await.into_iter().filter(|e| e.kind != "note").map(|e| e.title).collect();
    assert_eq!(story, ["Attempt 3 failed, no attempts left", all.as_str(), matching.as_str(), "Attempt 1 completed"]);
    let (_, said) = &deeds(past("back", false).await)[0];
    assert!(said.starts_with("5 done · a bulk action on the queue") && said.contains("is not written down"), "{said}");
    assert!(titles(past("left", false).await).is_empty(), "nobody saw it since");
    assert_eq!(titles(past("left", true).await), [all.clone(), matching.clone()], "it is in Redis again");
    assert!(titles(past("later", false).await).is_empty(), "it failed after them");
    assert!(titles(past("before", false).await).is_empty(), "it had been back before");
    assert_eq!(titles(past("named", false).await), ["Retried by Olga"], "it is known who brought it back");
    assert_eq!(titles(past("other", false).await), [all], "its failure is none of that kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_on_all_and_on_a_group_are_told() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let created = now_ms() - 60_000;
    for name in ["mail", "orders"] {
        let dead = [1, 2].map(|n| Payload::new(&format!("{name}-{n}"), name).created(created).attempts(3, 3).failed("no answer"));
        redis.push_raw(&format!("queue:{name}:failed"), dead).await;
    }
    let console = console(&redis, &database).await;
    let db = console.state.archive.db().expect("open");
    let archived = async || db.one(sql("SELECT COUNT(*) FROM flux_job_archive"), |row| row.count(0)).await.expect("an answer") == Some(4);
    eventually("they are archived", SOON, archived).await;
    let (status, _) = console.post("/api/v1/queues/mail/jobs/retry", &json!({"state": "failed", "all": true})).await;
    assert_eq!(status, 202);
    let parts = actions::errors::count(&console.state, "no answer").await.expect("counted");
    let orders: Vec<_> = parts.into_iter().filter(|part| part.queue.as_str() == "orders").collect();
    actions::errors::act(&console.state, "no answer", Verb::Retry, &orders, None, false).await.expect("started");
    // An action on all that match names what it took.
    for (name, expected) in [("mail", "All failed jobs retried by 127.0.0.1"), ("orders", "Retried by the console")] {
        let told = async || {
            let past = actions::past::past(&console.state, &queue(name), &format!("{name}-2"), true).await.expect("a past");
            deeds(past.entries).iter().any(|(title, _)| title == expected)
        };
        eventually(expected, SOON, told).await;
    }
    console.stop().await;
}

/// A line that waited in Redis for the archive names its jobs all the same; without an archive none does.
#[tokio::test(flavor = "multi_thread")]
async fn lines_keep_their_jobs_on_the_way_to_the_archive() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let moved = AuditLine { ids: vec!["j-1".into(), "j-2".into()], ..line("moved", seconds(0), "mail", "2 failed", "2 done") };
    let archiving = console(&redis, &database).await;
    archiving.state.driver.push_audit(&[serde_json::to_string(&moved).expect("JSON")]).await.expect("written");
    let told = async || {
        let past = actions::past::past(&archiving.state, &queue("mail"), "j-2", false).await.expect("a past");
        deeds(past.entries) == [("Retried by Olga".to_owned(), "2 done".to_owned())]
    };
    eventually("it is told", SOON, told).await;
    archiving.stop().await;

    redis.push_raw("queue:mail:failed", ["a", "b"].map(|id| Payload::new(id, "mail").attempts(3, 3).failed("no"))).await;
    let without = redis.console().await;
    let page = without.json("/api/v1/queues/mail/jobs?state=failed").await;
    let jobs = [&page["jobs"][0]["fingerprint"], &page["jobs"][1]["fingerprint"]];
    assert_eq!(without.post("/api/v1/queues/mail/jobs/retry", &json!({"state": "failed", "jobs": jobs})).await.1["done"], 2);
    let mut lines = Vec::new();
    eventually("the line is in Redis", SOON, async || {
        let keys = redis.keys().await;
        let Some(key) = keys.iter().find(|key| key.ends_with(":audit")) else { return false };
        lines = redis.texts(key).await;
        !lines.is_empty()
    })
    .await;
    assert!(lines.iter().all(|line| line.contains("2 failed") && !line.contains("\"ids\"")), "{lines:?}");
    without.stop().await;
}
