//! The text of a job that a search looks through: what its payload says, without the names of its fields.

use crate::model::{
    json::{self, Kind, Scalar},
    number::bytes,
};
use std::{borrow::Cow, cell::OnceCell, ops::Range};

/// At most so much of a payload is read, and at most so much text comes of it.
pub const TEXT_BYTES: usize = 64 * 1024;
/// Of a larger payload, its first and its last bytes: the library writes `error` and `failedAt` at the end.
pub const HEAD_BYTES: usize = TEXT_BYTES - TAIL_BYTES;
pub const TAIL_BYTES: usize = 8 * 1024;
/// The same for people.
pub fn limits() -> String {
    let [most, head, tail] = [TEXT_BYTES, HEAD_BYTES, TAIL_BYTES].map(|n| bytes(n as u64));
    format!("Of a payload above {most} only the first {head} and the last {tail} are looked through.")
}

/// Beside a search that found nothing and was not whole.
pub const LEFT_OUT: &str = "Nothing in what could be searched; what was left out stands above.";

/// What an error, and an id or a class, may take of the text: the payload is to have its part.
const ERROR_BYTES: usize = 16 * 1024;
const NAME_BYTES: usize = 1024;

/// Id, class, error, then every string and number of the payload in its order, one a line; `data` decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    text: String,
    id: Range<usize>,
    class: Range<usize>,
    error: Range<usize>,
    /// The payload is longer than what was read.
    pub cut: bool,
}

impl Text {
    pub fn of(raw: &str) -> Self {
        if raw.len() <= TEXT_BYTES {
            return Self::read(raw, None);
        }
        let (head, tail) = (&raw[..raw.floor_char_boundary(HEAD_BYTES)], &raw[raw.ceil_char_boundary(raw.len() - TAIL_BYTES)..]);
        Self::read(head, Some(tail))
    }

    /// A payload of which the middle was not read: its first [`HEAD_BYTES`] and its last [`TAIL_BYTES`].
    pub fn of_ends(head: &str, tail: &str) -> Self {
        Self::read(head, Some(tail))
    }

    fn read(head: &str, tail: Option<&str>) -> Self {
        let cut = tail.is_some();
        let whole = if cut { Ok(json::leading_members(head)) } else { json::members(head) };
        let Ok(members) = whole else {
            return Self { text: head.into(), cut, ..Self::default() };
        };
        let last = tail.map(json::trailing_members).unwrap_or_default();
        let field = |name: &str| {
            let raw = tail.and_then(|t| json::field(t, &last, name)).or_else(|| json::field(head, &members, name))?;
            said(raw).filter(|text| !text.is_empty())
        };
        let mut out = Self { cut, ..Self::default() };
        out.id = field("id").map(|id| out.line(&id, NAME_BYTES)).unwrap_or_default();
        out.class = field("className").map(|class| out.line(&class, NAME_BYTES)).unwrap_or_default();
        let error = field("error");
        let said_error = error.is_some();
        out.error = error.or_else(|| field("failedReason")).map(|error| out.line(&error, ERROR_BYTES)).unwrap_or_default();
        // They have a line already.
        let shown: Vec<usize> = ["id", "className", if said_error { "error" } else { "failedReason" }]
            .into_iter()
            .filter_map(|name| members.iter().rev().find(|m| json::key_is(head, &m.key, name)).map(|m| m.value.clone()))
            .filter(|span| said(&head[span.clone()]).is_some())
            .map(|span| span.start)
            .collect();
        let read = json::scalars(head, cut, |s| s.key.is_some() && shown.contains(&s.at) || out.value(&s, cut));
        match read {
            Ok(()) => out,
            // Something else than JSON after all.
            Err(_) => Self { text: head.into(), cut, ..Self::default() },
        }
    }

    /// One string or number of the payload; false when there is no more room.
    fn value(&mut self, scalar: &Scalar, cut: bool) -> bool {
        match scalar.kind {
            Kind::Number => drop(self.line(scalar.raw, TEXT_BYTES)),
            Kind::String => {
                let Some(text) = json::decode(scalar.raw) else { return true };
                let nested = scalar.key.is_some_and(|k| json::key_is(k, &(0..k.len()), "data"));
                if !(nested && self.open(&text, cut)) {
                    self.line(&text, TEXT_BYTES);
                }
            }
            Kind::Object | Kind::Array | Kind::Bool | Kind::Null => {}
        }
        self.text.len() < TEXT_BYTES
    }

    /// The values of `data`, when it holds JSON and does not only look like it.
    fn open(&mut self, data: &str, cut: bool) -> bool {
        let before = self.text.len();
        let opened = data.trim_start().starts_with(['{', '['])
            && (cut || json::is_valid(data))
            && json::scalars(data, cut, |s| self.value(&Scalar { key: None, ..s }, cut)).is_ok();
        if !opened {
            self.text.truncate(before);
        }
        opened
    }

    /// Adds a line of at most so many bytes; where it stands.
    fn line(&mut self, line: &str, most: usize) -> Range<usize> {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        let room = most.min(TEXT_BYTES.saturating_sub(start));
        let part = &line[..line.floor_char_boundary(room)];
        self.cut |= part.len() < line.len();
        self.text.push_str(part);
        start..self.text.len()
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn id(&self) -> Option<&str> {
        Self::some(&self.text[self.id.clone()])
    }

    pub fn class(&self) -> Option<&str> {
        Self::some(&self.text[self.class.clone()])
    }

    pub fn error(&self) -> Option<&str> {
        Self::some(&self.text[self.error.clone()])
    }

    fn some(part: &str) -> Option<&str> {
        (!part.is_empty()).then_some(part)
    }

    /// What a place in the text belongs to.
    pub(super) fn part(&self, at: usize) -> (super::Field, Range<usize>) {
        use super::Field;
        let parts = [(Field::Id, &self.id), (Field::Class, &self.class), (Field::Error, &self.error)];
        parts.into_iter().find(|(_, span)| span.contains(&at)).map_or((Field::Payload, 0..self.text.len()), |(f, span)| (f, span.clone()))
    }
}

/// A string decoded, a number as its digits.
fn said(raw: &str) -> Option<String> {
    json::decode(raw).or_else(|| raw.starts_with(|c: char| c.is_ascii_digit() || c == '-').then(|| raw.to_owned()))
}

/// The text of a payload, made when it is first asked for.
pub struct LazyText<'a> {
    head: Cow<'a, str>,
    tail: Option<Cow<'a, str>>,
    made: OnceCell<Text>,
}

impl<'a> LazyText<'a> {
    pub fn new(raw: impl Into<Cow<'a, str>>) -> Self {
        Self { head: raw.into(), tail: None, made: OnceCell::new() }
    }

    /// See [`Text::of_ends`].
    pub fn of_ends(head: impl Into<Cow<'a, str>>, tail: impl Into<Cow<'a, str>>) -> Self {
        Self { head: head.into(), tail: Some(tail.into()), made: OnceCell::new() }
    }

    /// What it is, if somebody has asked for it.
    pub fn asked(&self) -> Option<&Text> {
        self.made.get()
    }

    pub fn get(&self) -> &Text {
        self.made.get_or_init(|| match &self.tail {
            None => Text::of(&self.head),
            Some(tail) => Text::of_ends(&self.head, tail),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_names_in_their_order() {
        let text = Text::of(
            r#"{"id":"ORD-1","type":"class","data":"{\"class\":\"Pay\",\"properties\":{\"n\":9007199254740993123,\"to\":[\"a@b.c\",true]}}","className":"Pay","error":"gateway \"x\"","failedAt":17}"#,
        );
        assert_eq!(text.as_str(), "ORD-1\nPay\ngateway \"x\"\nclass\nPay\n9007199254740993123\na@b.c\n17");
        assert_eq!((text.id(), text.class(), text.error(), text.cut), (Some("ORD-1"), Some("Pay"), Some("gateway \"x\""), false));
    }

    #[test]
    fn what_is_no_object_is_its_own_text() {
        for raw in ["nope", "[1,2]", "", "{\"id\":", "\"text\""] {
            assert_eq!(Text::of(raw).as_str(), raw);
        }
        assert_eq!(Text::of(r#"{"data":"{\"a\": oops"}"#).as_str(), "{\"a\": oops");
        assert_eq!(Text::of(r#"{"id":{"x":"deep"},"error":["e"]}"#).as_str(), "deep\ne");
    }

    #[test]
    fn a_huge_payload_is_read_at_its_ends() {
        let long = "word ".repeat(2_000_000);
        let raw =
            format!(r#"{{"id":"big","data":"{{\"x\":\"first\",\"y\":\"{long}\",\"z\":\"unread\"}}","error":"no room","failedAt":1}}"#);
        let text = Text::of(&raw);
        assert!(text.cut && text.as_str().len() <= TEXT_BYTES);
        assert!(text.as_str().starts_with("big\nno room\nfirst\nword word"), "{}", &text.as_str()[..60]);
        assert_eq!(text.error(), Some("no room"));
        let (head, tail) = (&raw[..HEAD_BYTES], &raw[raw.len() - TAIL_BYTES..]);
        assert_eq!(Text::of_ends(head, tail), text);
        assert_eq!(LazyText::of_ends(head, tail).get(), &text);
        assert_eq!(limits(), "Of a payload above 65.5 kB only the first 57.3 kB and the last 8.1 kB are looked through.");
    }

    #[test]
    fn a_huge_error_leaves_room() {
        let raw = format!(r#"{{"id":"a","error":"{}","x":"behind"}}"#, "e".repeat(30_000));
        let text = Text::of(&raw);
        assert!(text.cut && text.as_str().ends_with("behind"));
        assert!(Text::of(&format!("{:?}", "no json".repeat(20_000))).cut);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(raw in r#"[\[\]{}",:0-9a-c\\u. é-]{0,40}"#, times in 1usize..4000) {
            let raw = raw.repeat(times);
            let text = Text::of(&raw);
            proptest::prop_assert!(text.as_str().len() <= TEXT_BYTES + 1);
        }
    }
}
