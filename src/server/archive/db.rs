//! Connections to the archive: open, ask, write. Every call has a time limit, so that a slow database never holds a page.

use super::{
    dialect::Dialect,
    error::ArchiveError,
    migrations::{TABLE, migrator},
    setting::Setting,
    sql::{Row, Sql, Value, sql},
};
use sqlx::{
    AssertSqlSafe, Connection, MySqlPool, PgPool, SqliteConnection, SqlitePool,
    migrate::MigrateError,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{str::FromStr, time::Duration};

/// A page waits this long for an answer, and this long for a free connection.
const READ_WITHIN: Duration = Duration::from_secs(5);
const CONNECTION_WITHIN: Duration = Duration::from_secs(2);
/// Background writes may wait for somebody else's lock.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Building an index over a large adopted archive takes its time.
const MIGRATE_WITHIN: Duration = Duration::from_secs(3_600);
const READERS: u32 = 6;
const SQLITE_TRIES: u32 = 10;
const SQLITE_PAUSE: Duration = Duration::from_millis(100);

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

/// The same for a pool and for a transaction: `$on` is what the statement is sent on.
macro_rules! fetch {
    ($variant:ident, $text:expr, $values:expr, $on:expr, $read:expr) => {
        query!($text, $values).fetch_all($on).await?.iter().map(|row| $read(&Row::$variant(row))).collect()
    };
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ArchiveError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(ArchiveError::Slow),
    }
}

impl Db {
    /// Connects, and brings the tables up to date: adopts what the library made, adds indexes and tables of the console's own.
    pub async fn open(setting: &Setting) -> Result<Self, ArchiveError> {
        let db = within(CONNECTION_WITHIN * 3, Self::connect(setting)).await?;
        match tokio::time::timeout(MIGRATE_WITHIN, db.migrate()).await {
            Ok(Ok(())) => Ok(db),
            Ok(Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))) => Err(error.into()),
            Ok(Err(error)) => Err(sqlx::Error::Migrate(Box::new(error)).into()),
            Err(_) => Err(ArchiveError::Slow),
        }
    }

    async fn connect(setting: &Setting) -> Result<Self, sqlx::Error> {
        match setting {
            Setting::Off => Err(sqlx::Error::Configuration("there is no archive".into())),
            Setting::Sqlite(path) => {
                if let Some(dir) = path.parent() {
                    tokio::fs::create_dir_all(dir).await?;
                }
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(WRITE_WITHIN / 2)
                    // What an idle console keeps in memory.
                    .pragma("cache_size", "-4096")
                    .pragma("journal_size_limit", "67108864");
                let pool = || bounded(SqlitePoolOptions::new()).max_connections(1).connect_with(options.clone());
                // Two that turn a new file to WAL at the same moment: one is told that it is locked, without any waiting.
                let mut tries = 0;
                let write = loop {
                    match pool().await {
                        Err(error) if is_locked(&error) && tries < SQLITE_TRIES => {
                            tries += 1;
                            tokio::time::sleep(SQLITE_PAUSE).await;
                        }
                        done => break done?,
                    }
                };
                let read =
                    bounded(SqlitePoolOptions::new()).max_connections(READERS).connect_with(options.pragma("query_only", "on")).await?;
                Ok(Self::Sqlite { read, write })
            }
            Setting::MySql(url) => {
                // sqlx sets the session's zone to UTC, in which the library's times are read and written.
                let options = MySqlConnectOptions::from_str(url)?;
                let pool = bounded(MySqlPoolOptions::new()).max_connections(READERS).connect_with(options.clone()).await?;
                Ok(Self::MySql { pool, check: bounded(MySqlPoolOptions::new()).max_connections(1).connect_lazy_with(options) })
            }
            Setting::Postgres(url) => {
                let limit = READ_WITHIN.as_millis().to_string();
                let options = PgConnectOptions::from_str(url)?.options([("timezone", "UTC"), ("statement_timeout", limit.as_str())]);
                let pool = bounded(PgPoolOptions::new()).max_connections(READERS).connect_with(options.clone()).await?;
                Ok(Self::Postgres { pool, check: bounded(PgPoolOptions::new()).max_connections(1).connect_lazy_with(options) })
            }
        }
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        let mut migrator = migrator(self.dialect());
        match self {
            // SQLite's migrations are not locked by sqlx: of several consoles that start at once the first takes the writer's lock,
            // and the others wait for it and find the work done.
            Self::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
                migrator.run_direct(None, &mut *tx, false).await?;
                Ok(tx.commit().await?)
            }
            Self::MySql { pool, .. } => {
                migrator.set_locking(false);
                // sqlx waits for its lock with a negative time, which MariaDB takes for none at all.
                let mut holder = pool.acquire().await?;
                let name = "LEFT(CONCAT('flux_console:', DATABASE()), 64)";
                sqlx::query(AssertSqlSafe(format!("SELECT GET_LOCK({name}, 600)"))).execute(&mut *holder).await?;
                let done = match migrator.run(pool).await {
                    // MySQL cannot take back half a migration. Ours can be run again as a whole.
                    Err(MigrateError::Dirty(version)) => {
                        sqlx::query(AssertSqlSafe(format!("DELETE FROM {TABLE} WHERE version = ? AND success = FALSE")))
                            .bind(version)
                            .execute(pool)
                            .await?;
                        migrator.run(pool).await
                    }
                    done => done,
                };
                sqlx::query(AssertSqlSafe(format!("SELECT RELEASE_LOCK({name})"))).execute(&mut *holder).await?;
                done
            }
            Self::Postgres { pool, .. } => {
                // Without the limit that a page's question has.
                let options = pool.connect_options().as_ref().clone().options([("statement_timeout", "0")]);
                let slow = bounded(PgPoolOptions::new()).max_connections(1).connect_with(options).await?;
                let done = migrator.run(&slow).await;
                slow.close().await;
                done
            }
        }
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::MySql { .. } => Dialect::MySql,
            Self::Postgres { .. } => Dialect::Postgres,
        }
    }

    pub async fn rows<T>(&self, sql: Sql, read: impl Fn(&Row<'_>) -> T) -> Result<Vec<T>, ArchiveError> {
        let ask = async {
            Ok(match self {
                Self::Sqlite { read: pool, .. } => fetch!(Sqlite, sql.text, sql.values, pool, read),
                Self::MySql { pool, .. } => fetch!(MySql, sql.text, sql.values, pool, read),
                Self::Postgres { pool, .. } => fetch!(Postgres, sql.numbered(), sql.values, pool, read),
            })
        };
        within(READ_WITHIN, ask).await
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
        within(WRITE_WITHIN, open).await
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
    pub async fn rows<T>(&mut self, sql: Sql, read: impl Fn(&Row<'_>) -> T) -> Result<Vec<T>, ArchiveError> {
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

fn bounded<DB: sqlx::Database>(options: PoolOptions<DB>) -> PoolOptions<DB> {
    options.acquire_timeout(CONNECTION_WITHIN).min_connections(0).idle_timeout(Duration::from_secs(60))
}

/// SQLITE_BUSY and what extends it.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
