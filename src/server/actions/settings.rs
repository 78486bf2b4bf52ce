//! What can be set, what the console says of itself, and the past log.

use super::{audit::asked, now};
use crate::model::{
    archive::{ArchiveStatus, Archiver, ArchiverReport},
    error::ApiError,
    log::{ArchivedLog, ArchivedLogQuery},
    settings::{ArchiveFacts, Preview, PreviewPart, Retention, RetentionRun, RetentionView, Settings},
};
use crate::server::{
    archive::{
        logs,
        retention::{OLD, Old, before, count},
        size,
    },
    state::AppState,
    tasks::retention as task,
};
use std::time::Duration;

/// Redis is asked so long who archives.
const ASK_WITHIN: Duration = Duration::from_secs(1);

pub async fn settings(state: &AppState) -> Settings {
    state.watching.request(now());
    let overview = state.snapshot().overview();
    Settings {
        connection: overview.connection,
        redis: redis_address(&state.config.url),
        prefix: overview.prefix,
        version: overview.version,
        archive: state.archive.status(),
        retention: state.driver.retention(now()).await.ok(),
    }
}

/// Host, port and database of the URL: never user or password.
fn redis_address(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else { return "an unreadable URL".into() };
    let Some(host) = url.host_str() else { return url.path().into() };
    let database = if url.path().len() > 1 { url.path() } else { "" };
    format!("{host}:{}{database}", url.port().unwrap_or(6379))
}

pub fn archive_status(state: &AppState) -> ArchiveStatus {
    state.archive.status()
}

pub async fn archive_facts(state: &AppState) -> ArchiveFacts {
    let (facts, report) = tokio::join!(size::facts(&state.archive), archiver(state));
    let own = state.archive.archiving();
    let waits = own.spooled > 0 || own.lost > 0 || own.untold > 0 || own.lines_refused > 0 || own.refusing.is_some();
    ArchiveFacts {
        archiver: report.who,
        archiving: report.archiving,
        archiving_at: report.at,
        left: (report.who != Archiver::This && waits).then_some(own),
        ..facts
    }
}

/// Who archives: who does it knows it, the others ask Redis. What the archive itself has to show does not wait long for that.
pub(super) async fn archiver(state: &AppState) -> ArchiverReport {
    let own = state.archive.archiving();
    if own.leading {
        return ArchiverReport { who: Archiver::This, at: None, archiving: Some(own) };
    }
    if state.archive.is_off() {
        return ArchiverReport { who: Archiver::Nobody, ..ArchiverReport::default() };
    }
    match tokio::time::timeout(ASK_WITHIN, state.driver.archiver()).await {
        Ok(Ok(report)) => report,
        Ok(Err(_)) | Err(_) => ArchiverReport::default(),
    }
}

pub async fn retention(state: &AppState) -> Result<RetentionView, ApiError> {
    Ok(state.driver.retention(now()).await?)
}

pub async fn set_retention(state: &AppState, keep: Retention) -> Result<RetentionView, ApiError> {
    let on = if keep.auto_cleanup { "every night" } else { "off" };
    let wanted = format!("{on}, jobs {} days, log lines {} days", keep.retention_days, keep.logs_retention_days);
    let asked = asked(state, "retention-settings", None).of(wanted);
    let set = async {
        keep.check().map_err(|(field, sentence)| ApiError::invalid(field, sentence))?;
        Ok(state.driver.set_retention(&keep).await?)
    };
    let answer = set.await;
    asked.answered(state, answer).await?;
    retention(state).await
}

/// What a run with these settings would delete now.
pub async fn preview(state: &AppState, keep: &Retention) -> Result<Preview, ApiError> {
    keep.check().map_err(|(field, sentence)| ApiError::invalid(field, sentence))?;
    let (db, at) = (state.archive.db()?, now());
    let mut parts = Vec::with_capacity(OLD.len());
    for table in &OLD {
        let (rows, partial) = state.archive.noted(count(&db, table, before(table.old, keep, at)).await)?;
        parts.push(PreviewPart { what: table.what.into(), rows, partial });
    }
    Ok(Preview { parts, jobs_before: before(Old::Jobs, keep, at), logs_before: before(Old::Lines, keep, at) })
}

/// Begins a run with the stored settings, whether the nightly one is on or off. It leaves its audit line when it has ended.
pub async fn run_retention(state: &AppState) -> Result<RetentionRun, ApiError> {
    let asked = asked(state, "retention-run", None);
    let begun = task::begin(state).await;
    asked.begun(state, begun).await
}

pub async fn archived_logs(state: &AppState, query: &ArchivedLogQuery) -> Result<ArchivedLog, ApiError> {
    let db = state.archive.db()?;
    Ok(state.archive.noted(logs::page(&db, query).await)?)
}
