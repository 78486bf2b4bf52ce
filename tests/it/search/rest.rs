//! `GET /api/v1/search`.

use crate::support::{Payload, TestRedis, payload::many};
use serde_json::Value;

#[tokio::test]
async fn steps_go_on_to_the_end() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:big", many("J", "big", 5_000)).await;
    redis.push_raw("queue:big:failed", [Payload::new("J-7", "big").failed("no")]).await;
    let console = redis.console().await;
    let mut answer = console.json("/api/v1/search?q=J-7").await;
    assert_eq!(answer["hits"][0]["id"], "J-7");
    assert_eq!(answer["hits"][0]["place"]["exact"], true);
    assert!(answer["archive"]["unavailable"].is_string());
    let mut hits = 0;
    loop {
        hits += answer["hits"].as_array().expect("hits").len();
        let Some(next) = answer["next"].as_str() else { break };
        let query = format!("/api/v1/search?q=J-7&cursor={}", flux_console::model::ids::segment(next));
        answer = console.json(&query).await;
    }
    // The prefix of a word counts as well: J-7, J-70 … J-4999 hold no other `7` behind `J-`.
    assert_eq!(hits, 1 + 1 + 10 + 100 + 1_000 - 1_000);
    assert_eq!((answer["live"]["scanned"].as_u64(), answer["live"]["of"].as_u64()), (Some(5_001), Some(5_001)));
    for (path, field) in [("/api/v1/search", "q"), ("/api/v1/search?q=x&cursor=7", "cursor")] {
        let response = console.get(path).await;
        assert_eq!(response.status(), 422);
        assert_eq!(response.json::<serde_json::Value>().await.expect("JSON")["field"], field);
    }
    console.stop().await;
}

/// An answer without a filter that was asked for would be taken for one with it; a page says it beside the hits.
#[tokio::test]
async fn a_word_that_cannot_be_read_is_refused_as_for_an_export() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a:failed", [Payload::new("J-1", "a").failed("no xylophon")]).await;
    let console = redis.console().await;
    for (q, word) in [("since:yesterday%20xylophon", "yesterday"), ("state:broken", "broken"), ("%22xylophon", "quote")] {
        let refused = async |path: &str| {
            let response = console.get(&format!("/api/v1/{path}?q={q}")).await;
            assert_eq!(response.status(), 422, "{path}: {q}");
            response.json::<Value>().await.expect("JSON")
        };
        let problem = refused("search").await;
        assert!(problem["field"] == "q" && problem["detail"].as_str().is_some_and(|d| d.contains(word)), "{problem}");
        assert_eq!(problem, refused("search/export").await);
    }
    assert_eq!(console.json("/api/v1/search?q=xylophon").await["hits"][0]["id"], "J-1");
    console.stop().await;
}

#[tokio::test]
async fn exports_hold_every_job_exactly() {
    let redis = TestRedis::start().await;
    let huge = format!(r#"{{"id":"huge","data":"{}","error":"=SUM(A1), no room","failedAt":1}}"#, "y".repeat(10_000_000));
    let odd = r#"{"id":"odd","n":9007199254740993123,  "tags":[],"error":"say \"no\"\nroom"}"#.to_owned();
    let mut dead: Vec<String> = (0..3_000).map(|i| Payload::new(&format!("J-{i}"), "a").failed("no room")).collect();
    dead.extend([huge, odd]);
    redis.push_raw("queue:a:failed", &dead).await;
    redis.push_raw("queue:a", many("W", "a", 50)).await;
    let console = redis.console().await;
    let response = console.get("/api/v1/search/export?q=room%20queue:a").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let payloads: Vec<&str> = lines.iter().map(|line| line["payload"].as_str().expect("a payload")).collect();
    assert!(payloads == dead.iter().map(String::as_str).collect::<Vec<_>>(), "every payload, byte for byte, newest first");

    let csv = console.get("/api/v1/search/export?q=room&format=csv").await.text().await.expect("text");
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(rows[0], "found,state,queue,id,class,error,time");
    assert_eq!(rows.len(), 1 + 3_002 + 1);
    assert_eq!(rows[3_001], "live,failed,a,huge,,\"'=SUM(A1), no room\",1970-01-01T00:00:00.001Z");
    assert_eq!(rows[3_002], "live,failed,a,odd,,\"say \"\"no\"\"\nroom\",");
    assert_eq!(console.get("/api/v1/search/export?q=a&format=xls").await.status(), 422);
    assert_eq!(console.get("/api/v1/search/export?q=since:never").await.status(), 422);
    console.stop().await;
}

/// A file that ends early must not look whole.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_its_archive_breaks_off() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a:failed", [Payload::new("J-1", "a").failed("no room")]).await;
    let dir = tempfile::tempdir().expect("a directory");
    let archive = flux_console::server::archive::setting::Setting::Sqlite(dir.path().into());
    let config = flux_console::server::config::Config { url: redis.url.clone(), archive, ..Default::default() };
    let console = crate::support::TestConsole::start(config).await;
    console.discovered().await;
    let away = async || console.state.archive.status().problem.is_some();
    crate::support::eventually("the archive is away", std::time::Duration::from_secs(20), away).await;
    assert!(console.get("/api/v1/search/export?q=room").await.text().await.is_err());
    assert!(console.get("/api/v1/search/export?q=room&format=csv").await.text().await.is_err());
    let answer = console.json("/api/v1/search?q=room").await;
    assert!(answer["archive"]["unavailable"].is_string() && answer["hits"][0]["id"] == "J-1", "{answer}");
    console.stop().await;
}

/// What is not looked through is counted and said, in Redis and in the archive.
#[tokio::test(flavor = "multi_thread")]
async fn payloads_that_are_searched_only_in_part_are_counted() {
    use flux_console::{
        model::{archive::Status, time::Millis},
        server::archive::{
            db::Db,
            record::{self, Record},
            setting::{Persist, Setting},
        },
    };
    let redis = TestRedis::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let setting = Setting::Sqlite(dir.path().join("a.sqlite"));
    // The word stands behind 80 kB and before 40 kB.
    let own = format!(r#""pad":"{}","hidden":"needle","more":"{}""#, "y ".repeat(40_000), "z ".repeat(20_000));
    let large = |id: &str, queue: &str| Payload::new(id, queue).own(&own).attempts(3, 3).failed("no room");
    let small = Payload::new("small", "a").failed("no room");
    redis.push_raw("queue:a:failed", [large("l-1", "a"), large("l-2", "a"), small]).await;
    let db = Db::open(&setting).await.expect("opens");
    let batch = ["l-3", "l-4"].map(|id| Record {
        status: Status::Failed,
        queue: "b".try_into().expect("a name"),
        id: None,
        payload: large(id, "b").into_bytes(),
        at: Millis(1_795_433_700_000),
    });
    record::records(&db, &batch).await.expect("written");
    db.close().await;
    let persist = Persist { failed: false, ..Persist::default() };
    let config = flux_console::server::config::Config { url: redis.url.clone(), archive: setting, persist, ..Default::default() };
    let console = crate::support::TestConsole::start(config).await;
    console.discovered().await;
    crate::support::eventually("the archive is open", std::time::Duration::from_secs(20), async || console.state.archive.db().is_ok())
        .await;
    for (q, hits, live, archive) in [
        ("needle%20queue:a", 0, 2, 0),
        ("room%20queue:a", 3, 2, 0),
        ("queue:a", 3, 0, 0),
        ("id:l-1", 1, 0, 0),
        ("-needle%20queue:b", 2, 0, 2),
    ] {
        let mut answer = Value::Null;
        // A step does not wait longer than a second for the archive.
        crate::support::eventually("both halves answer", std::time::Duration::from_secs(20), async || {
            answer = console.json(&format!("/api/v1/search?q={q}")).await;
            answer["next"].is_null()
        })
        .await;
        let partly = |half: &str| answer[half]["partly"].as_u64();
        let found = answer["hits"].as_array().map(Vec::len);
        assert_eq!((found, partly("live"), partly("archive")), (Some(hits), Some(live), Some(archive)), "{q}: {answer}");
    }
    let html = console.get("/search?q=needle").await.text().await.expect("a page");
    assert!(html.contains("Only a part was looked through of 2 large payloads in Redis."), "{html}");
    assert!(html.contains("Of a payload above 65.5 kB only the first 57.3 kB and the last 8.1 kB are looked through."), "{html}");
    let table = console.get("/queues/a?state=failed&q=needle").await.text().await.expect("a page");
    assert!(table.contains("All 3 scanned, 2 large payloads only in part"), "{table}");
    console.stop().await;
}

/// What is in both places comes once; what is in the archive alone comes with its payload and its whole error.
#[tokio::test(flavor = "multi_thread")]
async fn both_halves_are_one_list() {
    use flux_console::{
        model::{archive::Status, time::Millis},
        server::archive::{
            db::Db,
            index,
            record::{self, Record},
            setting::Setting,
        },
    };
    let redis = TestRedis::start().await;
    let dir = tempfile::tempdir().expect("a directory");
    let setting = Setting::Sqlite(dir.path().join("a.sqlite"));
    let long = format!("no room {}", "for it ".repeat(1_000));
    let raws: Vec<String> = ["both", "past", "long"]
        .into_iter()
        .map(|id| Payload::new(id, "a").attempts(3, 3).failed(if id == "long" { &long } else { "no room" }))
        .collect();
    let db = Db::open(&setting).await.expect("opens");
    let batch: Vec<Record> = raws
        .iter()
        .map(|raw| Record {
            status: Status::Failed,
            queue: "a".try_into().expect("a name"),
            id: None,
            payload: raw.clone().into_bytes(),
            at: Millis(1_795_433_700_000),
        })
        .collect();
    record::records(&db, &batch).await.expect("written");
    while index::step(&db).await.expect("indexed") > 0 {}
    db.close().await;
    redis.push_raw("queue:a:failed", [&raws[0]]).await;
    let config = flux_console::server::config::Config { url: redis.url.clone(), archive: setting, ..Default::default() };
    let console = crate::support::TestConsole::start(config).await;
    console.discovered().await;
    crate::support::eventually("the archive is open", std::time::Duration::from_secs(20), async || console.state.archive.db().is_ok())
        .await;
    let text = console.get("/api/v1/search/export?q=room").await.text().await.expect("text");
    let mut lines: Vec<(String, String, String, usize)> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (text("id"), text("found"), text("payload"), text("error").len())
        })
        .collect();
    lines.sort();
    let line = |n: usize, id: &str, found: &str, error: usize| (id.to_owned(), found.to_owned(), raws[n].clone(), error);
    assert_eq!(lines, [line(0, "both", "live", 7), line(2, "long", "archive", long.len()), line(1, "past", "archive", 7)]);
    // The page has them in one list as well, each once.
    let html = console.get("/search?q=room").await.text().await.expect("a page");
    assert!(html.contains("3 jobs found") && html.contains("/queues/a/jobs/past?row=2"), "{html}");
    // So has REST, once the archive answers in time.
    let mut answer = Value::Null;
    crate::support::eventually("both halves come in one step", std::time::Duration::from_secs(20), async || {
        answer = console.json("/api/v1/search?q=room").await;
        answer["next"].is_null()
    })
    .await;
    let hits = answer["hits"].as_array().expect("hits").iter();
    let mut found: Vec<_> = hits.map(|hit| (hit["id"].as_str(), hit["whereabouts"].as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, [(Some("both"), Some("live")), (Some("long"), Some("archive")), (Some("past"), Some("archive"))], "{answer}");
    console.stop().await;
}

/// Who goes away in the middle has cancelled: nothing is read on.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_nobody_reads_ends() {
    let redis = TestRedis::start().await;
    let dead: Vec<String> = (0..60_000).map(|i| Payload::new(&format!("J-{i}"), "a").failed("no room")).collect();
    for part in dead.chunks(5_000) {
        redis.push_raw("queue:a:failed", part).await;
    }
    let console = redis.console().await;
    let mut response = console.get("/api/v1/search/export?q=room").await;
    assert!(response.chunk().await.expect("a chunk").is_some());
    drop(response);
    let commands = async || {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut redis.con.clone()).await.expect("an answer");
        let line = info.lines().find(|l| l.starts_with("cmdstat_lrange:")).unwrap_or_default().to_owned();
        line.split(['=', ',']).nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
    };
    // A step is a few LRANGE of 256: the rest of 60,000 would be hundreds.
    let mut before = commands().await;
    crate::support::eventually("the lists are left alone", std::time::Duration::from_secs(20), async || {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = commands().await;
        std::mem::replace(&mut before, now) + 20 > now
    })
    .await;
    assert!(before < 400, "{before}");
    console.stop().await;
}
