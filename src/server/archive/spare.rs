//! What the archive keeps in memory though nobody looks.

use super::{
    db::{Db, WRITE_WITHIN, within},
    error::ArchiveError,
};
use sqlx::Connection;

impl Db {
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
