//! Strings, numbers and literals one by one, also of a text that was cut.

use super::{
    JsonError, Kind,
    walk::{Event, ODD_ESCAPE, OPEN_STRING, walk},
};

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
