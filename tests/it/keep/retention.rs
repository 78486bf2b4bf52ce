//! What is too old goes with everything that was read in it, and nothing else.

use super::{DAY_MS, SOON, console, days_ago, open, run, texts, write_words};
use crate::support::{TestConsole, TestRedis, eventually, now_ms, payload::many_dead};
use flux_console::{
    model::time::Millis,
    server::archive::{retention::identity_of_raw, shelf},
};
use redis::AsyncCommands;
use serde_json::{Value, json};

const CONFIG: &str = "gravito:zenith:maintenance:config";

/// Begins a run and waits until it has ended; what it deleted, by kind.
pub async fn delete_old(console: &TestConsole) -> Value {
    let (status, started) = console.post("/api/v1/settings/retention/run", &Value::Null).await;
    assert_eq!(status, 202, "{started}");
    let mut run = Value::Null;
    eventually("the run has ended", SOON, async || {
        run = console.json("/api/v1/settings/retention").await["run"].clone();
        run["id"] == started["run"]["id"] && run["status"] != "running"
    })
    .await;
    assert_eq!(run["status"], "done", "{run}");
    Value::Object(run["parts"].as_array().unwrap().iter().map(|p| (p["what"].as_str().unwrap().to_owned(), p["deleted"].clone())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_go_whole_and_what_has_no_readable_time_stays() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    let spaced = days_ago(40)[..19].replace('T', " ");
    let zoned = days_ago(40).replace('Z', "+02:00");
    // (time, job, whether it goes)
    let rows = [
        (Some(days_ago(31)), "iso", true),
        (Some(spaced), "spaced", true),
        (Some(zoned), "zoned", true),
        (Some(days_ago(29)), "young", false),
        (None, "none", false),
        (Some(String::new()), "empty", false),
        (Some("yesterday".into()), "word", false),
        (Some("now".into()), "now", false),
        // A Julian day, and milliseconds as a number: SQLite would take the first one for a time.
        (Some("1".into()), "day", false),
        (Some("1700000000000".into()), "number", false),
        (Some("0000-99-99T00:00:00.000Z".into()), "nonsense", false),
    ];
    for (at, job, _) in &rows {
        let payload = format!(r#"{{"id":"{job}","createdAt":7,"attempts":3}}"#);
        run(
            &db,
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) VALUES (?, 'mail', 'failed', ?, ?)",
            [(*job).into(), payload.into(), at.clone().into()],
        )
        .await;
    }
    for table in ["flux_console_rows (row_id, class)", "flux_console_whole (row_id, job_id)"] {
        run(&db, &format!("INSERT INTO {table} SELECT id, job_id FROM flux_job_archive"), []).await;
    }
    write_words(&db, "SELECT id, job_id FROM flux_job_archive").await;
    for (days, job) in [(31, "old"), (1, "new")] {
        let ended = now_ms() - days * DAY_MS;
        run(
            &db,
            "INSERT INTO flux_console_attempts (identity, job_id, worker, started_ms, ended_ms, outcome) VALUES (?, ?, 'w', 0, ?, 'dead')",
            [job.into(), job.into(), ended.into()],
        )
        .await;
        run(
            &db,
            "INSERT INTO flux_system_logs (level, message, worker_id, timestamp) VALUES ('info', ?, 'w', ?)",
            [job.into(), days_ago(days).into()],
        )
        .await;
        run(
            &db,
            "INSERT INTO flux_console_audit (identity, at_ms, who, verb, result, took_ms) VALUES (?, ?, 'x', 'pause', 'done', 0)",
            [job.into(), (now_ms() - days * 12 * DAY_MS).into()],
        )
        .await;
    }
    let console = console(&redis, &file).await;
    let preview = console.json("/api/v1/settings/retention/preview").await;
    let would: Vec<(&str, u64, bool)> = preview["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["what"].as_str().unwrap(), p["rows"].as_u64().unwrap(), p["partial"].as_bool().unwrap()))
        .collect();
    assert_eq!(would[..3], [("job rows", 3, false), ("runs of jobs", 1, false), ("log lines", 1, false)]);

    let deleted = delete_old(&console).await;
    for (what, rows, _) in would {
        assert_eq!(deleted[what].as_u64(), Some(rows), "what was announced is what was deleted: {what}");
    }
    let stay: Vec<&str> = rows.iter().filter(|(.., goes)| !goes).map(|(_, job, _)| *job).collect();
    assert_eq!(texts(&db, "SELECT job_id FROM flux_job_archive ORDER BY id").await, stay);
    assert_eq!(texts(&db, "SELECT class FROM flux_console_rows ORDER BY row_id").await, stay);
    assert_eq!(texts(&db, "SELECT job_id FROM flux_console_whole ORDER BY row_id").await, stay);
    let with = async |words: &str| {
        let words: Vec<(String, bool)> = vec![(words.to_owned(), false)];
        shelf::rows_with(&db, &words, i64::MAX, 100).await.expect("rows").len()
    };
    for gone in ["iso", "spaced", "zoned"] {
        assert_eq!(with(gone).await, 0, "{gone}");
    }
    assert_eq!(with("young").await, 1);
    assert_eq!(texts(&db, "SELECT job_id FROM flux_console_attempts").await, ["new"]);
    assert_eq!(texts(&db, "SELECT message FROM flux_system_logs WHERE worker_id = 'w'").await, ["new"]);
    assert_eq!(texts(&db, "SELECT identity FROM flux_console_audit WHERE verb = 'pause'").await, ["new"], "audit lines stay a year");
    let mut marked = texts(&db, "SELECT identity FROM flux_console_failures WHERE gone_ms IS NOT NULL").await;
    let mut expected: Vec<String> =
        ["iso", "spaced", "zoned"].map(|id| identity_of_raw(format!(r#"{{"id":"{id}","createdAt":7,"attempts":3}}"#).as_bytes())).into();
    marked.sort();
    expected.sort();
    assert_eq!(marked, expected, "what went is still known, or Redis would bring it back");

    let audit = console.json("/api/v1/audit?verb=retention-run").await;
    let result = audit["lines"][0]["result"].as_str().unwrap_or_default();
    assert!(result.starts_with("deleted 3 job rows, 1 runs of jobs, 1 log lines"), "{audit}");
    let again = delete_old(&console).await;
    assert!(again.as_object().unwrap().values().all(|n| n == 0), "{again}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_still_in_redis_is_not_forgotten() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let dead = many_dead("j", "mail", 2);
    redis.push_raw("queue:mail:failed", [dead[0].clone()]).await;
    let console = console(&redis, &file).await;
    let db = open(&file).await;
    let (held, left) = (identity_of_raw(dead[0].as_bytes()), identity_of_raw(dead[1].as_bytes()));
    let old = now_ms() - 8 * DAY_MS;
    for (identity, row, gone) in [
        (held.as_str(), None, Some(old)),
        (&left, None, Some(old)),
        ("lately", None, Some(now_ms() - DAY_MS)),
        ("row deleted by somebody else", Some(999_999_i64), None),
        ("not indexed yet", None, None),
    ] {
        run(
            &db,
            "INSERT INTO flux_console_failures (identity, row_id, gone_ms) VALUES (?, ?, ?) ON CONFLICT (identity) DO UPDATE SET gone_ms = excluded.gone_ms",
            [identity.into(), row.into(), gone.into()],
        )
        .await;
    }
    let deleted = delete_old(&console).await;
    assert_eq!(deleted["marks of failures"], 1);
    let known = texts(&db, "SELECT identity FROM flux_console_failures").await;
    assert!(known.contains(&held) && !known.contains(&left), "{known:?}");
    assert_eq!(known.len(), 4);
    let marked = texts(&db, "SELECT identity FROM flux_console_failures WHERE gone_ms IS NOT NULL").await;
    assert!(marked.iter().any(|i| i.starts_with("row deleted")) && !marked.iter().any(|i| i.starts_with("not indexed")), "{marked:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_run_at_a_time_and_the_originals_settings() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let theirs = r#"{"autoCleanup":true,"retentionDays":14,"lastRun":1795432807494,"theirs":{"n":9007199254740993}}"#;
    let mut con = redis.con.clone();
    con.set::<_, _, ()>(CONFIG, theirs).await.unwrap();
    let console = console(&redis, &dir.path().join("a.sqlite")).await;
    let put = async |body: Value| {
        let answer = console.client.put(format!("{}/api/v1/settings/retention", console.base_url)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let view = console.json("/api/v1/settings/retention").await;
    assert_eq!((&view["autoCleanup"], &view["retentionDays"], &view["logsRetentionDays"]), (&json!(true), &json!(14), &json!(14)));
    assert_eq!(view["lastRun"], "2026-11-23T11:20:07.494Z");

    let (status, wrong) = put(json!({"autoCleanup": true, "retentionDays": 0, "logsRetentionDays": 7})).await;
    assert_eq!((status, wrong["field"].as_str()), (422, Some("retentionDays")), "{wrong}");
    let (status, set) = put(json!({"autoCleanup": false, "retentionDays": 60, "logsRetentionDays": 7})).await;
    assert_eq!((status, &set["retentionDays"], &set["logsRetentionDays"]), (200, &json!(60), &json!(7)));
    assert_eq!(
        con.get::<_, String>(CONFIG).await.unwrap(),
        r#"{"autoCleanup":false,"retentionDays":60,"lastRun":1795432807494,"theirs":{"n":9007199254740993},"logsRetentionDays":7}"#,
        "the original goes on with it"
    );

    con.set::<_, _, ()>(CONFIG, "oops").await.unwrap();
    let view = console.json("/api/v1/settings/retention").await;
    assert!(
        view["autoCleanup"] == false && view["retentionDays"] == 30 && view["problem"].as_str().is_some_and(|p| p.contains(CONFIG)),
        "{view}"
    );
    con.del::<_, ()>(CONFIG).await.unwrap();
    con.lpush::<_, _, ()>(CONFIG, "a list").await.unwrap();
    let view = console.json("/api/v1/settings/retention").await;
    assert!(view["problem"].is_string(), "{view}");
    con.del::<_, ()>(CONFIG).await.unwrap();

    assert!(console.state.driver.take_lease("retention", "another console", Millis(now_ms())).await.unwrap().is_some());
    let (status, refused) = console.post("/api/v1/settings/retention/run", &Value::Null).await;
    assert_eq!(status, 409, "{refused}");
    console.state.driver.drop_lease("retention", "another console").await.unwrap();
    delete_old(&console).await;
    let facts = console.json("/api/v1/archive").await;
    assert!(facts["version"].as_str().unwrap().starts_with("SQLite 3") && facts["bytes"].as_u64().unwrap() > 4_096, "{facts}");
    assert_eq!(facts["status"]["state"], "ready");
    eventually("what was done is in the audit", SOON, async || console.json("/api/v1/audit").await["total"] == 4).await;
    console.stop().await;
}

/// What cannot be read says nothing of how long rows are kept, neither at night nor to a click.
#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_read_delete_nothing_and_stay() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    let row = "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) VALUES ('old', 'mail', 'failed', '{}', ?)";
    run(&db, row, [days_ago(40).into()]).await;
    let console = console(&redis, &file).await;
    let mut con = redis.con.clone();
    for stored in ["oops", r#"{"retentionDays":"a year"}"#] {
        con.set::<_, _, ()>(CONFIG, stored).await.unwrap();
        let (status, refused) = console.post("/api/v1/settings/retention/run", &Value::Null).await;
        let why = refused["detail"].as_str().unwrap_or_default();
        assert!(status == 409 && why.contains(CONFIG) && why.contains("Nothing was deleted"), "{stored}: {status} {refused}");
        assert_eq!(con.get::<_, String>(CONFIG).await.unwrap(), stored);
        let view = console.json("/api/v1/settings/retention").await;
        assert!(view["run"].is_null() && view["lastRun"].is_null(), "{view}");
    }
    assert_eq!(texts(&db, "SELECT job_id FROM flux_job_archive").await, ["old"]);

    // Saved, they are what was meant.
    let keep = json!({"autoCleanup": false, "retentionDays": 365, "logsRetentionDays": 365});
    let saved = console.client.put(format!("{}/api/v1/settings/retention", console.base_url)).json(&keep).send().await.unwrap();
    assert_eq!(saved.status().as_u16(), 200);
    delete_old(&console).await;
    assert_eq!(texts(&db, "SELECT job_id FROM flux_job_archive").await, ["old"]);
    console.stop().await;
}

/// Two consoles, and the clock of a night: one of them begins the run, once.
#[tokio::test(flavor = "multi_thread")]
async fn one_console_runs_once_a_night() {
    use flux_console::server::tasks::retention::nightly;
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let (one, other) = (console(&redis, &file).await, console(&redis, &file).await);
    let midnight = now_ms() - now_ms().rem_euclid(DAY_MS) + DAY_MS;
    let at = |hours: i64| Millis(midnight + hours * 3_600_000);
    assert!(!nightly(&one.state, at(4)).await, "nobody wants it");
    let config = json!({"autoCleanup": true, "retentionDays": 30}).to_string();
    let _: () = redis.con.clone().set(CONFIG, config).await.unwrap();
    assert!(!nightly(&one.state, at(2)).await && !nightly(&one.state, at(7)).await, "it is not night");
    let both = tokio::join!(nightly(&one.state, at(4)), nightly(&other.state, at(4)));
    assert!(both.0 != both.1, "{both:?}");
    eventually("the run has ended", SOON, async || one.json("/api/v1/settings/retention").await["run"]["status"] == "done").await;
    assert!(!nightly(&other.state, at(5)).await && !nightly(&one.state, at(5)).await, "once a night");
    assert!(nightly(&other.state, at(28)).await, "and the night after");
    one.stop().await;
    other.stop().await;
}
