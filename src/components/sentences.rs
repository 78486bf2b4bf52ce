//! What an action did, in sentences. One place, so that a toast, a progress bar and a page say the same.

use super::number::{count, jobs, thousands};
use crate::model::{
    ids::QueueName,
    operation::{Operation, OperationStatus, Outcome, Verb},
};

/// `Retried 3 jobs of emails`, or `No job of emails was retried`.
pub fn headline(verb: Verb, queue: &QueueName, done: u64) -> String {
    let (n, queue) = (jobs(done), queue.in_text());
    match (verb, done) {
        (Verb::Retry, 0) => format!("No job of {queue} was retried"),
        (Verb::Retry, _) => format!("Retried {n} of {queue}"),
        (Verb::Promote, 0) => format!("No delayed job of {queue} was moved"),
        (Verb::Promote, _) => format!("Moved {n} of {queue} to waiting"),
        (Verb::Discard, 0) => format!("No job of {queue} was deleted"),
        (Verb::Discard, _) => format!("Deleted {n} of {queue}"),
        (Verb::Purge, 0) => format!("{queue} was empty already"),
        (Verb::Purge, _) => format!("Purged {queue}: {n} deleted"),
        (Verb::ClearFailed, 0) => format!("{queue} had no failed jobs any more"),
        (Verb::ClearFailed, _) => format!("Deleted {} of {queue}", count(done, "failed job", "failed jobs")),
        (Verb::Restore, 0) => format!("No job of {queue} was left to restore"),
        (Verb::Restore, _) => format!("Restored {n} of {queue}"),
        (Verb::RetryArchived, 0) => format!("No archived job of {queue} was retried"),
        (Verb::RetryArchived, _) => format!("Retried {n} of {queue} from the archive"),
    }
}

/// The same of an operation that did not come to its end: that nothing was done does not say that nothing was there.
fn so_far(verb: Verb, queue: &QueueName, done: u64) -> String {
    match (verb, done) {
        (Verb::Purge, _) => headline(Verb::Discard, queue, done),
        (Verb::ClearFailed, 0) => format!("No failed job of {} was deleted", queue.in_text()),
        (Verb::Restore, 0) => format!("No job of {} was restored", queue.in_text()),
        (Verb::Retry | Verb::Promote | Verb::Discard | Verb::ClearFailed | Verb::Restore | Verb::RetryArchived, _) => {
            headline(verb, queue, done)
        }
    }
}

/// Everything that did not go as asked, a clause each; empty when all went well.
pub fn exceptions(verb: Verb, outcome: &Outcome) -> String {
    let were = |n: u64| format!("{} {}", thousands(n), if n == 1 { "was" } else { "were" });
    let them = |n: u64| if n == 1 { "it" } else { "them" };
    let mut parts = Vec::new();
    let archived = verb == Verb::RetryArchived;
    if outcome.gone > 0 && archived {
        parts.push(format!("{} retried before, or came further; nothing was pushed for {}.", were(outcome.gone), them(outcome.gone)));
    } else if outcome.gone > 0 {
        let effect = if matches!(verb, Verb::Retry | Verb::Promote) { "; nothing was pushed for them" } else { "" };
        let effect = if outcome.gone == 1 { effect.replace("them", "it") } else { effect.into() };
        parts.push(format!("{} already gone{effect}.", were(outcome.gone)));
    }
    if outcome.corrupt > 0 {
        parts.push(format!(
            "{} could not be read and stayed where {} before.",
            thousands(outcome.corrupt),
            if outcome.corrupt == 1 { "it was" } else { "they were" }
        ));
    }
    if outcome.due > 0 {
        let (are, them) = if outcome.due == 1 { ("is", "it") } else { ("are", "them") };
        parts.push(format!("{} {are} due: a worker takes {them} next.", thousands(outcome.due)));
    }
    if outcome.unread_priority > 0 {
        let have = if outcome.unread_priority == 1 { "has" } else { "have" };
        let place = if archived { "archive" } else { "failed list" };
        parts.push(format!("{} {have} a priority that no worker reads and stayed in the {place}.", thousands(outcome.unread_priority)));
    }
    parts.join(" ")
}

/// `Retrying failed jobs of emails`; of one that waits for its turn, `Waiting to begin: retrying failed jobs of emails`
pub fn running(operation: &Operation) -> String {
    let queue = operation.queue.in_text();
    let state = operation.state.map_or(String::new(), |s| format!("{} ", s.as_str()));
    let text = match operation.verb {
        Verb::Retry => format!("Retrying failed jobs of {queue}"),
        Verb::Promote => format!("Moving delayed jobs of {queue} to waiting"),
        Verb::Discard => format!("Deleting {state}jobs of {queue}"),
        Verb::Purge => format!("Purging {queue}"),
        Verb::ClearFailed => format!("Deleting failed jobs of {queue}"),
        Verb::Restore => format!("Restoring jobs of {queue}"),
        Verb::RetryArchived => format!("Retrying archived jobs of {queue}"),
    };
    if operation.status == OperationStatus::Waiting {
        return format!("Waiting to begin: {}{}", text[..1].to_ascii_lowercase(), &text[1..]);
    }
    text
}

/// `7,956 of 12,431`, with what was passed over.
pub fn progress(operation: &Operation) -> String {
    if operation.status == OperationStatus::Waiting {
        return format!("{}, after what runs now", jobs(operation.total));
    }
    let o = &operation.outcome;
    let mut text = format!("{} of {}", thousands(handled(o)), thousands(operation.total));
    if o.gone > 0 {
        text.push_str(&format!(", {} gone", thousands(o.gone)));
    }
    let left = o.corrupt + o.due + o.unread_priority;
    if left > 0 {
        text.push_str(&format!(", {} left in place", thousands(left)));
    }
    text
}

/// Jobs looked at so far.
pub fn handled(o: &Outcome) -> u64 {
    o.done + o.gone + o.corrupt + o.due + o.unread_priority
}

/// How an operation ended: headline, and what to know beside it.
pub fn ended(operation: &Operation) -> (String, String) {
    let Operation { verb, queue, outcome, .. } = operation;
    let done = match operation.status {
        OperationStatus::Done | OperationStatus::Waiting | OperationStatus::Running => headline(*verb, queue, outcome.done),
        OperationStatus::Cancelled | OperationStatus::Failed | OperationStatus::Interrupted => so_far(*verb, queue, outcome.done),
    };
    let rest = exceptions(*verb, outcome);
    let also = |first: String| if rest.is_empty() { first } else { format!("{first} {rest}") };
    match operation.status {
        OperationStatus::Waiting | OperationStatus::Running => (running(operation), progress(operation)),
        OperationStatus::Done => (done, rest),
        OperationStatus::Cancelled => (
            done,
            also(format!(
                "Cancelled after {} of {}; the others are where they were.",
                thousands(handled(outcome)),
                thousands(operation.total)
            )),
        ),
        OperationStatus::Failed => {
            let why = operation.message.clone().unwrap_or_else(|| "It stopped with an error.".into());
            let how_far = match handled(outcome) {
                0 => "It stopped before the first job.".to_owned(),
                n if n >= operation.total => format!("It had come to the last of {}.", thousands(operation.total)),
                n => format!("It stopped after {} of {}; the others are where they were.", thousands(n), thousands(operation.total)),
            };
            (done, also(format!("{why} {how_far}")))
        }
        OperationStatus::Interrupted => {
            // Also that it can be started again for the rest.
            let why = operation.message.clone();
            (
                done,
                also(why.unwrap_or_else(|| "The console that ran it ended. What was done stays done; start it again for the rest.".into())),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Millis;

    #[test]
    fn outcomes_read_like_speech() {
        let o = Outcome { done: 118, gone: 2, corrupt: 1, ..Default::default() };
        let queue = QueueName::try_from("emails").expect("valid");
        assert_eq!(headline(Verb::Retry, &queue, o.done), "Retried 118 jobs of emails");
        assert_eq!(
            exceptions(Verb::Retry, &o),
            "2 were already gone; nothing was pushed for them. 1 could not be read and stayed where it was before."
        );
        assert_eq!(
            exceptions(Verb::Discard, &Outcome { gone: 1, due: 2, ..Default::default() }),
            "1 was already gone. 2 are due: a worker takes them next."
        );
        assert_eq!(exceptions(Verb::Retry, &Outcome { done: 3, ..Default::default() }), "");
        assert_eq!(headline(Verb::RetryArchived, &queue, 5), "Retried 5 jobs of emails from the archive");
        assert_eq!(
            exceptions(Verb::RetryArchived, &Outcome { gone: 2, unread_priority: 1, ..Default::default() }),
            "2 were retried before, or came further; nothing was pushed for them. 1 has a priority that no worker reads and stayed in the archive."
        );
    }

    fn operation(verb: Verb, status: OperationStatus, total: u64) -> Operation {
        Operation {
            id: "o".into(),
            verb,
            queue: QueueName::try_from("emails").expect("valid"),
            state: None,
            status,
            total,
            outcome: Outcome::default(),
            started_at: Millis(0),
            finished_at: None,
            message: None,
            filter: None,
            who: None,
        }
    }

    #[test]
    fn one_that_failed_does_not_say_that_nothing_was_there() {
        let message = Some("The key queue:emails:failed holds a string.".to_owned());
        let mut failed = Operation { message, ..operation(Verb::ClearFailed, OperationStatus::Failed, 0) };
        let why = "The key queue:emails:failed holds a string. It stopped before the first job.";
        assert_eq!(ended(&failed), ("No failed job of emails was deleted".to_owned(), why.to_owned()));
        for (verb, title) in [
            (Verb::Purge, "No job of emails was deleted"),
            (Verb::Restore, "No job of emails was restored"),
            (Verb::RetryArchived, "No archived job of emails was retried"),
            (Verb::Retry, "No job of emails was retried"),
            (Verb::Promote, "No delayed job of emails was moved"),
        ] {
            failed.verb = verb;
            assert_eq!(ended(&failed), (title.to_owned(), why.to_owned()));
        }
        (failed.verb, failed.total, failed.outcome.done) = (Verb::Purge, 1_200, 256);
        let why = "The key queue:emails:failed holds a string. It stopped after 256 of 1,200; the others are where they were.";
        assert_eq!(ended(&failed), ("Deleted 256 jobs of emails".to_owned(), why.to_owned()));
        let empty = operation(Verb::Purge, OperationStatus::Done, 0);
        assert_eq!(ended(&empty), ("emails was empty already".to_owned(), String::new()));
    }

    #[test]
    fn one_that_waits_says_so() {
        let mut operation = operation(Verb::Retry, OperationStatus::Waiting, 1_200);
        assert_eq!(
            ended(&operation),
            ("Waiting to begin: retrying failed jobs of emails".to_owned(), "1,200 jobs, after what runs now".to_owned())
        );
        operation.status = OperationStatus::Running;
        assert_eq!(ended(&operation), ("Retrying failed jobs of emails".to_owned(), "0 of 1,200".to_owned()));
        (operation.status, operation.message) = (OperationStatus::Interrupted, Some("Nothing of it was done; start it again.".into()));
        assert_eq!(ended(&operation), ("No job of emails was retried".to_owned(), "Nothing of it was done; start it again.".to_owned()));
    }
}
