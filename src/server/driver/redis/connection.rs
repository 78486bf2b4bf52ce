//! A connection that comes back by itself, also from a refusal.
//!
//! `ConnectionManager` connects again after a lost connection, but keeps for ever what a server answered to the attempt: a wrong
//! password that was put right since, or too many clients. Here such an answer makes the next command connect anew.

use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
};
use std::sync::{Arc, PoisonError, RwLock};

#[derive(Clone)]
pub struct Connection {
    client: redis::Client,
    config: ConnectionManagerConfig,
    /// The number grows with every new one.
    now: Arc<RwLock<(u64, ConnectionManager)>>,
}

impl Connection {
    /// Does not connect yet.
    pub fn new(client: redis::Client, config: ConnectionManagerConfig) -> RedisResult<Self> {
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self { client, config, now: Arc::new(RwLock::new((0, manager))) })
    }

    fn current(&self) -> (u64, ConnectionManager) {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note<T>(&self, used: u64, result: &RedisResult<T>) {
        if !result.as_ref().is_err_and(refused) {
            return;
        }
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        // Of many commands that were refused together, the first one sees to it.
        if now.0 == used
            && let Ok(manager) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone())
        {
            *now = (used + 1, manager);
        }
    }
}

/// Answers to a connection, not to a command.
fn refused(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS"))
        || error.detail().is_some_and(|text| text.contains("max number of clients"))
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (used, mut manager) = self.current();
            let result = manager.send_packed_command(cmd).await;
            self.note(used, &result);
            result
        })
    }

    fn req_packed_commands<'a>(&'a mut self, pipeline: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (used, mut manager) = self.current();
            let result = manager.send_packed_commands(pipeline, offset, count).await;
            self.note(used, &result);
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.current().1.get_db()
    }
}
