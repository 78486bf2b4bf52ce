//! What a payload in a list tells about the run that it becomes.

use super::{payload, reply};
use crate::model::{
    ids::{Priority, QueueName},
    json,
    run::Upcoming,
    time::Millis,
};
use crate::server::error::DriverError;
use redis::Value;

/// Payloads of one list or set.
pub const OF_EACH: usize = 20;
/// Lists and sets of one tick; with [`OF_EACH`] at most 2,000 payloads.
pub const LISTS: usize = 100;
/// Bytes of one tick: at a few hundred bytes a payload nothing is left out.
pub const BYTES: usize = 1024 * 1024;
/// Delayed jobs that are due so soon are taken before the next tick.
pub const SOON_MS: i64 = 1_500;

/// The answer of `lua/upcoming.lua`, and how many of the keys were looked at.
pub fn read(
    value: Value,
    lists: &[(QueueName, Priority)],
    sets: &[(QueueName, Priority)],
) -> Result<(Vec<(String, Upcoming)>, usize), DriverError> {
    let mut jobs = Vec::new();
    let found = reply::array(value)?;
    let looked = found.len();
    for ((list, delayed), elements) in lists.iter().map(|l| (l, false)).chain(sets.iter().map(|s| (s, true))).zip(found) {
        for element in reply::array(elements)? {
            let mut parts = reply::array(element)?.into_iter();
            let (raw, score) = (reply::bytes(reply::next(&mut parts)?)?, reply::text(reply::next(&mut parts)?)?);
            jobs.extend(job(&raw, list, delayed.then_some(score)));
        }
    }
    Ok((jobs, looked))
}

fn job(raw: &[u8], list: &(QueueName, Priority), score: Option<String>) -> Option<(String, Upcoming)> {
    if raw.is_empty() {
        return None;
    }
    let told = payload::read(&payload::Element { bytes: raw.len() as u64, head: raw.to_vec(), tail: Vec::new() });
    let queue = queue_name(raw).unwrap_or_else(|| list.0.clone());
    #[expect(clippy::cast_possible_truncation, reason = "a cast to an integer saturates")]
    let due = score.as_ref().and_then(|s| s.parse::<f64>().ok()).and_then(|s| Millis::checked(s as i64));
    // A worker sets a missing or 0 `attempts` to 1 before the run.
    let attempt = told.attempts.unwrap_or(0).max(1);
    // What is put back runs at once: a delay is over.
    let pushed = if score.is_some() { payload::promoted(raw)? } else { raw.to_vec() };
    let job = Upcoming {
        queue,
        list: list.clone(),
        class: told.class_name,
        attempt: Some(attempt),
        ready_at: due.or(told.created_at),
        raw: Some(pushed.into()),
    };
    Some((told.id?, job))
}

/// `data.properties.queueName`: where the library retries and completes the job.
fn queue_name(raw: &[u8]) -> Option<QueueName> {
    let text = std::str::from_utf8(raw).ok()?;
    let members = json::members(text).ok()?;
    let data = json::decode(json::field(text, &members, "data")?)?;
    let inner = json::members(&data).ok()?;
    let properties = json::field(&data, &inner, "properties")?;
    let named = json::members(properties).ok()?;
    QueueName::try_from(json::decode(json::field(properties, &named, "queueName")?)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_tells_its_run() {
        let list = (QueueName::try_from("mail").unwrap(), Priority::High);
        let raw = br#"{"id":"a","data":"{\"class\":\"SendMail\",\"properties\":{\"queueName\":\"letters\"}}","createdAt":1795433096026,"delaySeconds":5,"attempts":2}"#;
        let (id, waiting) = job(raw, &list, None).unwrap();
        assert_eq!(
            (id.as_str(), waiting.queue.as_str(), waiting.class.as_deref(), waiting.attempt),
            ("a", "letters", Some("SendMail"), Some(2))
        );
        assert_eq!((waiting.ready_at, waiting.raw.as_deref()), (Some(Millis(1_795_433_096_026)), Some(raw.as_slice())));
        let (_, due) = job(raw, &list, Some("1795433101026".into())).unwrap();
        assert_eq!(due.ready_at, Some(Millis(1_795_433_101_026)));
        assert!(!String::from_utf8_lossy(due.raw.as_deref().unwrap()).contains("delaySeconds"));
        assert_eq!(job(br#"{"id":"b"}"#, &list, None).unwrap().1.queue.as_str(), "mail");
        assert!(job(b"", &list, None).is_none() && job(b"no json", &list, None).is_none());
    }
}
