//! What was written of the present snapshot, for all who ask the same: a thousand askers cost what one costs.

use super::Snapshot;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// JSON that many answers share.
#[derive(Clone)]
pub struct Text(Arc<str>);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Texts of one snapshot by what they show; those of the one before are forgotten.
#[derive(Default)]
pub struct Written(Mutex<Texts>);

#[derive(Default)]
struct Texts {
    of: Weak<Snapshot>,
    texts: HashMap<u64, Text>,
}

impl Written {
    /// The text of `what`, written now when nobody has asked for it yet. Nobody waits while it is written: two who ask at
    /// once both write it.
    pub fn once<E>(&self, snapshot: &Arc<Snapshot>, what: impl Hash, write: impl FnOnce() -> Result<String, E>) -> Result<Text, E> {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(text) = self.of(snapshot).texts.get(&key) {
            return Ok(text.clone());
        }
        let text = Text(write()?.into());
        self.of(snapshot).texts.insert(key, text.clone());
        Ok(text)
    }

    fn of(&self, snapshot: &Arc<Snapshot>) -> MutexGuard<'_, Texts> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = Arc::downgrade(snapshot);
        if !written.of.ptr_eq(&of) {
            *written = Texts { of, texts: HashMap::new() };
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Millis;
    use std::convert::Infallible;

    #[test]
    fn a_text_is_written_once_for_a_snapshot() {
        let written = Written::default();
        let snapshot = |at| Arc::new(Snapshot::empty(Millis(at), "queue:", true, None));
        let (first, second) = (snapshot(1), snapshot(2));
        let mut writes = 0;
        let mut ask = |of: &Arc<Snapshot>, what: &str| {
            let text = written.once(of, what, || {
                writes += 1;
                Ok::<_, Infallible>(format!("{what} {writes}"))
            });
            text.unwrap().to_string()
        };
        assert_eq!((ask(&first, "a"), ask(&first, "a"), ask(&first, "b")), ("a 1".into(), "a 1".into(), "b 2".into()));
        assert_eq!((ask(&second, "a"), ask(&second, "a")), ("a 3".into(), "a 3".into()));
        assert_eq!(written.once(&second, "c", || Err::<String, _>("no")).err(), Some("no"));
        assert!(written.once(&second, "c", || Ok::<_, Infallible>("c".into())).is_ok(), "a failure is not remembered");
    }
}
