//! What a look for trouble found, put into words. No I/O here: `actions::doctor` asks, this judges. Texts are made on the server,
//! so that REST and the page say the same.

pub mod groups;
pub mod lists;
pub mod system;
pub mod workers;

pub use crate::model::number::count;
use crate::model::{
    doctor::{Check, Checked, Diagnosis, Finding, Looked},
    shown::in_text,
    time::Millis,
};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// Findings that one answer lists.
const LISTED: usize = 100;
/// Findings of one check that are listed.
pub const OF_A_CHECK: usize = 20;

/// The last look, shared by all who ask within some seconds; and where the search through the keyspace goes on.
#[derive(Default)]
pub struct Doctor {
    /// Held while one looks: the others get the same answer.
    pub last: Mutex<Last>,
}

#[derive(Default)]
pub struct Last {
    pub diagnosis: Option<Diagnosis>,
    pub keyspace: Keyspace,
}

/// A pass over all keys that takes several looks.
#[derive(Default)]
pub struct Keyspace {
    pub cursor: u64,
    /// Looks since the pass began.
    pub looks: u64,
    /// A pass has ended at least once.
    pub whole: bool,
    /// Found by prefix: worker ids with the queues they serve, and when they were last met.
    pub foreign: BTreeMap<String, workers::ForeignPrefix>,
}

/// What one look comes to, while it is put together.
#[derive(Default)]
pub struct Report {
    findings: Vec<Finding>,
    checks: Vec<Checked>,
    more: u64,
}

impl Report {
    /// One check is over. `note`: what was looked at, when there is nothing to say against it.
    pub fn add(&mut self, check: Check, looked: Looked, note: impl Into<String>, mut found: Vec<Finding>) {
        self.more += found.len().saturating_sub(OF_A_CHECK) as u64;
        found.truncate(OF_A_CHECK);
        self.findings.append(&mut found);
        self.checks.push(Checked { check, looked, note: note.into() });
    }

    pub fn unknown(&mut self, check: Check, why: impl Into<String>) {
        self.add(check, Looked::Unknown, why, Vec::new());
    }

    pub fn end(mut self, at: Millis, commands: u64, took_ms: u64) -> Diagnosis {
        self.findings.sort_by(|a, b| (a.level, a.check, &a.subject).cmp(&(b.level, b.check, &b.subject)));
        self.more += self.findings.len().saturating_sub(LISTED) as u64;
        self.findings.truncate(LISTED);
        self.checks.sort_by_key(|c| c.check);
        Diagnosis { at, findings: self.findings, more: self.more, checks: self.checks, commands, took_ms }
    }
}

/// The first few of some names: `a, b and 3 more`.
pub fn few<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown = names.iter().take(4).map(|name| in_text(name)).collect::<Vec<_>>().join(", ");
    if names.len() > 4 { format!("{shown} and {} more", names.len() - 4) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::doctor::Level;

    #[test]
    fn the_worst_comes_first_and_lists_are_bounded() {
        let finding = |level, check, n: usize| Finding {
            check,
            level,
            subject: format!("s{n:03}"),
            title: String::new(),
            meaning: String::new(),
            advice: String::new(),
            href: None,
            fixes: Vec::new(),
        };
        let mut report = Report::default();
        report.add(Check::Clock, Looked::Whole, "", vec![finding(Level::Note, Check::Clock, 1)]);
        report.add(Check::OrphanGroup, Looked::Whole, "", (0..25).map(|n| finding(Level::Possible, Check::OrphanGroup, n)).collect());
        report.add(Check::WrongType, Looked::Whole, "", vec![finding(Level::Problem, Check::WrongType, 1)]);
        let d = report.end(Millis(0), 7, 3);
        assert_eq!((d.findings.len(), d.more, d.commands), (22, 5, 7));
        assert_eq!((d.findings[0].check, d.findings[21].check), (Check::WrongType, Check::Clock));
        assert_eq!(d.checks.iter().map(|c| c.check).collect::<Vec<_>>(), [Check::OrphanGroup, Check::Clock, Check::WrongType]);
    }
}
