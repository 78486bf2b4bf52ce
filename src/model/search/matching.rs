//! Whether a job is what a query asks for, and where that is to be seen.

use super::{Query, Test, text::LazyText, words};
use crate::model::{job::JobState, signature::signature, time::Millis};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A job that may match, wherever it was read.
pub struct Candidate<'a> {
    pub queue: &'a str,
    pub state: JobState,
    pub id: Option<&'a str>,
    pub class: Option<&'a str>,
    /// May be shortened: the text has it in full.
    pub error: Option<&'a str>,
    pub group: Option<&'a str>,
    /// When it failed, else when it was created.
    pub at: Option<Millis>,
    pub text: &'a LazyText<'a>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// Queue, state, group and time alone decided.
    #[default]
    Filter,
    Id,
    Class,
    Error,
    Payload,
}

/// Where a match is to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub field: Field,
    /// It is the very id that was asked for.
    pub exact: bool,
    /// One line around the match, with `…` where it was cut; empty for [`Field::Filter`].
    pub excerpt: String,
    /// Byte ranges of the excerpt to highlight, in order.
    pub marks: Vec<(usize, usize)>,
}

/// Bytes of an excerpt before and behind where the match begins.
const BEFORE: usize = 24;
const BEHIND: usize = 160;

impl Query {
    pub fn matches(&self, job: &Candidate) -> Option<Place> {
        let named = |wanted: &super::Name, name: Option<&str>| name.is_some_and(|n| wanted.matches(n));
        let in_error = |words: &str| {
            job.error.is_some_and(|e| words::matches(words, e)) || job.text.get().error().is_some_and(|e| words::matches(words, e))
        };
        let of_kind = |kind: &str| {
            job.state == JobState::Failed && signature(job.error.or_else(|| job.text.get().error()).unwrap_or_default()) == kind
        };
        // The cheap ones first: the text is made when nothing else can decide.
        let holds = self.asks_queue(job.queue)
            && self.asks_state(job.state)
            && self.holds(|t| if let Test::Id(id) = t { Some(named(id, job.id)) } else { None })
            && self.holds(|t| if let Test::Group(group) = t { Some(named(group, job.group)) } else { None })
            && self.holds(|t| if let Test::Since(b) = t { Some(job.at.is_some_and(|at| at >= b.at)) } else { None })
            && self.holds(|t| if let Test::Until(b) = t { Some(job.at.is_some_and(|at| at <= b.at)) } else { None })
            && self.holds(|t| if let Test::Class(c) = t { Some(job.class.is_some_and(|class| words::matches(c, class))) } else { None })
            && self.holds(|t| if let Test::Error(words) = t { Some(in_error(words)) } else { None })
            && self.holds(|t| if let Test::Signature(kind) = t { Some(of_kind(kind)) } else { None })
            && self.terms.iter().all(|t| words::matches(&t.text, job.text.get().as_str()) != t.negated);
        holds.then(|| self.place(job))
    }

    /// Whether a job was judged by a text that is only a part of what its payload says.
    pub fn saw_part(&self, text: &LazyText<'_>) -> bool {
        let by_text = !self.terms.is_empty() || self.filters.iter().any(|f| matches!(f.test, Test::Error(_)));
        by_text && text.asked().is_some_and(|text| text.cut)
    }

    fn place(&self, job: &Candidate) -> Place {
        let exact = |wanted: &str| job.id == Some(wanted);
        let exact = self.wanted().any(exact)
            || self.filters.iter().any(|f| matches!(&f.test, Test::Id(id) if !f.negated && !id.prefix && exact(&id.text)));
        let (field, text, at) = self.seen(job);
        let (excerpt, marks) = excerpt(text, at, |part| self.marks(field, part));
        Place { field, exact, excerpt, marks }
    }

    /// The field to show, its text, and where in it.
    fn seen<'a>(&self, job: &'a Candidate) -> (Field, &'a str, usize) {
        let text = job.text.get();
        // The first word that tells most: in the id, the class, the error before the rest of the payload.
        if let Some(found) = self.wanted().filter_map(|term| words::find(term, text.as_str())).min_by_key(|found| found.start) {
            let (field, span) = text.part(found.start);
            return (field, &text.as_str()[span.clone()], found.start - span.start);
        }
        let test = |pick: fn(&Test) -> bool| self.filters.iter().any(|f| !f.negated && pick(&f.test));
        let error = text.error().or(job.error).filter(|_| test(|t| matches!(t, Test::Error(_) | Test::Signature(_))));
        if let Some(error) = error {
            return (Field::Error, error, self.marks(Field::Error, error).first().map_or(0, |m| m.start));
        }
        if let (true, Some(id)) = (test(|t| matches!(t, Test::Id(_))), job.id) {
            return (Field::Id, id, 0);
        }
        if let (true, Some(class)) = (test(|t| matches!(t, Test::Class(_))), job.class) {
            return (Field::Class, class, 0);
        }
        (Field::Filter, "", 0)
    }

    /// What is to be highlighted in a text that is shown as this field: ranges in order, none over another.
    pub fn marks(&self, field: Field, text: &str) -> Vec<Range<usize>> {
        let mut marks: Vec<Range<usize>> = self.wanted().filter_map(|term| words::find(term, text)).collect();
        for filter in self.filters.iter().filter(|f| !f.negated) {
            marks.extend(match (&filter.test, field) {
                (Test::Error(words), Field::Error) | (Test::Class(words), Field::Class) => words::find(words, text),
                (Test::Id(id), Field::Id) if id.matches(text) => Some(0..id.text.len()),
                _ => None,
            });
        }
        marks.sort_by_key(|m| (m.start, m.end));
        marks.dedup_by(|next, last| {
            let over = next.start < last.end;
            if over {
                last.end = last.end.max(next.end);
            }
            over
        });
        marks
    }
}

fn excerpt(text: &str, at: usize, marks: impl Fn(&str) -> Vec<Range<usize>>) -> (String, Vec<(usize, usize)>) {
    // Not before the value that it stands in: each has a line of its own.
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let from = line.max(text.ceil_char_boundary(at.saturating_sub(BEFORE)));
    let to = text.floor_char_boundary(at.saturating_add(BEHIND).min(text.len()));
    // One line, of the same length in bytes.
    let part: String = text[from..to].chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).collect();
    let before = if from > line { "…" } else { "" };
    let shown = format!("{before}{part}{}", if to < text.len() { "…" } else { "" });
    (shown, marks(&part).into_iter().map(|m| (m.start + before.len(), m.end + before.len())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Millis = Millis(1_795_432_807_494);
    const RAW: &str = r#"{"id":"ORD-1001","className":"PaymentTimeout","data":"{\"to\":\"ann@example.org\",\"note\":\"100% of a_b*\"}","error":"The gateway did not answer","groupId":"g-7"}"#;

    fn place(query: &str) -> Option<Place> {
        let text = LazyText::new(RAW);
        let job = Candidate {
            queue: "mail:bulk",
            state: JobState::Failed,
            id: Some("ORD-1001"),
            class: Some("PaymentTimeout"),
            error: Some("The gat…"),
            group: Some("g-7"),
            at: Some(Millis(NOW.0 - 3_600_000)),
            text: &text,
        };
        Query::parse(query, NOW).matches(&job)
    }

    #[test]
    fn filters_and_words_decide() {
        for query in [
            "",
            "queue:mail:bulk",
            "queue:mail…",
            "queue:mail...",
            "queue:other queue:mail…",
            "state:failed",
            "-state:waiting",
            "class:timeout",
            "error:\"gateway did\"",
            "id:ORD-1001",
            "id:ORD…",
            "group:g…",
            "group:g-7",
            "since:2h until:30m",
            "timeout example gateway",
            "1001",
            "\"100% of\"",
            "a_b*",
            "-missing",
            "-since:30m",
        ] {
            assert!(place(query).is_some(), "{query}");
        }
        for query in [
            "queue:mail",
            "queue:mail*",
            "queue:mail:_ulk",
            "queue:\"mail…\"",
            "queue:\"mail...\"",
            "state:waiting",
            "-state:failed",
            "class:gateway",
            "error:timeout",
            "id:1001",
            "id:ORD*",
            "id:ORD-100?",
            "id:ORD%",
            "id:ord-1001",
            "group:g",
            "since:30m",
            "until:2h",
            "timeout missing",
            "-gateway",
            "\"did gateway\"",
            "%ateway",
            "className",
        ] {
            assert!(place(query).is_none(), "{query}");
        }
    }

    #[test]
    fn the_place_is_told_and_marked() {
        let shown = |query: &str| {
            let p = place(query).expect(query);
            let marked = p.marks.iter().map(|(a, b)| p.excerpt[*a..*b].to_owned()).collect::<Vec<_>>();
            (p.field, p.exact, marked)
        };
        let marks = |text: &[&str]| text.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        assert_eq!(shown("id:ORD-1001"), (Field::Id, true, marks(&["ORD-1001"])));
        assert_eq!(shown("ORD-1001"), (Field::Id, true, marks(&["ORD-1001"])));
        assert_eq!(shown("1001"), (Field::Id, false, marks(&["1001"])));
        assert_eq!(shown("timeout"), (Field::Class, false, marks(&["Timeout"])));
        assert_eq!(shown("error:\"gateway did\" error:not"), (Field::Error, false, marks(&["gateway did", "not"])));
        assert_eq!(shown("gate gateway"), (Field::Error, false, marks(&["gateway"])));
        assert_eq!(shown("EXAMPLE"), (Field::Payload, false, marks(&["example"])));
        assert_eq!(shown("state:failed"), (Field::Filter, false, marks(&[])));
    }

    proptest! {
        #[test]
        fn marks_lie_within_the_excerpt(text in "[a-c éß\n]{0,400}", word in "[a-cß]{1,2}") {
            let raw = serde_json::json!({ "id": "x", "note": text }).to_string();
            let lazy = LazyText::new(raw);
            let job = Candidate { queue: "q", state: JobState::Waiting, id: Some("x"), class: None, error: None, group: None, at: None, text: &lazy };
            if let Some(place) = Query::parse(&word, NOW).matches(&job) {
                prop_assert!(!place.marks.is_empty());
                for (from, to) in place.marks {
                    prop_assert!(place.excerpt.get(from..to).is_some_and(|m| m.to_lowercase() == word));
                }
            }
        }
    }
}
