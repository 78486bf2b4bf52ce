//! Failures of one kind: how many, when, in which queues, which jobs.

use super::{
    db::Db,
    error::ArchiveError,
    jobs,
    record::key,
    sql::{Row, Sql, clean, sql},
};
use crate::model::{
    archive::ArchivedRow,
    errors::{ErrorKind, ErrorSort, ErrorsQuery, HOUR_MS, HOURS, JOBS_PER_PAGE, KINDS_PER_PAGE},
    ids::QueueName,
    time::Millis,
};
use std::collections::{HashMap, HashSet};

/// To find those of one queue, so many failed rows of a kind are looked at together.
const LOOKED_AT: usize = 256;
const COLUMNS: &str = "s.signature, s.text, s.class, s.count, s.first_ms, s.last_ms, s.last_row";

fn read(row: &Row<'_>) -> (ErrorKind, i64) {
    let kind = ErrorKind {
        signature: row.text(0).unwrap_or_default(),
        text: row.text(1).unwrap_or_default(),
        class_name: row.text(2),
        count: row.count(3),
        first_at: row.int(4).map(Millis),
        // What is left after older ones went begins with its hour (`counts`); no failure is that punctual.
        first_about: row.int(4).is_some_and(|at| at.rem_euclid(HOUR_MS) == 0),
        last_at: row.int(5).map(Millis),
        queues: Vec::new(),
        hours: vec![0; HOURS],
        sample: None,
        failed: 0,
    };
    (kind, row.int(6).unwrap_or_default())
}

/// ` AND …` on `flux_console_signatures s`.
fn wanted(db: &Db, query: &ErrorsQuery) -> Sql {
    let mut condition = sql("");
    if !query.q.is_empty() {
        condition = condition.then(&format!(" AND {}", db.dialect().holds("s.text"))).bind(clean(&query.q));
    }
    if let Some(queue) = &query.queue {
        condition = condition
            .then(" AND s.signature IN (SELECT signature FROM flux_console_signature_hours WHERE queue = ?)")
            .bind(key(queue.as_str()));
    }
    condition
}

/// A page of kinds, and how many there are.
pub async fn page(db: &Db, query: &ErrorsQuery, now: Millis) -> Result<(Vec<ErrorKind>, u64), ArchiveError> {
    let condition = wanted(db, query);
    let count = Sql {
        text: format!("SELECT COUNT(*) FROM flux_console_signatures s WHERE 1 = 1{}", condition.text),
        values: condition.values.clone(),
    };
    let hour = now.0.div_euclid(HOUR_MS);
    let (day, before) = (hour - HOURS as i64, hour - 2 * HOURS as i64);
    // Whole numbers of our own: nothing of them comes from a user.
    let (join, order) = match query.sort {
        ErrorSort::Last => (String::new(), "s.last_ms DESC"),
        ErrorSort::Count => (String::new(), "s.count DESC, s.last_ms DESC"),
        ErrorSort::Rising => (
            format!(
                " LEFT JOIN (SELECT signature, SUM(CASE WHEN hour > {day} THEN count ELSE -count END) AS rise \
                 FROM flux_console_signature_hours WHERE hour > {before} GROUP BY signature) r ON r.signature = s.signature"
            ),
            "COALESCE(r.rise, 0) DESC, s.last_ms DESC",
        ),
    };
    let text = format!(
        "SELECT {COLUMNS} FROM flux_console_signatures s{join} WHERE 1 = 1{} ORDER BY {order}, s.signature LIMIT {KINDS_PER_PAGE} OFFSET {}",
        condition.text,
        (query.page.max(1) - 1).saturating_mul(KINDS_PER_PAGE)
    );
    let kinds = db.rows(Sql { text, values: condition.values }, read);
    let (count, kinds) = tokio::try_join!(db.one(count, |r| r.count(0)), kinds)?;
    Ok((whole(db, kinds, now).await?, count.unwrap_or(0)))
}

/// These kinds, as far as the archive knows them.
pub async fn some(db: &Db, signatures: &[String], now: Millis) -> Result<Vec<ErrorKind>, ArchiveError> {
    let asked = sql(format!("SELECT {COLUMNS} FROM flux_console_signatures s WHERE")).one_of("s.signature", signatures.iter().cloned());
    let kinds = db.rows(asked, read).await?;
    whole(db, kinds, now).await
}

/// With queues, hours and a job of each.
async fn whole(db: &Db, kinds: Vec<(ErrorKind, i64)>, now: Millis) -> Result<Vec<ErrorKind>, ArchiveError> {
    let names: Vec<String> = kinds.iter().map(|(k, _)| k.signature.clone()).collect();
    let hour = now.0.div_euclid(HOUR_MS);
    let hours = sql(format!(
        "SELECT signature, hour, {} FROM flux_console_signature_hours WHERE hour > {} AND",
        db.dialect().sum("count"),
        hour - HOURS as i64
    ))
    .one_of("signature", names.clone())
    .then(" GROUP BY signature, hour");
    let queues = sql(format!("SELECT signature, queue, {} FROM flux_console_signature_hours WHERE", db.dialect().sum("count")))
        .one_of("signature", names)
        .then(" GROUP BY signature, queue");
    let samples = sql(
        "SELECT a.id, a.job_id, a.queue, w.job_id, w.queue FROM flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id WHERE",
    )
    .one_of("a.id", kinds.iter().map(|(_, row)| *row));
    let (hours, queues, samples) = tokio::try_join!(
        db.rows(hours, |r| (r.text(0).unwrap_or_default(), r.int(1).unwrap_or_default(), r.count(2))),
        db.rows(queues, |r| (r.text(0).unwrap_or_default(), r.text(1).unwrap_or_default(), r.count(2))),
        db.rows(samples, |r| (r.int(0).unwrap_or_default(), r.text(3).or(r.text(1)), r.text(4).or(r.text(2)))),
    )?;
    let mut by_queue: HashMap<String, Vec<(QueueName, u64)>> = HashMap::new();
    for (signature, queue, count) in queues {
        if let Ok(queue) = QueueName::try_from(queue) {
            by_queue.entry(signature).or_default().push((queue, count));
        }
    }
    let samples: HashMap<i64, String> = samples
        .into_iter()
        .filter_map(|(row, id, queue)| {
            let queue = QueueName::try_from(queue?).ok()?;
            Some((row, format!("{}/jobs/{}?row={row}", queue.href(), crate::model::ids::segment(&id?))))
        })
        .collect();
    let mut kinds: Vec<ErrorKind> = kinds
        .into_iter()
        .map(|(kind, row)| ErrorKind {
            queues: ErrorKind::by_count(by_queue.remove(&kind.signature).unwrap_or_default()),
            sample: samples.get(&row).cloned(),
            ..kind
        })
        .collect();
    for (signature, at, count) in hours {
        let ago = usize::try_from(hour - at).unwrap_or(usize::MAX);
        if let Some(kind) = kinds.iter_mut().find(|k| k.signature == signature)
            && let Some(slot) = HOURS.checked_sub(ago.saturating_add(1)).and_then(|i| kind.hours.get_mut(i))
        {
            *slot += count;
        }
    }
    Ok(kinds)
}

/// Which of these the archive counts.
pub async fn known(db: &Db, signatures: &[String]) -> Result<HashSet<String>, ArchiveError> {
    let asked = sql("SELECT signature FROM flux_console_signatures WHERE").one_of("signature", signatures.iter().cloned());
    Ok(db.rows(asked, |r| r.text(0)).await?.into_iter().flatten().collect())
}

/// A failed row of a kind, and whose it is.
pub struct Place {
    pub row: i64,
    pub id: String,
    pub queue: QueueName,
}

/// The next `most` failed rows of a kind before `before`, newest first, without what they say, and where to go on.
pub async fn places(db: &Db, signature: &str, before: i64, most: usize) -> Result<(Vec<Place>, Option<i64>), ArchiveError> {
    let asked = sql(format!("SELECT row_id FROM flux_console_rows WHERE signature = ? AND row_id < ? ORDER BY row_id DESC LIMIT {most}"));
    let ids: Vec<i64> = db.rows(asked.bind(signature).bind(before), |r| r.int(0)).await?.into_iter().flatten().collect();
    let next = ids.last().copied().filter(|_| ids.len() == most);
    Ok((named(db, ids).await?, next))
}

/// The same in one queue, among so many rows of all queues.
pub async fn places_of(
    db: &Db,
    signature: &str,
    queue: &QueueName,
    before: i64,
    most: usize,
) -> Result<(Vec<Place>, Option<i64>), ArchiveError> {
    let (mut places, mut next) = places(db, signature, before, LOOKED_AT).await?;
    places.retain(|place| place.queue == *queue);
    if places.len() > most {
        places.truncate(most);
        next = places.last().map(|place| place.row);
    }
    Ok((places, next))
}

/// Whose these rows are, newest first.
async fn named(db: &Db, ids: Vec<i64>) -> Result<Vec<Place>, ArchiveError> {
    let asked = sql(
        "SELECT a.id, a.job_id, a.queue, w.job_id, w.queue FROM flux_job_archive a LEFT JOIN flux_console_whole w ON w.row_id = a.id WHERE",
    )
    .one_of("a.id", ids)
    .then(" ORDER BY a.id DESC");
    let found = db.rows(asked, |r| (r.int(0), r.text(3).or_else(|| r.text(1)), r.text(4).or_else(|| r.text(2)))).await?;
    let place = |(row, id, queue): (Option<i64>, Option<String>, Option<String>)| {
        Some(Place { row: row?, id: id?, queue: QueueName::try_from(queue?).ok()? })
    };
    Ok(found.into_iter().filter_map(place).collect())
}

/// Failed rows of a kind before `before`, newest first, and where to go on.
pub async fn rows(db: &Db, signature: &str, before: Option<i64>) -> Result<(Vec<ArchivedRow>, Option<i64>), ArchiveError> {
    let asked = sql(format!(
        "SELECT row_id FROM flux_console_rows WHERE signature = ? AND row_id < ? ORDER BY row_id DESC LIMIT {}",
        JOBS_PER_PAGE + 1
    ));
    let mut ids: Vec<i64> =
        db.rows(asked.bind(signature).bind(before.unwrap_or(i64::MAX)), |r| r.int(0)).await?.into_iter().flatten().collect();
    let more = ids.len() > JOBS_PER_PAGE;
    ids.truncate(JOBS_PER_PAGE);
    let next = ids.last().copied().filter(|_| more);
    Ok((jobs::by_ids(db, ids).await?, next))
}
