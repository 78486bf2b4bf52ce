//! What every page says of the archive, from memory alone.

use super::{Archive, Now};
use crate::model::{
    archive::{ArchiveTrouble, NotArchived, TroubleKind},
    shorten::shortened,
    time::Millis,
};

/// A start, or somebody who holds a lock for a moment: what is over by then needs nobody.
const MOMENT_MS: i64 = 5_000;
/// Characters of the database's answer, which goes to every open page with every tick.
const SHOWN: usize = 200;

impl Archive {
    /// Why it is not what it should be, as far as this console knows: of what it does not write itself, another one may know more.
    pub fn trouble(&self, now: Millis) -> Option<ArchiveTrouble> {
        let lasts = |since: Millis| now.0 - since.0 >= MOMENT_MS;
        let refusing = self.archiving().refusing;
        match &*self.read() {
            Now::Off => None,
            Now::Starting { since } => lasts(*since).then_some(ArchiveTrouble { kind: TroubleKind::Opening, since: *since, problem: None }),
            Now::Ready { .. } => refusing.filter(|r| lasts(r.since)).map(|r| ArchiveTrouble {
                kind: TroubleKind::Refusing,
                since: r.since,
                problem: Some(shortened(r.problem, SHOWN)),
            }),
            Now::Unavailable { since, .. } => Some(ArchiveTrouble { kind: TroubleKind::Unavailable, since: *since, problem: None }),
        }
    }

    /// What this console could not archive since it was started; `None`: nothing is missing.
    pub fn not_archived(&self) -> Option<NotArchived> {
        let done = self.archiving();
        let missing = NotArchived { failed: done.lost, gaps: done.gaps, lines: done.untold + done.lines_refused };
        (missing != NotArchived { failed: 0, gaps: 0, lines: 0 }).then_some(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::archive::{error::ArchiveError, setting::Setting};

    const START: Millis = Millis(1_795_433_700_000);

    fn said(archive: &Archive, after_ms: i64) -> Option<(TroubleKind, Millis)> {
        archive.trouble(Millis(START.0 + after_ms)).map(|t| (t.kind, t.since))
    }

    #[test]
    fn a_start_is_said_when_it_takes_its_time_and_a_failure_at_once() {
        let archive = Archive::new(Setting::Sqlite("archive.sqlite".into()), START);
        assert_eq!(said(&archive, MOMENT_MS - 1), None);
        assert_eq!(said(&archive, MOMENT_MS), Some((TroubleKind::Opening, START)));
        archive.failed(&ArchiveError::Slow, Millis(START.0 + 1));
        assert_eq!(said(&archive, 1), Some((TroubleKind::Unavailable, START)));
    }

    #[test]
    fn nothing_is_said_of_an_archive_that_is_off() {
        assert_eq!(said(&Archive::new(Setting::Off, START), 3_600_000), None);
    }

    #[test]
    fn what_is_missing_is_counted() {
        let archive = Archive::new(Setting::Sqlite("archive.sqlite".into()), START);
        assert_eq!(archive.not_archived(), None);
        archive.progress(|p| (p.lost, p.untold, p.lines_refused) = (3, 4, 5));
        assert_eq!(archive.not_archived(), Some(NotArchived { failed: 3, gaps: 0, lines: 9 }));
    }
}
