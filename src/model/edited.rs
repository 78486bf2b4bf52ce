//! A payload as an operator edits it: laid out to be read, and byte for byte what it was wherever it is not changed.

use super::json;

/// The text of an editor, and what of the layout is taken back when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    raw: String,
    /// What stands in the editor at first.
    pub text: String,
    /// The payload had no spaces between its parts: what the layout put there goes again.
    laid_out: bool,
    /// `data` is a string that holds JSON, and stands there as that JSON.
    pub unfolded: bool,
}

/// What is wrong with a text that should be a JSON object; lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}, column {column}: {what}.")]
pub struct Misplaced {
    pub line: usize,
    pub column: usize,
    pub what: &'static str,
}

impl Draft {
    pub fn of(raw: &str) -> Self {
        let flat = unfold(raw);
        let unfolded = flat.is_some();
        let flat = flat.unwrap_or_else(|| raw.to_owned());
        let laid_out = json::members(raw).is_ok() && compact(&flat) == flat;
        let text = if laid_out { indent(&flat) } else { flat };
        let draft = Self { raw: raw.to_owned(), text, laid_out, unfolded };
        // Nothing above is worth a changed byte: what would not come back whole is edited as it is.
        if draft.taken_back(&draft.text).as_deref() == Ok(raw) {
            return draft;
        }
        Self { raw: raw.to_owned(), text: raw.to_owned(), laid_out: false, unfolded: false }
    }

    /// The payload that the text stands for.
    pub fn payload(&self, text: &str) -> Result<String, Misplaced> {
        // A text field turns every end of line into LF: what was not touched is sent as it was.
        if text == self.text || text == self.text.replace("\r\n", "\n").replace('\r', "\n") {
            return Ok(self.raw.clone());
        }
        self.taken_back(text)
    }

    fn taken_back(&self, text: &str) -> Result<String, Misplaced> {
        json::members(text).map_err(|error| misplaced(text, &error))?;
        let text = if self.laid_out { compact(text) } else { text.to_owned() };
        if !self.unfolded {
            return Ok(text);
        }
        Ok(fold(&text).unwrap_or(text))
    }
}

fn misplaced(text: &str, error: &json::JsonError) -> Misplaced {
    let before = &text[..text.floor_char_boundary(error.at.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Misplaced { line, column, what: error.what }
}

/// The payload with `data` as the object that its string holds; `None` where writing it again would give another string.
fn unfold(raw: &str) -> Option<String> {
    let data = data_of(raw)?;
    let inner = json::decode(&raw[data.clone()])?;
    json::members(&inner).ok()?;
    Some(format!("{}{inner}{}", &raw[..data.start], &raw[data.end..]))
}

/// The way back.
fn fold(text: &str) -> Option<String> {
    let data = data_of(text)?;
    let inner = &text[data.clone()];
    // Somebody who wrote a string there meant it.
    if !inner.starts_with(['{', '[']) {
        return None;
    }
    Some(format!("{}{}{}", &text[..data.start], serde_json::to_string(inner).ok()?, &text[data.end..]))
}

fn data_of(text: &str) -> Option<std::ops::Range<usize>> {
    let members = json::members(text).ok()?;
    let mut named = members.into_iter().filter(|m| json::key_is(text, &m.key, "data"));
    // Of several it would not be clear which is meant.
    let data = named.next()?;
    if named.next().is_some() { None } else { Some(data.value) }
}

/// Valid JSON without the spaces between its parts.
fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    parts(text, |part, _| out.push_str(part));
    out
}

/// Compact JSON with a line for every member and item.
fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push_str("  "));
    };
    parts(text, |part, next| match part {
        "{" | "[" => {
            out.push_str(part);
            depth += 1;
            if !matches!(next, Some('}' | ']')) {
                line(&mut out, depth);
            }
        }
        "}" | "]" => {
            depth = depth.saturating_sub(1);
            if !out.ends_with(['{', '[']) {
                line(&mut out, depth);
            }
            out.push_str(part);
        }
        "," => {
            out.push_str(part);
            line(&mut out, depth);
        }
        ":" => out.push_str(": "),
        other => out.push_str(other),
    });
    out
}

/// Strings, marks and the rest of valid JSON, each with the character behind it.
fn parts<'a>(text: &'a str, mut each: impl FnMut(&'a str, Option<char>)) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let n = match c {
            ' ' | '\t' | '\n' | '\r' => {
                rest = &rest[1..];
                continue;
            }
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find(|c: char| c.is_ascii_whitespace() || "\"{}[],:".contains(c)).unwrap_or(rest.len()),
        };
        let (part, after) = rest.split_at(n.max(c.len_utf8()));
        each(part, after.trim_start().chars().next());
        rest = after;
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAW: &str = r#"{"id":"ORD-1","type":"class","data":"{\"class\":\"A\",\"properties\":{\"n\":9007199254740993123,\"to\":\"a\\\"b é\",\"tags\":[]}}","attempts":3,"x":{}}"#;

    #[test]
    fn what_is_not_touched_stays_byte_for_byte() {
        for raw in [
            RAW,
            "{}",
            r#"{"a":1e400,"a":[1,{"b":[]}],"\u0061":" , : "}"#,
            "{ \"id\" : \"spaced\",\r\n \"data\":\"{\\\"a\\\":1}\" }",
            // As PHP writes it: escapes that would not come back.
            r#"{"data":"{\"url\":\"http:\/\/x\"}","id":17}"#,
            r#"{"data":"{\"lone\":\"\ud800\"}","data":"twice"}"#,
            "no JSON at all",
        ] {
            let draft = Draft::of(raw);
            assert_eq!(draft.payload(&draft.text).as_deref(), Ok(raw), "{draft:?}");
            assert_eq!(draft.payload(&draft.text.replace("\r\n", "\n")).as_deref(), Ok(raw));
        }
    }

    #[test]
    fn a_change_changes_what_it_changes() {
        let draft = Draft::of(RAW);
        assert!(draft.unfolded && draft.text.contains("\n      \"n\": 9007199254740993123,\n"), "{}", draft.text);
        let payload = draft.payload(&draft.text.replace("a\\\"b", "c\\\"d")).expect("JSON");
        assert_eq!(payload, RAW.replace(r#"a\\\"b"#, r#"c\\\"d"#));
        // A string in its place is meant as one.
        let (before, rest) = draft.text.split_once("{\n    \"class\"").expect("unfolded");
        let after = &rest[rest.find("  },\n  \"attempts\"").expect("its end") + 3..];
        let payload = draft.payload(&format!("{before}\"plain\"{after}")).expect("JSON");
        assert_eq!(payload, r#"{"id":"ORD-1","type":"class","data":"plain","attempts":3,"x":{}}"#);
        // With spaces of its own it is edited as it stands.
        let spaced = Draft::of("{ \"a\" : 1 }");
        assert_eq!(spaced.payload("{ \"a\" : 2 }").as_deref(), Ok("{ \"a\" : 2 }"));
    }

    #[test]
    fn an_error_has_a_place() {
        let draft = Draft::of(r#"{"a":1}"#);
        let said = |text: &str| draft.payload(text).expect_err("no object").to_string();
        assert_eq!(said("{\n  \"é\": 1,\n}"), "Line 3, column 1: a key is expected.");
        assert!(said("[1]").starts_with("Line 1, column 1: an object is expected"), "{}", said("[1]"));
        assert!(said("").starts_with("Line 1, column 1: "));
    }
}
