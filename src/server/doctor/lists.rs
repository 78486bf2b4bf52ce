//! Queues and their lists: priorities that nobody reads, dead letters at the cap, pauses in part, payloads, types of keys.

use super::count;
use crate::model::{
    doctor::{Check, Finding, Fix, FixKind, Level},
    ids::QueueName,
    job::JobState,
    number::thousands,
    queue::{FAILED_CAP, Paused, QueueSample},
    shown::in_text,
};
use crate::server::driver::redis::{
    doctor::Sampled,
    payload::{self, Element},
    unlisted::{Met, Unlisted},
};

/// A list that looks as if it were a priority of another queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Suspect {
    /// `mail:urgent`
    pub list: QueueName,
    /// `mail`
    pub base: QueueName,
    pub waiting: u64,
    pub delayed: u64,
    /// Heartbeats are known, and none serves the list.
    pub unserved: bool,
    /// The base is a queue that exists.
    pub base_known: bool,
}

/// Queues whose name could be another queue with a priority behind it, that hold jobs and that no worker is known to serve.
pub fn suspects(queues: &[QueueSample], is_queue: impl Fn(&str) -> Option<QueueName>) -> Vec<Suspect> {
    let suspect = |q: &QueueSample| {
        let (base, _) = q.name.as_str().rsplit_once(':')?;
        let base = is_queue(base)?;
        let (waiting, delayed) = (q.by_priority.base.unwrap_or(0), q.delayed.unwrap_or(0));
        let serves = q.workers.is_some_and(|n| n > 0);
        let base_known = queues.binary_search_by(|other| other.name.cmp(&base)).is_ok();
        (waiting + delayed > 0 && !serves).then(|| Suspect {
            list: q.name.clone(),
            base,
            waiting,
            delayed,
            unserved: q.workers == Some(0),
            base_known,
        })
    };
    queues.iter().filter_map(suspect).collect()
}

/// What the jobs in it say: of the base queue (pushed there with a priority), or of the list's own name (it is a queue).
pub fn unread_priority(suspect: &Suspect, elements: &[Element]) -> Option<Finding> {
    let names: Vec<String> = elements.iter().filter(|e| e.tail.is_empty()).filter_map(|e| payload::queue_named(&e.head)).collect();
    if names.iter().any(|name| name == suspect.list.as_str()) {
        return None;
    }
    let said = names.iter().any(|name| name == suspect.base.as_str());
    if !said && !suspect.base_known {
        return None;
    }
    let (list, base) = (suspect.list.in_text(), suspect.base.in_text());
    let all = suspect.waiting + suspect.delayed;
    let jobs = match (suspect.waiting, suspect.delayed) {
        (n, 0) => count(n, "job waits", "jobs wait"),
        (0, n) => count(n, "delayed job waits", "delayed jobs wait"),
        (n, d) => format!("{n} waiting and {d} delayed jobs lie"),
    };
    let priority = in_text(suspect.list.as_str().rsplit(':').next().unwrap_or_default());
    Some(Finding {
        check: Check::UnreadPriority,
        level: if said && suspect.unserved { Level::Problem } else { Level::Possible },
        subject: suspect.list.to_string(),
        title: format!("{jobs} in {list}, which no worker reads"),
        meaning: format!(
            "Workers of {base} read the priorities critical, high and low and the base list. A job pushed with the priority {priority} goes to a list of its own, which only a worker of a queue called {list} would read.{}",
            match (said, suspect.unserved) {
                (true, true) => String::new(),
                (true, false) => " No worker reports, so it is not known whether there is one.".into(),
                (false, _) =>
                    " The jobs do not say which queue they belong to, so this may be a queue of its own whose workers are not running."
                        .into(),
            }
        ),
        advice: format!(
            "Have the producers push with critical, high or low, or run a worker for {list}. The jobs that are there can go to the base list of {base}."
        ),
        href: Some(suspect.list.href()),
        fixes: vec![Fix {
            kind: FixKind::MoveToBase,
            subject: suspect.list.to_string(),
            count: Some(all),
            label: format!("Move {} to {base}", count(all, "job", "jobs")),
            explain: format!(
                "They go to the end of the base list of {base}, in their order and with their payloads unchanged; delayed ones keep their time. Jobs that are pushed meanwhile stay in {list}."
            ),
        }],
    })
}

pub fn at_cap(q: &QueueSample, archived: Option<bool>) -> Option<Finding> {
    let kept = match archived {
        Some(true) => "This console copies each one into the archive first, so the archive has them.",
        Some(false) => "The archive is off or does not keep them, so they are lost.",
        None => "The archive does not answer now: what drops out meanwhile may be lost.",
    };
    q.failed_at_cap.then(|| Finding {
        check: Check::DeadLettersAtCap,
        level: if archived == Some(true) { Level::Note } else { Level::Problem },
        subject: q.name.to_string(),
        title: format!("The dead-letter list of {} is full", q.name.in_text()),
        meaning: format!(
            "The library keeps {} dead letters of a queue. Every further failure drops the oldest one. {kept}",
            thousands(FAILED_CAP)
        ),
        advice: "Find out what fails, then retry or clear the failed jobs.".into(),
        href: Some(format!("{}?state={}", q.name.href(), JobState::Failed.as_str())),
        fixes: Vec::new(),
    })
}

pub fn partly_paused(q: &QueueSample) -> Option<Finding> {
    let fix = |kind, label: &str, explain: &str| Fix {
        kind,
        subject: q.name.to_string(),
        count: None,
        label: format!("{label} {}", q.name.in_text()),
        explain: explain.into(),
    };
    (q.paused == Paused::Partly).then(|| Finding {
        check: Check::PartlyPaused,
        level: Level::Problem,
        subject: q.name.to_string(),
        title: format!("{} is paused in part", q.name.in_text()),
        meaning: "A pause is a flag on each of the four lists, and only some are set: workers go on with the others.".into(),
        advice: "Pause all four lists, or resume the queue.".into(),
        href: Some(q.name.href()),
        fixes: vec![
            fix(FixKind::Resume, "Resume", "Workers take from all four lists again."),
            fix(FixKind::Pause, "Pause all of", "Workers take no waiting job of it any more; delayed jobs that are due run all the same."),
        ],
    })
}

/// Elements of one list that are no jobs.
pub fn unreadable(queue: &QueueName, state: JobState, key: &str, sampled: &Sampled) -> Option<Finding> {
    let mut why = String::new();
    let mut bad = 0;
    for element in &sampled.elements {
        if let Some(problem) = payload::read(element).problem {
            bad += 1;
            why = problem;
        }
    }
    (bad > 0).then(|| Finding {
        check: Check::UnreadablePayloads,
        level: Level::Problem,
        subject: key.to_owned(),
        title: format!("{} in {key} cannot be read", count(bad, "payload", "payloads")),
        meaning: format!(
            "Of {} looked at. {why} A worker that takes such an element loses it without an event.",
            count(sampled.elements.len() as u64, "element", "elements")
        ),
        advice: "Look at it on its page, find the producer that writes it, and delete it there; it can be restored for an hour.".into(),
        href: Some(format!("{}?state={}", queue.href(), state.as_str())),
        fixes: Vec::new(),
    })
}

/// `what`: a sentence that names the key.
pub fn wrong_type(subject: &str, what: String, href: Option<String>) -> Finding {
    Finding {
        check: Check::WrongType,
        level: Level::Problem,
        subject: subject.to_owned(),
        title: what,
        meaning: "The protocol keeps something else there. Workers and producers that use the key fail with WRONGTYPE, and its jobs are not counted.".into(),
        advice: "Find out who wrote it. If nobody needs it, rename or delete the key with redis-cli; the console does not touch what it does not know.".into(),
        href,
        fixes: Vec::new(),
    }
}

/// Keys under the queue prefix whose names are no queue's.
pub fn unlisted(why: Unlisted, met: &Met, prefix: &str) -> Finding {
    let under = if prefix.is_empty() { String::new() } else { format!(" under {prefix}") };
    let keys = |one: &str, many: &str| count(met.keys, &format!("key{under} {one}"), &format!("keys{under} {many}"));
    let (title, reason) = match why {
        Unlisted::NotText => (keys("has a name that is no text", "have names that are no text"), "The name of a queue is text (UTF-8)."),
        Unlisted::TooLong => (
            keys("has a name of more than 1,024 bytes", "have names of more than 1,024 bytes"),
            "That is more than the name of a queue may have.",
        ),
        Unlisted::DeadOfPriority => (
            keys("is called a failed list of a priority", "are called failed lists of priorities"),
            "The library keeps the dead letters of all priorities under the name of the queue alone.",
        ),
    };
    let more = met.keys.saturating_sub(met.some.len() as u64);
    let more = if more > 0 { format!(" and {} more", thousands(more)) } else { String::new() };
    Finding {
        check: Check::UnlistedKeys,
        // Before every key there is an empty prefix: names that are no text are likely somebody else's.
        level: if prefix.is_empty() && why == Unlisted::NotText { Level::Note } else { Level::Possible },
        subject: met.some.first().cloned().unwrap_or_default(),
        title,
        meaning: format!("{}{more}. {reason} What lies there is not counted, and no page shows it.", met.some.join(", ")),
        advice: "If they hold jobs of yours, have them written under a queue's name. The console does not touch what it does not know; redis-cli can move or delete them.".into(),
        href: None,
        fixes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_no_page_shows_are_named_as_far_as_they_were_remembered() {
        let met = |keys: u64| Met { keys, some: (0..keys.min(4)).map(|i| format!("queue:m:{i}:high:failed")).collect() };
        let one = unlisted(Unlisted::DeadOfPriority, &met(1), "queue:");
        assert_eq!((one.level, one.title.as_str()), (Level::Possible, "1 key under queue: is called a failed list of a priority"));
        let many = unlisted(Unlisted::NotText, &met(1_204), "");
        assert_eq!((many.level, many.title.as_str()), (Level::Note, "1,204 keys have names that are no text"));
        assert!(many.meaning.contains("queue:m:3:high:failed and 1,200 more. "), "{}", many.meaning);
    }

    fn suspect(unserved: bool, base_known: bool) -> Suspect {
        let name = |n: &str| QueueName::try_from(n).unwrap();
        Suspect { list: name("mail:urgent"), base: name("mail"), waiting: 3, delayed: 0, unserved, base_known }
    }

    fn names(queue: &str) -> Vec<Element> {
        let raw = format!(r#"{{"id":"1","data":"{{\"class\":\"A\",\"properties\":{{\"queueName\":\"{queue}\"}}}}"}}"#);
        vec![Element::of(raw.as_bytes()), Element::of(b"not json")]
    }

    #[test]
    fn what_the_jobs_say_decides() {
        let level = |s: &Suspect, e: &[Element]| unread_priority(s, e).map(|f| f.level);
        assert_eq!(level(&suspect(true, true), &names("mail")), Some(Level::Problem));
        assert_eq!(level(&suspect(true, false), &names("mail")), Some(Level::Problem));
        assert_eq!(level(&suspect(false, true), &names("mail")), Some(Level::Possible), "no heartbeat is known");
        assert_eq!(level(&suspect(true, true), &names("mail:urgent")), None, "a queue of that name");
        assert_eq!(level(&suspect(true, true), &names("other")), Some(Level::Possible));
        assert_eq!(level(&suspect(true, false), &[]), None, "nothing speaks for it");
        let fix = &unread_priority(&suspect(true, true), &names("mail")).unwrap().fixes[0];
        assert_eq!(
            (fix.kind, fix.subject.as_str(), fix.count, fix.label.as_str()),
            (FixKind::MoveToBase, "mail:urgent", Some(3), "Move 3 jobs to mail")
        );
    }
}
