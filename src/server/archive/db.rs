//! Connections to the archive: ask and write; `open` makes them. Every call has a time limit, so that a slow database never holds a page.

use super::{
    dialect::Dialect,
    error::ArchiveError,
    sql::{Row, Sql, Value, sql},
};
use futures::{TryStreamExt, future::Either};
use sqlx::{AssertSqlSafe, Connection, MySqlPool, PgPool, SqliteConnection, SqlitePool};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A page waits this long for an answer.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(5);
/// Background writes may wait for somebody else's lock.
pub(super) const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Before each further try of what may do again.
pub(super) const PAUSES: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(100), Duration::from_millis(500)];
/// SQLite's log is copied into the file when it has so many pages that are not copied: SQLite's own figure.
const COPIED_FROM: i64 = 1_000;

tokio::task_local! {
    /// What a task sends, noted where it asks for that: tests have the databases explain the very statements.
    pub static SENT: Arc<Mutex<Vec<Sql>>>;
}

fn note(sql: &Sql) {
    let _ = SENT.try_with(|sent| sent.lock().unwrap_or_else(PoisonError::into_inner).push(sql.clone()));
}

/// For a task that works for this one: what it sends is noted in the same place.
pub(super) fn noting<W: Future>(work: W) -> impl Future<Output = W::Output> {
    match SENT.try_with(Arc::clone) {
        Ok(sent) => Either::Left(SENT.scope(sent, work)),
        Err(_) => Either::Right(work),
    }
}

#[derive(Clone)]
pub enum Db {
    /// SQLite has one writer at a time: writers queue here and not in its lock.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    MySql {
        pool: MySqlPool,
        /// For [`Db::check`] alone: a pool that is busy is no database that is away.
        check: MySqlPool,
    },
    Postgres {
        pool: PgPool,
        check: PgPool,
    },
}

/// Several statements that happen together or not at all; dropped without [`Tx::commit`], none of them did.
pub enum Tx {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    MySql(sqlx::Transaction<'static, sqlx::MySql>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

macro_rules! query {
    ($text:expr, $values:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($text));
        for value in $values {
            query = match value {
                Value::Int(n) => query.bind(n),
                Value::Text(t) => query.bind(t),
                Value::Bytes(b) => query.bind(b),
            };
        }
        query
    }};
}

/// The same for a pool and for a transaction: `$on` is what the statement is sent on. A row at a time: what `$read` makes of them is
/// kept, and not what the database sent, which may be all the payloads.
macro_rules! fetch {
    ($variant:ident, $text:expr, $values:expr, $on:expr, $read:expr) => {{
        let (mut rows, mut all) = (query!($text, $values).fetch($on), Vec::new());
        while let Some(row) = rows.try_next().await? {
            all.push($read(&Row::$variant(&row)));
        }
        all
    }};
}

pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ArchiveError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(ArchiveError::Slow),
    }
}

/// Does a transaction again that the database gave up for another one's sake; it is given up for good after four times.
pub async fn again<T, W: Future<Output = Result<T, ArchiveError>>>(transaction: impl Fn() -> W) -> Result<T, ArchiveError> {
    for pause in PAUSES {
        match transaction().await {
            Err(error) if error.is_victim() => tokio::time::sleep(pause).await,
            done => return done,
        }
    }
    transaction().await
}

impl Db {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::MySql { .. } => Dialect::MySql,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    pub async fn rows<T>(&self, sql: Sql, mut read: impl FnMut(&Row<'_>) -> T) -> Result<Vec<T>, ArchiveError> {
        note(&sql);
        let ask = async {
            Ok(match self {
                Self::Sqlite { read: pool, .. } => fetch!(Sqlite, sql.text, sql.values, pool, read),
                Self::MySql { pool, .. } => fetch!(MySql, sql.text, sql.values, pool, read),
                Self::Postgres { pool, .. } => fetch!(Postgres, sql.numbered(), sql.values, pool, read),
            })
        };
        self.or_away(within(READ_WITHIN, ask).await).await
    }

    pub async fn one<T>(&self, sql: Sql, read: impl Fn(&Row<'_>) -> T) -> Result<Option<T>, ArchiveError> {
        Ok(self.rows(sql, read).await?.into_iter().next())
    }

    /// Writes one statement; how many rows it touched.
    pub async fn run(&self, sql: Sql) -> Result<u64, ArchiveError> {
        let mut tx = self.begin().await?;
        let touched = tx.run(sql).await?;
        tx.commit().await?;
        Ok(touched)
    }

    pub async fn begin(&self) -> Result<Tx, ArchiveError> {
        let open = async {
            Ok(match self {
                // Takes SQLite's write lock now: a transaction that reads first could not get it later.
                Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
                Self::MySql { pool, .. } => Tx::MySql(pool.begin().await?),
                Self::Postgres { pool, .. } => Tx::Postgres(pool.begin().await?),
            })
        };
        self.or_away(within(WRITE_WITHIN, open).await).await
    }

    /// A connection that was not to be had, or broke, says little: all of them may be at work, or the server hung up over one statement.
    /// So it is asked whether it answers at all.
    async fn or_away<T>(&self, answer: Result<T, ArchiveError>) -> Result<T, ArchiveError> {
        let error = match answer {
            // One that this console closed says nothing of the database.
            Err(error) if error.is_connection() && !error.is_closed() => error,
            answer => return answer,
        };
        match Box::pin(self.check()).await {
            Err(away) if !away.is_closed() => Err(ArchiveError::Away { problem: away.problem() }),
            _ => Err(error),
        }
    }

    /// Has SQLite copy its log into the file when there is enough of it, as it does by itself at the end of a transaction unless that
    /// said otherwise. On a connection that only asks, which may do this: the writers queue for the other one.
    pub async fn checkpoint(&self) -> Result<(), ArchiveError> {
        let Self::Sqlite { read, write } = self else { return Ok(()) };
        let copied = async {
            sqlx::query(AssertSqlSafe(format!("PRAGMA wal_autocheckpoint = {COPIED_FROM}"))).execute(write).await?;
            let mut reader = match read.acquire().await {
                // All of them are at work: the next transaction tries again.
                Err(sqlx::Error::PoolTimedOut) => return Ok(()),
                reader => reader?,
            };
            let (_, pages, done): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)").fetch_one(&mut *reader).await?;
            if pages - done >= COPIED_FROM {
                sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *reader).await?;
            }
            Ok(())
        };
        within(WRITE_WITHIN, copied).await
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::MySql { pool, check } => {
                check.close().await;
                pool.close().await;
            }
            Self::Postgres { pool, check } => {
                check.close().await;
                pool.close().await;
            }
        }
    }

    /// The longest statement that the server takes, in bytes, if it has such a limit.
    pub async fn largest(&self) -> Result<Option<usize>, ArchiveError> {
        if self.dialect() != Dialect::MySql {
            return Ok(None);
        }
        let most = self.one(sql("SELECT CAST(@@max_allowed_packet AS SIGNED)"), |row| row.int(0)).await?.flatten();
        Ok(most.and_then(|bytes| usize::try_from(bytes).ok()))
    }

    /// Whether the database answers at all, on a connection of its own. A file is opened anew: all of its readers may be at work.
    pub async fn check(&self) -> Result<(), ArchiveError> {
        let ask = async {
            match self {
                Self::Sqlite { read, .. } => {
                    let options = read.connect_options().as_ref().clone().create_if_missing(false);
                    let mut one = SqliteConnection::connect_with(&options).await?;
                    sqlx::query("SELECT COUNT(*) FROM sqlite_master").execute(&mut one).await?;
                    one.close().await?;
                }
                Self::MySql { check, .. } => sqlx::query("SELECT 1").execute(check).await.map(|_| ())?,
                Self::Postgres { check, .. } => sqlx::query("SELECT 1").execute(check).await.map(|_| ())?,
            }
            Ok(())
        };
        within(READ_WITHIN, ask).await
    }
}

impl Tx {
    pub async fn rows<T>(&mut self, sql: Sql, mut read: impl FnMut(&Row<'_>) -> T) -> Result<Vec<T>, ArchiveError> {
        note(&sql);
        let ask = async {
            Ok(match self {
                Self::Sqlite(tx) => fetch!(Sqlite, sql.text, sql.values, &mut **tx, read),
                Self::MySql(tx) => fetch!(MySql, sql.text, sql.values, &mut **tx, read),
                Self::Postgres(tx) => fetch!(Postgres, sql.numbered(), sql.values, &mut **tx, read),
            })
        };
        within(WRITE_WITHIN, ask).await
    }

    pub async fn run(&mut self, sql: Sql) -> Result<u64, ArchiveError> {
        note(&sql);
        let write = async {
            Ok(match self {
                Self::Sqlite(tx) => query!(sql.text, sql.values).execute(&mut **tx).await?.rows_affected(),
                Self::MySql(tx) => query!(sql.text, sql.values).execute(&mut **tx).await?.rows_affected(),
                Self::Postgres(tx) => query!(sql.numbered(), sql.values).execute(&mut **tx).await?.rows_affected(),
            })
        };
        within(WRITE_WITHIN, write).await
    }

    /// Inserts one row into a table that numbers its rows itself; its number.
    pub async fn insert(&mut self, sql: Sql) -> Result<i64, ArchiveError> {
        if matches!(self, Self::Postgres(_)) {
            let ids = self.rows(sql.then(" RETURNING id"), |row| row.int(0)).await?;
            return ids.into_iter().flatten().next().ok_or(sqlx::Error::RowNotFound.into());
        }
        let write = async {
            Ok(match self {
                Self::Sqlite(tx) => query!(sql.text, sql.values).execute(&mut **tx).await?.last_insert_rowid(),
                Self::MySql(tx) => query!(sql.text, sql.values).execute(&mut **tx).await?.last_insert_id().cast_signed(),
                Self::Postgres(_) => 0,
            })
        };
        within(WRITE_WITHIN, write).await
    }

    pub async fn commit(self) -> Result<(), ArchiveError> {
        let commit = async {
            match self {
                Self::Sqlite(tx) => tx.commit().await,
                Self::MySql(tx) => tx.commit().await,
                Self::Postgres(tx) => tx.commit().await,
            }
        };
        within(WRITE_WITHIN, commit).await
    }
}
