//! A search under way in the browser: it asks step after step, and who no longer asks has cancelled.

use crate::{
    api,
    components::number::{count, thousands},
    model::{
        error::ApiError,
        ids::escaped,
        search::{
            ArchiveStep, Coverage, Hit, SearchStep,
            text::{LEFT_OUT, limits},
        },
    },
};
use leptos::{prelude::*, task::spawn_local};

/// The first steps, with the text that they answer.
pub type First = (String, Result<SearchStep, ApiError>, Result<ArchiveStep, ApiError>);

/// Results that are shown before it is asked whether to search on: more would be reading, not finding.
pub const MOST: usize = 500;

#[derive(Clone, Default, PartialEq)]
pub struct Run {
    pub q: String,
    /// By rank.
    pub hits: Vec<Hit>,
    live: Coverage,
    archive: Coverage,
    /// Where each half goes on.
    next: (Option<String>, Option<String>),
    unavailable: Option<String>,
    skipped: Vec<String>,
    pub looking: bool,
    pub error: Option<ApiError>,
}

impl Run {
    pub fn of((q, live, archive): First) -> Self {
        let mut run = Self { q, ..Self::default() };
        match live {
            Ok(step) => run.add(step),
            Err(error) => run.error = Some(error),
        }
        match archive {
            Ok(step) => run.add_archive(step),
            // Redis is searched all the same.
            Err(error) => run.unavailable = Some(format!("The archive was not searched: {error}")),
        }
        run
    }

    /// Whether this goes on from those first steps.
    pub fn follows(&self, first: &Self) -> bool {
        self.q == first.q && self.hits.len() >= first.hits.len() && self.error.is_none() == first.error.is_none()
    }

    fn add(&mut self, step: SearchStep) {
        self.hits.extend(step.hits);
        (self.live, self.next.0) = (step.coverage, step.next);
        // A step tells what it met itself: what an earlier one left out stays left out.
        for why in step.skipped {
            if !self.skipped.contains(&why) {
                self.skipped.push(why);
            }
        }
        self.settle();
    }

    fn add_archive(&mut self, step: ArchiveStep) {
        self.hits.extend(step.hits);
        (self.archive, self.next.1) = (step.coverage, step.next);
        self.unavailable = step.unavailable;
        self.settle();
    }

    fn settle(&mut self) {
        Hit::settle(&mut self.hits);
    }

    /// The link to the next step, for who has no JavaScript; `None` when all was searched.
    pub fn rest(&self) -> Option<String> {
        let part = |name: &str, at: &Option<String>| at.as_ref().map(|at| format!("&{name}={}", escaped(at)));
        let (live, archive) = (part("cursor", &self.next.0), part("archive", &self.next.1));
        (live.is_some() || archive.is_some())
            .then(|| format!("/search?q={}{}{}", escaped(&self.q), live.unwrap_or_default(), archive.unwrap_or_default()))
    }

    /// `scanned 48,000 of 120,000 jobs in Redis`
    pub fn coverage(&self) -> String {
        let (scanned, of) = (thousands(self.live.scanned), self.live.of.map_or_else(|| "—".into(), thousands));
        let live = if self.next.0.is_some() {
            format!("scanned {scanned} of {of} jobs in Redis")
        } else {
            format!("{}{scanned} jobs in Redis scanned", if self.skipped.is_empty() { "all " } else { "" })
        };
        let archive = match (&self.unavailable, &self.next.1, self.archive.of) {
            (Some(_), ..) => ", no archive".to_owned(),
            (None, Some(_), Some(of)) => format!(", {} of {} of the archive", thousands(self.archive.scanned), thousands(of)),
            (None, Some(_), None) => ", archive under way".into(),
            (None, None, _) => ", and the archive".into(),
        };
        format!("{live}{archive}")
    }

    pub fn done_percent(&self) -> Option<u64> {
        self.live.of.filter(|of| *of > 0).map(|of| (self.live.scanned * 100 / of).min(100))
    }

    /// What is true when nothing was found to the end.
    pub fn looked(&self) -> &'static str {
        if self.notes().is_empty() { "All jobs were looked at." } else { LEFT_OUT }
    }

    /// What was not searched, and why.
    pub fn notes(&self) -> Vec<String> {
        let partly = |n: u64, least: &str, place: &str| {
            let jobs = count(n, "large payload", "large payloads");
            (n > 0).then(|| format!("Only a part was looked through of {least}{jobs} {place}. {}", limits()))
        };
        let live = partly(self.live.partly, "", "in Redis");
        let archive = partly(self.archive.partly, "at least ", "in the archive");
        self.skipped.iter().chain(&self.unavailable).cloned().chain(live).chain(archive).collect()
    }
}

/// Asks on until everything was searched, `most` results are there, or `turn` is somebody else's.
pub fn go_on(run: RwSignal<Run>, turn: StoredValue<u32>, most: usize) {
    let mine = turn.get_value() + 1;
    turn.set_value(mine);
    let more = move |r: &Run| r.error.is_none() && r.rest().is_some() && r.hits.len() < most;
    let wanted = run.with_untracked(more);
    run.update(|r| r.looking = wanted);
    if !wanted {
        return;
    }
    // Each half at its own pace: a slow archive does not hold up what is in Redis.
    let halves = StoredValue::new(2_u8);
    let ended = move || {
        let left = halves.try_update_value(|n| {
            *n -= 1;
            *n
        });
        if left == Some(0) && turn.try_get_value() == Some(mine) {
            run.try_update(|r| r.looking = false);
        }
    };
    let look = move |live: bool| async move {
        loop {
            let asked = run.try_with_untracked(|r| {
                let next = if live { &r.next.0 } else { &r.next.1 };
                next.clone().filter(|_| more(r)).map(|at| (r.q.clone(), at))
            });
            let Some(Some((q, at))) = asked else { return };
            let step = if live {
                api::search::search_live(q, Some(at)).await.map(Step::Live)
            } else {
                api::search::search_archive(q, Some(at)).await.map(Step::Archive)
            };
            if turn.try_get_value() != Some(mine) {
                return;
            }
            run.try_update(|r| match step {
                Ok(Step::Live(step)) => r.add(step),
                Ok(Step::Archive(step)) => r.add_archive(step),
                Err(error) => r.error = Some(error),
            });
        }
    };
    for live in [true, false] {
        spawn_local(async move {
            look(live).await;
            ended();
        });
    }
}

enum Step {
    Live(SearchStep),
    Archive(ArchiveStep),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_left_something_out_is_not_said_to_be_whole() {
        let step = |skipped: &[&str], next: Option<&str>| SearchStep {
            skipped: skipped.iter().map(|why| (*why).to_owned()).collect(),
            next: next.map(str::to_owned),
            ..SearchStep::default()
        };
        let archive = |why: Option<&str>| Ok(ArchiveStep { unavailable: why.map(str::to_owned), ..ArchiveStep::default() });
        let whole = Run::of(("x".into(), Ok(step(&[], None)), archive(None)));
        assert_eq!(
            (whole.looked(), whole.coverage().as_str()),
            ("All jobs were looked at.", "all 0 jobs in Redis scanned, and the archive")
        );
        let off = Run::of(("x".into(), Ok(step(&[], None)), archive(Some("This console keeps no archive."))));
        assert_eq!((off.looked(), off.coverage().as_str()), (LEFT_OUT, "all 0 jobs in Redis scanned, no archive"));
        // The second step meets nothing, and what the first one met is still left out.
        let mut some = Run::of(("x".into(), Ok(step(&["A key holds something else."], Some("2"))), archive(None)));
        some.add(step(&[], None));
        assert_eq!((some.looked(), some.coverage().as_str()), (LEFT_OUT, "0 jobs in Redis scanned, and the archive"));
    }
}
