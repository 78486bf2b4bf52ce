//! Reads rows of the archive as they come, whoever wrote them, and notes what can then be asked for: words, class, group, the
//! signature of an error and how often it occurred (`counts`). Each batch is one transaction with the mark of how far it went, so a
//! batch is counted once, whatever ends the console.

use super::{
    counts::{self, Failure},
    db::{Db, Tx},
    dialect::Dialect,
    error::ArchiveError,
    record::{self, identity, key},
    shelf,
    sql::{Row, Sql, sql},
};
use crate::{
    model::{
        json,
        search::{text::LazyText, words},
        signature::signature,
    },
    server::{digest::sha1_hex, reading::Reading},
};
use std::collections::{HashMap, HashSet};

/// Rows of one transaction: others can write in between.
const ROWS: usize = 200;
/// Of a larger payload, both ends are read, as a live search does.
const HEAD: usize = crate::model::search::text::HEAD_BYTES;
const TAIL: usize = crate::model::search::text::TAIL_BYTES;
/// A word of the index has at most so many letters: MySQL leaves out what is longer than 84.
const WORD: usize = 80;
/// Databases give out numbers before they commit: a row may appear behind others that were indexed. This far back is looked again.
pub const LOOK_BACK: i64 = 1_000;
const MARK: &str = "index";

/// A row as the index sees it.
struct Read {
    id: i64,
    failed: bool,
    queue: String,
    parts: Parts,
    at: i64,
    job: String,
}

impl Read {
    fn of(row: &Row<'_>) -> Self {
        Self {
            id: row.int(0).unwrap_or_default(),
            job: row.text(1).unwrap_or_default(),
            queue: row.text(2).unwrap_or_default(),
            failed: row.text(3).as_deref() == Some("failed"),
            parts: Parts { payload: row.text(4).unwrap_or_default(), tail: row.text(5), error: row.text(6) },
            at: row.int(7).unwrap_or_default(),
        }
    }

    fn reading(&self) -> Reading {
        let Parts { payload, tail, .. } = &self.parts;
        Reading::of_parts(payload, tail.as_deref())
    }
}

/// The columns that [`Read`] wants of `flux_job_archive a` and `flux_console_whole w`.
fn columns(dialect: Dialect) -> String {
    let end = dialect.end("a.payload", TAIL);
    let long = format!("length(a.payload) > {}", HEAD + TAIL);
    format!(
        "a.id, a.job_id, a.queue, a.status, CASE WHEN {long} THEN substr(a.payload, 1, {HEAD}) ELSE a.payload END, \
         CASE WHEN {long} THEN {end} END, substr(COALESCE(w.error, a.error), 1, 16384), {}",
        dialect.ms("a.archived_at")
    )
}

/// The payload with the error in it, when it says none: the library keeps a dead letter's error beside the payload.
fn with_error(payload: &str, error: &str) -> Option<String> {
    let members = json::members(payload).ok()?;
    if json::field(payload, &members, "error").is_some() {
        return None;
    }
    json::edit(payload, &[], Some(("error", &serde_json::to_string(error).ok()?))).ok()
}

/// What a search reads of a row.
pub struct Parts {
    payload: String,
    tail: Option<String>,
    error: Option<String>,
}

impl Parts {
    pub fn text(&self) -> LazyText<'_> {
        match (&self.tail, &self.error) {
            (Some(tail), _) => LazyText::of_ends(self.payload.as_str(), tail.as_str()),
            (None, Some(error)) => with_error(&self.payload, error).map_or_else(|| LazyText::new(self.payload.as_str()), LazyText::new),
            (None, None) => LazyText::new(self.payload.as_str()),
        }
    }
}

/// The same parts of these rows that the index was made of.
pub async fn parts(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Parts>, ArchiveError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let text = format!("SELECT {} FROM flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id WHERE", columns(db.dialect()));
    let rows = db.rows(sql(text).one_of("a.id", ids.iter().copied()), Read::of).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.parts)).collect())
}

/// A word as the index has it, in plain letters and digits, so that no database takes it for two words or leaves it out.
pub fn encoded(dialect: Dialect, word: &str) -> String {
    let mut out = String::from(if dialect == Dialect::MySql { "xx" } else { "" });
    for c in word.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else {
            out.push_str(&format!("z{:x}z", u32::from(c)));
        }
    }
    out.truncate(WORD);
    out
}

/// The words of a text, between spaces, each once.
fn index_text(dialect: Dialect, text: &str) -> String {
    let mut met = HashSet::new();
    let words: Vec<String> = words::index_words(text).map(|word| encoded(dialect, &word)).filter(|word| met.insert(word.clone())).collect();
    words.join(" ")
}

/// How far the index goes: all rows up to this number.
pub async fn mark(db: &Db) -> Result<i64, ArchiveError> {
    let mark = db.one(sql("SELECT value FROM flux_console_marks WHERE name = ?").bind(MARK), |r| r.text(0)).await?;
    Ok(mark.flatten().and_then(|m| m.parse().ok()).unwrap_or(0))
}

/// Whether there are rows behind the mark; reads only.
pub async fn is_behind(db: &Db) -> Result<bool, ArchiveError> {
    let newest = db.one(sql("SELECT MAX(id) FROM flux_job_archive"), |row| row.int(0)).await?.flatten();
    Ok(newest.unwrap_or(0) > mark(db).await?)
}

/// Indexes the next rows; how many. 0: everything is indexed.
pub async fn step(db: &Db) -> Result<usize, ArchiveError> {
    let dialect = db.dialect();
    // The mark is locked first: two consoles that index at once go one after the other.
    let mut tx = db.begin().await?;
    let mark: i64 = record::lock(&mut tx, dialect, MARK).await?.and_then(|m| m.parse().ok()).unwrap_or(0);
    let from = "flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id";
    let next = format!("SELECT {} FROM {from} WHERE a.id > ? ORDER BY a.id LIMIT {ROWS}", columns(dialect));
    let mut rows = tx.rows(sql(next).bind(mark), Read::of).await?;
    let to = rows.last().map_or(mark, |row| row.id);
    if rows.len() < ROWS && mark > 0 {
        let late = format!(
            "SELECT {} FROM {from} LEFT JOIN flux_console_rows r ON r.row_id = a.id WHERE a.id > ? AND a.id <= ? AND r.row_id IS NULL ORDER BY a.id LIMIT {ROWS}",
            columns(dialect)
        );
        rows.extend(tx.rows(sql(late).bind(mark - LOOK_BACK).bind(mark), Read::of).await?);
    }
    if rows.is_empty() {
        return Ok(0);
    }
    write(&mut tx, dialect, &rows).await?;
    record::set_mark(&mut tx, dialect, MARK, &to.to_string()).await?;
    tx.commit().await?;
    Ok(rows.len())
}

async fn write_words(tx: &mut Tx, dialect: Dialect, texts: Vec<(i64, String)>) -> Result<(), ArchiveError> {
    let marks = match dialect {
        Dialect::Sqlite => return shelf::write(tx, texts).await,
        Dialect::MySql => "(?, ?)",
        Dialect::Postgres => "(?, array_to_tsvector(array_remove(string_to_array(?, ' '), '')))",
    };
    let into = format!("{} flux_console_search (row_id, words)", dialect.insert());
    let rows = texts.into_iter().map(|(row, words)| vec![row.into(), words.into()]);
    tx.run(Sql::insert(&into, marks, rows).then(dialect.unless_there())).await?;
    Ok(())
}

async fn write(tx: &mut Tx, dialect: Dialect, rows: &[Read]) -> Result<(), ArchiveError> {
    let readings: Vec<Reading> = rows.iter().map(Read::reading).collect();
    let kinds: Vec<Option<String>> = rows
        .iter()
        .zip(&readings)
        .map(|(row, reading)| row.failed.then(|| signature(row.parts.error.as_deref().or(reading.error.as_deref()).unwrap_or_default())))
        .collect();
    let side = rows.iter().zip(&readings).zip(&kinds).map(|((row, reading), kind)| {
        vec![
            row.id.into(),
            reading.class_name.as_deref().map(key).into(),
            reading.group_id.as_deref().map(key).into(),
            kind.as_deref().map(sha1_hex).into(),
        ]
    });
    let into = format!("{} flux_console_rows (row_id, class, group_id, signature)", dialect.insert());
    tx.run(Sql::insert(&into, "(?, ?, ?, ?)", side).then(dialect.unless_there())).await?;

    let texts = rows.iter().map(|row| (row.id, index_text(dialect, row.parts.text().get().as_str()))).collect();
    write_words(tx, dialect, texts).await?;
    let failures = rows.iter().zip(&readings).zip(&kinds).filter_map(|((row, reading), kind)| {
        Some(Failure {
            row: row.id,
            queue: &row.queue,
            at: reading.failed_at.map_or(row.at, |m| m.0),
            class: reading.class_name.as_deref(),
            text: kind.as_deref()?,
            identity: identity(reading.id.as_deref().unwrap_or(&row.job), reading.created_at, reading.attempts),
        })
    });
    counts::add(tx, dialect, failures.collect()).await
}
