//! One statement with its values and one row of an answer, the same for the three databases.
//!
//! Statements are prepared and kept by their text, so texts that differ in a number of marks only are kept few: lists have 1, 2, 4, 8 …
//! marks ([`Sql::one_of`], [`alike`]). With MySQL it is more than thrift: whenever a kept statement makes room for a new one, its client
//! sends that without waiting for an answer, and what follows lies in the socket until the server has acknowledged it, 40 ms later.

use super::dialect::Dialect;
use sqlx::{Row as _, mysql::MySqlRow, postgres::PgRow, sqlite::SqliteRow};

/// Written with `?` for each value; PostgreSQL's `$1` are put in when it is sent.
#[derive(Clone, Debug)]
pub struct Sql {
    pub text: String,
    pub values: Vec<Value>,
}

#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(Some(n))
    }
}

impl From<Option<i64>> for Value {
    fn from(n: Option<i64>) -> Self {
        Self::Int(n)
    }
}

impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Int(i64::try_from(n).ok())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

pub fn sql(text: impl Into<String>) -> Sql {
    Sql { text: text.into(), values: Vec::new() }
}

impl Sql {
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Goes on writing.
    #[must_use]
    pub fn then(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// ` column IN (?, ?, …)`, the last value as often as is needed for a power of two; of nothing it is a condition that no row meets.
    #[must_use]
    pub fn one_of<V: Into<Value>>(mut self, column: &str, values: impl IntoIterator<Item = V>) -> Self {
        let before = self.values.len();
        self.values.extend(values.into_iter().map(Into::into));
        let Some(last) = self.values[before..].last().cloned() else { return self.then(" 1 = 0") };
        let n = (self.values.len() - before).next_power_of_two();
        self.values.resize(before + n, last);
        self.then(&format!(" {column} IN ({})", marks(n)))
    }

    /// ` AND column = ?`, byte for byte: the library's columns in MySQL compare without case, and their index only narrows.
    #[must_use]
    pub fn and_is(mut self, dialect: Dialect, column: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if dialect == Dialect::MySql {
            self.text.push_str(&format!(" AND {column} = BINARY ?"));
            self.values.push(value.clone());
        }
        self.text.push_str(&format!(" AND {column} = ?"));
        self.values.push(value);
        self
    }

    /// `text VALUES (…), (…)`; each of `rows` has as many values as `row` has marks.
    pub fn insert(text: &str, row: &str, rows: impl IntoIterator<Item = Vec<Value>>) -> Self {
        let mut statement = sql(format!("{text} VALUES "));
        for (i, values) in rows.into_iter().enumerate() {
            statement.text.push_str(if i == 0 { "" } else { ", " });
            statement.text.push_str(row);
            statement.values.extend(values);
        }
        statement
    }

    /// With `$1`, `$2` … instead of `?`. None of our texts has a `?` that is no mark.
    pub fn numbered(&self) -> String {
        let mut out = String::with_capacity(self.text.len() + self.values.len() * 2);
        let mut n = 0;
        for c in self.text.chars() {
            if c == '?' {
                n += 1;
                out.push_str(&format!("${n}"));
            } else {
                out.push(c);
            }
        }
        out
    }
}

/// All of these in pieces whose lengths are powers of two.
pub fn alike<T>(mut rest: &[T]) -> Vec<&[T]> {
    let mut pieces = Vec::new();
    while let Some(bits) = rest.len().checked_ilog2() {
        let (piece, others) = rest.split_at(1 << bits);
        pieces.push(piece);
        rest = others;
    }
    pieces
}

/// A text that every database takes: PostgreSQL takes no NUL.
pub fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// `?, ?, ?`
pub fn marks(n: usize) -> String {
    vec!["?"; n].join(", ")
}

/// Columns by place. What cannot be read as asked is `None`: a foreign writer may have stored anything.
pub enum Row<'r> {
    Sqlite(&'r SqliteRow),
    MySql(&'r MySqlRow),
    Postgres(&'r PgRow),
}

macro_rules! get {
    ($row:expr, $i:expr, $t:ty) => {
        match $row {
            Row::Sqlite(row) => row.try_get_unchecked::<Option<$t>, _>($i),
            Row::MySql(row) => row.try_get_unchecked::<Option<$t>, _>($i),
            Row::Postgres(row) => row.try_get_unchecked::<Option<$t>, _>($i),
        }
    };
}

impl Row<'_> {
    pub fn int(&self, i: usize) -> Option<i64> {
        get!(self, i, i64).ok().flatten()
    }

    pub fn count(&self, i: usize) -> u64 {
        self.int(i).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    pub fn text(&self, i: usize) -> Option<String> {
        match get!(self, i, String) {
            Ok(text) => text,
            // SQLite keeps what it is given, also what is no UTF-8.
            Err(_) => self.bytes(i).map(|b| String::from_utf8_lossy(&b).into_owned()),
        }
    }

    pub fn bytes(&self, i: usize) -> Option<Vec<u8>> {
        get!(self, i, Vec<u8>).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::{alike, sql};

    #[test]
    fn lists_have_few_lengths() {
        let asked = |n: i64| sql("SELECT 1 WHERE").one_of("a", 1..=n);
        assert_eq!((asked(0).text.as_str(), asked(0).values.len()), ("SELECT 1 WHERE 1 = 0", 0));
        assert_eq!((asked(3).text.as_str(), asked(3).values.len()), ("SELECT 1 WHERE a IN (?, ?, ?, ?)", 4));
        let lengths: std::collections::BTreeSet<usize> = (1..=1_000).map(|n| asked(n).values.len()).collect();
        assert_eq!(lengths.len(), 11);
        let rows: Vec<i64> = (0..1_000).collect();
        assert!(alike(&rows).iter().all(|piece| piece.len().is_power_of_two()) && alike(&rows).concat() == rows);
        assert!(alike::<i64>(&[]).is_empty());
    }
}
