//! `kill -9` in the middle of retention: rows are there whole or not at all, and none that should stay is gone.

use super::{SOON, days_ago, ints, open, run};
use crate::support::{TestRedis, eventually, get, http};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

const OLD: i64 = 30_000;
const YOUNG: i64 = 5_000;
const KILLS: u64 = 8;

/// A console in a process of its own, and its address.
fn console(redis: &TestRedis, file: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flux-console"))
        .args(["start", "--url", &redis.url, "--port", "0", "--archive", &format!("sqlite:{}", file.display())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the console starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let at = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
    let base = line[at..].split_whitespace().next().expect("an address").trim_end_matches(['/', ')', ',']).to_owned();
    (child, base)
}

/// Asks for a run until one begins.
async fn begin(base: &str) {
    let client = http().build().expect("a client");
    eventually("a run begins", SOON, async || {
        let answer = client.post(format!("{base}/api/v1/settings/retention/run")).send().await.expect("an answer");
        answer.status().as_u16() == 202
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_whole_rows_and_the_next_one_does_the_rest() {
    let (redis, dir) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let file = dir.path().join("a.sqlite");
    let db = open(&file).await;
    let rows = |count: i64, stem: &str| {
        format!(
            "INSERT INTO flux_job_archive (job_id, queue, status, payload, archived_at) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             SELECT '{stem}-' || i, 'mail', CASE WHEN i % 2 THEN 'failed' ELSE 'completed' END, \
             '{{\"id\":\"{stem}-' || i || '\",\"createdAt\":' || i || ',\"attempts\":1,\"pad\":\"' || hex(zeroblob(200)) || '\"}}', ? FROM n"
        )
    };
    run(&db, &rows(OLD, "old"), [days_ago(45).into()]).await;
    run(&db, &rows(YOUNG, "young"), [days_ago(2).into()]).await;
    for table in ["flux_console_rows (row_id, class)", "flux_console_search (rowid, words)", "flux_console_whole (row_id, error)"] {
        run(&db, &format!("INSERT INTO {table} SELECT id, job_id FROM flux_job_archive"), []).await;
    }

    let whole = async |db| {
        let left = ints(db, "SELECT COUNT(*) FROM flux_job_archive WHERE job_id LIKE 'old-%'").await[0];
        assert_eq!(ints(db, "SELECT COUNT(*) FROM flux_job_archive WHERE job_id LIKE 'young-%'").await, [YOUNG], "what is young stays");
        for table in ["flux_console_rows", "flux_console_whole"] {
            let stray = format!("SELECT COUNT(*) FROM {table} s WHERE NOT EXISTS (SELECT 1 FROM flux_job_archive a WHERE a.id = s.row_id)");
            assert_eq!(ints(db, &stray).await, [0], "{table} has rows of nothing");
            assert_eq!(ints(db, &format!("SELECT COUNT(*) FROM {table}")).await, [left + YOUNG], "{table}");
        }
        let failed = ints(db, "SELECT COUNT(*) FROM flux_job_archive WHERE job_id LIKE 'old-%' AND status = 'failed'").await[0];
        let marked = ints(db, "SELECT COUNT(*) FROM flux_console_failures WHERE gone_ms IS NOT NULL").await[0];
        assert_eq!(marked, OLD / 2 - failed, "each failure that went is still known, once");
        left
    };
    let (mut chance, mut partly) = (5_u64, 0);
    for _ in 0..KILLS {
        // The lease of the one that was killed would have to end first.
        let mut con = redis.con.clone();
        for key in redis.keys().await.iter().filter(|k| k.ends_with("retention:lease")) {
            redis::cmd("DEL").arg(key).exec_async(&mut con).await.unwrap();
        }
        let (mut child, base) = console(&redis, &file);
        begin(&base).await;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(20 + (chance >> 33) % 300)).await;
        child.kill().expect("kill -9");
        child.wait().expect("it ended");
        let left = whole(&db).await;
        partly += u64::from(left > 0 && left < OLD);
    }
    assert!(partly > 0, "no kill hit a running run");

    let mut con = redis.con.clone();
    for key in redis.keys().await.iter().filter(|k| k.ends_with("retention:lease")) {
        redis::cmd("DEL").arg(key).exec_async(&mut con).await.unwrap();
    }
    let (mut child, base) = console(&redis, &file);
    begin(&base).await;
    eventually("the rest is done", Duration::from_secs(60), async || {
        let view: serde_json::Value = get(format!("{base}/api/v1/settings/retention")).await.json().await.expect("JSON");
        view["run"]["status"] == "done"
    })
    .await;
    let view: serde_json::Value = get(format!("{base}/api/v1/settings/retention")).await.json().await.unwrap();
    println!("longest step: {} ms", view["run"]["longestMs"]);
    child.kill().expect("killed");
    child.wait().expect("it ended");
    assert_eq!(whole(&db).await, 0);
}
