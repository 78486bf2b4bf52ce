//! A job as the library's class serializer writes and reads it: same fields, same order, same absences.

use crate::model::{ids::Priority, time::Millis};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt::{self, Write};

#[derive(Clone, Default)]
pub struct Job {
    pub id: String,
    /// The id also stands in the properties: given by the caller, or set when the job was popped.
    pub id_in_properties: bool,
    pub class: String,
    /// `queueName`; a job without it fails into `default`.
    pub queue: Option<String>,
    pub delay_seconds: Option<u64>,
    pub attempts: Option<u32>,
    pub max_attempts: Option<u32>,
    pub group: Option<String>,
    /// Raw JSON: a text or a number.
    pub priority: Option<String>,
    pub retry_after_seconds: Option<f64>,
    pub retry_multiplier: Option<f64>,
    /// Members of the class itself, raw, in their order: `"orderId":3,"amount":5`.
    pub own: String,
}

/// The library writes numbers as JavaScript does: `10`, `0.5`.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn member(out: &mut String, name: &str, value: Option<impl fmt::Display>) {
    if let Some(value) = value {
        let comma = if out.is_empty() || out.ends_with('{') { "" } else { "," };
        let _ = write!(out, "{comma}\"{name}\":{value}");
    }
}

impl Job {
    /// `data`: the class and its properties. Position by position what the library's serializer emits.
    fn data(&self) -> String {
        let mut p = String::from("{");
        member(&mut p, "id", self.id_in_properties.then(|| quoted(&self.id)));
        member(&mut p, "queueName", self.queue.as_deref().map(quoted));
        member(&mut p, "delaySeconds", self.delay_seconds);
        member(&mut p, "attempts", self.attempts);
        member(&mut p, "maxAttempts", self.max_attempts);
        member(&mut p, "groupId", self.group.as_deref().map(quoted));
        member(&mut p, "priority", self.priority.as_deref());
        member(&mut p, "retryAfterSeconds", self.retry_after_seconds.map(Number));
        member(&mut p, "retryMultiplier", self.retry_multiplier.map(Number));
        if !self.own.is_empty() {
            let comma = if p.ends_with('{') { "" } else { "," };
            let _ = write!(p, "{comma}{}", self.own);
        }
        p.push('}');
        quoted(&format!("{{\"class\":{},\"properties\":{p}}}", quoted(&self.class)))
    }

    /// What `push` writes; `group` only when it was passed as a push option.
    pub fn pushed(&self, group: Option<&str>, now: Millis) -> String {
        let mut out =
            format!("{{\"id\":{},\"type\":\"class\",\"data\":{},\"className\":{}", quoted(&self.id), self.data(), quoted(&self.class));
        member(&mut out, "createdAt", Some(now.0));
        member(&mut out, "delaySeconds", self.delay_seconds);
        member(&mut out, "attempts", Some(self.attempts.unwrap_or(0)));
        member(&mut out, "maxAttempts", self.max_attempts);
        member(&mut out, "groupId", group.map(quoted));
        out.push('}');
        out
    }

    /// What lies in the dead-letter list: the serializer's own order and more of its fields.
    pub fn dead(&self, error: &str, now: Millis) -> String {
        let mut out =
            format!("{{\"id\":{},\"type\":\"class\",\"className\":{},\"data\":{}", quoted(&self.id), quoted(&self.class), self.data());
        member(&mut out, "createdAt", Some(now.0));
        member(&mut out, "delaySeconds", self.delay_seconds);
        member(&mut out, "attempts", Some(self.attempts.unwrap_or(0)));
        member(&mut out, "maxAttempts", self.max_attempts);
        member(&mut out, "groupId", self.group.as_deref().map(quoted));
        member(&mut out, "retryAfterSeconds", self.retry_after_seconds.map(Number));
        member(&mut out, "retryMultiplier", self.retry_multiplier.map(Number));
        member(&mut out, "priority", self.priority.as_deref());
        member(&mut out, "error", Some(quoted(error)));
        member(&mut out, "failedAt", Some(now.0));
        out.push('}');
        out
    }

    /// The list that the job's own priority names.
    pub fn list(&self) -> Priority {
        let named = self.priority.as_deref().unwrap_or_default().trim_matches('"');
        Priority::ALL.into_iter().find(|p| *p != Priority::Base && p.as_str() == named).unwrap_or(Priority::Base)
    }

    /// Seconds from a failure until run number `attempt`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and from 0 to 3,600")]
    pub fn backoff_seconds(&self, attempt: u32) -> u64 {
        let (after, multiplier) = (self.retry_after_seconds.unwrap_or(1.0), self.retry_multiplier.unwrap_or(2.0));
        (after * multiplier.powf(f64::from(attempt.saturating_sub(1)))).clamp(0.0, 3600.0).ceil() as u64
    }

    /// What the library makes of an element that it popped; `None` when it cannot (the job is then lost without a word).
    pub fn popped(raw: &[u8]) -> Option<Self> {
        let wire: Wire = serde_json::from_slice(raw).ok()?;
        let data: Data = serde_json::from_str(&wire.data).ok()?;
        let mut job = Self {
            id: wire.id,
            id_in_properties: true,
            class: data.class,
            group: wire.group_id,
            attempts: wire.attempts,
            max_attempts: wire.max_attempts,
            ..Self::default()
        };
        for (name, value) in data.properties.0 {
            let raw = value.get();
            match name.as_str() {
                "id" | "attempts" | "maxAttempts" => {}
                "queueName" => job.queue = serde_json::from_str(raw).ok(),
                "delaySeconds" => job.delay_seconds = serde_json::from_str(raw).ok(),
                "groupId" => job.group = job.group.take().or_else(|| serde_json::from_str(raw).ok()),
                "priority" => job.priority = Some(raw.to_owned()),
                "retryAfterSeconds" => job.retry_after_seconds = serde_json::from_str(raw).ok(),
                "retryMultiplier" => job.retry_multiplier = serde_json::from_str(raw).ok(),
                _ => {
                    let comma = if job.own.is_empty() { "" } else { "," };
                    let _ = write!(job.own, "{comma}{}:{raw}", quoted(&name));
                }
            }
        }
        Some(job)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    data: String,
    #[serde(default)]
    attempts: Option<u32>,
    #[serde(default)]
    max_attempts: Option<u32>,
    #[serde(default)]
    group_id: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    class: String,
    properties: Properties,
}

/// In the order of the text: a map would sort them.
struct Properties(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Properties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Properties(members))
            }
        }
        d.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_written_as_the_library_wrote_it() {
        let pushed = r#"{"id":"dead-1","type":"class","data":"{\"class\":\"ChargeCard\",\"properties\":{\"id\":\"dead-1\",\"queueName\":\"payments\",\"maxAttempts\":1,\"orderId\":1,\"amount\":5,\"meta\":{}}}","className":"ChargeCard","createdAt":1795432806814,"attempts":0,"maxAttempts":1}"#;
        let dead = r#"{"id":"dead-1","type":"class","className":"ChargeCard","data":"{\"class\":\"ChargeCard\",\"properties\":{\"id\":\"dead-1\",\"queueName\":\"payments\",\"attempts\":1,\"maxAttempts\":1,\"orderId\":1,\"amount\":5,\"meta\":{}}}","createdAt":1795432807594,"attempts":1,"maxAttempts":1,"error":"Card declined for order 1","failedAt":1795432807594}"#;
        let mut job = Job::popped(pushed.as_bytes()).expect("readable");
        job.attempts = None;
        assert_eq!(job.pushed(None, Millis(1_795_432_806_814)), pushed);
        job.attempts = Some(1);
        assert_eq!(job.dead("Card declined for order 1", Millis(1_795_432_807_594)), dead);
    }

    #[test]
    fn a_retry_is_written_as_the_library_wrote_it() {
        let delayed = r#"{"id":"flaky-long","type":"class","data":"{\"class\":\"FlakyJob\",\"properties\":{\"id\":\"flaky-long\",\"queueName\":\"mail\",\"delaySeconds\":600,\"attempts\":2,\"maxAttempts\":5,\"retryAfterSeconds\":300,\"retryMultiplier\":2,\"key\":\"fl-long\",\"failTimes\":9}}","className":"FlakyJob","createdAt":1795432807643,"delaySeconds":600,"attempts":2,"maxAttempts":5}"#;
        let job = Job::popped(delayed.as_bytes()).expect("readable");
        assert_eq!(job.pushed(None, Millis(1_795_432_807_643)), delayed);
        assert_eq!(job.backoff_seconds(2), 600);
    }
}
