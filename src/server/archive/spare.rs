//! What the archive keeps in memory though nobody looks, and how it is known without asking that nobody wrote.

use super::{
    db::{Db, WRITE_WITHIN, within},
    error::ArchiveError,
};
use sqlx::Connection;
use std::{
    fs::metadata,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// What the two files of SQLite were like: each transaction writes to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp([(u64, SystemTime); 2]);

/// File systems tell times in steps, some of two seconds: what is younger may be written to again without another stamp.
const SETTLED: Duration = Duration::from_secs(3);

impl Stamp {
    pub fn is_settled(&self) -> bool {
        self.0.iter().all(|(_, at)| at.elapsed().is_ok_and(|age| age >= SETTLED))
    }
}

impl Db {
    /// As long as a settled one stays the same nobody has written, this console or another program. `None`: only a question tells that, as
    /// where the file is a link, and its log lies elsewhere.
    pub fn stamp(&self) -> Option<Stamp> {
        let Self::Sqlite { read, .. } = self else { return None };
        let file = read.connect_options().get_filename().to_path_buf();
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let of = |path: &Path| metadata(path).and_then(|found| Ok((found.len(), found.modified()?))).ok();
        Some(Stamp([of(&file)?, of(&PathBuf::from(log))?]))
    }

    /// Has SQLite give back what it keeps for questions that may come: readers that are at rest, and the writer's pages and statements. A
    /// connection holds a few hundred kB of each; what is needed comes back by itself.
    pub async fn give_back(&self) -> Result<(), ArchiveError> {
        let Self::Sqlite { read, write } = self else { return Ok(()) };
        let given = async {
            // Those of now: one that is opened meanwhile is used.
            for _ in 0..read.num_idle() {
                let Some(reader) = read.try_acquire() else { break };
                reader.close().await?;
            }
            if let Some(mut writer) = write.try_acquire() {
                writer.clear_cached_statements().await?;
                sqlx::query("PRAGMA shrink_memory").execute(&mut *writer).await?;
            }
            Ok(())
        };
        within(WRITE_WITHIN, given).await
    }
}
