//! What can go wrong with the archive, turned once into what the operator reads, and logged once here.

use crate::model::{error::ApiError, time::Millis};
use sqlx::{mysql::MySqlDatabaseError, sqlite::SqliteError};

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// `--archive off`.
    #[error("there is no archive")]
    Off,
    /// Not connected since then; nothing was sent.
    #[error("the archive has been unavailable since {}: {problem}", since.iso())]
    Unavailable { since: Millis, problem: String },
    /// Not to be reached, as was found just now.
    #[error("{problem}")]
    Away { problem: String },
    /// No answer within the time that a page can wait.
    #[error("the archive did not answer in time")]
    Slow,
    #[error("the archive refused: {0}")]
    Refused(#[from] sqlx::Error),
}

impl ArchiveError {
    /// Whether the connection itself is in doubt, so that it is looked after at once.
    pub fn is_connection(&self) -> bool {
        matches!(
            self,
            Self::Refused(
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed
            )
        )
    }

    /// Whether this console closed the connections.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Refused(sqlx::Error::PoolClosed))
    }

    /// Whether somebody else wrote the same row first.
    pub fn is_double(&self) -> bool {
        matches!(self, Self::Refused(sqlx::Error::Database(e)) if e.is_unique_violation())
    }

    /// Whether the database gave this transaction up for another one's sake. None of it happened; again it may do.
    pub fn is_victim(&self) -> bool {
        let Self::Refused(sqlx::Error::Database(error)) = self else { return false };
        match error.try_downcast_ref::<MySqlDatabaseError>() {
            // A deadlock, a lock that was not to be had in time, a row that changed since it was read (MariaDB since 11.6).
            Some(mysql) => matches!(mysql.number(), 1213 | 1205 | 1020),
            None => matches!(error.code().as_deref(), Some("40P01" | "40001")),
        }
    }

    /// Whether tables came or went while SQLite prepared this statement, which read nothing; again it may do. Whoever opens a table of
    /// FTS5's reads others for that, and SQLite begins anew only once.
    pub fn is_change(&self) -> bool {
        let Self::Refused(sqlx::Error::Database(error)) = self else { return false };
        let is_schema = error.code().as_deref() == Some("17");
        error.try_downcast_ref::<SqliteError>().is_some() && (is_schema || error.message().starts_with("no such table"))
    }

    /// Whether a value was refused, so that the same statement with other rows may do: not a lock, a full disk or a missing table.
    pub fn is_refusal(&self) -> bool {
        let Self::Refused(sqlx::Error::Database(error)) = self else { return false };
        let code = error.code().unwrap_or_default();
        if let Some(mysql) = error.try_downcast_ref::<MySqlDatabaseError>() {
            // Besides the classes: what has no place in a column, JSON that is none, a packet that is too large.
            return matches!(code.get(..2), Some("22" | "23")) || matches!(mysql.number(), 1048 | 1118 | 1153 | 1366 | 1406 | 3140 | 3819);
        }
        if error.try_downcast_ref::<SqliteError>().is_some() {
            // SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH and what extends them.
            return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20));
        }
        matches!(code.get(..2), Some("22" | "23" | "54"))
    }

    /// The cause in words that hold no secret: databases answer with names of tables and columns, never with the password.
    pub fn problem(&self) -> String {
        match self {
            Self::Refused(sqlx::Error::Database(error)) => error.message().to_owned(),
            Self::Refused(sqlx::Error::Io(error)) => error.to_string(),
            Self::Refused(sqlx::Error::PoolTimedOut) => "it does not accept another connection in time".into(),
            other => other.to_string(),
        }
    }
}

impl From<ArchiveError> for ApiError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Off => Self::NotFound {
                detail: "This console keeps no archive (--archive off), so only what is in Redis can be shown.".into(),
            },
            ArchiveError::Unavailable { since, .. } => Self::Unavailable {
                detail: format!("The archive has been unavailable since {} UTC. Live pages are not affected; the console keeps trying.", since.clock()),
            },
            ArchiveError::Away { .. } => Self::Unavailable {
                detail: "The archive cannot be reached. Live pages are not affected; the console keeps trying.".into(),
            },
            ArchiveError::Slow => Self::Unavailable {
                detail: "The archive did not answer in time. Nothing was changed; live pages are not affected. Narrow the question, or try again.".into(),
            },
            ArchiveError::Refused(_) => {
                let id = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
                tracing::warn!(error.id = id, error = error.problem(), "the archive refused");
                Self::Unavailable { detail: format!("The archive cannot be used at the moment. The console's log has its answer under {id}.") }
            }
        }
    }
}
