//! Bulk operations as Redis remembers them, for every console and for a day.
//!
//! `…operations` is a sorted set of ids by start (epoch ms); `…operation:{id}` a hash with `json` (model::operation::Operation),
//! `beat` (epoch ms of the last sign of life) and, once asked for, `cancel`.

use super::RedisDriver;
use crate::model::{
    operation::{Operation, OperationStatus},
    time::Millis,
};
use crate::server::error::DriverError;
use redis::AsyncCommands;

const KEPT_S: i64 = 86_400;
const LISTED: isize = 100;
/// A running operation gives a sign of life with every chunk; silent for this long, its console is gone.
const SILENT_MS: i64 = 15_000;

impl RedisDriver {
    /// Writes the operation down; returns whether its cancellation was asked for.
    pub async fn save_operation(&self, operation: &Operation, now: Millis) -> Result<bool, DriverError> {
        let key = self.keys.operation(&operation.id);
        let json = serde_json::to_string(operation).map_err(|e| DriverError::Protocol(e.to_string()))?;
        let oldest = now.0 - KEPT_S * 1_000;
        let mut pipe = redis::pipe();
        pipe.atomic().hset_multiple(&key, &[("json", json), ("beat", now.0.to_string())]).ignore().expire(&key, KEPT_S).ignore();
        pipe.zadd(self.keys.operations(), &operation.id, operation.started_at.0).ignore();
        pipe.zrembyscore(self.keys.operations(), "-inf", oldest).ignore().hexists(&key, "cancel");
        let (cancelled,): (bool,) = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(cancelled)
    }

    /// `None`: never there, or older than a day.
    pub async fn operation(&self, id: &str, now: Millis) -> Result<Option<Operation>, DriverError> {
        let (json, beat): (Option<String>, Option<i64>) =
            redis::cmd("HMGET").arg(self.keys.operation(id)).arg("json").arg("beat").query_async(&mut self.requests.clone()).await?;
        let Some(mut operation) = json.and_then(|j| serde_json::from_str::<Operation>(&j).ok()) else { return Ok(None) };
        if operation.status == OperationStatus::Running && now.0 - beat.unwrap_or(0) > SILENT_MS {
            operation.status = OperationStatus::Interrupted;
            operation.message =
                Some("The console that ran it stopped. What it had done stays done; no job is lost. Start it again for the rest.".into());
        }
        Ok(Some(operation))
    }

    /// Newest first.
    pub async fn operations(&self, now: Millis) -> Result<Vec<Operation>, DriverError> {
        let ids: Vec<String> = self.requests.clone().zrevrange(self.keys.operations(), 0, LISTED - 1).await?;
        let mut operations = Vec::new();
        for id in ids {
            operations.extend(self.operation(&id, now).await?);
        }
        Ok(operations)
    }

    pub async fn cancel_operation(&self, id: &str) -> Result<(), DriverError> {
        Ok(self.requests.clone().hset(self.keys.operation(id), "cancel", 1).await?)
    }
}
