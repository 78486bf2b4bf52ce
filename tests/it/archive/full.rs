//! A disk that is full: SQLite gives its transaction up by itself, of which sqlx hears nothing, and the archive goes on when there is
//! place again.

use super::archiver::each_once;
use crate::support::{DatabaseKind, Payload, TestRedis, eventually};
use flux_console::server::archive::{db::Db, sql::sql};
use serde_json::Value;
use std::{io::Write, path::PathBuf, process::Command, time::Duration};

const SOON: Duration = Duration::from_secs(60);

/// 16 MB in memory that become full for real; gone with the test.
struct Disk(tempfile::TempDir);

impl Disk {
    /// `None`: this user may not mount one.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(dir.path()).output();
        if mount.is_ok_and(|done| done.status.success()) { Some(Self(dir)) } else { None }
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).expect("a file");
        let page = [0_u8; 4_096];
        while file.write_all(&page).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).expect("removed");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// As many pages as there are, and no more: of a statement that writes one row nothing can be taken back alone, so SQLite takes back the
/// transaction, as on a full disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_sqlite_gave_up_stops_no_other() {
    let (_database, archive) = super::fresh(DatabaseKind::Sqlite).await;
    let db = archive.db().expect("open");
    let Db::Sqlite { write, .. } = &db else { panic!("SQLite") };
    db.run(sql("CREATE TABLE large (bytes BLOB)")).await.expect("a table");
    let large = || sql("INSERT INTO large (bytes) VALUES (zeroblob(1000000))");
    let limit = async |pages: i64| {
        let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::query_scalar::<_, i64>(pragma).fetch_one(write).await.expect("set");
    };
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(write).await.expect("a number");
    limit(pages + 5).await;
    let error = db.run(large()).await.expect_err("there is no place");
    assert!(error.problem().contains("full"), "{}", error.problem());
    limit(1 << 30).await;
    assert_eq!(db.run(large()).await.expect("there is place"), 1);
    // Also one of which nobody waits for the end.
    limit(pages + 5).await;
    let mut tx = db.begin().await.expect("begins");
    tx.run(large()).await.expect_err("there is no place");
    drop(tx);
    limit(1 << 30).await;
    assert_eq!(db.run(large()).await.expect("there is place"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_to_be_full_until_there_is_place() {
    let Some(disk) = Disk::new() else {
        eprintln!("a disk cannot be mounted here: what SQLite does of itself is shown by a_transaction_that_sqlite_gave_up_stops_no_other");
        return;
    };
    let redis = TestRedis::start().await;
    let console = crate::keep::console(&redis, &disk.0.path().join("archive.sqlite")).await;
    // What is allocated for the log already would be written to.
    let Db::Sqlite { write, .. } = console.state.archive.db().expect("open") else { panic!("SQLite") };
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&write).await.expect("copied");
    disk.fill();
    let letter = |n: u64| Payload::new(&format!("j-{n}"), "mail").attempts(3, 3).failed(&"x".repeat(30_000));
    redis.push_raw("queue:mail:failed", (0..40).map(letter)).await;
    let mut facts = Value::Null;
    eventually("it is said", SOON, async || {
        facts = console.json("/api/v1/archive").await;
        facts["archiving"]["refusing"]["problem"].is_string() && facts["archiving"]["spooled"] == 40
    })
    .await;
    // Whatever is tried again, it is the disk.
    for _ in 0..20 {
        let problem = &facts["archiving"]["refusing"]["problem"];
        assert!(problem.as_str().is_some_and(|text| text.contains("full")), "{facts}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        facts = console.json("/api/v1/archive").await;
    }
    disk.free();
    eventually("the archive can be used", SOON, async || console.state.archive.db().is_ok()).await;
    each_once(&console.state.archive, "mail", 40).await;
    eventually("it is over", SOON, async || console.json("/api/v1/archive").await["archiving"]["refusing"].is_null()).await;
    console.stop().await;
}
