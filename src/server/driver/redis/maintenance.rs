//! How long the archive keeps what: `gravito:zenith:maintenance:config`, the original console's key, adopted with its meaning
//! (stream-protocol.md, 3). A field that neither knows stays as it is, byte for byte. Beside it the newest run of retention,
//! under the console's own keys.

use super::{
    RedisDriver,
    runs::{self, Run},
};
use crate::model::{
    ids::QueueName,
    json,
    settings::{Retention, RetentionRun, RetentionView, RunStatus},
    time::{Millis, parse_iso},
};
use crate::server::error::DriverError;
use redis::AsyncCommands;

/// Global, as the original has it: not under a hash of the prefix.
pub const CONFIG: &str = "gravito:zenith:maintenance:config";
/// Whose lease (`lease.rs`) it is that deletes old rows of the archive.
pub const RETENTION: &str = "retention";
/// How long the report of a run can be read.
const RUN_S: u64 = 90 * 86_400;
/// Two operators who save at the same moment: one of them tries again.
const TRIES: usize = 5;
/// What one read of dead letters may bring.
const DEAD_BYTES: usize = 1024 * 1024;

/// What the stored text says; what cannot be read is the default, with the reason.
fn read(text: Option<&str>) -> RetentionView {
    let mut problem = None;
    let defaults = Retention::default();
    let (mut keep, mut last_run) = (defaults, None);
    if let Some(text) = text {
        match json::members(text) {
            Ok(members) => {
                let field = |name: &str| json::field(text, &members, name);
                let mut days = |name: &str, otherwise: u32| match field(name) {
                    None => otherwise,
                    Some(raw) => match raw.trim_matches('"').parse::<f64>() {
                        Ok(days) if (1.0..=1e6).contains(&days) => days as u32,
                        _ => {
                            problem = Some(format!("The stored {name} is no number of days, so {otherwise} is assumed."));
                            otherwise
                        }
                    },
                };
                keep.retention_days = days("retentionDays", defaults.retention_days);
                // The original knows one number for both.
                keep.logs_retention_days = days("logsRetentionDays", keep.retention_days);
                keep.auto_cleanup = match field("autoCleanup") {
                    Some("true") => true,
                    Some("false") | None => false,
                    Some(_) => {
                        problem = Some("The stored autoCleanup is neither true nor false, so nothing is deleted by itself.".into());
                        false
                    }
                };
                last_run = field("lastRun").and_then(|raw| match json::decode(raw) {
                    Some(iso) => parse_iso(&iso),
                    None => raw.parse::<f64>().ok().and_then(|ms| Millis::checked(ms as i64)),
                });
            }
            Err(_) => {
                problem = Some(format!("{CONFIG} does not hold a JSON object, so the defaults are shown. Saving replaces it."));
            }
        }
    }
    let Retention { auto_cleanup, retention_days, logs_retention_days } = keep;
    RetentionView { auto_cleanup, retention_days, logs_retention_days, last_run, problem, run: None }
}

/// The stored text with some fields set and everything else as it was.
fn edited(text: Option<&str>, fields: &[(&str, String)]) -> String {
    let start = text.filter(|text| json::members(text).is_ok()).unwrap_or("{}").to_owned();
    fields.iter().fold(start, |text, (name, value)| json::edit(&text, &[], Some((name, value))).unwrap_or(text))
}

impl RedisDriver {
    /// The settings and the newest run. A value that cannot be read is a problem to show, never an error.
    pub async fn retention(&self, now: Millis) -> Result<RetentionView, DriverError> {
        // A key of another type answers with an error of its own, which is no reason to show nothing.
        let text: Result<Option<Vec<u8>>, _> = self.requests.clone().get(CONFIG).await;
        let mut view = match text {
            Ok(bytes) => read(bytes.as_ref().map(|b| String::from_utf8_lossy(b)).as_deref()),
            Err(error) if error.code() == Some("WRONGTYPE") => {
                let problem = Some(format!("{CONFIG} is not a text, so the defaults are shown and cannot be changed here."));
                RetentionView { problem, ..read(None) }
            }
            Err(error) => return Err(error.into()),
        };
        // At one moment: a run writes down its end before it gives the lease back.
        let mut pipe = redis::pipe();
        pipe.atomic().get(self.keys.retention()).exists(self.keys.lease(RETENTION));
        let (run, alive): (Option<String>, bool) = pipe.query_async(&mut self.requests.clone()).await?;
        view.run = run.and_then(|json| serde_json::from_str::<RetentionRun>(&json).ok());
        if let Some(run) = view.run.as_mut().filter(|run| run.goes_on() && !alive) {
            run.status = RunStatus::Stopped;
            run.finished_at = Some(run.finished_at.unwrap_or(now));
            run.message = Some("The console that ran it stopped. What was deleted is deleted whole; the next run does the rest.".into());
        }
        Ok(view)
    }

    pub async fn set_retention(&self, keep: &Retention) -> Result<(), DriverError> {
        let fields = [
            ("autoCleanup", keep.auto_cleanup.to_string()),
            ("retentionDays", keep.retention_days.to_string()),
            ("logsRetentionDays", keep.logs_retention_days.to_string()),
        ];
        self.edit_config(&fields).await
    }

    pub async fn set_last_run(&self, at: Millis) -> Result<(), DriverError> {
        self.edit_config(&[("lastRun", at.0.to_string())]).await
    }

    /// Writes over exactly what was read.
    async fn edit_config(&self, fields: &[(&str, String)]) -> Result<(), DriverError> {
        for _ in 0..TRIES {
            let bytes: Option<Vec<u8>> = self.requests.clone().get(CONFIG).await?;
            let text = bytes.as_deref().map(String::from_utf8_lossy);
            let next = edited(text.as_deref(), fields);
            if self.swap_setting(CONFIG, bytes.as_deref().unwrap_or_default(), &next, None).await? {
                return Ok(());
            }
        }
        Err(DriverError::Protocol(format!("{CONFIG} is changed again and again by somebody else")))
    }

    pub async fn save_retention_run(&self, run: &RetentionRun) -> Result<(), DriverError> {
        let json = serde_json::to_string(run).map_err(|e| DriverError::Protocol(e.to_string()))?;
        Ok(self.requests.clone().set_ex(self.keys.retention(), json, RUN_S).await?)
    }

    /// Some dead letters of a queue from a position on, counted from the oldest; empty at the end of the list.
    pub async fn dead_letters(&self, queue: &QueueName, from: u64) -> Result<Vec<Vec<u8>>, DriverError> {
        runs::read_tail(&mut self.requests.clone(), &self.keys.failed(queue), from, 200, DEAD_BYTES, &mut Run::default()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_originals_settings_are_read() {
        let view = read(Some(r#"{"autoCleanup":true,"retentionDays":14,"lastRun":1795432807494}"#));
        assert_eq!(view.settings(), Retention { auto_cleanup: true, retention_days: 14, logs_retention_days: 14 });
        assert_eq!((view.last_run, view.problem), (Some(Millis(1_795_432_807_494)), None));
        assert_eq!(read(Some(r#"{"lastRun":"2026-11-23T11:20:07.494Z"}"#)).last_run, Some(Millis(1_795_432_807_494)));
        assert_eq!(read(None).settings(), Retention::default());
    }

    #[test]
    fn what_cannot_be_read_deletes_nothing_and_is_reported() {
        for text in ["", "null", "[1]", "{\"autoCleanup\":tru", "\u{0}"] {
            let view = read(Some(text));
            assert_eq!(view.settings(), Retention::default(), "{text:?}");
            assert!(view.problem.is_some() && !view.auto_cleanup, "{text:?}");
        }
        let view = read(Some(r#"{"autoCleanup":"yes","retentionDays":-1}"#));
        assert!(!view.auto_cleanup && view.problem.is_some());
        assert_eq!(view.retention_days, 30);
    }

    #[test]
    fn unknown_fields_survive() {
        let text = r#"{"autoCleanup":false,"retentionDays":30,"theirs":{"big":9007199254740993,"list":[]}}"#;
        assert_eq!(
            edited(Some(text), &[("autoCleanup", "true".into()), ("logsRetentionDays", "7".into())]),
            r#"{"autoCleanup":true,"retentionDays":30,"theirs":{"big":9007199254740993,"list":[]},"logsRetentionDays":7}"#
        );
        assert_eq!(edited(Some("oops"), &[("retentionDays", "7".into())]), r#"{"retentionDays":7}"#);
        assert_eq!(edited(None, &[("lastRun", "7".into())]), r#"{"lastRun":7}"#);
    }
}
