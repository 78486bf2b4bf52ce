//! Groups: those that are marked active while nothing holds them, and jobs behind groups that are not active.

use super::count;
use crate::model::{
    doctor::{Check, Finding, Fix, FixKind, Level},
    ids::QueueName,
    shown::in_text,
};

/// Why a group could be held all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing runs that could hold it.
    None,
    /// So many jobs run whose group is not known, or workers were not heard.
    Running(Option<u64>),
    /// Its job was lost with this worker, and can perhaps be put back.
    Lost(String),
}

/// Active, no job of it waits, and none is known to run. `behind`: jobs that wait for it; `queue`: where the first of them would go.
pub fn orphan(group: &str, behind: Option<u64>, queue: Option<&QueueName>, doubt: &Doubt) -> Finding {
    let hang = match behind {
        Some(0) => "Nothing waits behind it yet; the next job that is pushed with this group would.".to_owned(),
        Some(n) => format!("{} behind it and would wait for ever.", count(n, "job waits", "jobs wait")),
        None => "How many jobs wait behind it is not known.".into(),
    };
    let why = match doubt {
        Doubt::None => "No job of it waits, and no worker runs one: probably a worker died with it.".to_owned(),
        Doubt::Running(None) => "No job of it waits. Workers were not heard, so one may be running.".into(),
        Doubt::Running(Some(n)) => {
            format!("No job of it waits. {} whose group is not known, so one may be running.", count(*n, "job runs", "jobs run"))
        }
        Doubt::Lost(worker) => format!("Its job was lost with the worker {}.", in_text(worker)),
    };
    let advice = match doubt {
        Doubt::None => "Release it: the console does what the library does when the job of a group completes.",
        Doubt::Running(_) => "Look again in a minute. When it is still here and nothing runs, release it.",
        Doubt::Lost(_) => "Put the lost job back on the page of workers; release the group only when that job is not to run again.",
    };
    let effect = match (behind, queue) {
        (Some(0), _) => "It is not marked active any more.".to_owned(),
        (_, Some(queue)) => {
            format!("The first job behind it goes to the waiting list of {}; the others follow one by one.", queue.in_text())
        }
        (_, None) => String::new(),
    };
    // Where the first job would go must be known.
    let can = behind == Some(0) || queue.is_some();
    let nowhere = if can { "" } else { " The first job behind it names no queue, so the console cannot say where it belongs." };
    let named = in_text(group);
    Finding {
        check: Check::OrphanGroup,
        level: if *doubt == Doubt::None || matches!(doubt, Doubt::Lost(_)) { Level::Problem } else { Level::Possible },
        subject: group.to_owned(),
        title: match doubt {
            Doubt::Running(_) => format!("Group {named} is possibly held by nothing"),
            _ => format!("Group {named} is held by nothing"),
        },
        meaning: format!("It is marked active, so its jobs wait for the one before. {why} {hang}"),
        advice: format!("{advice}{nowhere}"),
        href: matches!(doubt, Doubt::Lost(_)).then(|| "/workers".into()),
        fixes: can
            .then(|| Fix {
                kind: FixKind::ReleaseGroup,
                subject: group.to_owned(),
                count: behind,
                label: format!("Release group {named}"),
                explain: format!("{effect} Before that, one script looks again at every waiting list. If a worker does run a job of this group now, two of them may run at the same time."),
            })
            .into_iter()
            .collect(),
    }
}

/// Jobs behind a group that is not active: nobody lets them go.
pub fn idle(group: &str, behind: u64, queue: Option<&QueueName>) -> Finding {
    let nowhere = if queue.is_none() { " The first of them names no queue, so the console cannot say where it belongs." } else { "" };
    let named = in_text(group);
    Finding {
        check: Check::IdleGroup,
        level: Level::Problem,
        subject: group.to_owned(),
        title: format!("{} behind group {named}, which is not active", count(behind, "job waits", "jobs wait")),
        meaning: "Jobs behind a group are let go when its job completes. No job of this group waits or runs, so they stay until somebody pushes another one with this group.".into(),
        advice: format!("Start the group: the first job goes to its queue, and the others follow one by one.{nowhere}"),
        href: queue.map(|q| format!("{}?state=grouped", q.href())),
        fixes: queue
            .map(|queue| Fix {
                kind: FixKind::StartGroup,
                subject: group.to_owned(),
                count: Some(behind),
                label: format!("Start group {named}"),
                explain: format!("The first of {} goes to the waiting list of {}, and the group is marked active, as if it had been pushed now. The others follow one by one.", count(behind, "job", "jobs"), queue.in_text()),
            })
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decided_is_possible() {
        let queue = QueueName::try_from("mail").unwrap();
        let level = |doubt| orphan("g", Some(2), Some(&queue), &doubt).level;
        assert_eq!(level(Doubt::None), Level::Problem);
        assert_eq!(level(Doubt::Running(None)), Level::Possible);
        assert_eq!(level(Doubt::Running(Some(3))), Level::Possible);
        assert!(orphan("g", Some(2), None, &Doubt::None).fixes.is_empty(), "nobody knows where the job belongs");
        assert_eq!(orphan("g", Some(0), None, &Doubt::None).fixes.len(), 1, "nothing has to go anywhere");
        assert!(idle("g", 2, None).fixes.is_empty());
    }
}
