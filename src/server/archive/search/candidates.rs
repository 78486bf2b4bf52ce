//! Which rows may match: what an index names, else row by row.

use super::status;
use crate::{
    model::{
        job::JobState,
        search::{Query, Test, words},
    },
    server::{
        archive::{
            db::Db,
            dialect::{Dialect, beginning},
            error::ArchiveError,
            index,
            record::{key, stored_id, stored_queue},
            shelf,
            sql::{Sql, clean, sql},
        },
        digest::sha1_hex,
    },
};

/// Candidates of one step that are read whole.
const ROWS: usize = 100;
/// Ids of one step that the index may name before the row's queue and state are looked at.
const NAMED: usize = 2_000;

/// The clocks of a worker and of who archives, and zones that a writer left out, are no farther apart.
const CLOCKS_APART_MS: i64 = 24 * 3_600_000;

/// What an index leads to.
enum Lead {
    Words(Vec<(String, bool)>),
    /// A column of `flux_console_rows`, and what it holds.
    Column(&'static str, String),
}

impl Lead {
    /// Every row that matches is among those that it leads to. One id has an index of its own, see [`condition`].
    fn of(dialect: Dialect, query: &Query) -> Option<Self> {
        if query.only_id().is_some() {
            return None;
        }
        if let Some(kind) = single(query, |t| if let Test::Signature(text) = t { Some(text.as_str()) } else { None }) {
            return Some(Self::Column("signature", sha1_hex(kind)));
        }
        if let Some(group) = single(query, |t| if let Test::Group(name) = t { Some(name) } else { None }).filter(|name| !name.prefix) {
            return Some(Self::Column("group_id", key(&group.text)));
        }
        Some(needles(dialect, query)).filter(|words| !words.is_empty()).map(Self::Words)
    }
}

/// What the only plain filter of its kind asks for: alternatives cannot be asked for as one.
fn single<'q, T: 'q>(query: &'q Query, pick: impl Fn(&'q Test) -> Option<T>) -> Option<T> {
    let mut all = query.filters.iter().filter(|f| !f.negated).filter_map(|f| pick(&f.test));
    all.next().filter(|_| all.next().is_none())
}

/// Rows that may match, newest first, and where to go on.
pub(super) async fn candidates(db: &Db, query: &Query, before: i64) -> Result<(Vec<i64>, Option<i64>), ArchiveError> {
    let dialect = db.dialect();
    let lead = Lead::of(dialect, query);
    let indexed = if lead.is_some() { index::mark(db).await? } else { 0 };
    // Rows that are not indexed yet are looked at one by one; behind them the index names what can match.
    let after = indexed.saturating_add(1);
    if let Some(lead) = lead
        && (before <= after || !index::is_behind(db).await?)
    {
        let named = named(db, &lead, before.min(after)).await?;
        let next = (named.len() == NAMED).then(|| named.last().copied()).flatten();
        let narrowed = narrow(db, query, named).await?;
        if narrowed.len() > ROWS {
            let ids = narrowed[..ROWS].to_vec();
            let last = ids.last().copied();
            return Ok((ids, last));
        }
        return Ok((narrowed, next));
    }
    if let Some(ids) = begins(db, query).await? {
        let mut ids = narrow(db, query, ids.into_iter().filter(|id| *id < before).collect()).await?;
        ids.sort_unstable_by_key(|id| std::cmp::Reverse(*id));
        let next = ids.get(ROWS - 1).copied().filter(|_| ids.len() > ROWS);
        ids.truncate(ROWS);
        return Ok((ids, next));
    }
    let condition = condition(dialect, query);
    let text = format!("SELECT a.id FROM flux_job_archive a WHERE a.id < ? AND a.id > ?{} ORDER BY a.id DESC LIMIT {ROWS}", condition.text);
    let mut asked = sql(text).bind(before).bind(indexed);
    asked.values.extend(condition.values);
    let ids: Vec<i64> = db.rows(asked, |row| row.int(0)).await?.into_iter().flatten().collect();
    let next = if ids.len() == ROWS { ids.last().copied() } else { (indexed > 0).then_some(after) };
    Ok((ids, next))
}

/// All rows whose job's id begins as it is asked for, when those are few enough; else rows are gone through.
async fn begins(db: &Db, query: &Query) -> Result<Option<Vec<i64>>, ArchiveError> {
    let dialect = db.dialect();
    let prefix = single(query, |t| if let Test::Id(name) = t { Some(name) } else { None }).filter(|name| name.prefix);
    // A longer beginning than the column holds is for the rows to decide.
    let Some(prefix) = prefix.map(|name| clean(&name.text)).filter(|text| !text.is_empty() && stored_id(dialect, text) == *text) else {
        return Ok(None);
    };
    let asked = match dialect {
        // Behind every text that begins so comes the last character that there is.
        Dialect::Sqlite => {
            let end = format!("{prefix}\u{10ffff}");
            sql("SELECT id FROM flux_job_archive WHERE job_id >= ? AND job_id <= ?").bind(prefix).bind(end)
        }
        Dialect::MySql => sql("SELECT id FROM flux_job_archive WHERE job_id LIKE ? ESCAPE '!'").bind(beginning(&prefix)),
        // In which order PostgreSQL sorts is the database's: this holds in any, and is answered from the index alone.
        Dialect::Postgres => sql("SELECT id FROM flux_job_archive WHERE starts_with(job_id, ?)").bind(prefix),
    };
    let ids: Vec<i64> = db.rows(asked.then(&format!(" LIMIT {}", NAMED + 1)), |row| row.int(0)).await?.into_iter().flatten().collect();
    Ok(Some(ids).filter(|ids| ids.len() <= NAMED))
}

/// Words that the index of every row that matches holds, as the index writes them, with a `*` where more may follow.
fn needles(dialect: Dialect, query: &Query) -> Vec<(String, bool)> {
    let class = single(query, |t| if let Test::Class(words) = t { Some(words.as_str()) } else { None });
    let error = single(query, |t| if let Test::Error(words) = t { Some(words.as_str()) } else { None });
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

/// The newest rows before this one to which the index leads.
async fn named(db: &Db, lead: &Lead, before: i64) -> Result<Vec<i64>, ArchiveError> {
    let words = match lead {
        Lead::Words(words) => words,
        Lead::Column(column, value) => {
            let text = format!("SELECT row_id FROM flux_console_rows WHERE {column} = ? AND row_id < ? ORDER BY row_id DESC LIMIT {NAMED}");
            let rows = db.rows(sql(text).bind(value.clone()).bind(before), |row| row.int(0)).await?;
            return Ok(rows.into_iter().flatten().collect());
        }
    };
    let write =
        |form: fn(&str, bool) -> String, between: &str| words.iter().map(|(w, prefix)| form(w, *prefix)).collect::<Vec<_>>().join(between);
    // The words hold letters and digits of ASCII alone.
    let (text, ask) = match db.dialect() {
        Dialect::Sqlite => return shelf::rows_with(db, words, before, NAMED).await,
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
    // A row is written after its job failed or was created, so that bounds it from one side: by two clocks, and some writers leave the
    // time out or write it without its zone. The row itself decides.
    let since =
        query.filters.iter().filter(|f| !f.negated).filter_map(|f| if let Test::Since(b) = &f.test { Some(b.at.0) } else { None }).min();
    if let Some(since) = since {
        let late = format!(" AND (a.archived_at >= {} OR a.archived_at IS NULL)", dialect.at());
        condition = condition.then(&late).bind(since - CLOCKS_APART_MS);
    }
    condition
}
