//! From what was typed to a [`Query`]. Nothing is an error: what cannot be understood is left out and told.

use super::{Bound, Filter, Name, Problem, Query, Term, Test, WORDS};
use crate::model::{
    job::JobState,
    time::{Millis, moment},
};

/// What a name ends with when all that begin like it are meant: as it is shown, and as it is typed. Every other character is itself,
/// `*` too: ids and names may hold it.
pub(super) const ELLIPSES: [&str; 2] = ["…", "..."];

/// A word as it was typed, and where.
struct Word {
    at: usize,
    end: usize,
    negated: bool,
    /// The filter's name, when it is one.
    filter: Option<&'static str>,
    value: String,
    quoted: bool,
    /// Its closing quote is missing.
    open: bool,
}

impl Query {
    pub fn parse(text: &str, now: Millis) -> Self {
        let mut query = Self::default();
        let mut at = 0;
        while let Some(word) = word(text, at) {
            at = word.end;
            let mut problem = |text: String| query.problems.push(Problem { at: word.at, len: word.end - word.at, text });
            if word.open {
                problem("The quote is not closed: it was read up to the end.".into());
            }
            match word.filter {
                // Nothing in quotes asks for nothing.
                None if word.value.trim().is_empty() => {}
                None => query.terms.push(Term { text: word.value, negated: word.negated }),
                Some(name) => match test(name, &word, now) {
                    Ok(test) => query.filters.push(Filter { test, negated: word.negated }),
                    Err(why) => problem(why),
                },
            }
        }
        query
    }
}

fn word(text: &str, from: usize) -> Option<Word> {
    let at = from + text[from..].find(|c: char| !c.is_whitespace())?;
    let negated = text[at..].starts_with('-') && text[at + 1..].starts_with(|c: char| !c.is_whitespace());
    let start = at + usize::from(negated);
    let filter = filter_name(&text[start..]);
    let value = start + filter.map_or(0, |name| name.len() + 1);
    let (value, quoted, open, end) = if text[value..].starts_with('"') {
        let (inner, end) = unquoted(text, value + 1);
        (inner, true, end.is_none(), end.unwrap_or(text.len()))
    } else {
        let end = text[value..].find(char::is_whitespace).map_or(text.len(), |n| value + n);
        (text[value..end].to_owned(), false, false, end)
    };
    Some(Word { at, end, negated, filter, value, quoted, open })
}

/// The filter that a word begins with, in whatever case.
pub(super) fn filter_name(word: &str) -> Option<&'static str> {
    let (name, _) = word.split_once(':')?;
    WORDS.iter().map(|(known, ..)| *known).find(|known| known.eq_ignore_ascii_case(name))
}

/// What stands between quotes, and the position behind them. A backslash counts only before a quote or another one.
fn unquoted(text: &str, from: usize) -> (String, Option<usize>) {
    let mut inner = String::new();
    let mut chars = text[from..].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (inner, Some(from + at + 1)),
            '\\' => match chars.next_if(|(_, c)| matches!(c, '"' | '\\')) {
                Some((_, escaped)) => inner.push(escaped),
                None => inner.push('\\'),
            },
            _ => inner.push(c),
        }
    }
    (inner, None)
}

fn test(name: &str, word: &Word, now: Millis) -> Result<Test, String> {
    let value = word.value.clone();
    if value.trim().is_empty() {
        return Err(format!("{name}: says nothing yet; it was left out."));
    }
    // In quotes every character is itself.
    let named = |value: String| {
        let start = ELLIPSES.into_iter().find_map(|end| value.strip_suffix(end)).filter(|_| !word.quoted).map(str::to_owned);
        Name { prefix: start.is_some(), text: start.unwrap_or(value) }
    };
    let bound = |last: bool| match stretch(&value, now) {
        Some((first, end)) => Ok(Bound { at: if last { end } else { first }, written: value.clone() }),
        None => Err(format!("“{value}” is no time: write 15m, 2h, 3d, 2026-01-31 or 2026-01-31T18:30 (UTC). {name}: was left out.")),
    };
    Ok(match name {
        "queue" => Test::Queue(named(value)),
        "state" => Test::State(JobState::parse(&value.to_lowercase()).ok_or_else(|| {
            let states = JobState::ALL.map(JobState::as_str).join(", ");
            format!("“{value}” is no state: there are {states}. state: was left out.")
        })?),
        "class" => Test::Class(value),
        "error" => Test::Error(value),
        "signature" => Test::Signature(value),
        "id" => Test::Id(named(value)),
        "group" => Test::Group(named(value)),
        "since" => Test::Since(bound(false)?),
        _ => Test::Until(bound(true)?),
    })
}

impl Bound {
    /// So long ago, not a moment: it moves with the time at which the query is read.
    pub fn moves(&self) -> bool {
        span(&self.written).is_some()
    }
}

/// The first and the last millisecond of what was written: a point so long ago, or a moment.
fn stretch(text: &str, now: Millis) -> Option<(Millis, Millis)> {
    match span(text) {
        Some(ago) => Millis::checked(now.0.checked_sub(ago)?).map(|at| (at, at)),
        None => moment(text),
    }
}

/// `30s`, `15m`, `2h`, `3d`, `1w`, in ms.
fn span(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let ms = match unit.to_ascii_lowercase() {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        'w' => 7 * 86_400_000,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.parse::<i64>().ok()?.checked_mul(ms)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_432_807_494);

    fn parse(text: &str) -> Query {
        Query::parse(text, NOW)
    }

    #[test]
    fn filters_words_and_phrases() {
        let q = parse(r#"queue:mail… Timeout -class:Pay error:"gateway \"did\" not" -"card declined" foo:bar C:\x"#);
        assert_eq!(
            q.filters,
            [
                Filter { test: Test::Queue(Name { text: "mail".into(), prefix: true }), negated: false },
                Filter { test: Test::Class("Pay".into()), negated: true },
                Filter { test: Test::Error("gateway \"did\" not".into()), negated: false },
            ]
        );
        let terms: Vec<_> = q.terms.iter().map(|t| (t.text.as_str(), t.negated)).collect();
        assert_eq!(terms, [("Timeout", false), ("card declined", true), ("foo:bar", false), ("C:\\x", false)]);
        assert_eq!(q.problems, []);
        assert_eq!(parse("ID:x").only_id(), Some("x"));
        assert_eq!(parse("id:x id:y").only_id(), None);
        assert_eq!(parse("- --x").terms.iter().map(|t| (t.text.as_str(), t.negated)).collect::<Vec<_>>(), [("-", false), ("-x", true)]);
    }

    #[test]
    fn an_ellipsis_at_the_end_means_all_that_begin_alike_and_nothing_is_a_wildcard() {
        let name = |text: &str| match &parse(text).filters[0].test {
            Test::Queue(name) | Test::Id(name) | Test::Group(name) => (name.text.clone(), name.prefix),
            other => panic!("{other:?}"),
        };
        for (text, named, prefix) in [
            ("queue:mail…", "mail", true),
            ("id:ORD-1...", "ORD-1", true),
            ("group:…", "", true),
            ("id:a....", "a.", true),
            ("id:a..", "a..", false),
            ("id:a…b", "a…b", false),
            ("id:a...b", "a...b", false),
            ("queue:\"mail…\"", "mail…", false),
            ("queue:\"mail...\"", "mail...", false),
            ("queue:mail*", "mail*", false),
            ("queue:\"mail*\"", "mail*", false),
            ("id:%", "%", false),
            ("id:ORD_", "ORD_", false),
            ("group:c-?", "c-?", false),
            ("queue:mail*…", "mail*", true),
        ] {
            assert_eq!(name(text), (named.to_owned(), prefix), "{text}");
        }
        assert_eq!(parse("id:ORD*").only_id(), Some("ORD*"));
        assert_eq!(parse("id:ORD…").only_id(), None);
        assert_eq!(parse("id:ORD... group:\"g…\" queue:a*").to_string(), "id:ORD… group:\"g…\" queue:a*");
    }

    #[test]
    fn times_are_points_or_spans() {
        let at = |text: &str| match &parse(text).filters[0].test {
            Test::Since(b) | Test::Until(b) => b.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("since:15m"), Millis(NOW.0 - 900_000));
        assert_eq!(at("since:2026-01-02").iso(), "2026-01-02T00:00:00.000Z");
        assert_eq!(at("until:2026-01-02").iso(), "2026-01-02T23:59:59.999Z");
        assert_eq!(at("until:2026-01-02T03:04").iso(), "2026-01-02T03:04:59.999Z");
        assert_eq!(at("until:\"2026-01-02 03:04:05.678\"").iso(), "2026-01-02T03:04:05.678Z");
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_place() {
        for (text, at, len) in [
            ("a since:yesterday b", 2, 15),
            ("state:broken", 0, 12),
            ("x queue:", 2, 6),
            ("until:2026-13-01", 0, 16),
            ("since:99999999999999999999d", 0, 27),
            ("since:é", 0, 8),
            ("a \"b", 2, 2),
        ] {
            let q = parse(text);
            assert_eq!(q.problems.iter().map(|p| (p.at, p.len)).collect::<Vec<_>>(), [(at, len)], "{text}");
        }
        assert_eq!(parse("a \"b c").terms[1].text, "b c");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(text in r#"((-?(queue|state|class|ERROR|id|group|since|until|foo):)?("[a-c \\"*:é….-]{0,6}"?|[a-c\\"*:é%_?….-]{0,5}|[a-c*]?(…|[.]{2,4})|failed|3d|2026-01-02)[ \n]?){0,6}"#) {
            let q = parse(&text);
            let again = parse(&q.to_string());
            proptest::prop_assert_eq!(&again.filters, &q.filters, "{} -> {}", text, q.to_string());
            proptest::prop_assert_eq!(&again.terms, &q.terms, "{} -> {}", text, q.to_string());
            proptest::prop_assert!(again.problems.is_empty());
        }

        #[test]
        fn problems_lie_within_the_text(text in "[a-z:\" é-]{0,20}") {
            for p in parse(&text).problems {
                proptest::prop_assert!(text.get(p.at..p.at + p.len).is_some());
            }
        }
    }
}
