//! The only place that knows what the databases write differently.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    MySql,
    Postgres,
}

/// The library's columns in MySQL hold so many characters (`error`: bytes); what is longer goes to `flux_console_whole`.
pub const JOB_ID_CHARS: usize = 64;
pub const QUEUE_CHARS: usize = 128;
pub const ERROR_BYTES: usize = 65_535;

impl Dialect {
    /// A time column as epoch milliseconds; NULL when it holds no time.
    pub fn ms(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST(ROUND(unixepoch({column}, 'subsec') * 1000) AS INTEGER)"),
            Self::MySql => format!("CAST(UNIX_TIMESTAMP({column}) * 1000 AS SIGNED)"),
            Self::Postgres => format!("CAST(EXTRACT(EPOCH FROM {column}) * 1000 AS BIGINT)"),
        }
    }

    /// A `?` of epoch milliseconds as what a time column holds: in SQLite the library's ISO text.
    pub fn at(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', ? / 1000.0, 'unixepoch')",
            Self::MySql => "FROM_UNIXTIME(? / 1000)",
            Self::Postgres => "to_timestamp(CAST(? AS BIGINT) / 1000.0)",
        }
    }

    /// Whether a text column holds a `?`, whatever the case of both; no character of it is a wildcard.
    pub fn holds(self, column: &str) -> String {
        match self {
            Self::Sqlite | Self::MySql => format!("INSTR(LOWER({column}), LOWER(?)) > 0"),
            Self::Postgres => format!("STRPOS(LOWER({column}), LOWER(?)) > 0"),
        }
    }

    /// A sum as a whole number.
    pub fn sum(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("SUM({column})"),
            Self::MySql => format!("CAST(SUM({column}) AS SIGNED)"),
            Self::Postgres => format!("CAST(SUM({column}) AS BIGINT)"),
        }
    }

    /// Begins an INSERT that leaves rows alone whose key is there already; [`Self::unless_there`] ends it.
    pub fn insert(self) -> &'static str {
        match self {
            Self::Sqlite => "INSERT OR IGNORE INTO",
            Self::MySql => "INSERT IGNORE INTO",
            Self::Postgres => "INSERT INTO",
        }
    }

    pub fn unless_there(self) -> &'static str {
        if self == Self::Postgres { " ON CONFLICT DO NOTHING" } else { "" }
    }

    /// Ends an INSERT so that a row whose key is there gets these assignments instead.
    pub fn or_update(self, key: &str, assignments: &str) -> String {
        if self == Self::MySql {
            format!(" ON DUPLICATE KEY UPDATE {assignments}")
        } else {
            format!(" ON CONFLICT ({key}) DO UPDATE SET {assignments}")
        }
    }

    /// The value that was to be inserted, inside of [`Self::or_update`].
    pub fn new(self, column: &str) -> String {
        if self == Self::MySql { format!("VALUES({column})") } else { format!("excluded.{column}") }
    }
}
