//! The only place that knows what the databases write differently.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    MySql,
    Postgres,
}

/// The library's columns in MySQL hold so many characters (`error` and a message of the log:
/// bytes); what is longer goes to `flux_console_whole` or `flux_console_whole_lines`.
pub const JOB_ID_CHARS: usize = 64;
pub const QUEUE_CHARS: usize = 128;
pub const ERROR_BYTES: usize = 65_535;
/// MariaDB takes JSON for invalid that is nested 32 deep or deeper; MySQL takes some more.
pub const JSON_DEPTH: usize = 31;

impl Dialect {
    /// A time column as epoch milliseconds; NULL when it holds no time.
    pub fn ms(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST(ROUND(unixepoch({column}, 'subsec') * 1000) AS INTEGER)"),
            Self::MySql => format!("CAST(UNIX_TIMESTAMP({column}) * 1000 AS SIGNED)"),
            Self::Postgres => format!("CAST(EXTRACT(EPOCH FROM {column}) * 1000 AS BIGINT)"),
        }
    }

    /// A `?` of epoch milliseconds as what a time column holds: in SQLite the library's ISO text. MySQL's TIMESTAMP holds whole
    /// seconds from 1970 to 2038: what is outside is its nearest end, what is between two seconds belongs to the first.
    pub fn at(self) -> &'static str {
        match self {
            Self::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', ? / 1000.0, 'unixepoch')",
            Self::MySql => "FROM_UNIXTIME(LEAST(GREATEST(FLOOR(? / 1000), 1), 2147483647))",
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

    /// How long a text column is, in characters.
    pub fn chars(self, column: &str) -> String {
        let length = if self == Self::Sqlite { "length" } else { "char_length" };
        format!("{length}({column})")
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
    #[allow(clippy::new_ret_no_self, reason = "SQL calls it the new value")]
    pub fn new(self, column: &str) -> String {
        if self == Self::MySql { format!("VALUES({column})") } else { format!("excluded.{column}") }
    }

    /// Holds for a row whose time `column` can be read and is before a `?` of epoch milliseconds; of this `?` there are as many
    /// as [`Self::before_marks`] says. SQLite keeps any text as a time: one that is no date is never before anything, and the
    /// text itself only narrows what is looked at, by a day more than the farthest zone.
    pub fn before(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!(
                "{column} < strftime('%Y-%m-%dT%H:%M:%fZ', ? / 1000.0 + 86400, 'unixepoch') \
                 AND {column} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' AND {} < ?",
                self.ms(column)
            ),
            // MySQL may hold a zero date.
            Self::MySql => format!("{column} < {} AND {column} > FROM_UNIXTIME(1)", self.at()),
            Self::Postgres => format!("{column} < {}", self.at()),
        }
    }

    pub fn before_marks(self) -> usize {
        if self == Self::Sqlite { 2 } else { 1 }
    }

    /// A time column as it stands in the index: where the next batch goes on, past rows that are never taken. Only SQLite has such.
    pub fn place(self, column: &str) -> String {
        if self == Self::Sqlite { column.to_owned() } else { "NULL".to_owned() }
    }

    /// The end of a text column, in characters.
    pub fn end(self, column: &str, chars: usize) -> String {
        if self == Self::Sqlite { format!("substr({column}, -{chars})") } else { format!("RIGHT({column}, {chars})") }
    }

    /// Begins a comparison that ignores the case of ASCII letters; `!` escapes.
    pub fn like(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} LIKE ? ESCAPE '!'"),
            // The console's own columns compare byte for byte.
            Self::MySql => format!("LOWER({column}) LIKE LOWER(?) ESCAPE '!'"),
            Self::Postgres => format!("{column} ILIKE ? ESCAPE '!'"),
        }
    }

    pub fn version(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT 'SQLite ' || sqlite_version()",
            Self::MySql => {
                "SELECT CASE WHEN VERSION() LIKE '%MariaDB%' THEN CONCAT('MariaDB ', VERSION()) ELSE CONCAT('MySQL ', VERSION()) END"
            }
            Self::Postgres => "SELECT 'PostgreSQL ' || current_setting('server_version')",
        }
    }

    /// Bytes on disk, and of them those that are free for new rows (NULL: unknown). MySQL counts free ones apart, and the index of words
    /// is not among them ([`Self::words_sizes`]).
    pub fn size(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT p.page_count * s.page_size, f.freelist_count * s.page_size \
                 FROM pragma_page_count() p, pragma_page_size() s, pragma_freelist_count() f"
            }
            Self::MySql => {
                "SELECT CAST(SUM(data_length + index_length + data_free) AS SIGNED), CAST(SUM(data_free) AS SIGNED) FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name LIKE 'flux!_%' ESCAPE '!'"
            }
            Self::Postgres => {
                "SELECT CAST(SUM(pg_total_relation_size(oid)) AS BIGINT), CAST(NULL AS BIGINT) FROM pg_class \
                 WHERE relkind = 'r' AND relname LIKE 'flux!_%' ESCAPE '!' AND relnamespace = current_schema()::regnamespace"
            }
        }
    }

    /// Questions for the bytes of the index of words where [`Self::size`] does not count it, one for each family of servers. InnoDB keeps
    /// it in tables of its own, named after the number of the table, and shows those to users with the privilege PROCESS alone.
    pub fn words_sizes(self) -> Vec<String> {
        let asked = |tables: &str, spaces: &str| {
            format!(
                "SELECT CAST(SUM(s.file_size) AS SIGNED) FROM information_schema.{tables} t JOIN information_schema.{spaces} s \
                 ON LOWER(SUBSTR(SUBSTRING_INDEX(s.name, '/', -1), 1, 21)) = CONCAT('fts_', LPAD(LOWER(HEX(t.table_id)), 16, '0'), '_') \
                 WHERE SUBSTRING_INDEX(t.name, '/', 1) = CAST(CONVERT(DATABASE() USING filename) AS BINARY) \
                 AND SUBSTRING_INDEX(t.name, '/', -1) LIKE 'flux!_%' ESCAPE '!'"
            )
        };
        match self {
            Self::Sqlite | Self::Postgres => Vec::new(),
            // MariaDB (and MySQL 5.7), MySQL 8.
            Self::MySql => vec![asked("innodb_sys_tables", "innodb_sys_tablespaces"), asked("innodb_tables", "innodb_tablespaces")],
        }
    }

    /// About how many rows a table has, without looking at them.
    pub fn estimate(self, table: &str) -> String {
        match self {
            // What was deleted in between is counted as well.
            Self::Sqlite => format!("SELECT COALESCE(MAX(rowid) - MIN(rowid) + 1, 0) FROM {table}"),
            Self::MySql => format!(
                "SELECT CAST(table_rows AS SIGNED) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{table}'"
            ),
            Self::Postgres => format!("SELECT CAST(GREATEST(reltuples, 0) AS BIGINT) FROM pg_class WHERE oid = to_regclass('{table}')"),
        }
    }
}

/// What a text begins with, every character meaning itself; for a LIKE with `!`.
pub fn beginning(text: &str) -> String {
    containing(text).trim_start_matches('%').to_owned()
}

/// A text that is looked for inside of another, every character meaning itself; for [`Dialect::like`].
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_escaped() {
        assert_eq!(containing("100%_a!b\\"), "%100!%!_a!!b\\%");
    }
}
