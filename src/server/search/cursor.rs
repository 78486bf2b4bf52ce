//! Where a search goes on: opaque to who asks, and checked when it comes back.

use crate::model::{error::ApiError, ids::QueueName, time::Millis};
use crate::server::driver::redis::search::Mark;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When the search began: `since:15m` means the same in every step.
    pub began: Millis,
    /// Elements looked at by now.
    pub scanned: u64,
    /// Of these, judged by a part of their payload.
    #[serde(default)]
    pub partly: u64,
    /// The queue it stands at.
    pub queue: Option<QueueName>,
    /// The group, when queues are through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Which of the queue's lists.
    pub list: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

/// Beyond any list of Redis.
const POSITIONS: u64 = 1 << 48;

impl Cursor {
    pub fn new(began: Millis) -> Self {
        Self { began, scanned: 0, partly: 0, queue: None, group: None, list: 0, mark: None }
    }

    pub fn read(text: &str) -> Result<Self, ApiError> {
        let sound = |m: &Mark| {
            m.at < POSITIONS
                && m.anchors.len() <= 8
                && m.anchors.iter().all(|a| a.len() == 40 && a.bytes().all(|b| b.is_ascii_hexdigit()))
                && m.score.as_ref().is_none_or(|s| s.parse::<f64>().is_ok_and(|s| !s.is_nan()))
        };
        serde_json::from_str::<Self>(text)
            .ok()
            .filter(|c| c.scanned < POSITIONS && c.partly <= c.scanned && c.mark.as_ref().is_none_or(sound))
            .ok_or_else(|| ApiError::invalid("cursor", "This is not a place to go on from: take `next` of the step before, unchanged."))
    }

    pub fn write(&self) -> String {
        // Plain fields: they can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let mark = Mark { at: 7, score: Some("1.5e+12".into()), anchors: vec!["0".repeat(40)] };
        let queue = QueueName::try_from("a b").ok();
        let cursor = Cursor { scanned: 4, partly: 1, queue, group: Some("g".into()), list: 2, mark: Some(mark), ..Cursor::new(Millis(17)) };
        assert_eq!(Cursor::read(&cursor.write()), Ok(cursor.clone()));
        for bad in ["", "{}", "7", &cursor.write().replace(":7", ":999999999999999999"), &cursor.write().replace("000", "00'")] {
            assert!(Cursor::read(bad).is_err(), "{bad}");
        }
    }
}
