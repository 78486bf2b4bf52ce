//! Bulk operations as Redis remembers them, for every console and for a day.
//!
//! `…operations` is a sorted set of ids by the last sign of life (epoch ms), so that those under way are read first; `…operation:{id}`
//! a hash with `json` (model::operation::Operation), `beat` (the same time) and, once asked for, `cancel`. `…operation:{id}:pushed`: see `push`.

use super::RedisDriver;
use crate::model::{
    operation::{BEFORE_ITS_TURN, LISTED, Operation, OperationStatus},
    time::Millis,
};
use crate::server::error::DriverError;
use redis::{AsyncCommands, Pipeline};

const KEPT_S: i64 = 86_400;
/// A running operation gives a sign of life with every chunk, one that waits every few seconds; silent for this long, its console is gone.
const SILENT_MS: i64 = 15_000;
/// Operations of one round trip.
const TOGETHER: usize = 200;

impl RedisDriver {
    /// Writes the operation down; returns whether its cancellation was asked for.
    pub async fn save_operation(&self, operation: &Operation, now: Millis) -> Result<bool, DriverError> {
        let mut pipe = redis::pipe();
        pipe.atomic();
        self.put_operation(&mut pipe, operation, now)?;
        pipe.zrembyscore(self.keys.operations(), "-inf", now.0 - KEPT_S * 1_000).ignore();
        pipe.hexists(self.keys.operation(&operation.id), "cancel");
        let (cancelled,): (bool,) = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(cancelled)
    }

    /// Writes several down.
    pub async fn save_operations(&self, operations: &[Operation], now: Millis) -> Result<(), DriverError> {
        for some in operations.chunks(TOGETHER) {
            let mut pipe = redis::pipe();
            pipe.atomic();
            for operation in some {
                self.put_operation(&mut pipe, operation, now)?;
            }
            pipe.exec_async(&mut self.requests.clone()).await?;
        }
        Ok(())
    }

    fn put_operation(&self, pipe: &mut Pipeline, operation: &Operation, now: Millis) -> Result<(), DriverError> {
        let json = serde_json::to_string(operation).map_err(|e| DriverError::Protocol(e.to_string()))?;
        let key = self.keys.operation(&operation.id);
        pipe.hset_multiple(&key, &[("json", json), ("beat", now.0.to_string())]).ignore().expire(&key, KEPT_S).ignore();
        pipe.zadd(self.keys.operations(), &operation.id, now.0).ignore();
        Ok(())
    }

    /// A sign of life of operations that wait; returns those of which the cancellation was asked for.
    pub async fn beat_operations(&self, ids: &[String], now: Millis) -> Result<Vec<String>, DriverError> {
        let mut cancelled = Vec::new();
        for some in ids.chunks(TOGETHER) {
            let mut pipe = redis::pipe();
            for id in some {
                let key = self.keys.operation(id);
                pipe.hset(&key, "beat", now.0).ignore().expire(&key, KEPT_S).ignore();
                pipe.zadd(self.keys.operations(), id, now.0).ignore().hexists(&key, "cancel");
            }
            let asked: Vec<bool> = pipe.query_async(&mut self.requests.clone()).await?;
            cancelled.extend(some.iter().zip(asked).filter(|(_, asked)| *asked).map(|(id, _)| id.clone()));
        }
        Ok(cancelled)
    }

    /// `None`: never there, or older than a day.
    pub async fn operation(&self, id: &str, now: Millis) -> Result<Option<Operation>, DriverError> {
        Ok(self.operations_of(&[id.to_owned()], now).await?.pop())
    }

    /// Those that gave a sign of life last, and how they are now.
    pub async fn operations(&self, now: Millis) -> Result<Vec<Operation>, DriverError> {
        self.operations_of(&self.operation_ids(LISTED).await?, now).await
    }

    /// The ids of so many, the last sign of life first.
    pub async fn operation_ids(&self, most: usize) -> Result<Vec<String>, DriverError> {
        let last = most.cast_signed() - 1;
        Ok(self.requests.clone().zrevrange(self.keys.operations(), 0, last).await?)
    }

    /// These, as far as they are there.
    pub async fn operations_of(&self, ids: &[String], now: Millis) -> Result<Vec<Operation>, DriverError> {
        let mut operations = Vec::new();
        for some in ids.chunks(TOGETHER) {
            let mut pipe = redis::pipe();
            for id in some {
                pipe.cmd("HMGET").arg(self.keys.operation(id)).arg("json").arg("beat");
            }
            let found: Vec<(Option<String>, Option<i64>)> = pipe.query_async(&mut self.requests.clone()).await?;
            operations.extend(found.into_iter().filter_map(|(json, beat)| read(&json?, beat, now)));
        }
        Ok(operations)
    }

    pub async fn cancel_operation(&self, id: &str) -> Result<(), DriverError> {
        Ok(self.requests.clone().hset(self.keys.operation(id), "cancel", 1).await?)
    }
}

fn read(json: &str, beat: Option<i64>, now: Millis) -> Option<Operation> {
    let mut operation: Operation = serde_json::from_str(json).ok()?;
    if !operation.status.is_over() && now.0 - beat.unwrap_or(0) > SILENT_MS {
        operation.message = Some(
            if operation.status == OperationStatus::Waiting {
                BEFORE_ITS_TURN
            } else {
                "The console that ran it stopped. What it had done stays done; no job is lost. Start it again for the rest."
            }
            .into(),
        );
        operation.status = OperationStatus::Interrupted;
    }
    Some(operation)
}
