//! What is searched for of rows that go.
//!
//! SQLite's index of words (FTS5) only notes what was deleted, and drops it when it merges its pieces. By itself it begins that at
//! the end of the transaction that deletes, for each deleted row as many pages as the index has levels, once a tenth of a level is
//! gone: seconds, in a large archive, for a transaction that took milliseconds before. So nothing is merged with a deletion, and
//! afterwards in steps of their own. A step ends between two words, so none may stand in very many rows: see `shelf`.

use super::committed;
use crate::server::archive::{
    db::{Db, Tx},
    dialect::Dialect,
    error::ArchiveError,
    sql::{Sql, Value, sql},
};
use std::time::{Duration, Instant};

/// FTS5's own: so many pieces of one level are merged. While it is 0, nothing is.
const PIECES: i64 = 4;

/// Deletes the words of these rows.
pub(super) async fn forget_words<V: Into<Value>>(
    tx: &mut Tx,
    dialect: Dialect,
    rows: impl IntoIterator<Item = V>,
) -> Result<(), ArchiveError> {
    let delete = sql("DELETE FROM flux_console_search WHERE").one_of(dialect.search_id(), rows);
    if dialect != Dialect::Sqlite {
        tx.run(delete).await?;
        return Ok(());
    }
    // Nobody else sees the 0: it is set back in the same transaction.
    tx.run(tell("automerge", 0)).await?;
    tx.run(delete).await?;
    // Before anything is set, what was deleted is written down: while the 0 still counts.
    tx.run(tell("automerge", PIECES)).await?;
    Ok(())
}

/// Merges about so many pages of SQLite's index; how long the lock was held. `None`: there is nothing to merge.
pub async fn merge_words(db: &Db, pages: usize) -> Result<Option<Duration>, ArchiveError> {
    if db.dialect() != Dialect::Sqlite {
        return Ok(None);
    }
    let mut tx = db.begin().await?;
    let since = Instant::now();
    let before = changes(&mut tx).await?;
    tx.run(tell("merge", i64::try_from(pages).unwrap_or(i64::MAX))).await?;
    // The command itself counts as one change.
    let merged = changes(&mut tx).await? > before + 1;
    let held = committed(db, tx, since).await?;
    Ok(merged.then_some(held))
}

/// Commands to FTS5 are written as rows.
fn tell(command: &str, value: i64) -> Sql {
    sql("INSERT INTO flux_console_search (flux_console_search, rank) VALUES (?, ?)").bind(command).bind(value)
}

/// Rows that this connection has changed since it was opened.
async fn changes(tx: &mut Tx) -> Result<i64, ArchiveError> {
    Ok(tx.rows(sql("SELECT total_changes()"), |row| row.int(0)).await?.into_iter().flatten().next().unwrap_or(0))
}
