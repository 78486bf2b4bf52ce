//! Names and handles, valid once they exist ("parse at the door").

use super::shown;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// Everything that is not unreserved in RFC 3986 is escaped, so that any name is one path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Percent-encodes a value of the query string.
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Percent-encodes one path segment: `mail:5`, `кириллица queue`, `a/b`. A browser resolves `.` and `..` away even when they are
/// escaped, so these are written `~.` and `~..`, and what is of that form already with one more `~`.
pub fn segment(text: &str) -> String {
    format!("{}{}", if is_dots(text) { "~" } else { "" }, escaped(text))
}

/// What a path segment says, once it is decoded.
pub fn of_segment(decoded: String) -> String {
    match decoded.strip_prefix('~') {
        Some(rest) if is_dots(rest) => rest.to_owned(),
        _ => decoded,
    }
}

fn is_dots(text: &str) -> bool {
    matches!(text.trim_start_matches('~'), "." | "..")
}

/// The name of a queue: any text that is not empty, at most 1,024 bytes. May hold `:`, spaces, quotes, markup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct QueueName(String);

impl QueueName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a sentence says it, see [`shown::in_text`].
    pub fn in_text(&self) -> Cow<'_, str> {
        shown::in_text(&self.0)
    }

    /// `/queues/{name}` with the name percent-encoded.
    pub fn href(&self) -> String {
        format!("/queues/{}", segment(&self.0))
    }
}

impl TryFrom<String> for QueueName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.len() {
            0 => Err("A queue's name is not empty.".into()),
            1..=1024 => Ok(Self(name)),
            n => Err(format!("A queue's name has at most 1,024 bytes, this one has {n}.")),
        }
    }
}

impl TryFrom<&str> for QueueName {
    type Error = String;

    fn try_from(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<QueueName> for String {
    fn from(name: QueueName) -> Self {
        name.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The four lists that a worker polls, in the order in which it polls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Critical,
    High,
    Base,
    Low,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Base, Self::Low];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Base => "base",
            Self::Low => "low",
        }
    }

    /// What stands behind the queue's name in the key: `:high`, nothing for the base list.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Critical => ":critical",
            Self::High => ":high",
            Self::Base => "",
            Self::Low => ":low",
        }
    }
}

/// Where in Redis a job was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Waiting(Priority),
    Delayed(Priority),
    Failed,
    /// Pending behind the busy group of this id.
    Grouped(String),
}

/// An opaque handle to one element: a hash of its raw bytes, the list it was seen in and a position hint.
///
/// Text form: `{40 hex}.{source}.{hint}[.{score}]`; source `wc wh wb wl`, `dc dh db dl`, `f`, `g{group id as hex}`.
/// The hash is SHA-1, because Redis can compute it inside a script; scripts that move a job compare the raw bytes as well.
/// `hint` counts from the tail (0 = last element: workers pop there, so a push at the head moves nothing);
/// in a sorted set it is the rank, and `score` is the score as Redis prints it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint {
    pub hash: String,
    pub source: Source,
    pub hint: u64,
    pub score: Option<String>,
}

fn letter(p: Priority) -> char {
    match p {
        Priority::Critical => 'c',
        Priority::High => 'h',
        Priority::Base => 'b',
        Priority::Low => 'l',
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.hash)?;
        match &self.source {
            Source::Waiting(p) => write!(f, "w{}", letter(*p))?,
            Source::Delayed(p) => write!(f, "d{}", letter(*p))?,
            Source::Failed => f.write_str("f")?,
            Source::Grouped(id) => {
                f.write_str("g")?;
                id.bytes().try_for_each(|b| write!(f, "{b:02x}"))?;
            }
        }
        write!(f, ".{}", self.hint)?;
        // A score may hold a point (`1.5e+300`); it stands last, so everything behind the third point is the score.
        self.score.iter().try_for_each(|score| write!(f, ".{score}"))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_fingerprint(&text).ok_or_else(|| "This is not a fingerprint: take it from a list of jobs, unchanged.".into())
    }
}

impl From<Fingerprint> for String {
    fn from(f: Fingerprint) -> Self {
        f.to_string()
    }
}

/// Beyond any list of Redis, and still safe to add to.
const HINT_LIMIT: u64 = 1 << 48;

fn parse_fingerprint(text: &str) -> Option<Fingerprint> {
    let mut parts = text.splitn(4, '.');
    let (hash, source, hint, score) = (parts.next()?, parts.next()?, parts.next()?, parts.next());
    if hash.len() != 40 || !hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    let priority = |c: &str| Priority::ALL.into_iter().find(|p| c.len() == 1 && c.starts_with(letter(*p)));
    let source = match source.split_at_checked(1)? {
        ("w", rest) => Source::Waiting(priority(rest)?),
        ("d", rest) => Source::Delayed(priority(rest)?),
        ("f", "") => Source::Failed,
        ("g", hex) => Source::Grouped(unhex(hex)?),
        _ => return None,
    };
    let hint = hint.parse().ok().filter(|hint| *hint < HINT_LIMIT)?;
    let scored = matches!(source, Source::Delayed(_));
    // Redis has infinite scores, but none that is no number.
    if scored != score.is_some() || score.is_some_and(|s| s.parse::<f64>().ok().is_none_or(f64::is_nan)) {
        return None;
    }
    Some(Fingerprint { hash: hash.into(), source, hint, score: score.map(Into::into) })
}

fn unhex(hex: &str) -> Option<String> {
    let bytes = (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(hex.get(i..i + 2)?, 16).ok()).collect::<Option<Vec<_>>>()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_round_trip() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        for rest in ["wc.0", "wb.17", "f.999", "g.3", "g6120c3a9.3", "dh.4.1795432802759", "db.0.1.5e+300", "db.0.inf", "dl.7.-inf"] {
            let text = format!("{hash}.{rest}");
            let parsed = Fingerprint::try_from(text.clone()).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parsed.to_string(), text);
        }
        for bad in [
            "",
            "x",
            "wb.1",
            &format!("{hash}.wx.1"),
            &format!("{hash}.db.1"),
            &format!("{hash}.wb.1.5"),
            &format!("{hash}.wb.-1"),
            &format!("{hash}.db.1.abc"),
            &format!("{hash}.db.1.nan"),
            &format!("{hash}.db.1.-NaN"),
            &format!("{hash}.gé.1"),
            &format!("{hash}.f.18446744073709551615"),
        ] {
            assert!(Fingerprint::try_from(String::from(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn any_name_is_one_path_segment() {
        let name = QueueName::try_from("a/b ?#<script>\"é%:5").expect("valid");
        assert_eq!(name.href(), "/queues/a%2Fb%20%3F%23%3Cscript%3E%22%C3%A9%25:5");
        for (name, written) in
            [(".", "~."), ("..", "~.."), ("~.", "~~."), ("~~..", "~~~.."), ("~", "~"), ("...", "..."), ("~a", "~a"), (".~.", ".~.")]
        {
            assert_eq!(segment(name), written);
            assert_eq!(of_segment(written.to_owned()), name);
        }
        assert!(QueueName::try_from("").is_err());
        assert!(QueueName::try_from("x".repeat(1025)).is_err());
    }
}
