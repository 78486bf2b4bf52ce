//! What the inbox counts: each failure once, in the hour in which it failed, for as long as its row is there. A row goes by the time
//! at which it was archived, which may be days after the failure, or before it when a clock is wrong. So each failure remembers
//! where it was counted, and leaves the counts with its row.

use super::{
    db::Tx,
    dialect::Dialect,
    error::ArchiveError,
    record::key,
    sql::{Sql, Value, sql},
};
use crate::{model::errors::HOUR_MS, server::digest::sha1_hex};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A failure as a row tells of it.
pub struct Failure<'a> {
    pub row: i64,
    pub queue: &'a str,
    /// When it failed, epoch ms.
    pub at: i64,
    pub class: Option<&'a str>,
    /// Its error without what differs from case to case.
    pub text: &'a str,
    /// See [`super::record::identity`].
    pub identity: String,
}

/// Where a failure is counted: kind, queue, hour.
type Place = (String, String, i64);

impl Failure<'_> {
    fn place(&self) -> Place {
        (sha1_hex(self.text), key(self.queue), self.at.div_euclid(HOUR_MS))
    }
}

/// Counts those that were not counted before, each once however many rows tell of it.
pub async fn add(tx: &mut Tx, dialect: Dialect, failures: Vec<Failure<'_>>) -> Result<(), ArchiveError> {
    if failures.is_empty() {
        return Ok(());
    }
    // Noted with a row: counted before. Noted without one: the archiver wrote it, and nobody counted it yet.
    let asked = sql("SELECT identity FROM flux_console_failures WHERE row_id IS NOT NULL AND")
        .one_of("identity", failures.iter().map(|f| f.identity.clone()));
    let mut counted: HashSet<String> = tx.rows(asked, |r| r.text(0).unwrap_or_default()).await?.into_iter().collect();
    let new: Vec<Failure<'_>> = failures.into_iter().filter(|f| counted.insert(f.identity.clone())).collect();
    if new.is_empty() {
        return Ok(());
    }
    let notes = new.iter().map(|failure| -> Vec<Value> {
        let (kind, queue, hour) = failure.place();
        vec![failure.identity.clone().into(), failure.row.into(), kind.into(), queue.into(), hour.into()]
    });
    let columns = ["row_id", "signature", "queue", "hour"].map(|column| format!("{column} = {}", dialect.new(column)));
    let update = dialect.or_update("identity", &columns.join(", "));
    let into = "INSERT INTO flux_console_failures (identity, row_id, signature, queue, hour)";
    tx.run(Sql::insert(into, "(?, ?, ?, ?, ?)", notes).then(&update)).await?;
    add_kinds(tx, dialect, &new).await?;
    add_hours(tx, dialect, &new).await
}

async fn add_kinds(tx: &mut Tx, dialect: Dialect, new: &[Failure<'_>]) -> Result<(), ArchiveError> {
    #[derive(Default)]
    struct Kind {
        text: String,
        class: Option<String>,
        count: i64,
        first: i64,
        last: i64,
        row: i64,
    }
    let mut by_kind: HashMap<String, Kind> = HashMap::new();
    for Failure { row, at, class, text, .. } in new {
        let kind =
            by_kind.entry(sha1_hex(text)).or_insert_with(|| Kind { text: (*text).to_owned(), first: *at, last: *at, ..Kind::default() });
        kind.count += 1;
        kind.first = kind.first.min(*at);
        if *at >= kind.last || kind.row == 0 {
            (kind.last, kind.row) = (kind.last.max(*at), *row);
            kind.class = class.map(key);
        }
    }
    // In one order for all writers, so that none waits for the other in a circle.
    let mut kinds: Vec<_> = by_kind.into_iter().collect();
    kinds.sort_by(|a, b| a.0.cmp(&b.0));
    let t = "flux_console_signatures";
    let least = |a: String, b: String| if dialect == Dialect::Sqlite { format!("MIN({a}, {b})") } else { format!("LEAST({a}, {b})") };
    let most = |a: String, b: String| if dialect == Dialect::Sqlite { format!("MAX({a}, {b})") } else { format!("GREATEST({a}, {b})") };
    let new_last = dialect.new("last_ms");
    // `last_ms` last: MySQL assigns from left to right, and the others compare with what it was.
    let update = dialect.or_update(
        "signature",
        &format!(
            "count = {t}.count + {}, first_ms = {}, class = CASE WHEN {new_last} >= {t}.last_ms THEN {} ELSE {t}.class END, \
             last_row = CASE WHEN {new_last} >= {t}.last_ms THEN {} ELSE {t}.last_row END, last_ms = {}",
            dialect.new("count"),
            least(format!("{t}.first_ms"), dialect.new("first_ms")),
            dialect.new("class"),
            dialect.new("last_row"),
            most(format!("{t}.last_ms"), new_last.clone()),
        ),
    );
    let rows = kinds.into_iter().map(|(signature, k)| -> Vec<Value> {
        vec![signature.into(), k.text.into(), k.class.into(), k.count.into(), k.first.into(), k.last.into(), k.row.into()]
    });
    let into = "INSERT INTO flux_console_signatures (signature, text, class, count, first_ms, last_ms, last_row)";
    tx.run(Sql::insert(into, "(?, ?, ?, ?, ?, ?, ?)", rows).then(&update)).await?;
    Ok(())
}

async fn add_hours(tx: &mut Tx, dialect: Dialect, new: &[Failure<'_>]) -> Result<(), ArchiveError> {
    let mut hours: BTreeMap<Place, i64> = BTreeMap::new();
    new.iter().for_each(|failure| *hours.entry(failure.place()).or_default() += 1);
    let count = format!("count = flux_console_signature_hours.count + {}", dialect.new("count"));
    let update = dialect.or_update("signature, queue, hour", &count);
    let rows = hours
        .into_iter()
        .map(|((signature, queue, hour), n)| -> Vec<Value> { vec![signature.into(), queue.into(), hour.into(), n.into()] });
    let into = "INSERT INTO flux_console_signature_hours (signature, queue, hour, count)";
    tx.run(Sql::insert(into, "(?, ?, ?, ?)", rows).then(&update)).await?;
    Ok(())
}

/// Takes failures out of the counts: those of rows (by `row_id`) or those named (by `identity`). Of one that is not counted
/// nothing is taken; a kind of which nothing is left goes.
pub async fn take(tx: &mut Tx, dialect: Dialect, column: &str, values: Vec<Value>) -> Result<(), ArchiveError> {
    // Held until the end, so that what is taken is what was counted.
    let lock = if dialect == Dialect::Sqlite { "" } else { " FOR UPDATE" };
    let asked = sql("SELECT identity, signature, queue, hour FROM flux_console_failures WHERE signature IS NOT NULL AND")
        .one_of(column, values)
        .then(lock);
    let text = |text: Option<String>| text.unwrap_or_default();
    let counted = tx.rows(asked, |r| (text(r.text(0)), (text(r.text(1)), text(r.text(2)), r.int(3).unwrap_or_default()))).await?;
    if counted.is_empty() {
        return Ok(());
    }
    let (mut kinds, mut hours) = (BTreeMap::<String, i64>::new(), BTreeMap::<Place, i64>::new());
    for (_, place) in &counted {
        *kinds.entry(place.0.clone()).or_default() += 1;
        *hours.entry(place.clone()).or_default() += 1;
    }
    let all: Vec<String> = kinds.keys().cloned().collect();
    let identities = counted.into_iter().map(|(identity, _)| identity);
    let forgotten = sql("UPDATE flux_console_failures SET signature = NULL, queue = NULL, hour = NULL WHERE");
    tx.run(forgotten.one_of("identity", identities)).await?;
    // In the order of `add`; what loses as many with one statement.
    for (n, some) in together(kinds.into_iter().map(|(kind, n)| (n, kind))) {
        tx.run(sql("UPDATE flux_console_signatures SET count = count - ? WHERE").bind(n).one_of("signature", some)).await?;
    }
    for ((queue, hour, n), some) in together(hours.into_iter().map(|((kind, queue, hour), n)| ((queue, hour, n), kind))) {
        let less = sql("UPDATE flux_console_signature_hours SET count = count - ? WHERE queue = ? AND hour = ? AND");
        tx.run(less.bind(n).bind(queue).bind(hour).one_of("signature", some)).await?;
    }
    for table in ["flux_console_signatures", "flux_console_signature_hours"] {
        tx.run(sql(format!("DELETE FROM {table} WHERE count <= 0 AND")).one_of("signature", all.iter().cloned())).await?;
    }
    // What is left of a kind begins with its first hour.
    let first = sql("SELECT MIN(hour), signature FROM flux_console_signature_hours WHERE").one_of("signature", all);
    let first = tx.rows(first.then(" GROUP BY signature"), |r| (r.int(0).unwrap_or_default(), text(r.text(1)))).await?;
    for (hour, some) in together(first) {
        let later = sql("UPDATE flux_console_signatures SET first_ms = ? WHERE first_ms < ? AND");
        tx.run(later.bind(hour * HOUR_MS).bind(hour * HOUR_MS).one_of("signature", some)).await?;
    }
    Ok(())
}

fn together<K: Ord>(pairs: impl IntoIterator<Item = (K, String)>) -> BTreeMap<K, Vec<String>> {
    let mut all = BTreeMap::<K, Vec<String>>::new();
    pairs.into_iter().for_each(|(by, kind)| all.entry(by).or_default().push(kind));
    all
}
