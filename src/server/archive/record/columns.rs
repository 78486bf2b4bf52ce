//! A record as the columns of the shared table, and what of it did not fit.

use super::Record;
use crate::{
    model::{archive::Status, json, time::Millis},
    server::{
        archive::{
            dialect::{Dialect, ERROR_BYTES, JOB_ID_CHARS, JSON_DEPTH, QUEUE_CHARS},
            sql::{Value, clean},
        },
        digest::sha1_hex,
        reading::Reading,
    },
};

/// Own columns that are keys hold so many characters.
const KEY_CHARS: usize = 191;
/// Of an error whose job is refused as it is, so much is kept.
const BARE_ERROR: usize = 2_000;
/// PostgreSQL indexes no longer values than about 2,700 bytes.
const POSTGRES_KEY_CHARS: usize = 512;
/// One failure is one job, creation and attempt: `failedAt` and the bytes differ between copies (stream-protocol.md §5).
pub fn identity(id: &str, created_at: Option<Millis>, attempts: Option<u64>) -> String {
    // A payload that no worker touched yet says 0; the first run makes it 1.
    sha1_hex(format!("{id}\n{}\n{}", created_at.map_or(-1, |m| m.0), attempts.unwrap_or(0).max(1)))
}

/// A value of a column that is a key: cut to what every database indexes.
pub fn key(text: &str) -> String {
    clean(text).chars().take(KEY_CHARS).collect()
}

/// A job's id as the shared table holds it; a longer one stands whole in `flux_console_whole`.
pub fn stored_id(dialect: Dialect, id: &str) -> String {
    fitting(
        id,
        match dialect {
            Dialect::Sqlite => usize::MAX,
            Dialect::MySql => JOB_ID_CHARS,
            Dialect::Postgres => POSTGRES_KEY_CHARS,
        },
    )
}

pub fn stored_queue(dialect: Dialect, queue: &str) -> String {
    fitting(
        queue,
        match dialect {
            Dialect::Sqlite => usize::MAX,
            Dialect::MySql => QUEUE_CHARS,
            Dialect::Postgres => POSTGRES_KEY_CHARS,
        },
    )
}

pub fn fitting(text: &str, chars: usize) -> String {
    let text = clean(text);
    match text.char_indices().nth(chars) {
        Some((at, _)) => text[..at].to_owned(),
        None => text,
    }
}

/// Whether the library's payload column takes this text; SQLite's takes any.
fn takes(dialect: Dialect, text: &str) -> bool {
    match dialect {
        Dialect::Sqlite => true,
        Dialect::MySql => json::is_valid(text) && depth(text) <= JSON_DEPTH,
        Dialect::Postgres => json::is_valid(text),
    }
}

/// How deep objects and lists of a JSON text are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut inside, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' | b'[' if !inside => depth += 1,
            b'}' | b']' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// A record as columns; `whole` when one of them had to be cut.
pub struct Columns {
    pub id: String,
    pub queue: String,
    pub status: &'static str,
    pub payload: String,
    pub error: Option<String>,
    pub created_at: Option<i64>,
    pub at: i64,
    pub identity: String,
    pub whole: Option<Whole>,
}

pub struct Whole {
    pub id: Option<String>,
    pub queue: Option<String>,
    pub payload: Option<Vec<u8>>,
    pub error: Option<String>,
}

impl Columns {
    pub fn of(record: &Record, dialect: Dialect) -> Self {
        let text = std::str::from_utf8(&record.payload).ok();
        let reading = text.map(Reading::of).unwrap_or_default();
        let raw_id = reading
            .id
            .clone()
            .or_else(|| record.id.clone())
            .unwrap_or_else(|| sha1_hex(String::from_utf8_lossy(&record.payload).as_bytes()));
        let (id, queue) = (stored_id(dialect, &raw_id), stored_queue(dialect, record.queue.as_str()));
        // The library's tables want JSON; PostgreSQL takes no NUL in a text.
        let fits = text.filter(|t| takes(dialect, t) && !t.contains('\0'));
        let payload = fits.map_or_else(|| serde_json::json!({ "id": id }).to_string(), str::to_owned);
        let failed = record.status == Status::Failed;
        let whole_error = reading.error.clone().filter(|_| failed);
        let most = if dialect == Dialect::MySql { ERROR_BYTES } else { usize::MAX };
        let error = whole_error.as_deref().map(clean).map(|e| e[..e.floor_char_boundary(most.min(e.len()))].to_owned());
        let whole = Whole {
            // A NUL is in the payload, or nowhere.
            id: Some(clean(&raw_id)).filter(|whole| *whole != id),
            queue: Some(clean(record.queue.as_str())).filter(|whole| *whole != queue),
            payload: fits.is_none().then(|| record.payload.clone()),
            error: whole_error.filter(|e| error.as_deref().is_some_and(|cut| cut.len() < e.len())),
        };
        let cut = whole.id.is_some() || whole.queue.is_some() || whole.payload.is_some() || whole.error.is_some();
        Self {
            identity: identity(&raw_id, reading.created_at, reading.attempts),
            id,
            queue,
            status: record.status.as_str(),
            payload,
            error,
            created_at: reading.created_at.map(|m| m.0),
            at: record.at.0,
            whole: cut.then_some(whole),
        }
    }

    /// About how many bytes its statement has.
    pub fn bytes(&self) -> usize {
        let whole = self.whole.as_ref().map_or(0, |w| w.payload.as_ref().map_or(0, Vec::len) + w.error.as_ref().map_or(0, String::len));
        self.payload.len() + self.error.as_ref().map_or(0, String::len) + whole
    }

    /// The same job with nothing that a database may refuse; `with_payload`: its bytes stand beside it.
    pub fn bare(&self, with_payload: bool) -> Self {
        let whole = self.whole.as_ref();
        Self {
            id: self.id.clone(),
            queue: self.queue.clone(),
            status: self.status,
            payload: serde_json::json!({ "id": self.id }).to_string(),
            error: self.error.as_deref().map(|e| fitting(e, BARE_ERROR)),
            created_at: None,
            at: self.at,
            identity: self.identity.clone(),
            whole: Some(Whole {
                id: whole.and_then(|w| w.id.clone()),
                queue: whole.and_then(|w| w.queue.clone()),
                payload: with_payload.then(|| whole.and_then(|w| w.payload.clone()).unwrap_or_else(|| self.payload.clone().into_bytes())),
                error: None,
            }),
        }
    }

    pub fn values(&self) -> Vec<Value> {
        vec![
            self.id.clone().into(),
            self.queue.clone().into(),
            self.status.into(),
            self.payload.clone().into(),
            self.error.clone().into(),
            self.created_at.into(),
            self.at.into(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn depth_is_counted_outside_of_strings() {
        for (text, expected) in [("1", 0), ("{}", 1), (r#"{"a":[{}],"b":[]}"#, 3), (r#"["[[[\\",[]]"#, 2), (r#"["\"[[[",1]"#, 1)] {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
