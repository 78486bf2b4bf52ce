//! What operators did, and the bulk operations that ended, for as long as the archive keeps them.

use super::{
    db::Db,
    dialect::containing,
    error::ArchiveError,
    record::key,
    sql::{Row, Sql, Value, clean, sql},
};
use crate::{
    model::{
        audit::{AuditLine, AuditQuery, PER_PAGE},
        operation::Operation,
        time::Millis,
    },
    server::digest::sha1_hex,
};
use std::collections::{HashMap, HashSet};

/// Job ids of one INSERT.
const IDS: usize = 500;
/// Among the jobs that a line names: it names each that was moved. No job is called that.
pub const ALL: &str = "\u{1}all";

/// Writes lines; one that stands there already is left alone, so it may be written again by whoever is not sure.
pub async fn write(db: &Db, lines: &[AuditLine]) -> Result<(), ArchiveError> {
    if lines.is_empty() {
        return Ok(());
    }
    let dialect = db.dialect();
    let text = format!("{} flux_console_audit (identity, at_ms, who, verb, queue, filter, jobs, result, took_ms)", dialect.insert());
    let rows = lines.iter().map(|line| -> Vec<Value> {
        vec![
            sha1_hex(&line.id).into(),
            line.at.0.into(),
            clean(&line.who).into(),
            clean(&line.verb).into(),
            line.queue.as_deref().map(clean).into(),
            line.filter.as_deref().map(clean).into(),
            line.jobs.map(u64::cast_signed).into(),
            clean(&line.result).into(),
            line.took_ms.into(),
        ]
    });
    let mut tx = db.begin().await?;
    tx.run(Sql::insert(&text, "(?, ?, ?, ?, ?, ?, ?, ?, ?)", rows).then(dialect.unless_there())).await?;
    let ids: Vec<Vec<Value>> =
        lines.iter().flat_map(|line| line.ids.iter().map(move |id| vec![key(id).into(), sha1_hex(&line.id).into()])).collect();
    let into = format!("{} flux_console_audit_jobs (job_id, identity)", dialect.insert());
    for part in ids.chunks(IDS) {
        tx.run(Sql::insert(&into, "(?, ?)", part.iter().cloned()).then(dialect.unless_there())).await?;
    }
    tx.commit().await
}

/// Names jobs of the line that an operation leaves when it has ended; before that no page finds them, and none of them is offered again.
/// Names that are there stay.
pub async fn name(db: &Db, operation: &str, ids: &[String]) -> Result<(), ArchiveError> {
    if ids.is_empty() {
        return Ok(());
    }
    let into = format!("{} flux_console_audit_jobs (job_id, identity)", db.dialect().insert());
    let rows = ids.iter().map(|id| -> Vec<Value> { vec![key(id).into(), sha1_hex(operation).into()] });
    db.run(Sql::insert(&into, "(?, ?)", rows).then(db.dialect().unless_there())).await?;
    Ok(())
}

/// Whether an operation names the job that has left no line: its console was killed, and no other one was there to say so. Of which queue,
/// and when, is not known then.
pub async fn is_named_alone(db: &Db, id: &str) -> Result<bool, ArchiveError> {
    let text = "SELECT 1 FROM flux_console_audit_jobs j LEFT JOIN flux_console_audit a ON a.identity = j.identity \
                WHERE j.job_id = ? AND a.identity IS NULL LIMIT 1";
    Ok(db.one(sql(text).bind(key(id)), |_| ()).await?.is_some())
}

/// The operations among these whose lines name each job that was moved.
pub async fn all_named(db: &Db, operations: &[&str]) -> Result<HashSet<String>, ArchiveError> {
    let mut named = HashSet::new();
    for some in operations.chunks(IDS) {
        let of: HashMap<String, &str> = some.iter().map(|id| (sha1_hex(id), *id)).collect();
        let asked = sql("SELECT identity FROM flux_console_audit_jobs WHERE job_id = ? AND").bind(ALL);
        let found = db.rows(asked.one_of("identity", of.keys().cloned()), |row| row.text(0)).await?;
        named.extend(found.into_iter().flatten().filter_map(|identity| of.get(&identity).map(|id| (*id).to_owned())));
    }
    Ok(named)
}

/// A page, newest first, and how many lines match.
pub async fn page(db: &Db, query: &AuditQuery) -> Result<(Vec<AuditLine>, u64), ArchiveError> {
    let mut wanted = sql("1 = 1");
    if !query.verb.is_empty() {
        wanted = wanted.then(" AND verb = ?").bind(clean(&query.verb));
    }
    if !query.queue.is_empty() {
        wanted = wanted.then(" AND queue = ?").bind(clean(&query.queue));
    }
    if !query.who.is_empty() {
        wanted = wanted.then(&format!(" AND {}", db.dialect().like("who"))).bind(containing(&clean(&query.who)));
    }
    let count = Sql { text: format!("SELECT COUNT(*) FROM flux_console_audit WHERE {}", wanted.text), values: wanted.values.clone() };
    let text = format!(
        "SELECT identity, at_ms, who, verb, queue, filter, jobs, result, took_ms FROM flux_console_audit WHERE {} \
         ORDER BY at_ms DESC, id DESC LIMIT {PER_PAGE} OFFSET {}",
        wanted.text,
        query.page.saturating_sub(1).saturating_mul(PER_PAGE)
    );
    let (total, lines) = tokio::try_join!(db.one(count, |r| r.count(0)), db.rows(Sql { text, values: wanted.values }, read))?;
    Ok((lines, total.unwrap_or(0)))
}

fn read(row: &Row<'_>) -> AuditLine {
    AuditLine {
        id: row.text(0).unwrap_or_default(),
        at: Millis(row.int(1).unwrap_or_default()),
        who: row.text(2).unwrap_or_default(),
        verb: row.text(3).unwrap_or_default(),
        queue: row.text(4),
        filter: row.text(5),
        jobs: row.int(6).and_then(|n| u64::try_from(n).ok()),
        result: row.text(7).unwrap_or_default(),
        took_ms: row.int(8).unwrap_or_default(),
        ids: Vec::new(),
    }
}

/// Writes operations down, or writes them anew.
pub async fn put_operations(db: &Db, operations: &[Operation]) -> Result<(), ArchiveError> {
    let dialect = db.dialect();
    let update = dialect.or_update("id", &format!("operation = {}", dialect.new("operation")));
    let rows = operations.iter().map(|operation| -> Vec<Value> {
        let json = serde_json::to_string(operation).unwrap_or_default();
        // JSON writes a NUL as an escape.
        vec![operation.id.clone().into(), operation.started_at.0.into(), json.into()]
    });
    if !operations.is_empty() {
        db.run(Sql::insert("INSERT INTO flux_console_operations (id, started_ms, operation)", "(?, ?, ?)", rows).then(&update)).await?;
    }
    Ok(())
}

/// The newest ones, newest first.
pub async fn operations(db: &Db, limit: usize) -> Result<Vec<Operation>, ArchiveError> {
    let text = format!("SELECT operation FROM flux_console_operations ORDER BY started_ms DESC LIMIT {limit}");
    let texts = db.rows(sql(text), |row| row.text(0).unwrap_or_default()).await?;
    // One that another version wrote and this one cannot read is left out.
    Ok(texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect())
}

pub async fn operation(db: &Db, id: &str) -> Result<Option<Operation>, ArchiveError> {
    let found = db.one(sql("SELECT operation FROM flux_console_operations WHERE id = ?").bind(clean(id)), |row| row.text(0)).await?;
    Ok(found.flatten().and_then(|text| serde_json::from_str(&text).ok()))
}
