//! What the archive tells of jobs that are gone, on real Redis and SQLite.

mod between;
mod dropped;
mod elsewhere;
mod enqueued;
mod errors;
mod false_completion;
mod fresh;
mod jobs;
mod judged;
mod meanwhile;
mod once;
mod operators;
mod remembered;
mod rows;
mod unsure;

use crate::support::{TestConsole, TestRedis, eventually, recording::fixtures};
use flux_console::{
    model::archive::ArchiveState,
    server::{
        archive::{db::Db, setting::Setting},
        config::Config,
    },
};
use std::{path::PathBuf, time::Duration};

/// An archive file in a directory of its own.
pub struct Archive {
    pub dir: tempfile::TempDir,
}

impl Archive {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    /// What the TypeScript library wrote.
    pub fn recorded() -> Self {
        let archive = Self::new();
        std::fs::copy(fixtures().join("sql/sqlite-archive.db"), archive.path()).expect("a recording");
        archive
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("flux.sqlite")
    }

    pub async fn db(&self) -> Db {
        Db::open(&Setting::Sqlite(self.path())).await.expect("the archive opens")
    }

    /// A console on it, once both Redis and the archive are known.
    pub async fn console(&self, redis: &TestRedis) -> TestConsole {
        let config = Config { url: redis.url.clone(), archive: Setting::Sqlite(self.path()), ..Config::default() };
        let console = TestConsole::start(config).await;
        console.discovered().await;
        let ready = async || console.state.archive.status().state == ArchiveState::Ready;
        eventually("the archive is open", Duration::from_secs(20), ready).await;
        console
    }
}
