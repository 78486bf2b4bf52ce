//! A query written so that it is read as the same again: filters first, then words.

use super::{
    Filter, Name, Query, Term, Test,
    parse::{ELLIPSES, filter_name},
};
use std::fmt;

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filters = self.filters.iter().map(Filter::to_string);
        for (i, part) in filters.chain(self.terms.iter().map(Term::to_string)).enumerate() {
            write!(f, "{}{part}", if i > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, value) = match &self.test {
            Test::Queue(name) => ("queue", name.to_string()),
            Test::State(state) => ("state", state.as_str().into()),
            Test::Class(text) => ("class", quoted(text, false)),
            Test::Error(text) => ("error", quoted(text, false)),
            Test::Signature(text) => ("signature", quoted(text, false)),
            Test::Id(name) => ("id", name.to_string()),
            Test::Group(name) => ("group", name.to_string()),
            Test::Since(bound) => ("since", quoted(&bound.written, false)),
            Test::Until(bound) => ("until", quoted(&bound.written, false)),
        };
        write!(f, "{}{word}:{value}", if self.negated { "-" } else { "" })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix {
            return write!(f, "{}…", self.text);
        }
        f.write_str(&quoted(&self.text, ELLIPSES.into_iter().any(|end| self.text.ends_with(end))))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let odd = filter_name(&self.text).is_some() || self.text.starts_with('-') && !(self.negated || self.text == "-");
        write!(f, "{}{}", if self.negated { "-" } else { "" }, quoted(&self.text, odd))
    }
}

/// In quotes where it must be.
fn quoted(text: &str, odd: bool) -> String {
    if !odd && !text.is_empty() && !text.starts_with('"') && !text.contains(char::is_whitespace) {
        return text.into();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
