//! Pages of the log of the past, newest first, by number.
//!
//! Without text or time the index of one filter leads to the page. With them the numbers are gone through in runs from the
//! newest down, for a limited time: a page that is not full then says how many lines were looked at.

use super::{
    db::Db,
    dialect::{Dialect, containing},
    error::ArchiveError,
    record::stored_queue,
    sql::{Row, Sql, clean, sql},
};
use crate::model::{
    ids::QueueName,
    log::{ArchivedLog, ArchivedLogQuery, Level, LogLine},
    shorten::shortened,
    time::Millis,
};
use std::time::{Duration, Instant};

/// Lines of a page.
pub const PER_PAGE: usize = 100;
/// Numbers that one run covers; on two cores SQLite goes through them in some 20 ms.
const RUN: i64 = 20_000;
/// A page looks no longer than this.
const LOOK_FOR: Duration = Duration::from_millis(1_500);
/// Numbers follow time but for lines that were written late; one that came more than so many lines late is not found by `until`.
const LATE: i64 = 10_000;

/// What a line of a level says; other producers than the library write `warn`. Whatever else stands there is info.
const SAYS: [(Level, &str); 3] =
    [(Level::Success, "a.level = 'success'"), (Level::Warning, "a.level IN ('warning', 'warn')"), (Level::Error, "a.level = 'error'")];

/// Told by the database, as it looks for them (one compares without case): a line is found by the level that it is shown with.
fn level() -> String {
    let cases = SAYS.map(|(level, says)| format!("WHEN {says} THEN '{}'", level.as_str()));
    format!("CASE {} ELSE '{}' END", cases.join(" "), Level::Info.as_str())
}

fn columns(dialect: Dialect) -> String {
    let level = level();
    format!("a.id, {level}, a.message, a.worker_id, a.queue, {}, w.message, w.worker, w.queue", dialect.ms("a.timestamp"))
}

fn read(row: &Row<'_>) -> LogLine {
    // What the column cut stands whole beside it.
    let whole = |cut: usize| row.text(cut + 4).or_else(|| row.text(cut));
    LogLine {
        seq: row.count(0),
        at: Millis(row.int(5).unwrap_or(i64::MAX)),
        level: row.text(1).and_then(|level| Level::parse(&level)).unwrap_or(Level::Info),
        message: whole(2).unwrap_or_default(),
        worker: whole(3).filter(|worker| !worker.is_empty()),
        job: None,
        queue: whole(4).and_then(|queue| QueueName::try_from(queue).ok()),
        problem: None,
    }
}

/// A page shows messages whole until they have so many bytes together; then so many characters of each.
const SHOWN_WHOLE: usize = 1024 * 1024;
const MESSAGE_SHOWN: usize = 2_000;

/// What the filters come to, but for time; `a` is the table.
fn wanted(dialect: Dialect, query: &ArchivedLogQuery) -> Sql {
    let mut wanted = sql("1 = 1");
    if let Some(level) = query.level {
        let says = SAYS.iter().find(|(known, _)| *known == level).map(|(_, says)| (*says).to_owned());
        let info = || format!("NOT ({})", SAYS.map(|(_, says)| says).join(" OR "));
        wanted = wanted.then(&format!(" AND {}", says.unwrap_or_else(info)));
    }
    if !query.worker.is_empty() {
        wanted = wanted.and_is(dialect, "a.worker_id", stored_queue(dialect, &query.worker));
    }
    if !query.queue.is_empty() {
        wanted = wanted.and_is(dialect, "a.queue", stored_queue(dialect, &query.queue));
    }
    // Databases agree about the case of ASCII letters only; what they let through is looked at again.
    if !query.q.is_empty() && query.q.is_ascii() {
        let (pattern, either) = (containing(&clean(&query.q)), [dialect.like("a.message"), dialect.like("w.message")].join(" OR "));
        wanted = wanted.then(&format!(" AND ({either})")).bind(pattern.clone()).bind(pattern);
    }
    wanted
}

/// Whether a name is asked for that fills its column: longer ones stand there with the same beginning.
fn is_long(dialect: Dialect, query: &ArchivedLogQuery) -> bool {
    let fills = |name: &String| stored_queue(dialect, name) == stored_queue(dialect, &format!("{name}x"));
    fills(&query.worker) || fills(&query.queue)
}

/// Whether a line that the database let through is of that name. One that nobody kept whole may be.
fn is_named(dialect: Dialect, wanted: &str, said: Option<&str>) -> bool {
    wanted.is_empty() || said.is_some_and(|said| said == clean(wanted) || said == stored_queue(dialect, wanted))
}

pub async fn page(db: &Db, query: &ArchivedLogQuery) -> Result<ArchivedLog, ArchiveError> {
    let mut page = found(db, query).await?;
    let mut room = SHOWN_WHOLE;
    for line in &mut page.lines {
        if line.message.len() <= room {
            room -= line.message.len();
        } else {
            line.message = shortened(std::mem::take(&mut line.message), MESSAGE_SHOWN);
        }
    }
    Ok(page)
}

async fn found(db: &Db, query: &ArchivedLogQuery) -> Result<ArchivedLog, ArchiveError> {
    let top = match query.before {
        Some(before) => before,
        None => newest(db, query).await?.map_or(0, |id| id.saturating_add(1)),
    };
    if led(db.dialect(), query) {
        let lines = lines(db, query, None, top, PER_PAGE + 1).await?;
        return Ok(full(lines).unwrap_or_else(|lines| ArchivedLog { lines, next: None, looked_at: None }));
    }
    look(db, query, top).await
}

/// Whether the index of a filter, or none, leads to a page. None tells what is info: where there is little of it, most of the archive
/// would be gone over.
fn led(dialect: Dialect, query: &ArchivedLogQuery) -> bool {
    let named = !(query.worker.is_empty() && query.queue.is_empty());
    let told = query.level != Some(Level::Info) || named;
    told && query.q.is_empty() && query.since.is_none() && query.until.is_none() && !is_long(dialect, query)
}

/// Goes down the numbers below `top`.
async fn look(db: &Db, query: &ArchivedLogQuery, top: i64) -> Result<ArchivedLog, ArchiveError> {
    let started = Instant::now();
    let bottom = db.one(sql("SELECT MIN(id) FROM flux_system_logs"), |row| row.int(0)).await?.flatten().unwrap_or(i64::MAX);
    let mut found: Vec<LogLine> = Vec::new();
    let mut at = top;
    while at > bottom {
        let from = at.saturating_sub(RUN);
        found.extend(lines(db, query, Some(from), at, PER_PAGE + 1 - found.len()).await?);
        match full(std::mem::take(&mut found)) {
            Ok(page) => return Ok(page),
            Err(lines) => found = lines,
        }
        at = from;
        if let Some(since) = query.since
            && !any_since(db, since, from, from.saturating_add(RUN)).await?
        {
            break;
        }
        if started.elapsed() > LOOK_FOR && at > bottom {
            let looked_at = u64::try_from(top - at).ok();
            return Ok(ArchivedLog { lines: found, next: Some(at), looked_at });
        }
    }
    Ok(ArchivedLog { lines: found, next: None, looked_at: None })
}

/// A page, when there is one line more than it shows.
fn full(mut lines: Vec<LogLine>) -> Result<ArchivedLog, Vec<LogLine>> {
    if lines.len() <= PER_PAGE {
        return Err(lines);
    }
    lines.truncate(PER_PAGE);
    let next = lines.last().map(|line| line.seq.cast_signed());
    Ok(ArchivedLog { lines, next, looked_at: None })
}

/// Lines with numbers from `from` to below `top`, newest first.
async fn lines(db: &Db, query: &ArchivedLogQuery, from: Option<i64>, top: i64, most: usize) -> Result<Vec<LogLine>, ArchiveError> {
    let dialect = db.dialect();
    let mut wanted = wanted(dialect, query).then(" AND a.id < ?").bind(top);
    if let Some(from) = from {
        wanted = wanted.then(" AND a.id >= ?").bind(from);
    }
    let at = dialect.ms("a.timestamp");
    if let Some(since) = query.since {
        wanted = wanted.then(&format!(" AND {at} >= ?")).bind(since.0);
    }
    if let Some(until) = query.until {
        wanted = wanted.then(&format!(" AND {at} <= ?")).bind(until.0);
    }
    // The database's comparison lets too many through, so with text the run is read without a limit on them.
    let long = is_long(dialect, query);
    let limit = if query.q.is_empty() && !long { format!(" LIMIT {most}") } else { String::new() };
    let text = format!(
        "SELECT {} FROM flux_system_logs a LEFT JOIN flux_console_whole_lines w ON w.row_id = a.id WHERE {} ORDER BY a.id DESC{limit}",
        columns(dialect),
        wanted.text
    );
    let q = query.q.to_lowercase();
    let fits = |line: &LogLine| {
        (q.is_empty() || line.message.to_lowercase().contains(&q))
            && (!long
                || is_named(dialect, &query.worker, line.worker.as_deref())
                    && is_named(dialect, &query.queue, line.queue.as_ref().map(QueueName::as_str)))
    };
    let mut lines: Vec<LogLine> = Vec::new();
    // Judged as it is read: a run of whole messages may be a gigabyte, and no more is kept than the page shows.
    let judge = |row: &Row<'_>| {
        if lines.len() < most {
            let line = read(row);
            if fits(&line) {
                lines.push(line);
            }
        }
    };
    db.rows(Sql { text, values: wanted.values }, judge).await?;
    Ok(lines)
}

/// The highest number that can be of interest.
async fn newest(db: &Db, query: &ArchivedLogQuery) -> Result<Option<i64>, ArchiveError> {
    let statement = match query.until {
        None => sql("SELECT MAX(id) FROM flux_system_logs"),
        Some(until) => {
            let dialect = db.dialect();
            // A text of another zone may sort half a day off.
            let until = if dialect == Dialect::Sqlite { until.0 + 86_400_000 } else { until.0 };
            let text = format!(
                "SELECT MAX(id) FROM (SELECT a.id FROM flux_system_logs a WHERE a.timestamp <= {} ORDER BY a.timestamp DESC LIMIT {LATE}) part",
                dialect.at()
            );
            sql(text).bind(until)
        }
    };
    Ok(db.one(statement, |row| row.int(0)).await?.flatten())
}

/// Whether any line of a run is as new as that: if not, older ones are not either.
async fn any_since(db: &Db, since: Millis, from: i64, top: i64) -> Result<bool, ArchiveError> {
    let text = format!("SELECT 1 FROM flux_system_logs a WHERE a.id >= ? AND a.id < ? AND {} >= ? LIMIT 1", db.dialect().ms("a.timestamp"));
    // Numbers may be missing: an empty run says nothing.
    let statement = sql(text).bind(from).bind(top).bind(since.0);
    if db.one(statement, |row| row.int(0)).await?.is_some() {
        return Ok(true);
    }
    let any = sql("SELECT 1 FROM flux_system_logs WHERE id >= ? AND id < ? LIMIT 1").bind(from).bind(top);
    Ok(db.one(any, |row| row.int(0)).await?.is_none())
}
