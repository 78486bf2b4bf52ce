//! What a search asks for: one parser and one way to match, for the live scan, the archive, the filter of a table, what a bulk
//! action does to "all matching", and the highlighting in the browser.

mod hit;
mod matching;
mod parse;
mod show;
pub mod text;
pub mod words;

pub use hit::{ArchiveStep, CountStep, Coverage, Failure, Hit, MatchPage, SearchStep, Whereabouts};
pub use matching::{Candidate, Field, Place};

use super::{job::JobState, time::Millis};

/// `queue: state: class: error: id: group: since: until:`, free words and "phrases"; `-` in front turns each around.
///
/// Filters of one name are alternatives, those of different names must all hold, and so must all words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub filters: Vec<Filter>,
    pub terms: Vec<Term>,
    /// What could not be understood, and was left out.
    pub problems: Vec<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub test: Test,
    /// Jobs for which it holds are left out.
    pub negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    Queue(Name),
    State(JobState),
    /// Like free text, in the class alone.
    Class(String),
    /// Like free text, in the error alone.
    Error(String),
    /// Of failed jobs: the error with what differs from case to case taken out, all of it.
    Signature(String),
    Id(Name),
    Group(Name),
    /// Failed (else created) at this time or later.
    Since(Bound),
    /// Failed (else created) at this time or earlier.
    Until(Bound),
}

/// A name, or with `…` (or `...`) at its end every name that begins like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub prefix: bool,
}

impl Name {
    pub fn matches(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&self.text) } else { name == self.text }
    }
}

/// A point in time and how it was written: `15m`, `2026-01-02`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub written: String,
    pub at: Millis,
}

/// A word or phrase of free text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub text: String,
    /// Jobs with it are left out.
    pub negated: bool,
}

/// A part of the query that was left out, as byte positions, and why, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub at: usize,
    pub len: usize,
    pub text: String,
}

/// The filter words with what they ask for and an example, as the help shows them.
pub const WORDS: [(&str, &str, &str); 9] = [
    ("queue", "one queue, or all that begin alike", "queue:mail…"),
    ("state", "waiting, grouped, delayed, active, failed or completed", "state:failed"),
    ("class", "a word of the job's class", "class:PaymentTimeout"),
    ("error", "words of the error", "error:\"gateway did not\""),
    ("signature", "failed with an error of this kind", "signature:\"order <n> is late\""),
    ("id", "the job's id", "id:ORD-1001"),
    ("group", "the group's id", "group:customer-7"),
    ("since", "failed or created since then", "since:2h"),
    ("until", "failed or created until then", "until:2026-01-31"),
];

impl Query {
    /// Nothing is asked for: everything would match.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.terms.is_empty()
    }

    /// Whether a queue can hold what is asked for.
    pub fn asks_queue(&self, queue: &str) -> bool {
        self.holds(|t| if let Test::Queue(name) = t { Some(name.matches(queue)) } else { None })
    }

    /// Whether jobs of this state are asked for.
    pub fn asks_state(&self, state: JobState) -> bool {
        self.holds(|t| if let Test::State(s) = t { Some(*s == state) } else { None })
    }

    /// The one id that is asked for, when nothing else can match.
    pub fn only_id(&self) -> Option<&str> {
        let mut ids = self.filters.iter().filter(|f| !f.negated).filter_map(|f| match &f.test {
            Test::Id(name) => Some(name),
            _ => None,
        });
        ids.next().filter(|name| !name.prefix && ids.next().is_none()).map(|name| name.text.as_str())
    }

    /// Words that must all be found.
    pub fn wanted(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter(|t| !t.negated).map(|t| t.text.as_str())
    }

    /// Of the filters that `judge` has an opinion on: one of the plain ones holds (or there is none), and no negated one.
    fn holds(&self, mut judge: impl FnMut(&Test) -> Option<bool>) -> bool {
        let (mut asked, mut any) = (false, false);
        for filter in &self.filters {
            match (judge(&filter.test), filter.negated) {
                (None, _) | (Some(false), true) => {}
                (Some(true), true) => return false,
                (Some(holds), false) => {
                    asked = true;
                    any |= holds;
                }
            }
        }
        any || !asked
    }
}
