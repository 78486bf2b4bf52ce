//! What the other files here show on SQLite, on each of the three databases: old rows, audit lines, the log of the past, figures.

use super::{DAY_MS, SOON, days_ago, ints, retention::delete_old, searched, texts};
use crate::{
    archive::on_each,
    support::{Database, DatabaseKind, Payload, TestConsole, TestRedis, eventually, now_ms},
};
use flux_console::{
    model::{
        archive::{ArchiveState, Gap, Status},
        audit::AuditLine,
        ids::QueueName,
        time::Millis,
    },
    server::{
        archive::{
            audit,
            db::{Db, again},
            gaps,
            record::{self, Line, Record, Run},
            setting::Setting,
            sql::sql,
        },
        config::Config,
    },
};
use std::sync::atomic::{AtomicUsize, Ordering};

on_each! {
    old_rows_go_with_everything_that_was_read_in_them
    audit_lines_are_found_by_every_filter
    the_jobs_of_an_audit_line_go_with_it
    the_log_of_the_past_is_searched_literally
    names_are_told_apart_by_every_letter
    long_lines_of_the_log_are_kept_whole
}

/// MySQL's columns hold 128 characters of a name and 64 kB of a message, PostgreSQL indexes 512 characters, SQLite takes all.
async fn long_lines_of_the_log_are_kept_whole(kind: DatabaseKind) {
    let (redis, _database, console, db) = console(kind).await;
    let (worker, queue) = ("w".repeat(600), "q".repeat(600));
    let message = format!("{} the end", "é".repeat(40_000));
    let long = |message: &str, at: Millis| line(&worker, "info", message, Some(queue.as_str()), at);
    let lines = [long(&message, days(0)), long("old", days(40)), line("w", "info", "short", None, days(1))];
    let count = |text: &str| format!("SELECT COUNT(*) FROM {text}");
    assert_eq!(record::Lines::default().write(&db, &lines, false).await.unwrap(), 3);
    let beside = ints(&db, &count("flux_console_whole_lines")).await[0];
    assert_eq!(beside, if kind == DatabaseKind::Sqlite { 0 } else { 2 }, "what fits is not kept twice");

    let shown = async |query: &str| console.json(&format!("/api/v1/logs/archive?{query}")).await["lines"].as_array().unwrap().clone();
    let all = shown("").await;
    assert_eq!(all.len(), 3);
    for (line, expected) in [(&all[2], message.as_str()), (&all[1], "old")] {
        assert!(line["message"] == expected && line["worker"] == worker && line["queue"] == queue, "{kind:?}: it is shown whole");
    }
    let (other, part) = (format!("{}x", &worker[1..]), &worker[..128]);
    for (query, n) in [
        (format!("worker={worker}"), 2),
        (format!("queue={queue}&worker={worker}"), 2),
        (format!("worker={other}"), 0),
        (format!("worker={part}"), 0),
        (format!("worker={worker}&q=The%20end"), 1),
        ("q=the%20end".into(), 1),
    ] {
        assert_eq!(shown(&query).await.len(), n, "{kind:?}: {query}");
    }

    // Known again by the next archiver, and told from one that goes on otherwise far behind its beginning.
    let again = [long(&message, lines[0].at), long(&message[..60_000], lines[0].at)];
    assert_eq!(record::Lines::default().write(&db, &again, true).await.unwrap(), 1);
    assert_eq!(record::Lines::default().write(&db, &again, true).await.unwrap(), 0);

    // What a worker says is kept to its end.
    console.listens().await;
    let said = format!("{} said to the end", "x".repeat(30_000));
    let event = serde_json::json!({"level": "info", "message": said, "workerId": "loud", "timestamp": days(0).iso()}).to_string();
    redis::cmd("PUBLISH").arg("flux_console:logs").arg(event).exec_async(&mut redis.con.clone()).await.unwrap();
    eventually("it is archived", SOON, async || shown("worker=loud").await.first().is_some_and(|line| line["message"] == said)).await;

    delete_old(&console).await;
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_system_logs WHERE message = 'old'").await, [0]);
    assert_eq!(ints(&db, &count("flux_console_whole_lines")).await, [beside], "the old one went, one had come");
    // The library deletes a line, and what stands beside it is left.
    assert_eq!(db.run(sql("DELETE FROM flux_system_logs WHERE message LIKE 'é%'")).await.unwrap(), 2);
    assert_eq!(delete_old(&console).await["notes of rows that are gone"].as_i64(), Some(beside));
    assert_eq!(ints(&db, &count("flux_console_whole_lines")).await, [0]);
    console.stop().await;
}

/// MariaDB compares the library's columns without case, and knows no time outside of 1970 to 2038.
async fn names_are_told_apart_by_every_letter(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let long = "q".repeat(300);
    let dead = |id: &str, queue: &str| Record {
        status: Status::Failed,
        queue: queue.try_into().unwrap(),
        payload: Payload::new(id, queue).attempts(3, 3).failed("no").into_bytes(),
        id: None,
        at: days(0),
    };
    let all = [dead("a", "mail"), dead("A", "mail"), dead("b", "Mail"), dead("c", &long)];
    assert_eq!(record::records(&db, &all).await.unwrap().rows, 4);
    for (queue, ids) in [("mail", vec!["A", "a"]), ("Mail", vec!["b"]), ("MAIL", vec![]), (long.as_str(), vec!["c"])] {
        let page = console.json(&format!("/api/v1/archive/jobs?queue={queue}")).await;
        let found: Vec<&str> = page["rows"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!((found, page["total"].as_u64()), (ids.clone(), Some(ids.len() as u64)), "{queue}");
    }
    for id in ["a", "A"] {
        let job = console.json(&format!("/api/v1/queues/mail/jobs/{id}")).await;
        assert_eq!((job["id"].as_str(), job["rows"].as_u64()), (Some(id), Some(1)), "{job}");
    }
    let lines = [line("w", "info", "one", Some("mail"), days(1)), line("W", "info", "two", Some("Mail"), days(0))];
    record::Lines::default().write(&db, &lines, false).await.unwrap();
    for (query, expected) in [
        ("queue=mail&worker=w", vec!["one"]),
        ("queue=Mail", vec!["two"]),
        ("worker=W", vec!["two"]),
        ("queue=MAIL", vec![]),
        ("until=2040-01-01", vec!["two", "one"]),
        ("since=1960-01-01", vec!["two", "one"]),
        ("since=2040-01-01", vec![]),
        ("until=1960-01-01", vec![]),
    ] {
        let page = console.json(&format!("/api/v1/logs/archive?{query}")).await;
        let found: Vec<&str> = page["lines"].as_array().unwrap().iter().map(|l| l["message"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
    }
    // A step does not wait longer than a second for the archive.
    eventually("the job is found", SOON, async || console.json("/api/v1/search?q=id:c%20since:1960-01-01").await["hits"][0]["id"] == "c")
        .await;
    console.stop().await;
}

/// A console with an open, empty archive.
pub async fn console(kind: DatabaseKind) -> (TestRedis, Database, TestConsole, Db) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    let console = TestConsole::start(Config { url: redis.url.clone(), archive: database.setting.clone(), ..Config::default() }).await;
    console.discovered().await;
    eventually("the archive is open", SOON, async || console.state.archive.status().state == ArchiveState::Ready).await;
    let db = console.state.archive.db().unwrap();
    (redis, database, console, db)
}

pub fn mail() -> QueueName {
    QueueName::try_from("mail").unwrap()
}

pub fn days(n: i64) -> Millis {
    Millis(now_ms() - n * DAY_MS)
}

fn line(worker: &str, level: &str, message: &str, queue: Option<&str>, at: Millis) -> Line {
    Line { level: level.into(), message: message.into(), worker: worker.into(), queue: queue.map(str::to_owned), at }
}

async fn old_rows_go_with_everything_that_was_read_in_them(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let dead = |id: String, at: Millis| Record {
        status: Status::Failed,
        queue: mail(),
        payload: Payload::new(&id, "mail").attempts(3, 3).failed("PaymentTimeout: no answer").into_bytes(),
        id: None,
        at,
    };
    // One of them does not fit: broken JSON goes whole to a table of its own.
    let mut old: Vec<Record> = (0..450).map(|n| dead(format!("old-{n}"), days(31))).collect();
    old.push(Record { payload: b"{broken".to_vec(), ..dead(String::new(), days(40)) });
    let young: Vec<Record> = (0..5).map(|n| dead(format!("young-{n}"), days(29))).collect();
    assert_eq!(record::records(&db, &old).await.unwrap().rows + record::records(&db, &young).await.unwrap().rows, 456);
    let run = |job: &str, at: Millis| Run {
        job: job.into(),
        queue: Some(mail()),
        worker: "w".into(),
        class: None,
        attempt: Some(1),
        started_at: at,
        ended_at: at,
        wait_ms: None,
        outcome: "dead",
        error: None,
    };
    record::runs(&db, &[run("old", days(31)), run("young", days(29))]).await.unwrap();
    let lines = [line("w", "info", "old", None, days(31)), line("w", "info", "young", None, days(1))];
    record::Lines::default().write(&db, &lines, false).await.unwrap();
    for at in [days(31), days(1)] {
        gaps::write(&db, &Gap { queue: mail(), from: None, until: at, up_to: Some(7) }).await.unwrap();
    }
    eventually("all is indexed", SOON, async || ints(&db, "SELECT COUNT(*) FROM flux_console_rows").await == [456]).await;
    let facts = console.json("/api/v1/archive").await;
    assert!(facts["bytes"].as_u64().is_some_and(|n| n > 0) && facts["version"].as_str().is_some_and(|v| v.contains(' ')), "{facts}");
    assert_eq!((facts["tables"][0]["rows"].as_u64(), facts["gaps"].as_array().map(Vec::len)), (Some(456), Some(2)), "{facts}");
    assert!(facts["oldestJob"].as_str().is_some_and(|at| at.starts_with(&days_ago(40)[..13])), "{facts}");

    let preview = console.json("/api/v1/settings/retention/preview").await;
    let deleted = delete_old(&console).await;
    for (part, (what, rows)) in
        preview["parts"].as_array().unwrap().iter().zip([("job rows", 451), ("runs of jobs", 1), ("log lines", 1), ("notes of gaps", 1)])
    {
        assert_eq!((part["what"].as_str(), part["rows"].as_u64()), (Some(what), Some(rows)), "{preview}");
        assert_eq!(deleted[what].as_u64(), Some(rows), "what was announced is what was deleted: {deleted}");
    }
    for table in ["flux_job_archive", "flux_console_rows", &format!("{} words", searched(&db).await)] {
        assert_eq!(ints(&db, &format!("SELECT COUNT(*) FROM {table}")).await, [5], "{table}");
    }
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_whole").await, [0]);
    assert_eq!(texts(&db, "SELECT job_id FROM flux_console_attempts").await, ["young"]);
    assert_eq!(texts(&db, "SELECT message FROM flux_system_logs WHERE worker_id = 'w'").await, ["young"]);
    // What is gone is still known, or Redis would bring it back.
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_failures WHERE gone_ms IS NOT NULL").await, [451]);
    assert_eq!(record::records(&db, &old[..10]).await.unwrap().rows, 0, "it is not archived again");
    console.stop().await;
}

/// MariaDB counts what is free apart from what is used.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_is_part_of_the_size() {
    let (_redis, _database, console, db) = console(DatabaseKind::MariaDb).await;
    super::run(&db, "CREATE TABLE flux_filler (id INT PRIMARY KEY AUTO_INCREMENT, bytes LONGTEXT)", []).await;
    for _ in 0..20 {
        super::run(&db, "INSERT INTO flux_filler (bytes) VALUES (REPEAT('x', 1000000))", []).await;
    }
    super::run(&db, "DELETE FROM flux_filler", []).await;
    let tables = "FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'flux!_%' ESCAPE '!'";
    eventually("the pages of what was deleted are free", 3 * SOON, async || {
        db.rows(sql("ANALYZE TABLE flux_filler"), |_| ()).await.expect("looked at");
        ints(&db, &format!("SELECT CAST(SUM(data_free) > SUM(data_length + index_length) AS SIGNED) {tables}")).await == [1]
    })
    .await;
    let facts = console.json("/api/v1/archive").await;
    let (bytes, free) = (facts["bytes"].as_u64().expect("a size"), facts["freeBytes"].as_u64().expect("what is free"));
    assert!(free > 0 && bytes > free, "{facts}");
    assert_eq!(facts["withoutWords"], false, "{facts}");
    let page = console.get("/settings").await.text().await.expect("a page");
    assert!(page.contains(", of which ") && !page.contains("without the index of words"), "{page}");
    console.stop().await;
}

/// MariaDB tells how large its index of words is only whom it shows everything; others are told that it is left out.
#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_words_is_part_of_the_size() {
    let (redis, database, console, db) = console(DatabaseKind::MariaDb).await;
    let Setting::MySql(address) = &database.setting else { panic!("a server") };
    let mut address = url::Url::parse(address).expect("a URL");
    let name = address.path().trim_start_matches('/').to_owned();
    let user = format!("{name}_plain");
    database.run(&format!("CREATE USER {user}@'127.0.0.1' IDENTIFIED BY 'plain'; GRANT ALL ON {name}.* TO {user}@'127.0.0.1'"));
    address.set_username(&user).expect("a user");
    address.set_password(Some("plain")).expect("a password");
    let config = Config { url: redis.url.clone(), archive: Setting::MySql(address.into()), ..Config::default() };
    let plain = TestConsole::start(config).await;
    plain.discovered().await;
    eventually("the archive is open", SOON, async || plain.state.archive.status().state == ArchiveState::Ready).await;

    let of_words =
        "SELECT CAST(SUM(file_size) AS SIGNED) FROM information_schema.innodb_sys_tablespaces WHERE name LIKE CONCAT(DATABASE(), '/FTS%')";
    let facts = async |of: &TestConsole| of.json("/api/v1/archive").await;
    // Both are asked again when a row was written in between.
    eventually("the words are counted", SOON, async || {
        let (all, without, words) = (facts(&console).await, facts(&plain).await, ints(&db, of_words).await[0]);
        assert!(words > 0);
        let told = (&all["withoutWords"], &without["withoutWords"]) == (&serde_json::json!(false), &serde_json::json!(true));
        told && all["bytes"].as_i64().zip(without["bytes"].as_i64()).is_some_and(|(all, without)| all - without == words)
    })
    .await;
    let page = plain.get("/settings").await.text().await.expect("a page");
    assert!(page.contains("without the index of words"), "{page}");
    plain.stop().await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_gives_one_of_two_up() {
    of_two_that_wait_for_each_other_both_come_through(DatabaseKind::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_gives_one_of_two_up() {
    of_two_that_wait_for_each_other_both_come_through(DatabaseKind::Postgres).await;
}

/// Retention beside whoever writes: who is given up does its part again. (SQLite has one writer at a time.)
async fn of_two_that_wait_for_each_other_both_come_through(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    super::run(&db, "CREATE TABLE two (id INT PRIMARY KEY, n INT)", []).await;
    super::run(&db, "INSERT INTO two VALUES (1, 0), (2, 0)", []).await;
    let (met, given_up) = (tokio::sync::Barrier::new(2), AtomicUsize::new(0));
    let both = |first: i64, second: i64| {
        let (db, met, given_up, tries) = (&db, &met, &given_up, AtomicUsize::new(0));
        async move {
            let transaction = || async {
                let mut tx = db.begin().await?;
                tx.run(sql("UPDATE two SET n = n + 1 WHERE id = ?").bind(first)).await?;
                if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                    met.wait().await;
                } else {
                    given_up.fetch_add(1, Ordering::Relaxed);
                }
                tx.run(sql("UPDATE two SET n = n + 1 WHERE id = ?").bind(second)).await?;
                tx.commit().await
            };
            again(transaction).await
        }
    };
    let (one, other) = tokio::join!(both(1, 2), both(2, 1));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(ints(&db, "SELECT n FROM two ORDER BY id").await, [2, 2]);
    assert_eq!(given_up.load(Ordering::Relaxed), 1, "one of them was given up");
    console.stop().await;
}

async fn audit_lines_are_found_by_every_filter(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let line = |id: &str, at: i64, who: &str, verb: &str, queue: Option<&str>| AuditLine {
        id: id.into(),
        at: Millis(1_767_312_000_000 + at),
        who: who.into(),
        verb: verb.into(),
        queue: queue.map(str::to_owned),
        filter: Some("all failed \u{0} café".into()),
        jobs: Some(9_007_199_254_740_993),
        result: "9 done".into(),
        took_ms: 12,
        ids: Vec::new(),
    };
    let lines = [
        line("a", 1, "Olga at 10.0.0.3", "retry", Some("orders")),
        line("b", 2, "Otto 100%", "retry", Some("mail: \"x\" 🦊")),
        line("c", 3, "somebody_else", "pause", None),
    ];
    audit::write(&db, &lines).await.unwrap();
    audit::write(&db, &lines).await.unwrap();
    for (query, expected) in [
        ("", vec!["pause", "retry", "retry"]),
        ("?verb=retry", vec!["retry", "retry"]),
        ("?queue=orders", vec!["retry"]),
        ("?queue=mail%3A%20%22x%22%20%F0%9F%A6%8A", vec!["retry"]),
        ("?who=olga", vec!["retry"]),
        ("?who=100%25", vec!["retry"]),
        ("?who=y_e", vec!["pause"]),
        ("?who=o%25o", vec![]),
        ("?who=o&verb=pause", vec!["pause"]),
        ("?page=2", vec![]),
    ] {
        let page = console.json(&format!("/api/v1/audit{query}")).await;
        let verbs: Vec<&str> = page["lines"].as_array().unwrap().iter().map(|l| l["verb"].as_str().unwrap()).collect();
        assert_eq!(verbs, expected, "{query}: {page}");
    }
    let page = console.json("/api/v1/audit?verb=pause").await;
    assert_eq!(page["lines"][0]["jobs"].as_u64(), Some(9_007_199_254_740_993));
    assert_eq!(page["lines"][0]["filter"], "all failed \u{fffd} café");
    assert_eq!(page["lines"][0]["at"], "2026-01-02T00:00:00.003Z");
    console.stop().await;
}

async fn the_jobs_of_an_audit_line_go_with_it(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    let line = |id: &str, at: Millis| AuditLine {
        id: id.into(),
        at,
        who: "Olga".into(),
        verb: "retry".into(),
        queue: Some("mail".into()),
        filter: Some("3 failed".into()),
        jobs: Some(3),
        result: "3 done".into(),
        took_ms: 1,
        // Ids are not unique, and may have any length.
        ids: vec!["both".into(), "both".into(), format!("of {id} {}", "é".repeat(400))],
    };
    let lines = [line("old", days(366)), line("young", days(360))];
    audit::write(&db, &lines).await.unwrap();
    audit::write(&db, &lines).await.unwrap();
    assert_eq!(ints(&db, "SELECT COUNT(*) FROM flux_console_audit_jobs").await, [4]);
    assert_eq!(delete_old(&console).await["audit lines"].as_u64(), Some(1));
    let left = texts(&db, "SELECT job_id FROM flux_console_audit_jobs ORDER BY job_id").await;
    assert!(left.len() == 2 && left[0] == "both" && left[1].starts_with("of young é"), "{left:?}");
    console.stop().await;
}

async fn the_log_of_the_past_is_searched_literally(kind: DatabaseKind) {
    let (_redis, _database, console, db) = console(kind).await;
    // Whole seconds, as MySQL keeps them.
    let at = |s: i64| Millis(1_767_312_000_000 + s * 1_000);
    let lines = [
        line("shop-1", "info", "Processing job: ORD-1", None, at(0)),
        line("shop-1", "error", "Job failed: ORD-1 - 100% of café _closed_ \\o/", Some("orders"), at(1)),
        line("shop-2", "warning", "Job retrying in 2s", Some("orders"), at(86_400)),
        line("shop-2", "success", "Completed job: ord-1 a!b", Some("mail"), at(172_800)),
        line("shop-3", "debug", "of another producer", None, at(172_801)),
        line("shop-3", "WARNING", "a level in capitals", None, at(172_802)),
    ];
    record::Lines::default().write(&db, &lines, false).await.unwrap();
    for (query, expected) in [
        ("", vec![5, 4, 3, 2, 1, 0]),
        ("level=error&worker=shop-1", vec![1]),
        ("worker=shop-2&queue=mail", vec![3]),
        ("q=ord-1", vec![3, 1, 0]),
        ("q=100%25", vec![1]),
        ("q=_closed_", vec![1]),
        ("q=%5Co%2F", vec![1]),
        ("q=a!b", vec![3]),
        ("q=%25", vec![1]),
        ("q=nowhere", vec![]),
        ("since=2026-01-02T00:00:01Z&until=2026-01-03T00:00:00Z", vec![2, 1]),
        ("since=2026-01-03", vec![5, 4, 3, 2]),
        ("since=2026-01-02&until=2026-01-02", vec![1, 0]),
        ("until=2026-01-01", vec![]),
    ] {
        let page = console.json(&format!("/api/v1/logs/archive?{query}")).await;
        let found: Vec<&str> = page["lines"].as_array().unwrap().iter().map(|l| l["message"].as_str().unwrap()).collect();
        let expected: Vec<&str> = expected.into_iter().map(|i: usize| lines[i].message.as_str()).collect();
        assert_eq!(found, expected, "{query}");
    }
    // Databases differ in what they take for the same word; each line is found by the level that it is shown with.
    let mut found = 0;
    for level in ["info", "success", "warning", "error"] {
        let page = console.json(&format!("/api/v1/logs/archive?level={level}")).await;
        let shown: Vec<&str> = page["lines"].as_array().unwrap().iter().map(|l| l["level"].as_str().unwrap()).collect();
        assert!(shown.iter().all(|shown| *shown == level), "{level}: {page}");
        found += shown.len();
    }
    assert_eq!(found, lines.len());
    console.stop().await;
}
