//! Which of these lines stand in the archive already.

use super::{Line, TEXT_CHARS, fitting};
use crate::server::archive::{
    db::Tx,
    dialect::{Dialect, QUEUE_CHARS},
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
    pub worker: String,
    pub message: String,
}

impl Key {
    pub fn of(line: &Line) -> Self {
        let second = line.at.0.div_euclid(1_000);
        // MySQL's names of 128 characters.
        Self { second, worker: fitting(&line.worker, QUEUE_CHARS), message: fitting(&line.message, TEXT_CHARS) }
    }
}

/// How often each of these lines is there. Others write the same log, and one line that says a wrong year may have any number of
/// them behind it: looked at is what the same workers said about the same seconds, a line at a time, and no more is kept than a
/// number for each line that is asked about.
pub async fn written(tx: &mut Tx, dialect: Dialect, lines: &[(Key, &Line)]) -> Result<HashMap<Key, u32>, ArchiveError> {
    let mut there: HashMap<Key, u32> = lines.iter().map(|(key, _)| (key.clone(), 0)).collect();
    let workers: BTreeSet<&str> = lines.iter().map(|(key, _)| key.worker.as_str()).collect();
    let text = format!(
        // One character more than a line of ours has: what goes on behind it is another line.
        "SELECT {}, a.worker_id, substr(a.message, 1, {}) FROM flux_system_logs a WHERE a.timestamp >= {at} AND a.timestamp <= {at} AND",
        dialect.ms("a.timestamp"),
        TEXT_CHARS + 1,
        at = dialect.at()
    );
    for (first, last) in stretches(lines.iter().map(|(key, _)| key.second).collect()) {
        let asked = sql(text.clone()).bind(first * 1_000).bind(last * 1_000 + 999).one_of("a.worker_id", workers.iter().copied());
        let count = |row: &Row<'_>| {
            let second = row.int(0).unwrap_or(0).div_euclid(1_000);
            let key = Key { second, worker: row.text(1).unwrap_or_default(), message: row.text(2).unwrap_or_default() };
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
