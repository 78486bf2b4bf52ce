//! What the console that archives says of that, for the pages of the others: `flux_console:{hash of the prefix}:archiver:report`, JSON
//! that ends by itself. It names the token of the lease, so that nobody takes the words of a console that is gone for another's.

use super::RedisDriver;
use crate::model::{
    archive::{Archiver, ArchiverReport, Archiving},
    time::Millis,
};
use crate::server::error::DriverError;
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

/// Whose lease (`lease.rs`) it is that archives.
pub const ARCHIVER: &str = "archiver";
/// Who archives says it anew long before.
const REPORT_MS: u64 = 30_000;

#[derive(Serialize, Deserialize)]
struct Report {
    token: String,
    at: Millis,
    archiving: Archiving,
}

impl RedisDriver {
    pub async fn report_archiving(&self, token: &str, at: Millis, archiving: &Archiving) -> Result<(), DriverError> {
        let report = Report { token: token.into(), at, archiving: archiving.clone() };
        let json = serde_json::to_string(&report).map_err(|e| DriverError::Protocol(e.to_string()))?;
        Ok(self.requests.clone().pset_ex(self.keys.report(ARCHIVER), json, REPORT_MS).await?)
    }

    /// As a console sees it that does not archive.
    pub async fn archiver(&self) -> Result<ArchiverReport, DriverError> {
        let keys = [self.keys.lease(ARCHIVER), self.keys.report(ARCHIVER)];
        let (lease, report): (Option<String>, Option<String>) =
            redis::cmd("MGET").arg(&keys).query_async(&mut self.requests.clone()).await?;
        let Some(lease) = lease else { return Ok(ArchiverReport { who: Archiver::Nobody, ..ArchiverReport::default() }) };
        // One that another version writes may not be readable.
        let report = report.and_then(|json| serde_json::from_str::<Report>(&json).ok()).filter(|report| report.token == lease);
        let (at, archiving) = report.map(|report| (report.at, report.archiving)).unzip();
        Ok(ArchiverReport { who: Archiver::Other, at, archiving })
    }
}
