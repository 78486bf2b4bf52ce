//! The archiver beside real failures: none is missed, none is written twice, whatever is killed.

use crate::support::{Database, DatabaseKind, Payload, Replica, TestConsole, TestRedis, eventually};
use flux_console::{
    model::{archive::Status, query::ArchiveQuery},
    server::{
        archive::{
            Archive,
            setting::{Persist, Setting},
            sql::sql,
            totals::Totals,
        },
        config::Config,
    },
};
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

pub async fn console(redis: &TestRedis, database: &Database) -> TestConsole {
    let config = Config {
        url: redis.url.clone(),
        archive: database.setting.clone(),
        persist: Persist { completed: true, ..Persist::default() },
        ..Config::default()
    };
    let console = TestConsole::start(config).await;
    console.discovered().await;
    eventually("the archive is open", Duration::from_secs(20), async || console.state.archive.db().is_ok()).await;
    console
}

/// Dead letters as the library leaves them: LPUSH, LTRIM, and the event before.
pub async fn fail(redis: &TestRedis, queue: &str, ids: std::ops::Range<u64>) {
    fail_at_once(redis, [(queue, ids)]).await;
}

pub async fn fail_at_once(redis: &TestRedis, jobs: impl IntoIterator<Item = (&str, std::ops::Range<u64>)>) {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for (queue, id) in jobs.into_iter().flat_map(|(queue, ids)| ids.map(move |id| (queue, id))) {
        let payload = Payload::new(&format!("j-{id}"), queue).attempts(3, 3).failed("PaymentTimeout: no answer").into_bytes();
        let event = format!(
            r#"{{"level":"error","message":"Job failed: j-{id} - PaymentTimeout: no answer","workerId":"worker-1","jobId":"j-{id}","timestamp":"{}"}}"#,
            flux_console::server::actions::now().iso()
        );
        pipe.cmd("PUBLISH").arg("flux_console:logs").arg(event).ignore();
        pipe.cmd("LPUSH").arg(format!("queue:{queue}:failed")).arg(payload).ignore();
        pipe.cmd("LTRIM").arg(format!("queue:{queue}:failed")).arg(0).arg(999).ignore();
    }
    pipe.query_async::<()>(&mut redis.con.clone()).await.expect("written");
}

pub async fn archived(archive: &Archive, queue: &str) -> Vec<String> {
    let text = "SELECT job_id FROM flux_job_archive WHERE queue = ? AND status = 'failed'";
    let db = archive.db().expect("open");
    db.rows(sql(text).bind(queue), |r| r.text(0).unwrap_or_default()).await.expect("ids")
}

pub async fn each_once(archive: &Archive, queue: &str, n: u64) {
    let since = Instant::now();
    while (archived(archive, queue).await.len() as u64) < n {
        // Exactness is asked for here, not speed: a shared machine may be slow.
        if since.elapsed() > Duration::from_secs(180) {
            let there: HashSet<String> = archived(archive, queue).await.into_iter().collect();
            let missing: Vec<u64> = (0..n).filter(|i| !there.contains(&format!("j-{i}"))).collect();
            panic!("{} of {n} are missing: {:?}…; {:?}", missing.len(), &missing[..missing.len().min(20)], archive.archiving());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ids = archived(archive, queue).await;
    let unique: HashSet<&String> = ids.iter().collect();
    assert_eq!((ids.len() as u64, unique.len() as u64), (n, n));
}

/// Somebody who holds SQLite's write lock.
pub struct Lock {
    locker: sqlx::SqlitePool,
    held: sqlx::pool::PoolConnection<sqlx::Sqlite>,
}

pub async fn locked(database: &Database) -> Lock {
    let Setting::Sqlite(path) = &database.setting else { panic!("SQLite") };
    let locker = sqlx::SqlitePool::connect(&format!("sqlite:{}", path.display())).await.expect("a connection");
    let mut held = locker.acquire().await.expect("a connection");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *held).await.expect("the lock");
    Lock { locker, held }
}

impl Lock {
    pub async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut *self.held).await.expect("the end");
        drop(self.held);
        self.locker.close().await;
    }
}

/// The cap of 1,000 drops what came a second ago.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_failures_a_second_and_none_is_missing() {
    const SECONDS: u64 = 60;
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    // A queue that nobody saw before, of a worker that serves several: its events do not say of which queue a job is.
    let hello = r#"{"level":"info","message":"Consumer started on [mail, payments]","workerId":"worker-1"}"#;
    redis::cmd("PUBLISH").arg("flux_console:logs").arg(hello).query_async::<()>(&mut redis.con.clone()).await.expect("published");
    let began = Instant::now();
    for step in 0..SECONDS * 20 {
        tokio::time::sleep(Duration::from_millis(step * 50).saturating_sub(began.elapsed())).await;
        fail(&redis, "payments", step * 50..(step + 1) * 50).await;
    }
    each_once(&console.state.archive, "payments", SECONDS * 1_000).await;
    let done = console.state.archive.archiving();
    assert_eq!((done.gaps, done.lost, done.untold), (0, 0, 0), "{done:?}");
    println!("{} failures in {:?}: {done:?}", SECONDS * 1_000, began.elapsed());
    console.stop().await;
}

/// Three consoles, and whoever archives is killed again and again.
async fn a_killed_archiver_loses_and_doubles_nothing(kind: DatabaseKind) {
    let (redis, database) = (TestRedis::start().await, Database::new(kind).await);
    let flag = database.flag();
    let start = || Replica::with(&redis, &["--archive", &flag, "--archive-completed", "true"]);
    let mut consoles = vec![start(), start(), start()];
    for console in &consoles {
        console.listens().await;
    }
    let mut next = 0;
    for round in 0..6u64 {
        for _ in 0..10 {
            fail(&redis, "orders", next..next + 9).await;
            next += 9;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // One after the other, whoever it is: the archiver is among them.
        let victim = consoles.remove(usize::try_from(round).unwrap() % consoles.len());
        victim.kill();
        consoles.push(start());
    }
    for console in &consoles {
        console.listens().await;
    }
    let archive = super::open(&database).await;
    // One that those that are left all heard: consoles that heard the others may all have been killed before they wrote.
    fail(&redis, "orders", next..next + 1).await;
    next += 1;
    each_once(&archive, "orders", next).await;
    // Lines of the log: each failure said one, and most consoles heard it.
    let said = async || {
        let db = archive.db().unwrap();
        let text = "SELECT message FROM flux_system_logs WHERE message LIKE 'Job failed:%'";
        db.rows(sql(text), |r| r.text(0).unwrap_or_default()).await.expect("lines")
    };
    eventually("lines are archived", Duration::from_secs(20), async || !said().await.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let lines = said().await;
    let unique: HashSet<&String> = lines.iter().collect();
    assert_eq!(lines.len(), unique.len(), "a line stands there twice");
}

super::on_each! { a_killed_archiver_loses_and_doubles_nothing }

/// A job that completed is there with its payload, when that was seen waiting; without it there is its run.
#[tokio::test(flavor = "multi_thread")]
async fn completions_come_from_the_events() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    let seen = Payload::new("seen", "mail").attempts(1, 3).waiting();
    redis.push_raw("queue:mail", [&seen]).await;
    let beat = r#"{"id":"w","status":"online","hostname":"h","pid":1,"uptime":5,"queues":["mail"]}"#;
    redis::cmd("PSETEX").arg("flux_console:worker:w").arg(120_000).arg(beat).exec_async(&mut redis.con.clone()).await.expect("set");
    // Somebody looks, so it is sampled each second: what runs next is read.
    eventually("the worker is known", Duration::from_secs(20), async || {
        console.json("/api/v1/workers").await["workers"].as_array().is_some_and(|all| all.len() == 1)
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let said = async |kind: &str, message: &str, job: &str| {
        let at = flux_console::server::actions::now().iso();
        let event = format!(r#"{{"level":"{kind}","message":"{message}: {job}","workerId":"w","jobId":"{job}","timestamp":"{at}"}}"#);
        redis::cmd("PUBLISH").arg("flux_console:logs").arg(event).exec_async(&mut redis.con.clone()).await.expect("published");
    };
    for job in ["seen", "unseen"] {
        said("info", "Processing job", job).await;
        said("success", "Completed job", job).await;
    }
    let db = console.state.archive.db().expect("open");
    let rows = async || {
        let text = "SELECT job_id, queue, payload FROM flux_job_archive WHERE status = 'completed'";
        db.rows(sql(text), |r| (r.text(0).unwrap(), r.text(1).unwrap(), r.text(2).unwrap())).await.expect("rows")
    };
    eventually("it is archived", Duration::from_secs(20), async || !rows().await.is_empty()).await;
    let told = async || db.rows(sql("SELECT id FROM flux_console_attempts"), |r| r.int(0)).await.expect("rows").len();
    eventually("both runs are told", Duration::from_secs(20), async || told().await == 2).await;
    assert_eq!(rows().await, [("seen".to_owned(), "mail".to_owned(), seen)]);
    let runs = db
        .rows(sql("SELECT job_id, queue, outcome FROM flux_console_attempts ORDER BY id"), |r| (r.text(0), r.text(1), r.text(2)))
        .await
        .expect("rows");
    let run = |job: &str| (Some(job.to_owned()), Some("mail".to_owned()), Some("completed".to_owned()));
    assert_eq!(runs, [run("seen"), run("unseen")]);
    console.stop().await;
}

/// What was dropped while no console ran is said to be missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_recorded() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    // Faster than anybody reads: 3,000 in one transaction, of which 1,000 stay.
    fail(&redis, "mail", 10..3_010).await;
    eventually("a gap is noted", Duration::from_secs(20), async || console.state.archive.archiving().gaps > 0).await;
    let db = console.state.archive.db().unwrap();
    let gaps = db.rows(sql("SELECT queue, up_to FROM flux_console_gaps"), |r| (r.text(0).unwrap(), r.int(1))).await.unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0].0, "mail");
    let query = ArchiveQuery { queue: None, status: Some(Status::Failed), page: 1, per_page: 20 };
    let there = Totals::default().of(&db, &query).await.unwrap();
    assert!(there >= 1_010);
    let lost = 3_010 - i64::try_from(there).unwrap();
    assert!(gaps[0].1.is_some_and(|n| (lost..=lost + 20).contains(&n)), "{lost} of them were lost: {gaps:?}");
    let page = console.json("/api/v1/archive/jobs?queue=mail").await;
    assert_eq!(page["gaps"][0]["upTo"].as_i64(), gaps[0].1, "{page}");
    let facts = console.json("/api/v1/archive").await;
    assert_eq!((facts["gaps"][0]["queue"].as_str(), facts["archiving"]["gaps"].as_u64()), (Some("mail"), Some(1)), "{facts}");
    for page in ["/queues/mail?state=completed", "/settings"] {
        let html = console.get(page).await.text().await.expect("a page");
        assert!(html.contains("failed jobs were not archived") || html.contains("nobody knows how many"), "{page} does not say so");
    }
    console.stop().await;
}

/// What was said before a list was read may be heard after that.
#[tokio::test(flavor = "multi_thread")]
async fn a_gap_counts_what_was_still_on_its_way() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    let (mut letters, mut events) = (redis::pipe(), redis::pipe());
    letters.atomic();
    for id in 10..3_010 {
        let letter = Payload::new(&format!("j-{id}"), "mail").attempts(3, 3).failed("PaymentTimeout: no answer");
        letters.cmd("LPUSH").arg("queue:mail:failed").arg(letter).ignore();
        letters.cmd("LTRIM").arg("queue:mail:failed").arg(0).arg(999).ignore();
        let event = format!(r#"{{"level":"error","message":"Job failed: j-{id} - no answer","workerId":"worker-1","jobId":"j-{id}"}}"#);
        events.cmd("PUBLISH").arg("flux_console:logs").arg(event).ignore();
    }
    letters.query_async::<()>(&mut redis.con.clone()).await.expect("written");
    // The list is looked at four times a second.
    tokio::time::sleep(Duration::from_millis(300)).await;
    events.query_async::<()>(&mut redis.con.clone()).await.expect("published");
    eventually("a gap is noted", Duration::from_secs(20), async || console.state.archive.archiving().gaps > 0).await;
    let db = console.state.archive.db().unwrap();
    let gaps = db.rows(sql("SELECT up_to FROM flux_console_gaps"), |r| r.int(0)).await.unwrap();
    assert!(gaps.len() == 1 && gaps[0].is_some_and(|n| (2_000..=2_020).contains(&n)), "2,000 were lost: {gaps:?}");
    console.stop().await;
}

/// A run is told again when it is known what became of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_twice_counts_once() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    let db = console.state.archive.db().unwrap();
    for n in 0..5 {
        fail(&redis, "mail", n..n + 1).await;
        let outcomes = async || {
            let all = db.rows(sql("SELECT outcome FROM flux_console_attempts"), |r| r.text(0)).await.expect("outcomes");
            let dead = all.iter().flatten().filter(|outcome| *outcome == "dead").count() as u64;
            (all.len() as u64, dead)
        };
        eventually("the run is written, and the one before brought up to date", Duration::from_secs(20), async || {
            outcomes().await == (n + 1, n)
        })
        .await;
    }
    eventually("they are counted", Duration::from_secs(20), async || console.state.archive.archiving().runs >= 5).await;
    assert_eq!(console.state.archive.archiving().runs, 5);
    console.stop().await;
}

/// While somebody holds the database, failed jobs are read on, faster than the cap drops them.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_delays_nothing_but_the_writing() {
    let (redis, database) = (TestRedis::start().await, Database::new(DatabaseKind::Sqlite).await);
    let console = console(&redis, &database).await;
    console.listens().await;
    fail(&redis, "mail", 0..10).await;
    each_once(&console.state.archive, "mail", 10).await;
    let lock = locked(&database).await;
    let mut next = 10;
    for _ in 0..10 {
        fail(&redis, "mail", next..next + 400).await;
        next += 400;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(archived(&console.state.archive, "mail").await.len(), 10, "the lock holds");
    let facts = console.json("/api/v1/archive").await;
    assert!(facts["archiving"]["spooled"].as_u64().unwrap() >= 3_000, "{facts}");
    lock.release().await;
    each_once(&console.state.archive, "mail", next).await;
    let done = console.state.archive.archiving();
    assert_eq!((done.gaps, done.lost), (0, 0), "{done:?}");
    console.stop().await;
}

/// A database that is away, or that somebody holds, is said to be so; live pages do not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn live_pages_do_not_wait_for_the_archive() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", [Payload::new("j-1", "mail").waiting()]).await;
    let archive = flux_console::server::archive::setting::Setting::Postgres("postgres://flux@127.0.0.1:1/none".into());
    let console = TestConsole::start(Config { url: redis.url.clone(), archive, ..Config::default() }).await;
    console.discovered().await;
    eventually("it is found away", Duration::from_secs(20), async || console.state.archive.status().problem.is_some()).await;
    let since = Instant::now();
    let page = console.json("/api/v1/queues/mail/jobs?state=waiting").await;
    assert_eq!(page["total"], 1);
    assert!(console.get("/queues/mail").await.status().is_success());
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    console.stop().await;
}
