//! One value of a payload as its tree shows it: what is long is cut, and a string that holds JSON is opened.

use super::{
    Kind, decode,
    tree::{DECODED, exact},
    walk::{Event, walk},
};
use serde::{Deserialize, Serialize};

/// Bytes of a string or number beyond which it is cut, and of a key.
const TEXT: usize = 1_000;
const KEY: usize = 200;
/// A text that is this little longer is not worth a cut; no escape is longer either.
const SLACK: usize = 8;

/// One value of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its place among its siblings, from 0: a step of a path. Equal keys stand in different places.
    pub at: usize,
    /// Object key, decoded; index in an array; `None` at the root. A long one is cut.
    pub key: Option<String>,
    pub kind: Kind,
    /// Raw text of a scalar (numbers digit by digit), empty for containers.
    pub text: String,
    /// Characters of the whole, without quotes, when `text` has only some of them.
    pub cut: Option<usize>,
    /// Direct children of a container.
    pub children: usize,
    /// `decoded from a JSON string`, `exact, 19 digits`.
    pub note: Option<String>,
}

impl Node {
    pub(super) fn container(at: usize, key: Option<String>, kind: Kind) -> Self {
        Self { at, key, kind, text: String::new(), cut: None, children: 0, note: None }
    }

    pub(super) fn scalar(at: usize, key: Option<String>, kind: Kind, raw: &str) -> Self {
        let (text, cut) = short(kind, raw);
        let note = if cut.is_none() { exact(kind, raw) } else { None };
        Self { at, key, kind, text, cut, children: 0, note }
    }

    pub(super) fn opened(at: usize, key: Option<String>, inside: &Inside) -> Self {
        Self { children: inside.children, note: Some(DECODED.into()), ..Self::container(at, key, inside.kind) }
    }
}

/// JSON that was written into a string.
pub(super) struct Inside {
    pub text: String,
    pub kind: Kind,
    pub children: usize,
}

impl Inside {
    /// Of the string field `data` of a payload, as the small tree opens it. `None`: it holds no object and no array.
    pub fn of(raw: &str) -> Option<Self> {
        let text = decode(raw).filter(|text| text.trim_start().starts_with(['{', '[']))?;
        let (mut kind, mut depth, mut children) = (Kind::Object, 0usize, 0usize);
        let mut value = |depth: usize| children += usize::from(depth == 1);
        let read = walk(&text, |event| {
            match event {
                Event::Open { kind: opened, .. } => {
                    if depth == 0 {
                        kind = opened;
                    }
                    value(depth);
                    depth += 1;
                }
                Event::Scalar { .. } => value(depth),
                Event::Close { .. } => depth -= 1,
                Event::Key { .. } => {}
            }
            true
        });
        read.ok().map(|()| Self { text, kind, children })
    }
}

pub(super) fn short_key(mut key: String) -> String {
    if key.len() > KEY {
        key.truncate(key.floor_char_boundary(KEY));
        key.push('…');
    }
    key
}

/// The text of a scalar, and how many characters it has when that is only its beginning. A string keeps its quotes, with … before the last.
fn short(kind: Kind, raw: &str) -> (String, Option<usize>) {
    if raw.len() <= TEXT + SLACK {
        return (raw.to_owned(), None);
    }
    let whole = Some(characters(kind, raw));
    if kind != Kind::String {
        return (format!("{}…", &raw[..raw.floor_char_boundary(TEXT)]), whole);
    }
    let bytes = raw.as_bytes();
    let mut end = 1;
    while end < TEXT {
        // An escape is not cut in two.
        end += match (bytes[end], bytes[end + 1]) {
            (b'\\', b'u') => 6,
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    (format!("{}…\"", &raw[..raw.floor_char_boundary(end)]), whole)
}

/// As they are written, without the quotes.
pub(super) fn characters(kind: Kind, raw: &str) -> usize {
    raw.chars().count() - if kind == Kind::String { 2 } else { 0 }
}
