//! What is old enough for retention may have lost what came after it.

use super::Halt;
use crate::model::{
    archive::ArchivedRow,
    settings::{RetentionView, RunStatus},
    time::Millis,
};
use crate::server::{
    actions::now,
    archive::{
        retention::{self, Old},
        timeline,
    },
    state::AppState,
};

/// What retention deletes ends at a border that moves on while failures are judged and pushed.
const MARGIN_MS: i64 = 3_600_000;

/// Audit lines go after a year, and with them what operators did. Retention takes the newest rows first, so of a job that failed and
/// completed later the failure may stand alone for a while: while rows are deleted by themselves, or a run was left half done.
pub(super) fn border(keep: &RetentionView, at: Millis) -> Millis {
    let before = |old: Old| retention::before(old, &keep.settings(), at).0 + MARGIN_MS;
    let deletes = keep.auto_cleanup || keep.run.as_ref().is_some_and(|run| run.status != RunStatus::Done);
    // With the settings of that run, which may be others by now.
    let torn = keep.run.as_ref().and_then(|run| run.torn_before).map(|torn| torn.0 + MARGIN_MS);
    let jobs = deletes.then(|| before(Old::Jobs));
    Millis([jobs, torn].into_iter().flatten().fold(before(Old::Audit), i64::max))
}

/// Whether nothing that came after this failure can have been deleted by a run of retention that began while it was judged.
pub async fn is_whole(state: &AppState, failure: &ArchivedRow) -> Result<bool, Halt> {
    let at = now();
    Ok(timeline::since(failure) >= border(&state.driver.retention(at).await?, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::RetentionRun;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn what_may_have_lost_its_end_is_not_judged() {
        let keep = |auto_cleanup| RetentionView {
            auto_cleanup,
            retention_days: 30,
            logs_retention_days: 30,
            last_run: None,
            problem: None,
            run: None,
        };
        let now = Millis(20_000 * DAY_MS);
        let days = |days: i64| Millis(now.0 - days * DAY_MS + MARGIN_MS);
        assert_eq!((border(&keep(false), now), border(&keep(true), now)), (days(365), days(30)));
        assert_eq!(border(&RetentionView { retention_days: 3_650, ..keep(true) }, now), days(365), "audit lines go first");
    }

    /// It kept a week, and somebody has set a month since.
    #[test]
    fn a_run_that_was_left_half_done_counts_as_it_was_begun() {
        let now = Millis(20_000 * DAY_MS);
        let run = |status, torn: Option<i64>| RetentionRun {
            id: "r".into(),
            status,
            started_at: now,
            finished_at: None,
            parts: Vec::new(),
            longest_ms: 0,
            message: None,
            torn_before: torn.map(|days| Millis(now.0 - days * DAY_MS)),
        };
        let keep = |run| RetentionView {
            auto_cleanup: false,
            retention_days: 30,
            logs_retention_days: 30,
            last_run: None,
            problem: None,
            run: Some(run),
        };
        let days = |days: i64| Millis(now.0 - days * DAY_MS + MARGIN_MS);
        assert_eq!(border(&keep(run(RunStatus::Stopped, Some(7))), now), days(7));
        assert_eq!(border(&keep(run(RunStatus::Done, Some(7))), now), days(7), "one after it kept more");
        assert_eq!(border(&keep(run(RunStatus::Done, None)), now), days(365));
        assert_eq!(border(&keep(run(RunStatus::Stopped, None)), now), days(30), "of an older version");
    }
}
