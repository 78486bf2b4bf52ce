//! Members of the top-level object: found in whole text and in text that was cut off, read, and edited byte by byte.

use super::{
    JsonError, Kind, decode,
    walk::{Event, walk},
};
use std::ops::Range;

/// One member of the top-level object: byte ranges into the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// With its quotes.
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// Members of the top-level object in their order, duplicates included; an error when the text is anything else.
pub fn members(text: &str) -> Result<Vec<Member>, JsonError> {
    let (is_object, found, end) = top(text);
    end?;
    if is_object { Ok(found) } else { Err(JsonError { at: 0, what: "an object is expected" }) }
}

/// The members that a text cut off at its end still shows: those that are whole.
pub fn leading_members(text: &str) -> Vec<Member> {
    // The error at the cut is expected: what came before it counts.
    top(text).1
}

/// Whether the text begins with an object, the whole members of that object, and how the reading ended.
fn top(text: &str) -> (bool, Vec<Member>, Result<(), JsonError>) {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let mut key = 0..0;
    let mut start = 0;
    let mut is_object = false;
    let end = walk(text, |event| {
        match event {
            Event::Open { kind, at } => {
                if depth == 0 {
                    is_object = kind == Kind::Object;
                    if !is_object {
                        return false;
                    }
                } else if depth == 1 {
                    start = at;
                }
                depth += 1;
            }
            Event::Close { end } => {
                depth -= 1;
                if depth == 1 {
                    found.push(Member { key: key.clone(), value: start..end });
                }
            }
            Event::Key { span } if depth == 1 => key = span,
            Event::Key { .. } => {}
            // A number that touches the end of a cut text may go on behind it.
            Event::Scalar { span, .. } if depth == 1 && span.end < text.len() => found.push(Member { key: key.clone(), value: span }),
            Event::Scalar { .. } => {}
        }
        true
    });
    (is_object, found, end)
}

/// The members that a text cut off at its START still shows, read backwards from the closing brace: those that are whole.
///
/// Backwards, a quote ends or begins a string exactly when an even number of backslashes stands before it, so this is exact
/// for text whose uncut form is valid JSON.
pub fn trailing_members(text: &str) -> Vec<Member> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let end = text.trim_end().len();
    if end == 0 || bytes[end - 1] != b'}' {
        return found;
    }
    let (mut at, mut depth) = (end - 1, 0usize);
    let mut value_end = at;
    let mut value_start = None;
    // Walk left; at depth 0 a colon splits key from value, a comma or the opening brace ends a member.
    while at > 0 {
        at -= 1;
        match bytes[at] {
            b'"' => {
                let Some(open) = string_start(bytes, at) else { break };
                if let (0, Some(start)) = (depth, value_start) {
                    let value = trimmed(text, start..value_end);
                    found.push(Member { key: open..at + 1, value });
                    value_start = None;
                }
                at = open;
            }
            b'}' | b']' => depth += 1,
            b'{' | b'[' if depth == 0 => break,
            b'{' | b'[' => depth -= 1,
            b':' if depth == 0 => value_start = Some(at + 1),
            // A colon without a key before it, in text that is no JSON after all, belongs to no member.
            b',' if depth == 0 => (value_end, value_start) = (at, None),
            _ => {}
        }
    }
    found.reverse();
    found
}

fn string_start(bytes: &[u8], close: usize) -> Option<usize> {
    let mut at = close;
    loop {
        at = bytes[..at].iter().rposition(|b| *b == b'"')?;
        let slashes = bytes[..at].iter().rev().take_while(|b| **b == b'\\').count();
        // Backslashes that reach the cut may go on before it: unknown, so not a start.
        if slashes == at && slashes > 0 {
            return None;
        }
        if slashes % 2 == 0 {
            return Some(at);
        }
    }
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// Whether a key span says `name`, however it is escaped.
pub fn key_is(text: &str, key: &Range<usize>, name: &str) -> bool {
    let raw = &text[key.clone()];
    if raw.contains('\\') { decode(raw).as_deref() == Some(name) } else { raw.get(1..raw.len() - 1) == Some(name) }
}

/// Raw text of a member's value; of duplicates the last, as JavaScript reads it.
pub fn field<'a>(text: &'a str, members: &[Member], name: &str) -> Option<&'a str> {
    members.iter().rev().find(|m| key_is(text, &m.key, name)).map(|m| &text[m.value.clone()])
}

/// `text` without the members named in `cut`, with `set` replaced (every duplicate) or appended; every other byte stays.
pub fn edit(text: &str, cut: &[&str], set: Option<(&str, &str)>) -> Result<String, JsonError> {
    let all = members(text)?;
    let is_cut = |m: &Member| cut.iter().any(|name| key_is(text, &m.key, name));
    let mut out = String::with_capacity(text.len() + 16);
    let mut set_done = set.is_none();
    let mut wrote = false;
    // Everything up to the first key: `{` and spaces.
    out.push_str(&text[..all.first().map_or_else(|| text.rfind('}').unwrap_or(text.len()), |m| m.key.start)]);
    for (i, member) in all.iter().enumerate() {
        if is_cut(member) {
            continue;
        }
        if wrote {
            // The comma that stood before this member, with its spaces.
            out.push_str(&text[all[i - 1].value.end..member.key.start]);
        }
        wrote = true;
        out.push_str(&text[member.key.start..member.value.start]);
        match set {
            Some((name, value)) if key_is(text, &member.key, name) => {
                set_done = true;
                out.push_str(value);
            }
            _ => out.push_str(&text[member.value.clone()]),
        }
    }
    if let (false, Some((name, value))) = (set_done, set) {
        if wrote {
            out.push(',');
        }
        out.push_str(&format!("\"{name}\":{value}"));
    }
    out.push_str(&text[all.last().map_or_else(|| text.rfind('}').unwrap_or(text.len()), |m| m.value.end)..]);
    Ok(out)
}
