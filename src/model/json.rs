//! JSON text without loss: byte-exact edits of top-level members, and rows for the payload tree.
//!
//! A parsed-and-printed payload would lose integers beyond 2^53, duplicate keys, spacing and escapes. So nothing here builds
//! a value: one pass over the bytes checks the grammar of RFC 8259 and remembers where things start and end. It uses no
//! recursion, so nesting depth is limited by memory only.

use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {at}: {what}")]
pub struct JsonError {
    pub at: usize,
    pub what: &'static str,
}

/// One member of the top-level object: byte ranges into the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// With its quotes.
    pub key: Range<usize>,
    pub value: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// What [`walk`] meets, in order.
enum Event {
    Open { kind: Kind, at: usize },
    Close { end: usize },
    Key { span: Range<usize> },
    Scalar { kind: Kind, span: Range<usize> },
}

/// One line of the payload tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    pub depth: usize,
    /// Object key, decoded; index in an array; `None` at the root.
    pub key: Option<String>,
    pub kind: Kind,
    /// Raw text of a scalar (numbers digit by digit), empty for containers.
    pub text: String,
    /// Direct children of a container.
    pub children: usize,
    /// Rows that follow and belong to it.
    pub descendants: usize,
    /// `decoded from a JSON string`, `exact, 19 digits`.
    pub note: Option<String>,
}

const OPEN_STRING: &str = "a string does not end";
const ODD_ESCAPE: &str = "an unknown escape";

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError { at: self.at, what })
    }

    fn space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn string(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return self.fail(OPEN_STRING),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at);
                }
                Some(b'\\') => match self.bytes.get(self.at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
                    Some(b'u') if self.bytes.get(self.at + 2..self.at + 6).is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) => {
                        self.at += 6
                    }
                    _ => return self.fail(ODD_ESCAPE),
                },
                Some(0..=0x1f) => return self.fail("a control character in a string"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { self.fail("a digit is missing") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(start..self.at)
    }

    fn word(&mut self, word: &'static str) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        if self.bytes[start..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(start..self.at)
        } else {
            self.fail("a value is expected")
        }
    }

    fn scalar(&mut self) -> Result<(Kind, Range<usize>), JsonError> {
        match self.peek() {
            Some(b'"') => Ok((Kind::String, self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok((Kind::Number, self.number()?)),
            Some(b't') => Ok((Kind::Bool, self.word("true")?)),
            Some(b'f') => Ok((Kind::Bool, self.word("false")?)),
            Some(b'n') => Ok((Kind::Null, self.word("null")?)),
            Some(_) => self.fail("a value is expected"),
            None => self.fail("the text ends too early"),
        }
    }
}

/// Reads one JSON text and nothing behind it. `on` returns false to stop early.
fn walk(text: &str, mut on: impl FnMut(Event) -> bool) -> Result<(), JsonError> {
    let mut s = Scan { bytes: text.as_bytes(), at: 0 };
    let mut open: Vec<Kind> = Vec::new();
    loop {
        // A value is expected here.
        s.space();
        let opened = match s.peek() {
            Some(b'{') => Some(Kind::Object),
            Some(b'[') => Some(Kind::Array),
            _ => None,
        };
        let go_on = if let Some(kind) = opened {
            let at = s.at;
            s.at += 1;
            open.push(kind);
            on(Event::Open { kind, at })
        } else {
            let (kind, span) = s.scalar()?;
            on(Event::Scalar { kind, span })
        };
        if !go_on {
            return Ok(());
        }
        let mut fresh = opened.is_some();
        // Close what ends here, then step to the next value.
        loop {
            s.space();
            let Some(container) = open.last().copied() else {
                return if s.at == s.bytes.len() { Ok(()) } else { s.fail("something follows the value") };
            };
            let close = if container == Kind::Object { b'}' } else { b']' };
            match s.peek() {
                Some(b) if b == close => {
                    s.at += 1;
                    open.pop();
                    fresh = false;
                    if !on(Event::Close { end: s.at }) {
                        return Ok(());
                    }
                    continue;
                }
                Some(b',') if !fresh => s.at += 1,
                Some(_) if fresh => {}
                Some(_) => return s.fail("a comma or the end is expected"),
                None => return s.fail("the text ends too early"),
            }
            if container == Kind::Object {
                s.space();
                if s.peek() != Some(b'"') {
                    return s.fail("a key is expected");
                }
                let span = s.string()?;
                s.space();
                if s.peek() != Some(b':') {
                    return s.fail("a colon is expected");
                }
                s.at += 1;
                if !on(Event::Key { span }) {
                    return Ok(());
                }
            }
            break;
        }
    }
}

/// Whether the text is JSON at all.
pub fn is_valid(text: &str) -> bool {
    walk(text, |_| true).is_ok()
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
            b',' if depth == 0 => value_end = at,
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

/// The decoded text of a JSON string with its quotes; lone surrogates become U+FFFD.
pub fn decode(raw: &str) -> Option<String> {
    if !raw.starts_with('"') {
        return None;
    }
    if let Ok(text) = serde_json::from_str(raw) {
        return Some(text);
    }
    // serde_json refuses lone surrogates, which JavaScript writes.
    let mut units: Vec<u16> = Vec::new();
    let mut rest = raw.get(1..raw.len().checked_sub(1)?)?;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        let e = rest.chars().next()?;
        rest = &rest[e.len_utf8()..];
        let unit = match e {
            'u' => {
                let unit = u16::from_str_radix(rest.get(..4)?, 16).ok()?;
                rest = &rest[4..];
                unit
            }
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            other => other as u16,
        };
        units.push(unit);
    }
    Some(String::from_utf16_lossy(&units))
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

/// One string, number or literal of a text.
pub struct Scalar<'a> {
    /// Of those that stand directly in the top-level object, with its quotes.
    pub key: Option<&'a str>,
    pub kind: Kind,
    /// Where it begins.
    pub at: usize,
    pub raw: &'a str,
}

/// Hands every scalar to `on`, in order, until it returns false. With `cut`, the text may end anywhere: a string that it ends
/// in counts as far as it goes, and ending there is no error.
pub fn scalars(text: &str, cut: bool, mut on: impl FnMut(Scalar) -> bool) -> Result<(), JsonError> {
    let mut repaired = String::new();
    let text = match walk(text, |_| cut) {
        // At most an escape cut in two stands behind the last whole character: five bytes of it.
        Err(e) if cut && (e.what == OPEN_STRING || e.what == ODD_ESCAPE) && e.at + 6 >= text.len() => {
            repaired.push_str(&text[..e.at]);
            repaired.push('"');
            repaired.as_str()
        }
        _ => text,
    };
    let (mut depth, mut key) = (0usize, None);
    let read = walk(text, |event| {
        match event {
            Event::Open { .. } => depth += 1,
            Event::Close { .. } => depth -= 1,
            Event::Key { span } if depth == 1 => key = Some(span),
            Event::Key { .. } => {}
            Event::Scalar { kind, span } => {
                let key = key.as_ref().filter(|_| depth == 1).map(|k| &text[k.clone()]);
                return on(Scalar { key, kind, at: span.start, raw: &text[span] });
            }
        }
        true
    });
    // The longest word that may be cut is `false`.
    read.or_else(|e| if cut && e.at + 6 >= text.len() { Ok(()) } else { Err(e) })
}

/// Rows of the payload tree, at most `limit`; whether more follow. The string field `data` at depth 1 is opened when it holds JSON.
pub fn tree(text: &str, limit: usize) -> Result<(Vec<TreeRow>, bool), JsonError> {
    let mut rows = Vec::new();
    let more = grow(text, 0, None, limit, &mut rows)?;
    Ok((rows, more))
}

fn grow(text: &str, base: usize, root_key: Option<String>, limit: usize, rows: &mut Vec<TreeRow>) -> Result<bool, JsonError> {
    // Path of (row of the container, children so far).
    let mut path: Vec<usize> = Vec::new();
    let mut key: Option<String> = root_key;
    let mut more = false;
    let first = rows.len();
    walk(text, |event| {
        if rows.len() >= limit {
            more = true;
            return false;
        }
        let index_key = |rows: &mut Vec<TreeRow>, path: &[usize], key: &mut Option<String>| {
            let Some(parent) = path.last() else { return key.take() };
            rows[*parent].children += 1;
            if rows[*parent].kind == Kind::Array { Some((rows[*parent].children - 1).to_string()) } else { key.take() }
        };
        match event {
            Event::Key { span } => key = decode(&text[span]),
            Event::Open { kind, .. } => {
                let key = index_key(rows, &path, &mut key);
                rows.push(TreeRow { depth: base + path.len(), key, kind, text: String::new(), children: 0, descendants: 0, note: None });
                path.push(rows.len() - 1);
            }
            Event::Close { .. } => {
                if let Some(row) = path.pop() {
                    rows[row].descendants = rows.len() - 1 - row;
                }
            }
            Event::Scalar { kind, span } => {
                let key = index_key(rows, &path, &mut key);
                let raw = &text[span];
                let depth = base + path.len();
                if kind == Kind::String && depth == 1 && key.as_deref() == Some("data") {
                    let mut nested = Vec::new();
                    if let Some(Ok(cut)) = decode(raw)
                        .filter(|t| t.trim_start().starts_with(['{', '[']))
                        .map(|t| grow(&t, depth, key.clone(), limit - rows.len(), &mut nested))
                    {
                        more |= cut;
                        if let Some(top) = nested.first_mut() {
                            top.note = Some("decoded from a JSON string".into());
                        }
                        // `grow` counted rows from 0: descendants are relative, so they stay true.
                        rows.append(&mut nested);
                        return true;
                    }
                }
                let digits = raw.bytes().filter(u8::is_ascii_digit).count();
                let note =
                    (kind == Kind::Number && digits > 15 && !raw.contains(['.', 'e', 'E'])).then(|| format!("exact, {digits} digits"));
                rows.push(TreeRow { depth, key, kind, text: raw.into(), children: 0, descendants: 0, note });
            }
        }
        true
    })?;
    // Containers cut by the limit never closed.
    for row in path {
        rows[row].descendants = rows.len() - 1 - row;
    }
    debug_assert!(rows.len() >= first);
    Ok(more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_every_other_byte() {
        let cases = [
            (r#"{"id":"a","attempts":3,"error":"x","failedAt":1}"#, r#"{"id":"a","attempts":0}"#),
            (r#"{"error":"x","id":"a"}"#, r#"{"id":"a","attempts":0}"#),
            (
                r#"{ "id" : "a" , "error" : {"n":[1,{}]} , "tags" : [] , "n" : 9007199254740993 }"#,
                r#"{ "id" : "a" , "tags" : [] , "n" : 9007199254740993,"attempts":0 }"#,
            ),
            (r#"{"error":1}"#, r#"{"attempts":0}"#),
            ("{}", r#"{"attempts":0}"#),
            (" { } ", r#" { "attempts":0} "#),
            (r#"{"attempts":1,"attempts":2,"b":1.50e3}"#, r#"{"attempts":0,"attempts":0,"b":1.50e3}"#),
            (r#"{"\u0065rror":"x","a":"\ud800"}"#, r#"{"a":"\ud800","attempts":0}"#),
            (r#"{"nested":{"error":"stays"},"delaySeconds":4}"#, r#"{"nested":{"error":"stays"},"attempts":0}"#),
        ];
        for (before, after) in cases {
            assert_eq!(edit(before, &["error", "failedAt", "delaySeconds"], Some(("attempts", "0"))).as_deref(), Ok(after));
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        for bad in [
            "",
            "{",
            "[1]",
            "nope",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":01}"#,
            r#"{"a":1} x"#,
            "{'a':1}",
            r#"{"a":"\x"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":1 "b":2}"#,
            "{,}",
            r#"{"a":tru}"#,
            r#""text""#,
            "[1,]",
        ] {
            assert!(members(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn depth_has_no_limit() {
        let deep = format!("{{\"a\":{}{},\"b\":1}}", "[".repeat(200_000), "]".repeat(200_000));
        let all = members(&deep).expect("valid");
        assert_eq!(field(&deep, &all, "b"), Some("1"));
    }

    #[test]
    fn cut_text_shows_whole_members_only() {
        let text =
            r#"{"id":"a","data":"{\"x\":\"attempts\\\":9\"}","n":{"error":"no"},"attempts":3,"error":"say \"hi\" \\","failedAt":17}"#;
        let head = &text[..30];
        let names = |t: &str, m: &[Member]| m.iter().map(|m| t[m.key.clone()].to_string()).collect::<Vec<_>>();
        assert_eq!(names(head, &leading_members(head)), ["\"id\""]);
        for start in 1..text.len() - 1 {
            let tail = &text[start..];
            let all = trailing_members(tail);
            for m in &all {
                let whole = members(text).expect("valid");
                assert!(
                    whole.iter().any(|w| w.key.start == m.key.start + start && w.value == (m.value.start + start..m.value.end + start)),
                    "cut at {start}: {m:?}"
                );
            }
            if start < text.find("\"attempts\"").expect("there") {
                assert_eq!(field(tail, &all, "error").and_then(decode).as_deref(), Some("say \"hi\" \\"));
                assert_eq!(field(tail, &all, "failedAt"), Some("17"));
            }
        }
    }

    #[test]
    fn tree_opens_data_and_keeps_digits() {
        let (rows, more) = tree(r#"{"data":"{\"class\":\"A\",\"list\":[1,[]]}","big":9007199254740993123}"#, 100).expect("valid");
        assert!(!more);
        let lines: Vec<_> =
            rows.iter().map(|r| (r.depth, r.key.as_deref().unwrap_or(""), r.text.as_str(), r.children, r.descendants)).collect();
        assert_eq!(
            lines,
            [
                (0, "", "", 2, 6),
                (1, "data", "", 2, 4),
                (2, "class", "\"A\"", 0, 0),
                (2, "list", "", 2, 2),
                (3, "0", "1", 0, 0),
                (3, "1", "", 0, 0),
                (1, "big", "9007199254740993123", 0, 0)
            ]
        );
        assert_eq!(rows[6].note.as_deref(), Some("exact, 19 digits"));
        assert_eq!(rows[1].note.as_deref(), Some("decoded from a JSON string"));
        assert!(tree(r#"{"a":[1,2,3]}"#, 3).expect("valid").1);
    }

    #[test]
    fn scalars_of_a_cut_text_go_as_far_as_it_does() {
        let text = r#"{"id":"a","n":[-1.5e3,true],"data":"say \"hé\u00e9\ud800\" "}"#;
        let read = |text: &str, cut| {
            let mut found = Vec::new();
            let end = scalars(text, cut, |s| {
                found.push((s.key.map(str::to_owned), decode(s.raw).unwrap_or_else(|| s.raw.to_owned())));
                true
            });
            (found, end)
        };
        let whole = read(text, false);
        assert_eq!(whole.0.iter().map(|(k, _)| k.as_deref()).collect::<Vec<_>>(), [Some("\"id\""), None, None, Some("\"data\"")]);
        assert!(whole.1.is_ok());
        for at in (1..text.len()).filter(|at| text.is_char_boundary(*at)) {
            let (found, end) = read(&text[..at], true);
            assert!(end.is_ok(), "{}", &text[..at]);
            assert!(found.iter().zip(&whole.0).all(|(part, whole)| whole.1.starts_with(&part.1)), "{}", &text[..at]);
            assert!(read(&text[..at], false).1.is_err());
        }
        assert!(read("{nope, and much more behind it", true).1.is_err());
    }

    #[test]
    fn lone_surrogates_decode() {
        assert_eq!(decode(r#""a\ud800b\n""#).as_deref(), Some("a\u{fffd}b\n"));
        assert_eq!(decode("17"), None);
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9a-c\\u. -]{0,24}"#) {
            let ours = walk(&text, |_| true).is_ok();
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            proptest::prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
}
