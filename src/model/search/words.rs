//! How free text finds a text: the one definition, for the live scan, the archive's index and the highlighting in the browser.
//!
//! A term is found where it stands, letter for letter but for case, at the start of a word. A word starts where a run of
//! letters and digits does, and inside a run where the case or the kind changes: `PaymentTimeout` is found by `timeout`,
//! `ORD-1001` by `1001`. A term that begins with another character is found anywhere. Nothing is a wildcard.

use std::ops::Range;

/// Starts that count inside one run of letters and digits. More are noise (Base64, hashes) and would swell an index.
pub const INNER_STARTS: usize = 8;
/// A word of the index holds at most this many characters. A longer word of a query is looked up by as many of them, and what
/// comes of it is compared in full.
pub const WORD_CHARS: usize = 80;

/// One character in lower case as one character: positions and the border between words stay what they are.
pub fn fold(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

/// Where words start, as byte positions.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let (mut before, mut inner) = (None::<char>, 0);
    text.char_indices().filter_map(move |(at, c)| {
        let previous = before.replace(c);
        if !c.is_alphanumeric() {
            return None;
        }
        let Some(p) = previous.filter(|p| p.is_alphanumeric()) else {
            inner = 0;
            return Some(at);
        };
        let next = || text[at + c.len_utf8()..].chars().next();
        let changes = p.is_numeric() != c.is_numeric() || c.is_uppercase() && (!p.is_uppercase() || next().is_some_and(char::is_lowercase));
        if !changes || inner == INNER_STARTS {
            return None;
        }
        inner += 1;
        Some(at)
    })
}

/// Where a term is found first, as a byte range of the text.
pub fn find(term: &str, text: &str) -> Option<Range<usize>> {
    let first = term.chars().next()?;
    let here = |at: usize| {
        let mut rest = text[at..].chars();
        for c in term.chars() {
            if rest.next().map(fold) != Some(fold(c)) {
                return None;
            }
        }
        Some(at..text.len() - rest.as_str().len())
    };
    if first.is_alphanumeric() { starts(text).find_map(here) } else { text.char_indices().find_map(|(at, _)| here(at)) }
}

pub fn matches(term: &str, text: &str) -> bool {
    find(term, text).is_some()
}

/// What an index keeps of a text: every word from its start to the end of its run, in lower case.
pub fn index_words(text: &str) -> impl Iterator<Item = String> {
    starts(text).map(|at| word(&text[at..]))
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric()).take(WORD_CHARS).map(fold).collect()
}

/// A word that the index of every text with the term holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    pub word: String,
    /// The index may hold a longer word that begins with it.
    pub prefix: bool,
}

/// What to ask an index for: a text that lacks one of these cannot match. None for a term without letters and digits.
pub fn needles(term: &str) -> Vec<Needle> {
    let mut found = Vec::new();
    let mut rest = term.trim_start_matches(|c: char| !c.is_alphanumeric());
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_alphanumeric());
        let run = &rest[..end.unwrap_or(rest.len())];
        // At the end of the term the text may go on; what is cut may go on anywhere.
        let prefix = end.is_none() || run.chars().nth(WORD_CHARS).is_some();
        found.push(Needle { word: word(run), prefix });
        rest = rest[run.len()..].trim_start_matches(|c: char| !c.is_alphanumeric());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_start_where_a_reader_sees_one() {
        for (term, text) in [
            ("timeout", "PaymentTimeout"),
            ("1001", "ORD-1001"),
            ("foobaz", "MyFooBaz"),
            ("server", "HTTPServer"),
            ("http", "HTTPServer"),
            ("42", "order42b"),
            ("b", "order42b"),
            ("gateway did not", "the Gateway did not answer"),
            ("%", "100% sure"),
            ("% sure", "100% sure"),
            ("_id", "order_id"),
            ("*", "a*b"),
            ("straße", "Große STRAßE"),
            ("привет", "ПРИВЕТ, мир"),
            ("istanbul", "İstanbul"),
            ("did", "it\ndid"),
        ] {
            assert!(matches(term, text), "{term} in {text}");
        }
        for (term, text) in [
            ("imeout", "PaymentTimeout"),
            ("001", "ORD-1001"),
            ("way", "gateway"),
            ("a%c", "abc"),
            ("a_c", "abc"),
            ("a*", "abc"),
            ("", "abc"),
            ("abc", ""),
            ("abcd", "abc"),
        ] {
            assert!(!matches(term, text), "{term} in {text}");
        }
    }

    #[test]
    fn a_range_is_of_the_text_itself() {
        let text = "Große STRAßE";
        let found = find("straße", text).expect("there");
        assert_eq!(&text[found], "STRAßE");
    }

    #[test]
    fn a_run_has_so_many_starts() {
        let hash = "1a2b3c4d5e6f7g8h9i";
        assert_eq!(index_words(hash).count(), 1 + INNER_STARTS);
        assert!(matches("5e6f", hash) && !matches("6f7g", hash));
        assert_eq!(index_words("MyFooBaz, x").collect::<Vec<_>>(), ["myfoobaz", "foobaz", "baz", "x"]);
    }

    #[test]
    fn needles_are_words_and_the_last_may_go_on() {
        let needle = |word: &str, prefix| Needle { word: word.into(), prefix };
        assert_eq!(needles("Gateway did"), [needle("gateway", false), needle("did", true)]);
        assert_eq!(needles("-a!"), [needle("a", false)]);
        assert_eq!(needles("%_*"), []);
        assert_eq!(needles(&"x".repeat(100)), [needle(&"x".repeat(80), true)]);
    }

    /// `find` compares character by character, `needles` splits at what is no letter: folding must not change that.
    #[test]
    fn folding_keeps_what_is_a_letter() {
        for c in ('\0'..=char::MAX).filter(|c| fold(*c) != *c) {
            assert_eq!(fold(c).is_alphanumeric(), c.is_alphanumeric(), "{c:?}");
            assert_eq!(fold(fold(c)), fold(c), "{c:?}");
        }
    }

    /// Texts and terms that are likely to meet: the term is a piece of the text, in another case.
    fn text_and_term() -> impl Strategy<Value = (String, String)> {
        ("[a-cA-C0-2 \\-_%.éÉßİ日]{0,40}|[aA1]{60,200}", any::<(prop::sample::Index, prop::sample::Index, bool)>()).prop_map(
            |(text, (a, b, upper))| {
                let chars: Vec<char> = text.chars().collect();
                let (a, b) = if chars.is_empty() { (0, 0) } else { (a.index(chars.len()), b.index(chars.len()) + 1) };
                let piece: String = chars[a.min(b)..a.max(b)].iter().collect();
                (text, if upper { piece.to_uppercase() } else { piece })
            },
        )
    }

    proptest! {
        /// What makes a search by index exact: it brings every text that matches, and what it brings is compared again.
        #[test]
        fn the_index_misses_nothing((text, term) in text_and_term()) {
            let words: Vec<String> = index_words(&text).collect();
            if matches(&term, &text) {
                for needle in needles(&term) {
                    let hit = |w: &String| if needle.prefix { w.starts_with(&needle.word) } else { *w == needle.word };
                    prop_assert!(words.iter().any(hit), "{needle:?} of {term:?} in {words:?}");
                }
            }
        }

        #[test]
        fn what_stands_at_a_start_is_found((text, term) in text_and_term()) {
            if let Some(at) = find(&term, &text) {
                let same = |a: &str| a.chars().map(fold).collect::<String>();
                prop_assert_eq!(same(&text[at]), same(&term));
            }
            let whole = text.trim();
            prop_assert!(whole.is_empty() || matches(whole, &text));
        }
    }
}
