//! What each question says. Those with a count of their own have dialogs of their own.

use super::{Learned, Question, Words, pausing, way_back};
use crate::{
    components::{
        icon::Glyph,
        number::{count, jobs as jobs_of},
        served::due_ones,
    },
    model::{job::JobState, shown::in_text, time::Millis},
};

pub(in crate::components) fn words(question: &Question, now: Millis, Learned { served, forget }: Learned) -> Words {
    let some = |n: Option<u64>, one: &str, many: &str| n.map_or_else(|| format!("all {many}"), |n| count(n, one, many));
    let again = "It runs in the background and can be cancelled. Jobs that fail meanwhile are not included.";
    match question {
        Question::Pause { queue, waiting, partial, partly } => pausing::pause(queue, (*waiting, *partial), *partly),
        Question::Resume { queue, waiting, partial } => pausing::resume(queue, (*waiting, *partial)),
        Question::RetryAll { queue, count: n, base } => Words {
            title: format!("Retry {} of {}?", some(*n, "failed job", "failed jobs"), queue.in_text()),
            text: if *base {
                format!(
                    "They go back to waiting with attempts set to 0. Those of a priority that no worker reads go to the base list. {again}"
                )
            } else {
                format!("They go back to their waiting lists with attempts set to 0. {again}")
            },
            primary: format!("Retry {}", some(*n, "job", "jobs")),
            glyph: Glyph::Retry,
            danger: false,
        },
        Question::PromoteAll { queue, count: n } => Words {
            title: format!("Run {} of {} now?", some(*n, "delayed job", "delayed jobs"), queue.in_text()),
            text: format!(
                "They go to their waiting lists without waiting for their time. {} It runs in the background and can be cancelled.",
                due_ones(queue, served)
            ),
            primary: format!("Run {} now", some(*n, "job", "jobs")),
            glyph: Glyph::Play,
            danger: false,
        },
        Question::Retry { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 {
                "It goes back to its waiting list with attempts set to 0."
            } else {
                "They go back to their waiting lists with attempts set to 0."
            };
            Words {
                title: format!("Retry {} of {}?", count(n, "failed job", "failed jobs"), queue.in_text()),
                text: text.into(),
                primary: format!("Retry {}", jobs_of(n)),
                glyph: Glyph::Retry,
                danger: false,
            }
        }
        Question::Promote { queue, jobs } => {
            let n = jobs.len() as u64;
            let text = if n == 1 {
                "It goes to its waiting list without waiting for its time."
            } else {
                "They go to their waiting lists without waiting for their time."
            };
            Words {
                title: format!("Run {} of {} now?", count(n, "delayed job", "delayed jobs"), queue.in_text()),
                text: format!("{text} {}", due_ones(queue, served)),
                primary: format!("Run {} now", jobs_of(n)),
                glyph: Glyph::Play,
                danger: false,
            }
        }
        Question::Discard { queue, state, jobs, bytes, name } => {
            let n = jobs.len() as u64;
            let what = match name {
                Some(name) => in_text(name).into_owned(),
                None => count(n, &format!("{} job", state.as_str()), &format!("{} jobs", state.as_str())),
            };
            let back = way_back(now, *bytes, forget);
            let (they, back) = if n == 1 { ("It", back.replace("them", "it").replace("They", "It")) } else { ("They", back) };
            let more = match state {
                JobState::Waiting => " Where it held a group, the next job of that group starts.".to_owned(),
                JobState::Delayed => format!(" {}", due_ones(queue, served)),
                JobState::Grouped | JobState::Active | JobState::Failed | JobState::Completed => String::new(),
            };
            Words {
                title: format!("Delete {what} from {}?", queue.in_text()),
                text: if *state == JobState::Failed { back } else { format!("{they} will not run. {back}{more}") },
                primary: format!("Delete {}", jobs_of(n)),
                glyph: Glyph::Trash,
                danger: true,
            }
        }
        Question::ToBase { queue, jobs } => Words {
            title: format!("Retry to the base list of {}?", queue.in_text()),
            text: if jobs.len() == 1 {
                "No worker reads the priority that this job names: in a list of that priority it would never run. It can go to the base list instead, with attempts set to 0.".into()
            } else {
                "No worker reads the priority that some of these jobs name: in a list of that priority they would never run. They can go to the base list instead, with attempts set to 0.".into()
            },
            primary: "Retry to base list".into(),
            glyph: Glyph::Retry,
            danger: false,
        },
        Question::PutBack { name, queue, worker, since, .. } => Words {
            title: match queue {
                Some(queue) => format!("Put {} back in {}?", in_text(name), queue.in_text()),
                None => format!("Put {} back in its queue?", in_text(name)),
            },
            text: format!(
                "{} has been silent{}. The job goes to the end of its waiting list with its payload as it was, and does not ask its group. It may run twice: the worker may have finished it unheard, or may still run it.",
                in_text(worker),
                since.map_or(String::new(), |at| format!(" since {}", at.near_utc(now)))
            ),
            primary: "Put job back".into(),
            glyph: Glyph::Retry,
            danger: false,
        },
        // These have dialogs of their own: `Destroy`, `AllMatching`, `EditRetry`.
        Question::ClearFailed { queue }
        | Question::Purge { queue }
        | Question::DiscardAll { queue, .. }
        | Question::EditRetry { queue, .. }
        | Question::Matching { queue, .. } => Words {
            title: format!("Delete jobs of {}?", queue.in_text()),
            text: String::new(),
            primary: "Delete".into(),
            glyph: Glyph::Purge,
            danger: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{Fingerprint, QueueName};

    fn said(question: &Question, served: Option<bool>, forget: bool) -> String {
        words(question, Millis(0), Learned { served, forget }).text
    }

    #[test]
    fn what_is_due_is_left_to_workers_where_there_are_some() {
        let (queue, state) = (QueueName::try_from("mail").expect("valid"), JobState::Delayed);
        let discard = |state| Question::Discard { queue: queue.clone(), state, jobs: Vec::new(), bytes: 0, name: None };
        for question in [
            Question::PromoteAll { queue: queue.clone(), count: Some(3) },
            Question::Promote { queue: queue.clone(), jobs: Vec::new() },
            discard(state),
        ] {
            assert_eq!(question.of_delayed(), Some(&queue));
            assert!(said(&question, Some(true), false).contains("in a moment, is left to the workers."));
            assert!(said(&question, Some(false), false).contains("No worker serves mail, so what is due already is included."));
            assert!(said(&question, None, false).contains("left to the workers, if one serves the queue."));
        }
        assert_eq!(discard(JobState::Failed).of_delayed(), None);
        assert!(!said(&discard(JobState::Failed), Some(true), false).contains("due"));
    }

    #[test]
    fn a_deletion_says_what_the_trash_keeps() {
        let fingerprint = Fingerprint::try_from("0123456789abcdef0123456789abcdef01234567.f.0".to_owned()).expect("valid");
        let of = |state: JobState, n: usize| Question::Discard {
            queue: QueueName::try_from("mail").expect("valid"),
            state,
            jobs: vec![fingerprint.clone(); n],
            bytes: 1_900_000_000,
            name: None,
        };
        let discard = |n: usize| of(JobState::Grouped, n);
        assert_eq!(
            said(&of(JobState::Failed, 1), None, false),
            "You can restore it for an hour, until 01:00 UTC. The trash keeps about 1.9 GB.",
            "nobody expects a failed job to run"
        );
        assert_eq!(
            said(&discard(2), None, false),
            "They will not run. You can restore them for an hour, until 01:00 UTC. The trash keeps about 1.9 GB."
        );
        assert_eq!(
            said(&discard(1), None, false),
            "It will not run. You can restore it for an hour, until 01:00 UTC. The trash keeps about 1.9 GB."
        );
        assert_eq!(said(&discard(2), None, true), "They will not run. They cannot be restored.");
        assert_eq!(said(&discard(1), None, true), "It will not run. It cannot be restored.");
    }
}
