//! SQLite's index of words, in pieces: each 65,536 numbers of rows (a shelf) have a table of FTS5's, made when the first row on it is
//! indexed and given up when the last one has gone.
//!
//! FTS5 only notes what is deleted, and is rid of it when it merges, which holds the lock for as long as it takes to pass over all that
//! has gone. A shelf is never merged for a deletion: until all of it goes, a row that has gone costs a mark of a few bytes. Dropping a
//! table takes as long as it is large: one that was given up gets another name at once, and is cleared away in parts. A search goes from
//! shelf to shelf, from the newest on, and asks several at once when it has found little.

use super::{
    db::{Db, PAUSES, Tx},
    dialect::Dialect,
    error::ArchiveError,
    sql::{Sql, sql},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const BITS: u32 = 16;
const TABLE: &str = "flux_console_words_";
/// FTS5's tables have tables of their own: `flux_console_words_7_data`.
const TABLES: &str = "SELECT substr(name, 20) FROM sqlite_master WHERE type = 'table' AND name GLOB 'flux_console_words_*'";
/// What shelves that were given up are called.
const GONE: &str = "flux_console_gone_";
const ALL_GONE: &str = "SELECT name FROM sqlite_master WHERE name GLOB 'flux_console_gone_*' AND sql LIKE 'CREATE VIRTUAL TABLE%'";
/// Pieces (of 4 kB) that are cleared away in one transaction.
const CLEARED: u64 = 250;
/// FTS5's own: so many pieces of one level are merged. While it is 0, nothing is.
const PIECES: i64 = 4;
/// Shelves of the first question, of which one is often enough, and of the last one: FTS5 opens each.
const FIRST: usize = 1;
const MOST: usize = 64;

/// The table of this shelf, as a statement names it.
pub fn table(shelf: i64) -> String {
    format!("\"{TABLE}{shelf}\"")
}

/// Of the names that [`TABLES`] finds, those of shelves.
fn shelves(names: Vec<Option<String>>) -> BTreeSet<i64> {
    names.into_iter().filter_map(|name| name?.parse().ok()).collect()
}

/// By the shelf on which they stand.
fn by_shelf<T>(rows: impl IntoIterator<Item = T>, number: impl Fn(&T) -> i64) -> BTreeMap<i64, Vec<T>> {
    let mut by = BTreeMap::<i64, Vec<T>>::new();
    rows.into_iter().for_each(|row| by.entry(number(&row) >> BITS).or_default().push(row));
    by
}

/// Writes the words of rows: their numbers, and words between spaces. Those of a row that was written before are the same: rows are
/// never changed.
pub async fn write(tx: &mut Tx, rows: Vec<(i64, String)>) -> Result<(), ArchiveError> {
    let there = shelves(tx.rows(sql(TABLES), |row| row.text(0)).await?);
    for (shelf, rows) in by_shelf(rows, |(row, _)| *row) {
        let name = table(shelf);
        if !there.contains(&shelf) {
            // Contentless: the text itself stays where it is.
            tx.run(sql(format!("CREATE VIRTUAL TABLE {name} USING fts5 (words, content = '', contentless_delete = 1, detail = none)")))
                .await?;
            tx.run(tell(&name, "deletemerge", 0)).await?;
        }
        let rows = rows.into_iter().map(|(row, words)| vec![row.into(), words.into()]);
        tx.run(Sql::insert(&format!("INSERT INTO {name} (rowid, words)"), "(?, ?)", rows)).await?;
    }
    Ok(())
}

/// A command to FTS5 is written as a row.
fn tell(table: &str, command: &str, value: i64) -> Sql {
    sql(format!("INSERT INTO {table} ({table}, rank) VALUES (?, ?)")).bind(command).bind(value)
}

/// Deletes the words of rows, which `flux_console_rows` has no more, and gives shelves up of which it has none.
pub async fn forget(tx: &mut Tx, rows: impl IntoIterator<Item = i64>) -> Result<(), ArchiveError> {
    let there = shelves(tx.rows(sql(TABLES), |row| row.text(0)).await?);
    for (shelf, rows) in by_shelf(rows, |row| *row).into_iter().filter(|(shelf, _)| there.contains(shelf)) {
        let left = sql("SELECT 1 FROM flux_console_rows WHERE row_id >= ? AND row_id <= ? LIMIT 1");
        let first = shelf << BITS;
        let left = tx.rows(left.bind(first).bind(first + ((1 << BITS) - 1)), |row| row.int(0)).await?;
        let name = table(shelf);
        if left.is_empty() {
            let gone = format!("\"{GONE}{}\"", Uuid::new_v4().simple());
            tx.run(sql(format!("ALTER TABLE {name} RENAME TO {gone}"))).await?;
            continue;
        }
        // A merge that is due for what was written before would be done now: for each deleted row some pages. Nobody else sees the 0.
        tx.run(tell(&name, "automerge", 0)).await?;
        tx.run(sql(format!("DELETE FROM {name} WHERE")).one_of("rowid", rows)).await?;
        // Before anything is set, what was deleted is written down: while the 0 still counts.
        tx.run(tell(&name, "automerge", PIECES)).await?;
    }
    Ok(())
}

/// Clears a part of what shelves that were given up have left; whether there was anything.
pub async fn clear(db: &Db) -> Result<bool, ArchiveError> {
    if db.dialect() != Dialect::Sqlite || db.one(sql(ALL_GONE), |row| row.text(0)).await?.is_none() {
        return Ok(false);
    }
    let mut tx = db.begin().await?;
    // Somebody else may have done it.
    let Some(name) = tx.rows(sql(ALL_GONE), |row| row.text(0)).await?.into_iter().flatten().next() else { return Ok(false) };
    // What FTS5 notes of itself has the lowest numbers.
    let part = format!("SELECT id FROM \"{name}_data\" WHERE id > 10 LIMIT {CLEARED}");
    let cleared = tx.run(sql(format!("DELETE FROM \"{name}_data\" WHERE id IN ({part})"))).await?;
    if cleared < CLEARED {
        tx.run(sql(format!("DROP TABLE \"{name}\""))).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// The newest rows before this one with all of these words, at most so many; `*` says that more letters may follow.
pub async fn rows_with(db: &Db, words: &[(String, bool)], before: i64, most: usize) -> Result<Vec<i64>, ArchiveError> {
    let all: Vec<String> = words.iter().map(|(word, prefix)| format!("\"{word}\"{}", if *prefix { "*" } else { "" })).collect();
    let words = all.join(" AND ");
    let (mut found, mut next, mut at_once) = (Vec::new(), 0, FIRST);
    let mut there = shelves_before(db, before).await?;
    let mut pauses = PAUSES.into_iter();
    while next < there.len() && found.len() < most {
        let some = &there[next..there.len().min(next + at_once)];
        let rows = match db.rows(on(some, &words, before, most - found.len()), |row| row.int(0)).await {
            Ok(rows) => rows,
            Err(error) => {
                // One of them was given up since they were looked up, perhaps.
                let now = shelves_before(db, before).await?;
                if now == there {
                    // Another table came or went; or one of these went, and was made anew.
                    match pauses.next().filter(|_| error.is_change()) {
                        Some(pause) => tokio::time::sleep(pause).await,
                        None => return Err(error),
                    }
                }
                // Few are opened sooner than many.
                at_once = FIRST;
                next = now.iter().take_while(|shelf| **shelf > some[0]).count();
                there = now;
                continue;
            }
        };
        found.extend(rows.into_iter().flatten());
        next += some.len();
        at_once = (at_once * 4).min(MOST);
        pauses = PAUSES.into_iter();
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(most);
    Ok(found)
}

/// Shelves that can have rows before this one, the newest first.
async fn shelves_before(db: &Db, row: i64) -> Result<Vec<i64>, ArchiveError> {
    let there = shelves(db.rows(sql(TABLES), |row| row.text(0)).await?);
    Ok(there.into_iter().rev().filter(|shelf| shelf << BITS < row).collect())
}

/// Asks these shelves, the newest first, for so many rows with all of the words.
fn on(shelves: &[i64], words: &str, before: i64, most: usize) -> Sql {
    let of = |shelf: &i64| {
        let name = table(*shelf);
        format!("SELECT * FROM (SELECT rowid FROM {name} WHERE {name} MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?)")
    };
    // One after the other, as they stand: it ends with enough.
    let asked = sql(format!("{} LIMIT ?", shelves.iter().map(of).collect::<Vec<_>>().join(" UNION ALL ")));
    shelves.iter().fold(asked, |asked, _| asked.bind(words).bind(before).bind(most as u64)).bind(most as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_tables_are_no_shelves() {
        let names = ["0", "0_data", "17", "17_docsize", "-1", "-1_idx", "config"];
        assert_eq!(shelves(names.map(|name| Some(name.to_owned())).into()), [-1, 0, 17].into());
        assert_eq!(TABLE.len(), 19, "what TABLES leaves out");
        assert_eq!(by_shelf([65_535, 65_536, -1, 1], |row| *row), [(-1, vec![-1]), (0, vec![65_535, 1]), (1, vec![65_536])].into());
    }
}
