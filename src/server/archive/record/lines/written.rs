//! Which of these lines stand in the archive already.

use super::{Stored, TEXT_CHARS};
use crate::server::archive::{
    db::Tx,
    dialect::Dialect,
    error::ArchiveError,
    sql::{Row, sql},
};
use std::collections::{BTreeSet, HashMap};

/// Seconds that are so close are asked for at once.
const TOGETHER_S: i64 = 5;

/// What a line is known by, as it stands in the table.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// MySQL keeps whole seconds.
    second: i64,
    worker: String,
    /// The beginning of the message, and how many characters it has.
    begins: String,
    chars: i64,
}

impl Key {
    pub fn of(line: &Stored) -> Self {
        let chars = line.message.chars().count();
        Self {
            second: line.at.div_euclid(1_000),
            worker: line.worker.clone(),
            begins: line.message.chars().take(TEXT_CHARS).collect(),
            chars: i64::try_from(chars).unwrap_or(i64::MAX),
        }
    }
}

/// How often each of these lines is there. Others write the same log, and one line that says a wrong year may have any number of
/// them behind it: looked at is what the same workers said about the same seconds, a line at a time, and no more is kept than a
/// number for each line that is asked about.
pub async fn written(tx: &mut Tx, dialect: Dialect, lines: &[Key]) -> Result<HashMap<Key, u32>, ArchiveError> {
    let mut there: HashMap<Key, u32> = lines.iter().map(|key| (key.clone(), 0)).collect();
    let workers: BTreeSet<&str> = lines.iter().map(|key| key.worker.as_str()).collect();
    let text = format!(
        "SELECT {}, a.worker_id, substr(a.message, 1, {TEXT_CHARS}), {} FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at} AND",
        dialect.ms("a.timestamp"),
        dialect.chars("a.message"),
        at = dialect.at()
    );
    for (first, last) in stretches(lines.iter().map(|key| key.second).collect()) {
        let asked = sql(text.clone()).bind(first * 1_000).bind(last * 1_000 + 999).one_of("a.worker_id", workers.iter().copied());
        let count = |row: &Row<'_>| {
            let second = row.int(0).unwrap_or(0).div_euclid(1_000);
            let (worker, begins) = (row.text(1).unwrap_or_default(), row.text(2).unwrap_or_default());
            let key = Key { second, worker, begins, chars: row.int(3).unwrap_or_default() };
            if let Some(n) = there.get_mut(&key) {
                *n += 1;
            }
        };
        tx.rows(asked, count).await?;
    }
    Ok(there)
}

/// These seconds as stretches, each from its first to its last one.
fn stretches(mut seconds: Vec<i64>) -> Vec<(i64, i64)> {
    seconds.sort_unstable();
    let mut all: Vec<(i64, i64)> = Vec::new();
    for second in seconds {
        match all.last_mut() {
            Some(last) if second - last.1 <= TOGETHER_S => last.1 = second,
            _ => all.push((second, second)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::stretches;

    #[test]
    fn time_that_no_line_names_is_left_out() {
        assert!(stretches(Vec::new()).is_empty());
        assert_eq!(stretches(vec![107, 0, 100, 102, 102, 107, -9_000]), [(-9_000, -9_000), (0, 0), (100, 107)]);
    }
}
