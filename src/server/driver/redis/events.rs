//! The event channels: `{M}logs` under the queue prefix and every monitor prefix, on a connection of their own.

use super::RedisDriver;
use crate::server::error::DriverError;
use redis::aio::{PubSubSink, PubSubStream};
use std::time::Duration;

/// Entries of the history list that the library keeps.
const HISTORY: isize = 100;
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// The open subscription: messages come from `messages`; `sink` asks whether the connection still lives.
pub struct Channels {
    pub sink: PubSubSink,
    pub messages: PubSubStream,
}

impl RedisDriver {
    /// Monitor prefixes; their channels and histories are `{prefix}logs` and `{prefix}logs:history`.
    pub fn monitors(&self) -> &[String] {
        self.keys.monitors()
    }

    pub async fn listen(&self) -> Result<Channels, DriverError> {
        let connect = async {
            let mut channels = self.client.get_async_pubsub().await?;
            for monitor in self.keys.monitors() {
                channels.subscribe(format!("{monitor}logs")).await?;
            }
            Ok::<_, redis::RedisError>(channels)
        };
        let timed_out = || DriverError::Protocol("the event channel cannot be subscribed to: no answer".into());
        let (sink, messages) = tokio::time::timeout(CONNECT_WITHIN, connect).await.map_err(|_| timed_out())??.split();
        Ok(Channels { sink, messages })
    }

    /// The last events of one channel, oldest first; empty when there is no such list.
    pub async fn history(&self, monitor: &str) -> Result<Vec<Vec<u8>>, DriverError> {
        let key = format!("{monitor}logs:history");
        let read = redis::cmd("LRANGE").arg(key).arg(0).arg(HISTORY - 1).query_async::<Vec<Vec<u8>>>(&mut self.requests.clone()).await;
        let mut raws = read.or_else(|e| if e.code() == Some("WRONGTYPE") { Ok(Vec::new()) } else { Err(e) })?;
        raws.reverse();
        Ok(raws)
    }
}
