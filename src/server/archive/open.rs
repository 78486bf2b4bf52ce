//! Opening an archive: connections, and tables brought up to date.

use super::{
    db::{Db, READ_WITHIN, WRITE_WITHIN, within},
    error::ArchiveError,
    migrations::{TABLE, first_of_sqlite, migrator},
    setting::Setting,
};
use sqlx::{
    AssertSqlSafe, Connection, SqlitePool,
    migrate::{MigrateError, Migrator},
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    str::FromStr,
    time::{Duration, Instant},
};

/// A page waits this long for a free connection.
const CONNECTION_WITHIN: Duration = Duration::from_secs(2);
/// Building an index over a large adopted archive takes its time.
const MIGRATE_WITHIN: Duration = Duration::from_secs(3_600);
const READERS: u32 = 6;
/// Who finds the server away asks whether it answers at all, all of them at once.
const CHECKS: u32 = 4;
const SQLITE_TRIES: u32 = 10;
const SQLITE_PAUSE: Duration = Duration::from_millis(100);
/// Who waits for SQLite's lock looks every 100 ms whether it is free: after a long step it is free for longer than that.
const TURN: Duration = Duration::from_millis(150);
/// A step that held the lock for less kept nobody waiting.
const SHORT: Duration = Duration::from_millis(5);

/// Prepared statements that a connection to MySQL keeps: all that there are (see [`super::sql`]).
const STATEMENTS: usize = 500;

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
                // Over a full disk SQLite gives a transaction up by itself; sqlx goes on counting it, and none would begin again on that
                // connection. The ROLLBACK of a transaction that was dropped comes before the ping.
                let writer = || {
                    bounded(SqlitePoolOptions::new()).max_connections(1).after_release(|connection, _| {
                        Box::pin(async move {
                            connection.ping().await?;
                            Ok(!connection.is_in_transaction())
                        })
                    })
                };
                let pool = || writer().connect_with(options.clone());
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
                let options = MySqlConnectOptions::from_str(url)?.statement_cache_capacity(STATEMENTS);
                let pool = bounded(MySqlPoolOptions::new()).max_connections(READERS).connect_with(options.clone()).await?;
                Ok(Self::MySql { pool, check: bounded(MySqlPoolOptions::new()).max_connections(CHECKS).connect_lazy_with(options) })
            }
            Setting::Postgres(url) => {
                let limit = READ_WITHIN.as_millis().to_string();
                let options = PgConnectOptions::from_str(url)?.options([("timezone", "UTC"), ("statement_timeout", limit.as_str())]);
                let pool = bounded(PgPoolOptions::new()).max_connections(READERS).connect_with(options.clone()).await?;
                Ok(Self::Postgres { pool, check: bounded(PgPoolOptions::new()).max_connections(CHECKS).connect_lazy_with(options) })
            }
        }
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        let mut migrator = migrator(self.dialect());
        match self {
            Self::Sqlite { write, .. } => migrate_sqlite(write, &migrator).await,
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
}

enum Step {
    Statement(&'static str),
    /// Migrations to this one; `None`: all of them, those of before are compared.
    Migrations(Option<i64>),
}

/// One transaction for each migration, and for each statement of the first one: over an archive of the library it makes indexes, which
/// takes its time, and the library waits five seconds for the lock and then loses what it wanted to write. A kill leaves whole steps,
/// and the next start does the rest.
///
/// SQLite's migrations are not locked by sqlx: of several consoles that start at once the first takes the writer's lock, and the
/// others wait for it and find the step done.
async fn migrate_sqlite(write: &SqlitePool, migrator: &Migrator) -> Result<(), MigrateError> {
    let made = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").bind(TABLE).fetch_optional(write).await?;
    let done: i64 = match made {
        Some(_) => sqlx::query_scalar(AssertSqlSafe(format!("SELECT COALESCE(MAX(version), 0) FROM {TABLE}"))).fetch_one(write).await?,
        None => 0,
    };
    let mut steps = Vec::new();
    if done == 0 {
        steps.extend(first_of_sqlite().map(Step::Statement));
    }
    steps.extend(migrator.iter().map(|migration| migration.version).filter(|version| *version > done).map(|v| Step::Migrations(Some(v))));
    steps.push(Step::Migrations(None));
    for step in steps {
        let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
        let began = Instant::now();
        match step {
            Step::Statement(text) => {
                sqlx::query(text).execute(&mut *tx).await?;
            }
            Step::Migrations(to) => migrator.run_direct(to, &mut *tx, false).await?,
        }
        tx.commit().await?;
        if began.elapsed() > SHORT {
            tokio::time::sleep(TURN).await;
        }
    }
    Ok(())
}

fn bounded<DB: sqlx::Database>(options: PoolOptions<DB>) -> PoolOptions<DB> {
    options.acquire_timeout(CONNECTION_WITHIN).min_connections(0).idle_timeout(Duration::from_secs(60))
}

/// SQLITE_BUSY and what extends it.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
