//! Before a queue is stopped or let go on: what waits in it, and what a pause does not stop.

use super::Words;
use crate::{
    components::{
        icon::Glyph,
        number::{count, thousands},
    },
    model::ids::QueueName,
};

/// How many jobs wait, and whether there may be more.
type Waiting = (Option<u64>, bool);

/// `its 1,204 waiting jobs`; `None` where none waits.
fn its((waiting, partial): Waiting) -> Option<String> {
    match (waiting, partial) {
        (Some(0), false) => None,
        (None | Some(0), _) => Some("its waiting jobs".into()),
        (Some(n), true) => Some(format!("its waiting jobs (at least {})", thousands(n))),
        (Some(n), false) => Some(format!("its {}", count(n, "waiting job", "waiting jobs"))),
    }
}

/// `partly`: some of the four lists are paused already.
pub(super) fn pause(queue: &QueueName, waiting: Waiting, partly: bool) -> Words {
    let held = match its(waiting) {
        Some(jobs) => format!("Workers stop taking {jobs}, all four lists."),
        None => "No job waits in it now; those that come wait until it is resumed, in all four lists.".into(),
    };
    let (title, primary) = if partly {
        (format!("Pause all four lists of {}?", queue.in_text()), "Pause all four lists")
    } else {
        (format!("Pause {}?", queue.in_text()), "Pause queue")
    };
    let text = format!("{held} Jobs that run now go on; delayed jobs that come due run all the same.");
    Words { title, text, primary: primary.into(), glyph: Glyph::Pause, danger: false }
}

pub(super) fn resume(queue: &QueueName, waiting: Waiting) -> Words {
    let text = match its(waiting) {
        Some(jobs) => format!("Workers take {jobs} again."),
        None => "No job waits in it now; workers take those that come.".into(),
    };
    let title = format!("Resume {}?", queue.in_text());
    Words { title, text, primary: "Resume queue".into(), glyph: Glyph::Play, danger: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pause_holds_is_counted_as_far_as_it_is_known() {
        let orders = QueueName::try_from("orders").expect("valid");
        let asked = pause(&orders, (Some(1_204), false), false);
        assert_eq!((asked.title.as_str(), asked.primary.as_str()), ("Pause orders?", "Pause queue"));
        assert_eq!(
            asked.text,
            "Workers stop taking its 1,204 waiting jobs, all four lists. Jobs that run now go on; delayed jobs that come due run all the same."
        );
        let held = |waiting| pause(&orders, waiting, false).text;
        assert!(held((Some(1), false)).starts_with("Workers stop taking its 1 waiting job, all"));
        assert!(held((Some(9), true)).starts_with("Workers stop taking its waiting jobs (at least 9), all"));
        assert!(held((None, false)).starts_with("Workers stop taking its waiting jobs, all"));
        assert!(held((Some(0), true)).starts_with("Workers stop taking its waiting jobs, all"));
        assert!(held((Some(0), false)).starts_with("No job waits in it now; those that come wait until it is resumed"));
        let rest = pause(&orders, (Some(3), false), true);
        assert_eq!((rest.title.as_str(), rest.primary.as_str()), ("Pause all four lists of orders?", "Pause all four lists"));
    }

    #[test]
    fn what_a_resumed_queue_goes_on_with_is_counted_too() {
        let mail = QueueName::try_from("mail ").expect("valid");
        let asked = resume(&mail, (Some(1_204), false));
        assert_eq!((asked.title.as_str(), asked.primary.as_str()), ("Resume mail[space]?", "Resume queue"));
        assert_eq!(asked.text, "Workers take its 1,204 waiting jobs again.");
        assert_eq!(resume(&mail, (None, false)).text, "Workers take its waiting jobs again.");
        assert_eq!(resume(&mail, (Some(0), false)).text, "No job waits in it now; workers take those that come.");
    }
}
