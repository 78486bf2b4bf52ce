//! What a search answers, step by step.

use super::{Field, Place};
use crate::model::{
    ids::{QueueName, segment},
    job::{JobState, JobSummary},
    time::Millis,
};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::HashSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whereabouts {
    /// In Redis now.
    Live,
    /// In the SQL history.
    Archive,
}

impl Whereabouts {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Archive => "archive",
        }
    }
}

/// A job that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Tells it from every other one: the element's fingerprint, the archive's row.
    pub key: String,
    pub whereabouts: Whereabouts,
    pub queue: QueueName,
    pub state: JobState,
    pub id: Option<String>,
    pub class_name: Option<String>,
    /// Its beginning.
    pub error: Option<String>,
    /// When it failed, else when it was created.
    pub at: Option<Millis>,
    /// As the payload says.
    pub created_at: Option<Millis>,
    pub attempt: Option<u64>,
    pub place: Place,
}

/// What tells one failure from others, also of the same id: queue, id, when the job was created, which run failed.
pub type Failure = (QueueName, Option<String>, Option<Millis>, u64);

impl Hit {
    /// A hit in Redis, from the row that a list would show.
    pub fn live(job: JobSummary, place: Place) -> Self {
        Self {
            key: job.fingerprint.to_string(),
            whereabouts: Whereabouts::Live,
            at: job.failed_at.or(job.created_at),
            created_at: job.created_at,
            attempt: job.attempts,
            queue: job.queue,
            state: job.state,
            id: job.id,
            class_name: job.class_name,
            error: job.error,
            place,
        }
    }

    /// The job's page.
    pub fn href(&self) -> String {
        match (&self.id, self.whereabouts) {
            (Some(id), Whereabouts::Live) => format!("{}/jobs/{}?at={}", self.queue.href(), segment(id), self.key),
            (Some(id), Whereabouts::Archive) => {
                let row = self.key.strip_prefix("row-").map_or_else(String::new, |row| format!("?row={row}"));
                format!("{}/jobs/{}{row}", self.queue.href(), segment(id))
            }
            (None, _) => format!("{}/jobs/{}", self.queue.href(), segment(&self.key)),
        }
    }

    pub fn failure(&self) -> Option<Failure> {
        // 0 and none are the first run.
        let attempt = self.attempt.unwrap_or(0).max(1);
        (self.state == JobState::Failed).then(|| (self.queue.clone(), self.id.clone(), self.created_at, attempt))
    }

    /// Whether a row of the archive tells of one of these failures; one that does not say when its job was created may.
    pub fn told_by(&self, live: &HashSet<Failure>) -> bool {
        // Only such a row is compared with all of them: an export holds many.
        let may = || self.created_at.is_none() && live.iter().any(|f| f.0 == self.queue && f.1 == self.id);
        self.failure().is_some_and(|failure| live.contains(&failure) || may())
    }

    /// Puts results of several steps in their order, each job once: a dead letter that is still in Redis is in the archive too.
    pub fn settle(hits: &mut Vec<Self>) {
        let mut seen = HashSet::new();
        hits.retain(|hit| seen.insert(hit.key.clone()));
        let live: HashSet<_> = hits.iter().filter(|h| h.whereabouts == Whereabouts::Live).filter_map(Self::failure).collect();
        hits.retain(|h| h.whereabouts == Whereabouts::Live || !h.told_by(&live));
        hits.sort_by(Self::rank);
    }

    /// The order of results: the very id first, then the newest, unknown times last, then by name; a total order, so that rows
    /// never swap.
    pub fn rank(&self, other: &Self) -> Ordering {
        let first = |h: &Self| (!h.place.exact, h.at.is_none(), h.at.map(|at| std::cmp::Reverse(at.0)));
        first(self).cmp(&first(other)).then_with(|| (&self.queue, &self.id, &self.key).cmp(&(&other.queue, &other.id, &other.key)))
    }

    /// The line that says why it was found: the error unless something else was matched.
    pub fn line(&self) -> (&str, &[(usize, usize)]) {
        match (self.place.field, &self.error) {
            (Field::Error | Field::Payload, _) => (&self.place.excerpt, &self.place.marks),
            (Field::Id | Field::Class | Field::Filter, Some(error)) => (error, &[]),
            (Field::Id | Field::Class | Field::Filter, None) => ("", &[]),
        }
    }
}

/// How much was looked at by now, and how much there is to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    pub scanned: u64,
    /// `None` when it is not known.
    pub of: Option<u64>,
    /// Jobs that were judged by a part of their payload ([`super::text::limits`]). In the archive the index names who is looked at, by
    /// the same part: there may be more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub partly: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// One bounded step of the live search; `next` asks for the one behind it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchStep {
    pub hits: Vec<Hit>,
    /// Of all steps up to this one.
    pub coverage: Coverage,
    pub next: Option<String>,
    /// What could not be looked at, as a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// One page of the archive's answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveStep {
    pub hits: Vec<Hit>,
    pub next: Option<String>,
    pub coverage: Coverage,
    /// Why the archive was not asked, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
}

/// One page of a table that is filtered: as many jobs as fit, or as were met in the time of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchPage {
    pub jobs: Vec<JobSummary>,
    pub coverage: Coverage,
    /// Where the next page begins.
    pub next: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    pub sampled_at: Millis,
}

/// One step of counting what a bulk action would act on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountStep {
    /// Matching jobs up to this step.
    pub count: u64,
    /// Of their payloads.
    pub bytes: u64,
    pub coverage: Coverage,
    /// `None`: the count is complete.
    pub next: Option<String>,
    /// Names the jobs that were there when the count began; for the action.
    pub start: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(key: &str, exact: bool, at: Option<i64>) -> Hit {
        Hit {
            key: key.into(),
            whereabouts: Whereabouts::Live,
            queue: QueueName::try_from("q").expect("a name"),
            state: JobState::Failed,
            id: None,
            class_name: None,
            error: None,
            at: at.map(Millis),
            created_at: None,
            attempt: None,
            place: Place { exact, ..Place::default() },
        }
    }

    #[test]
    fn the_row_of_a_dead_letter_is_left_out_and_older_failures_of_its_id_are_not() {
        let of = |key: &str, whereabouts, created: i64| Hit {
            whereabouts,
            id: Some("nightly".into()),
            created_at: Some(Millis(created)),
            attempt: Some(3),
            ..hit(key, false, Some(created))
        };
        let mut hits = vec![of("live", Whereabouts::Live, 2), of("row-2", Whereabouts::Archive, 2), of("row-1", Whereabouts::Archive, 1)];
        Hit::settle(&mut hits);
        assert_eq!(hits.into_iter().map(|h| h.key).collect::<Vec<_>>(), ["live", "row-1"]);
    }

    #[test]
    fn the_very_id_then_the_newest_then_by_name() {
        let mut hits =
            [hit("c", false, None), hit("b", false, Some(1)), hit("e", false, Some(2)), hit("a", false, Some(1)), hit("d", true, None)];
        hits.sort_by(Hit::rank);
        assert_eq!(hits.map(|h| h.key), ["d", "e", "a", "b", "c"]);
    }
}
