//! JSON text without loss: byte-exact edits of top-level members, and rows for the payload tree.
//!
//! A parsed-and-printed payload would lose integers beyond 2^53, duplicate keys, spacing and escapes. So nothing here builds
//! a value: one pass over the bytes checks the grammar of RFC 8259 and remembers where things start and end. It uses no
//! recursion, so nesting depth is limited by memory only.

mod hits;
mod level;
mod members;
mod node;
mod scalars;
mod tree;
mod walk;

pub use hits::{Hit, Hits, find};
pub use level::{CHILDREN, Level, level};
pub use members::{Member, edit, field, key_is, leading_members, members, trailing_members};
pub use node::Node;
pub use scalars::{Scalar, scalars};
pub use tree::{TreeRow, tree};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {at}: {what}")]
pub struct JsonError {
    pub at: usize,
    pub what: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Whether the text is JSON at all.
pub fn is_valid(text: &str) -> bool {
    walk::walk(text, |_| true).is_ok()
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

#[cfg(test)]
mod tests;
