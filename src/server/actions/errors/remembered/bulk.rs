//! A line of the audit that waits for the archive tells of an action on many failed jobs as its operation does, which Redis forgets after a
//! day; no I/O.

use crate::model::{
    audit::{ALL_FAILED, AuditLine, FAILED_MATCHING, at_most},
    ids::QueueName,
    job::JobState,
    operation::{Operation, OperationStatus, Outcome, Verb},
};

/// The operation that left this line, if it took failed jobs of a queue that no line names.
pub fn operation(line: &AuditLine) -> Option<Operation> {
    let verb = Verb::parse(&line.verb)?;
    let filter = line.filter.as_deref().unwrap_or_default();
    let matching = filter.strip_prefix(FAILED_MATCHING);
    let many = verb == Verb::Purge || filter == ALL_FAILED || matching.is_some();
    let takes = matches!(verb, Verb::Retry | Verb::Discard | Verb::ClearFailed | Verb::Purge);
    let queue = QueueName::try_from(line.queue.clone()?).ok().filter(|_| many && takes)?;
    let done = line.jobs.unwrap_or(0);
    let unsure = at_most(&line.result);
    Some(Operation {
        id: line.id.clone(),
        verb,
        queue,
        state: Some(JobState::Failed),
        status: if unsure.is_some() { OperationStatus::Interrupted } else { OperationStatus::Done },
        total: unsure.unwrap_or(done),
        outcome: Outcome { done, ..Outcome::default() },
        started_at: line.at,
        finished_at: unsure.is_none().then_some(line.at),
        message: None,
        filter: matching.map(str::to_owned),
        who: Some(line.who.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Millis;

    fn line(verb: &str, filter: Option<&str>, result: &str) -> AuditLine {
        AuditLine {
            id: "1".into(),
            at: Millis(5),
            who: "Olga".into(),
            verb: verb.into(),
            queue: Some("mail".into()),
            filter: filter.map(str::to_owned),
            jobs: Some(2),
            result: result.into(),
            took_ms: 1,
            ids: Vec::new(),
        }
    }

    #[test]
    fn lines_of_many_failed_jobs_are_operations() {
        for (verb, filter, expected) in [
            ("retry", Some("all failed"), Some(None)),
            ("discard", Some("failed matching class:A"), Some(Some("class:A"))),
            ("clear-failed", Some("all failed"), Some(None)),
            ("purge", None, Some(None)),
            ("retry", Some("id:a"), None),
            ("retry", Some("3 failed"), None),
            ("discard", Some("all waiting"), None),
            ("retry-archived", Some("failed matching class:A"), None),
            ("pause", None, None),
        ] {
            let told = operation(&line(verb, filter, "2 done"));
            assert_eq!(told.as_ref().map(|o| o.filter.as_deref()), expected, "{verb} {filter:?}");
            assert!(told.is_none_or(|o| (o.total, o.outcome.done, o.started_at, o.is_unsure()) == (2, 2, Millis(5), false)));
        }
    }

    #[test]
    fn what_a_killed_console_left_may_have_taken_all() {
        let told = operation(&line("retry", Some("all failed"), "interrupted: at least 2 done of 500")).expect("an operation");
        assert_eq!((told.total, told.outcome.done, told.is_unsure()), (500, 2, true));
    }
}
