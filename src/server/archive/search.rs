//! Search in the archive: the index gives candidates, the rows themselves decide, with the same matching as the live search.
//! A step is bounded; it goes from the newest row to the oldest, and its cursor is the last row that was looked at.

use super::{
    Archive,
    db::Db,
    dialect::Dialect,
    error::ArchiveError,
    index, jobs,
    record::{stored_id, stored_queue},
    sql::{Sql, sql},
};
use crate::model::{
    archive::{ArchivedRow, Status, Verdict},
    job::JobState,
    search::{ArchiveStep, Candidate, Coverage, Hit, Place, Query, Test, Whereabouts, text::LazyText, words},
    time::Millis,
};
use std::collections::HashMap;

/// Candidates of one step that are read whole.
const ROWS: usize = 100;
/// Ids of one step that the index may name before the row's queue and state are looked at.
const NAMED: usize = 2_000;

/// The next step; `cursor` is what the last one answered.
pub async fn search(archive: &Archive, query: &Query, cursor: Option<&str>) -> Result<ArchiveStep, ArchiveError> {
    let db = archive.db()?;
    let before = cursor.and_then(|c| c.parse::<i64>().ok()).unwrap_or(i64::MAX);
    archive.noted(step(&db, query, before).await)
}

async fn step(db: &Db, query: &Query, before: i64) -> Result<ArchiveStep, ArchiveError> {
    if !JobState::ALL.into_iter().any(|state| status(state).is_some() && query.asks_state(state)) {
        return Ok(ArchiveStep::default());
    }
    let (ids, next) = candidates(db, query, before).await?;
    let looked = ids.len() as u64;
    let hits = hits(db, query, ids).await?;
    Ok(ArchiveStep { hits, next: next.map(|id| id.to_string()), coverage: Coverage { scanned: looked, of: None }, unavailable: None })
}

/// States that a row of the archive can have.
fn status(state: JobState) -> Option<Status> {
    match state {
        JobState::Waiting => Some(Status::Waiting),
        JobState::Failed => Some(Status::Failed),
        JobState::Completed => Some(Status::Completed),
        JobState::Active | JobState::Delayed | JobState::Grouped => None,
    }
}

/// Rows that may match, newest first, and where to go on.
async fn candidates(db: &Db, query: &Query, before: i64) -> Result<(Vec<i64>, Option<i64>), ArchiveError> {
    let dialect = db.dialect();
    let words = needles(dialect, query);
    let indexable = !words.is_empty() && query.only_id().is_none();
    let indexed = if indexable { index::mark(db).await? } else { 0 };
    // Rows that are not indexed yet are looked at one by one; behind them the index names what can match.
    let after = indexed.saturating_add(1);
    if indexable && (before <= after || !index::is_behind(db).await?) {
        let named = named(db, &words, before.min(after)).await?;
        let next = (named.len() == NAMED).then(|| named.last().copied()).flatten();
        let narrowed = narrow(db, query, named).await?;
        if narrowed.len() > ROWS {
            let ids = narrowed[..ROWS].to_vec();
            let last = ids.last().copied();
            return Ok((ids, last));
        }
        return Ok((narrowed, next));
    }
    let condition = condition(dialect, query);
    let text = format!("SELECT a.id FROM flux_job_archive a WHERE a.id < ? AND a.id > ?{} ORDER BY a.id DESC LIMIT {ROWS}", condition.text);
    let mut asked = sql(text).bind(before).bind(indexed);
    asked.values.extend(condition.values);
    let ids: Vec<i64> = db.rows(asked, |row| row.int(0)).await?.into_iter().flatten().collect();
    let next = if ids.len() == ROWS { ids.last().copied() } else { (indexed > 0).then_some(after) };
    Ok((ids, next))
}

/// Words that the index of every row that matches holds, as the index writes them, with a `*` where more may follow.
fn needles(dialect: Dialect, query: &Query) -> Vec<(String, bool)> {
    let single = |pick: fn(&Test) -> Option<&str>| {
        // Alternatives cannot be asked for as one: then the rows decide.
        let mut all = query.filters.iter().filter(|f| !f.negated).filter_map(|f| pick(&f.test));
        all.next().filter(|_| all.next().is_none())
    };
    let class = single(|t| if let Test::Class(words) = t { Some(words) } else { None });
    let error = single(|t| if let Test::Error(words) = t { Some(words) } else { None });
    let mut found: Vec<(String, bool)> = query
        .wanted()
        .chain(class)
        .chain(error)
        .flat_map(words::needles)
        .map(|needle| (index::encoded(dialect, &needle.word), needle.prefix))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The newest rows before this one that hold all the words.
async fn named(db: &Db, words: &[(String, bool)], before: i64) -> Result<Vec<i64>, ArchiveError> {
    let write =
        |form: fn(&str, bool) -> String, between: &str| words.iter().map(|(w, prefix)| form(w, *prefix)).collect::<Vec<_>>().join(between);
    // The words hold letters and digits of ASCII alone.
    let (text, ask) = match db.dialect() {
        Dialect::Sqlite => (
            format!(
                "SELECT rowid FROM flux_console_search WHERE flux_console_search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT {NAMED}"
            ),
            write(|w, prefix| format!("\"{w}\"{}", if prefix { "*" } else { "" }), " AND "),
        ),
        Dialect::MySql => (
            format!(
                "SELECT row_id FROM flux_console_search WHERE MATCH (words) AGAINST (? IN BOOLEAN MODE) AND row_id < ? ORDER BY row_id DESC LIMIT {NAMED}"
            ),
            write(|w, prefix| format!("+{w}{}", if prefix { "*" } else { "" }), " "),
        ),
        Dialect::Postgres => (
            format!(
                "SELECT row_id FROM flux_console_search WHERE words @@ CAST(? AS tsquery) AND row_id < ? ORDER BY row_id DESC LIMIT {NAMED}"
            ),
            write(|w, prefix| format!("'{w}'{}", if prefix { ":*" } else { "" }), " & "),
        ),
    };
    Ok(db.rows(sql(text).bind(ask).bind(before), |row| row.int(0)).await?.into_iter().flatten().collect())
}

/// Of these rows, those whose queue, state and time can match; newest first.
async fn narrow(db: &Db, query: &Query, ids: Vec<i64>) -> Result<Vec<i64>, ArchiveError> {
    let condition = condition(db.dialect(), query);
    if condition.text.is_empty() || ids.is_empty() {
        return Ok(ids);
    }
    let mut asked = sql("SELECT a.id FROM flux_job_archive a WHERE").one_of("a.id", ids).then(&condition.text).then(" ORDER BY a.id DESC");
    asked.values.extend(condition.values);
    Ok(db.rows(asked, |row| row.int(0)).await?.into_iter().flatten().collect())
}

/// What the columns of a row can decide, as ` AND …`; never narrower than the query.
fn condition(dialect: Dialect, query: &Query) -> Sql {
    let mut condition = sql("");
    if let Some(id) = query.only_id() {
        condition = condition.then(" AND a.job_id = ?").bind(stored_id(dialect, id));
    }
    let plain = |test: fn(&Test) -> bool| query.filters.iter().filter(move |f| !f.negated && test(&f.test));
    let queues: Vec<&str> = plain(|t| matches!(t, Test::Queue(_)))
        .filter_map(|f| if let Test::Queue(name) = &f.test { (!name.prefix).then_some(name.text.as_str()) } else { None })
        .collect();
    if !queues.is_empty() && queues.len() == plain(|t| matches!(t, Test::Queue(_))).count() {
        condition = condition.then(" AND").one_of("a.queue", queues.iter().map(|q| stored_queue(dialect, q)));
    }
    if query.filters.iter().any(|f| matches!(f.test, Test::State(_))) {
        let states = JobState::ALL.into_iter().filter(|s| query.asks_state(*s)).filter_map(status);
        condition = condition.then(" AND").one_of("a.status", states.map(|s| s.as_str()));
    }
    // A row is written after its job failed or was created, so that alone bounds it from one side.
    let since =
        query.filters.iter().filter(|f| !f.negated).filter_map(|f| if let Test::Since(b) = &f.test { Some(b.at.0) } else { None }).min();
    if let Some(since) = since {
        condition = condition.then(&format!(" AND a.archived_at >= {}", dialect.at())).bind(since - 1_000);
    }
    condition
}

/// Those of the candidates that match, each as it is shown.
async fn hits(db: &Db, query: &Query, ids: Vec<i64>) -> Result<Vec<Hit>, ArchiveError> {
    let mut texts: HashMap<i64, index::Parts> = index::parts(db, &ids).await?;
    let rows = jobs::by_ids(db, ids).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let parts = texts.remove(&row.row)?;
            let text = parts.text();
            let place = place(query, &row, &text)?;
            Some(hit(row, place))
        })
        .collect())
}

/// Rows that only repeat what another one says, or say that a failed attempt completed, are no finds.
fn place(query: &Query, row: &ArchivedRow, text: &LazyText<'_>) -> Option<Place> {
    if matches!(row.verdict, Verdict::Again | Verdict::FailedAttempt) {
        return None;
    }
    query.matches(&Candidate {
        queue: row.queue.as_str(),
        state: state(row.status)?,
        id: Some(&row.id),
        class: row.class_name.as_deref(),
        error: row.error.as_deref(),
        group: row.group_id.as_deref(),
        at: at(row),
        text,
    })
}

fn state(status: Status) -> Option<JobState> {
    match status {
        Status::Waiting => Some(JobState::Waiting),
        Status::Completed => Some(JobState::Completed),
        Status::Failed => Some(JobState::Failed),
        Status::Other => None,
    }
}

/// When it failed or completed, else when it was created.
fn at(row: &ArchivedRow) -> Option<Millis> {
    if row.status == Status::Waiting { row.created_at.or(row.archived_at) } else { row.failed_at.or(row.archived_at).or(row.created_at) }
}

fn hit(row: ArchivedRow, place: Place) -> Hit {
    Hit {
        key: format!("row-{}", row.row),
        whereabouts: Whereabouts::Archive,
        at: at(&row),
        state: state(row.status).unwrap_or(JobState::Completed),
        queue: row.queue,
        id: Some(row.id),
        class_name: row.class_name,
        error: row.error,
        place,
    }
}

/// The raw payload of a find, for an export.
pub async fn payload(db: &Db, key: &str) -> Result<Option<Vec<u8>>, ArchiveError> {
    let Some(row) = key.strip_prefix("row-").and_then(|n| n.parse().ok()) else { return Ok(None) };
    jobs::payload(db, row).await
}
