//! Where a row stands in SQLite's index of words: on a shelf with 65,536 others, by their numbers.
//!
//! FTS5 merges the list of rows of one word in one piece, and holds the lock meanwhile. So each word is written with its shelf before
//! it, and none is in more rows than a shelf has. A search goes from shelf to shelf, from the newest on, and asks several at once when it has found little.

use super::{db::Db, error::ArchiveError, sql::sql};

const BITS: u32 = 16;
/// Shelves of the first question, of which one is often enough, and of the last one: FTS5 opens the lists of them all.
const FIRST: usize = 1;
const MOST: usize = 64;

/// What stands before the words of this shelf. The first character tells how long the number is: no shelf's begins another's.
fn before_words(shelf: i64) -> String {
    let number = format!("{shelf:x}");
    let length = u32::try_from(number.len()).ok().and_then(|n| char::from_digit(n, 36)).unwrap_or('0');
    format!("{length}{number}")
}

/// Words of this row, between spaces, as the index has them.
pub fn shelved(row: i64, words: &str) -> String {
    let before = before_words(row >> BITS);
    words.split_ascii_whitespace().map(|word| format!("{before}{word}")).collect::<Vec<_>>().join(" ")
}

/// The newest rows before this one with all of these words, at most so many; `*` says that more letters may follow.
pub async fn rows_with(db: &Db, words: &[(String, bool)], mut row: i64, most: usize) -> Result<Vec<i64>, ArchiveError> {
    let text = "SELECT rowid FROM flux_console_search WHERE flux_console_search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?";
    let (mut found, mut at_once) = (Vec::new(), FIRST);
    loop {
        let shelves = shelves(db, row, at_once).await?;
        let Some(last) = shelves.last() else { return Ok(found) };
        let asked: Vec<String> = shelves.iter().map(|shelf| on(*shelf, words)).collect();
        let limit = (most - found.len()) as u64;
        let rows = db.rows(sql(text).bind(asked.join(" OR ")).bind(row).bind(limit), |row| row.int(0)).await?;
        found.extend(rows.into_iter().flatten());
        if found.len() >= most {
            return Ok(found);
        }
        (row, at_once) = (last << BITS, (at_once * 4).min(MOST));
    }
}

/// All of these words on one shelf, as FTS5 reads it.
fn on(shelf: i64, words: &[(String, bool)]) -> String {
    let before = before_words(shelf);
    let words: Vec<String> = words.iter().map(|(word, prefix)| format!("\"{before}{word}\"{}", if *prefix { "*" } else { "" })).collect();
    format!("({})", words.join(" AND "))
}

/// Shelves with rows before this one, from the newest on; empty ones are not looked at.
async fn shelves(db: &Db, row: i64, most: usize) -> Result<Vec<i64>, ArchiveError> {
    let newest = |before: &str| format!("(SELECT MAX(id) >> {BITS} FROM flux_job_archive WHERE id < {before})");
    let text = format!(
        "WITH RECURSIVE shelf (n) AS (SELECT {} UNION ALL SELECT {} FROM shelf WHERE n IS NOT NULL LIMIT ?) \
         SELECT n FROM shelf WHERE n IS NOT NULL",
        newest("?"),
        newest(&format!("n << {BITS}"))
    );
    Ok(db.rows(sql(text).bind(row).bind(most as u64), |row| row.int(0)).await?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_shelf_begins_another_ones_words() {
        assert_eq!(shelved(1, "z20z so 10"), "10z20z 10so 1010");
        assert_eq!(shelved(65_536, "a"), "11a");
        assert_eq!(shelved(16 << 16, "a"), "210a", "not a word 0a of shelf 1");
        assert_eq!(shelved(i64::MAX, "a"), "c7fffffffffffa");
        assert_eq!(shelved(-1, "a"), "gffffffffffffffffa", "a number that the console does not give is another shelf");
        assert_eq!(on(2, &[("a".into(), false), ("b".into(), true)]), "(\"12a\" AND \"12b\"*)");
    }
}
