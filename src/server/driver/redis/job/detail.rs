//! What lists and the page of a job say of it: read from its raw element.

use super::Located;
use crate::model::{
    ids::{Fingerprint, Priority, QueueName, Source},
    job::{JobDetail, JobState, JobSummary, PAYLOAD_SHOWN, TimelineEntry},
    time::Millis,
};
use crate::server::{
    driver::redis::payload::{self, Element},
    reading,
};

pub(super) fn summarise(queue: &QueueName, source: Source, hint: u64, score: Option<String>, element: &Element) -> JobSummary {
    let (state, priority) = match &source {
        Source::Waiting(p) => (JobState::Waiting, Some(*p)),
        Source::Delayed(p) => (JobState::Delayed, Some(*p)),
        Source::Failed => (JobState::Failed, None),
        Source::Grouped(_) => (JobState::Grouped, None),
    };
    payload::summary(queue, state, priority, Fingerprint { hash: element.digest(), source, hint, score }, element)
}

pub(super) fn detail(queue: &QueueName, found: Located, now: Millis) -> JobDetail {
    let Located { raw, fingerprint } = found;
    let ahead = matches!(fingerprint.source, Source::Waiting(_)).then_some(fingerprint.hint);
    let mut summary = summarise(queue, fingerprint.source, fingerprint.hint, fingerprint.score, &Element::of(&raw));
    let text = String::from_utf8_lossy(&raw);
    let (mut data, mut stack) = (None, None);
    match reading::inside(&text) {
        Ok(inside) => {
            // The page shows the error in full, a list only its beginning; one of megabytes is in the payload.
            summary.error = inside.error.map(shown).or(summary.error);
            (data, stack) = (inside.data, inside.stack.map(shown));
        }
        Err(error) => summary.problem = summary.problem.or(Some(format!("The payload is {error}."))),
    }
    let truncated = text.len() > PAYLOAD_SHOWN;
    let payload = if truncated { text[..text.floor_char_boundary(PAYLOAD_SHOWN)].to_owned() } else { text.into_owned() };
    let timeline = timeline(&summary, now);
    JobDetail { summary, payload, truncated, data, stack, ahead, timeline }
}

/// As much of a text as a page shows.
fn shown(mut text: String) -> String {
    if text.len() > PAYLOAD_SHOWN {
        // With what follows below 64 KiB: there browsers cut a text in two when they read HTML, which the half that takes over does not expect.
        text.truncate(text.floor_char_boundary(PAYLOAD_SHOWN - 64));
        text.push_str("… (the payload has the rest)");
    }
    text
}

/// What the payload itself tells of the job's life; the archive and the events will tell the rest.
fn timeline(job: &JobSummary, now: Millis) -> Vec<TimelineEntry> {
    let mut entries = Vec::new();
    let entry = |at, kind: &str, title: &str, detail: Option<String>| TimelineEntry { at, kind: kind.into(), title: title.into(), detail };
    if job.created_at.is_some() {
        // The library stamps createdAt at every serialization: only a job that never ran shows its true start.
        let (title, detail) = match job.attempts {
            None | Some(0) => (
                "Enqueued",
                format!(
                    "{}{}",
                    job.queue,
                    job.priority.filter(|p| *p != Priority::Base).map(|p| format!(", {} priority", p.as_str())).unwrap_or_default()
                ),
            ),
            Some(n) => ("Written", format!("for attempt {n}; when it was first enqueued is not in Redis")),
        };
        entries.push(entry(job.created_at, "enqueued", title, Some(detail)));
    }
    if job.failed_at.is_some() {
        let title = match (job.attempts, job.max_attempts) {
            (Some(n), Some(max)) if n > 0 && n >= max => format!("Attempt {n} failed, no attempts left"),
            (Some(n), _) if n > 0 => format!("Attempt {n} failed"),
            // 0 = it never ran; somebody put it there.
            _ => "Failed".into(),
        };
        let reason = job.error.as_deref().and_then(|e| e.lines().next()).map(|line| line.chars().take(120).collect());
        entries.push(entry(job.failed_at, "failed", &title, reason));
    }
    if let Some(at) = job.run_at {
        entries.push(entry(
            Some(at),
            "delayed",
            if at <= now { "Due" } else { "Due then" },
            Some("a worker takes it at its next poll".into()),
        ));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_no_more_than_the_payload_does() {
        let title = |attempts: &str| {
            let raw = format!(r#"{{"id":"a"{attempts},"error":"x","failedAt":1795433098524}}"#).into_bytes();
            let fingerprint = Fingerprint { hash: String::new(), source: Source::Failed, hint: 0, score: None };
            let queue = QueueName::try_from("mail").expect("a name");
            detail(&queue, Located { raw, fingerprint }, Millis(1_795_500_000_000)).timeline.pop().expect("a failure").title
        };
        // As recorded: failed before it ever ran.
        assert_eq!(title(r#","attempts":0,"maxAttempts":3"#), "Failed");
        assert_eq!(title(r#","attempts":2,"maxAttempts":3"#), "Attempt 2 failed");
        assert_eq!(title(r#","attempts":3,"maxAttempts":3"#), "Attempt 3 failed, no attempts left");
        assert_eq!(title(r#","attempts":3"#), "Attempt 3 failed");
        assert_eq!(title(""), "Failed");
    }
}
