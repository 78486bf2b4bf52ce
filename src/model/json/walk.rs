//! The grammar: one pass over the bytes that tells where things start and end.

use super::{JsonError, Kind};
use std::ops::Range;

/// What [`walk`] meets, in order.
pub enum Event {
    Open { kind: Kind, at: usize },
    Close { end: usize },
    Key { span: Range<usize> },
    Scalar { kind: Kind, span: Range<usize> },
}

pub const OPEN_STRING: &str = "a string does not end";
pub const ODD_ESCAPE: &str = "an unknown escape";

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
pub fn walk(text: &str, mut on: impl FnMut(Event) -> bool) -> Result<(), JsonError> {
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
