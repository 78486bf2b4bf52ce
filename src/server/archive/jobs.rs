//! Rows of the job archive: pages, and all of one job.

use super::{
    db::Db,
    dialect::Dialect,
    error::ArchiveError,
    record::{SAME_MS, key, stored_id, stored_queue},
    sql::{Row, Sql, clean, marks, sql},
    totals::Totals,
    verdict::{self, Seen},
};
use crate::{
    model::{
        archive::{ArchivedRow, Status, Verdict},
        ids::QueueName,
        query::ArchiveQuery,
        time::Millis,
    },
    server::reading::Reading,
};
use std::collections::{HashMap, HashSet};

/// A list reads payloads up to this size whole, of a larger one both ends.
const WHOLE: u64 = 16 * 1024;
const PART: usize = 8 * 1024;
/// Rows of one job that are looked at.
pub const ROWS_OF_A_JOB: u64 = 200;
/// For each row of a page, so many rows of the same jobs are looked at.
const BESIDE: usize = 40;
/// So many queues in which one id is known are told.
pub const QUEUES: usize = 10;
/// A list shows this much of an error.
const ERROR_SHOWN: u64 = 2_000;

/// What a list needs of a row of `flux_job_archive a`.
fn columns(dialect: Dialect) -> String {
    let end = dialect.end("a.payload", PART);
    format!(
        "a.id, a.job_id, a.queue, a.status, octet_length(a.payload), \
         CASE WHEN octet_length(a.payload) <= {WHOLE} THEN a.payload ELSE substr(a.payload, 1, {PART}) END, \
         CASE WHEN octet_length(a.payload) <= {WHOLE} THEN NULL ELSE {end} END, \
         substr(a.error, 1, {ERROR_SHOWN}), {}, {}, w.job_id, w.queue",
        dialect.ms("a.created_at"),
        dialect.ms("a.archived_at"),
    )
}

/// `a` with what did not fit it.
const FROM: &str = "flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id";

fn read(row: &Row<'_>) -> ArchivedRow {
    let payload = row.text(5).unwrap_or_default();
    let reading = Reading::of_parts(&payload, row.text(6).as_deref());
    let name = row.text(11).or_else(|| row.text(2)).unwrap_or_default();
    let id = row.text(10).or_else(|| row.text(1)).unwrap_or_default();
    ArchivedRow {
        row: row.int(0).unwrap_or_default(),
        // A NUL stands in the payload alone.
        id: reading.id.filter(|whole| whole.contains('\0') && clean(whole) == id).unwrap_or(id),
        queue: QueueName::try_from(name).unwrap_or_else(|_| unnamed()),
        status: Status::parse(&row.text(3).unwrap_or_default()),
        verdict: Verdict::Unknown,
        class_name: reading.class_name,
        attempt: reading.attempts,
        max_attempts: reading.max_attempts,
        delay_s: reading.delay_s,
        // The column holds whole seconds in MySQL.
        created_at: reading.created_at.or_else(|| row.int(8).map(Millis)),
        archived_at: row.int(9).map(Millis),
        failed_at: reading.failed_at,
        error: row.text(7).or(reading.error),
        group_id: reading.group_id,
        bytes: row.count(4),
    }
}

/// For rows whose queue is empty, which is no queue.
fn unnamed() -> QueueName {
    QueueName::try_from("(no queue)").expect("a name")
}

/// What a filter of the archive comes to: a condition, with its values, on `flux_job_archive a`.
pub(super) fn wanted(dialect: Dialect, query: &ArchiveQuery) -> Sql {
    let mut condition = sql("1 = 1");
    if let Some(queue) = &query.queue {
        condition = condition.and_is(dialect, "a.queue", stored_queue(dialect, queue.as_str()));
    }
    if let Some(status) = query.status {
        condition = condition.then(" AND a.status = ?").bind(status.as_str());
    }
    condition
}

/// The lowest and the highest number; `None` when there is no row.
pub(super) async fn ends(db: &Db) -> Result<Option<(i64, i64)>, ArchiveError> {
    // Two questions in one: SQLite goes over all rows for both ends at once.
    let asked = sql("SELECT (SELECT MIN(id) FROM flux_job_archive), (SELECT MAX(id) FROM flux_job_archive)");
    Ok(db.one(asked, |row| row.int(0).zip(row.int(1))).await?.flatten())
}

/// A page, newest first, and how many rows the filter has. Ids first, from an index alone; then only those rows.
pub async fn page(db: &Db, totals: &Totals, query: &ArchiveQuery) -> Result<(Vec<ArchivedRow>, u64), ArchiveError> {
    let total = totals.of(db, query).await?;
    let mut wanted = wanted(db.dialect(), query);
    let skip = (query.page.max(1) - 1).saturating_mul(query.per_page);
    let (from, skip) = totals.places.of(db, query, total, skip).await?;
    if let Some(from) = from {
        wanted = wanted.then(" AND a.id <= ?").bind(from);
    }
    let text =
        format!("SELECT a.id FROM flux_job_archive a WHERE {} ORDER BY a.id DESC LIMIT {} OFFSET {skip}", wanted.text, query.per_page);
    let ids = db.rows(Sql { text, values: wanted.values }, |row| row.int(0)).await?;
    Ok((by_ids(db, ids.into_iter().flatten().collect()).await?, total))
}

/// These rows, newest first, judged by all rows of their jobs.
pub async fn by_ids(db: &Db, ids: Vec<i64>) -> Result<Vec<ArchivedRow>, ArchiveError> {
    let mut rows = unjudged(db, ids).await?;
    if !rows.is_empty() {
        judge(db, &mut rows).await?;
    }
    Ok(rows)
}

/// These rows alone, newest first: what each says, and not what it means.
pub async fn unjudged(db: &Db, ids: Vec<i64>) -> Result<Vec<ArchivedRow>, ArchiveError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!("SELECT {} FROM {FROM} WHERE a.id IN ({}) ORDER BY a.id DESC", columns(db.dialect()), marks(ids.len()));
    let mut statement = sql(text);
    for id in ids {
        statement = statement.bind(id);
    }
    db.rows(statement, read).await
}

/// All rows of a job in the order of what they tell, oldest first, and how many there are; beyond [`ROWS_OF_A_JOB`] the newest.
pub async fn of_job(db: &Db, queue: &QueueName, id: &str) -> Result<(Vec<ArchivedRow>, u64), ArchiveError> {
    let dialect = db.dialect();
    let of_it = |text: String| {
        let (id, queue) = (stored_id(dialect, id), stored_queue(dialect, queue.as_str()));
        sql(text).and_is(dialect, "a.job_id", id).and_is(dialect, "a.queue", queue)
    };
    let count = db.one(of_it("SELECT COUNT(*) FROM flux_job_archive a WHERE 1 = 1".into()), |r| r.count(0));
    let text = format!("SELECT {} FROM {FROM} WHERE 1 = 1", columns(dialect));
    let rows = db.rows(of_it(text).then(&format!(" ORDER BY a.id DESC LIMIT {ROWS_OF_A_JOB}")), read);
    let (count, rows) = tokio::try_join!(count, rows)?;
    let mut rows: Vec<ArchivedRow> = rows.into_iter().rev().filter(|row| row.id == id && row.queue == *queue).collect();
    let told = told(db, &[id.to_owned()]).await?;
    let all: Vec<Seen> = rows.iter().map(seen).collect();
    let verdicts = verdict::judge(&all, told.get(id).unwrap_or(&HashSet::new()));
    rows.iter_mut().zip(verdicts).for_each(|(row, verdict)| row.verdict = verdict);
    let mut rows: Vec<Option<ArchivedRow>> = rows.into_iter().map(Some).collect();
    let rows = verdict::order(&all).into_iter().filter_map(|at| rows[at].take()).collect();
    Ok((rows, count.unwrap_or(0)))
}

/// The newest row of this id in each queue that has one, newest first: at most [`QUEUES`] of them, each found by a step in the index
/// by job, however many rows there are.
pub async fn by_queue(db: &Db, id: &str) -> Result<Vec<ArchivedRow>, ArchiveError> {
    let dialect = db.dialect();
    let stored = stored_id(dialect, id);
    let of_it = |columns: &str| {
        sql(format!("SELECT {columns} FROM {FROM} WHERE 1 = 1")).and_is(dialect, "a.job_id", stored.clone()).then(" AND a.queue")
    };
    let whole = clean(id);
    let (mut after, mut ids) = (String::new(), Vec::new());
    for _ in 0..QUEUES {
        let next = of_it("a.queue").then(" > ? ORDER BY a.queue LIMIT 1").bind(after);
        let Some(queue) = db.one(next, |row| row.text(0)).await?.flatten() else { break };
        // Names that MySQL takes for the same, and ids and names that a column cuts, stand here together.
        let rows = of_it("a.id, a.job_id, a.queue, w.job_id, w.queue")
            .then(&format!(" = ? ORDER BY a.id DESC LIMIT {BESIDE}"))
            .bind(queue.clone());
        let rows = db.rows(rows, |r| (r.int(0), r.text(3).or_else(|| r.text(1)), r.text(4).or_else(|| r.text(2)))).await?;
        let mut met = HashSet::new();
        ids.extend(rows.into_iter().filter(|row| row.1.as_ref() == Some(&whole) && met.insert(row.2.clone())).filter_map(|row| row.0));
        after = queue;
    }
    let mut rows = by_ids(db, ids).await?;
    rows.retain(|row| row.id == id);
    Ok(rows)
}

/// The payload of a row, whole, as bytes.
pub async fn payload(db: &Db, row: i64) -> Result<Option<Vec<u8>>, ArchiveError> {
    let text = format!("SELECT a.payload, w.payload FROM {FROM} WHERE a.id = ?");
    Ok(db.one(sql(text).bind(row), |row| row.bytes(1).or_else(|| row.bytes(0))).await?.flatten())
}

/// Whether this is all that is kept of a job whose payload the database refused (`record`): an id, which its column may have cut.
pub fn is_bare(payload: &[u8]) -> bool {
    let kept = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload);
    kept.is_ok_and(|kept| kept.len() == 1 && kept.contains_key("id"))
}

/// The row of the failure that this judged row tells of, if it tells of one. The library writes a failed attempt down as completed, too,
/// and stamps the job anew for either row, moments apart: of such a completion it is the failure.
pub async fn failure_of(db: &Db, row: &ArchivedRow) -> Result<Option<ArchivedRow>, ArchiveError> {
    if row.status == Status::Failed {
        return Ok(Some(row.clone()));
    }
    if row.verdict != Verdict::FailedAttempt {
        return Ok(None);
    }
    let mut rows = around(db, row.row, HashSet::from([stored_id(db.dialect(), &row.id)]), 1).await?;
    rows.retain(|other| other.id == row.id && other.queue == row.queue);
    // An attempt that was retried leaves no row of its failure, and the next one may fail a second later.
    let nearer = |apart: i64, failure: &ArchivedRow| nearest(&rows, failure, Status::Completed).is_some_and(|(other, _)| other < apart);
    let failure = nearest(&rows, row, Status::Failed).filter(|(apart, failure)| !nearer(*apart, failure));
    Ok(Some(failure.map_or(row, |(_, failure)| failure).clone()))
}

/// The row of the same attempt that was stamped nearest to this one, and how far apart, if both may tell of one end.
fn nearest<'a>(rows: &'a [ArchivedRow], to: &ArchivedRow, status: Status) -> Option<(i64, &'a ArchivedRow)> {
    let apart = |row: &'a ArchivedRow| {
        let apart = (row.created_at?.0 - to.created_at?.0).abs();
        (row.status == status && row.run() == to.run() && apart <= SAME_MS).then_some((apart, row))
    };
    rows.iter().filter_map(apart).min_by_key(|(apart, _)| *apart)
}

/// The error of a row in full.
pub async fn error(db: &Db, row: i64) -> Result<Option<String>, ArchiveError> {
    let text = format!("SELECT a.error, w.error FROM {FROM} WHERE a.id = ?");
    Ok(db.one(sql(text).bind(row), |row| row.text(1).or_else(|| row.text(0))).await?.flatten())
}

/// Whether a job is known by its bytes alone: its payload says no id, so the archive made one of them (`record`), or has none.
pub async fn is_nameless(db: &Db, row: i64, id: &str) -> Result<bool, ArchiveError> {
    let made = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !made && !id.is_empty() {
        return Ok(false);
    }
    let raw = payload(db, row).await?.unwrap_or_default();
    Ok(std::str::from_utf8(&raw).ok().and_then(|text| Reading::of(text).id).is_none())
}

fn seen(row: &ArchivedRow) -> Seen {
    Seen { status: row.status, attempt: row.attempt, created_at: row.created_at, at: row.archived_at, failed_at: row.failed_at }
}

/// The rows that say what `count` rows mean, of which this is the newest, oldest first; `ids`: of their jobs, as they are stored. A schedule's
/// job has rows without end: of all rows those beside these are looked at.
async fn around(db: &Db, newest: i64, ids: HashSet<String>, count: usize) -> Result<Vec<ArchivedRow>, ArchiveError> {
    let (before, behind) = (count * BESIDE, count * BESIDE / 4);
    let text = |side: &str| format!("SELECT {} FROM {FROM} WHERE a.id {side} ? AND", columns(db.dialect()));
    let older = sql(text("<=")).bind(newest).one_of("a.job_id", ids.clone()).then(&format!(" ORDER BY a.id DESC LIMIT {before}"));
    let newer = sql(text(">")).bind(newest).one_of("a.job_id", ids).then(&format!(" ORDER BY a.id LIMIT {behind}"));
    let (mut all, newer) = tokio::try_join!(db.rows(older, read), db.rows(newer, read))?;
    all.reverse();
    all.extend(newer);
    Ok(all)
}

/// Rows mean what they mean only beside the other rows of their job.
async fn judge(db: &Db, rows: &mut [ArchivedRow]) -> Result<(), ArchiveError> {
    let jobs: HashSet<(String, String)> =
        rows.iter().filter(|r| r.status != Status::Waiting).map(|r| (r.id.clone(), r.queue.to_string())).collect();
    let ids: HashSet<String> = jobs.iter().map(|(id, _)| stored_id(db.dialect(), id)).collect();
    let newest = rows.iter().map(|r| r.row).max().unwrap_or_default();
    let all = around(db, newest, ids, rows.len()).await?;
    let told = told(db, &jobs.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>()).await?;
    let mut of: HashMap<(String, String), Vec<&ArchivedRow>> = HashMap::new();
    for row in &all {
        of.entry((row.id.clone(), row.queue.to_string())).or_default().push(row);
    }
    let nothing = HashSet::new();
    let mut verdicts: HashMap<i64, Verdict> = HashMap::new();
    for ((id, _), list) in &of {
        let judged = verdict::judge(&list.iter().map(|r| seen(r)).collect::<Vec<_>>(), told.get(id).unwrap_or(&nothing));
        verdicts.extend(list.iter().map(|r| r.row).zip(judged));
    }
    for row in rows {
        row.verdict = match row.status {
            Status::Waiting => Verdict::Sure,
            _ => verdicts.get(&row.row).copied().unwrap_or(Verdict::Unknown),
        };
    }
    Ok(())
}

/// Attempts that completed, by job, as the event channel said lately.
async fn told(db: &Db, ids: &[String]) -> Result<HashMap<String, HashSet<u64>>, ArchiveError> {
    let text = "SELECT DISTINCT job_id, attempt FROM (SELECT job_id, attempt FROM flux_console_attempts \
                WHERE outcome = 'completed' AND attempt IS NOT NULL AND";
    let keys = ids.iter().map(|id| key(id));
    let asked = sql(text).one_of("job_id", keys).then(&format!(" ORDER BY id DESC LIMIT {}) lately", ids.len() * BESIDE));
    let mut told: HashMap<String, HashSet<u64>> = HashMap::new();
    for (id, attempt) in db.rows(asked, |r| (r.text(0).unwrap_or_default(), r.count(1))).await? {
        told.entry(id).or_default().insert(attempt);
    }
    Ok(told)
}
