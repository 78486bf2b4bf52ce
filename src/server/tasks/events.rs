//! Hears the event channels and hands every message to the ledger. A lost connection is a gap, unless the history list shows
//! that nothing was said meanwhile, or tells what.

use crate::server::{actions::now, driver::redis::events::Channels, error::DriverError, state::AppState};
use futures::StreamExt;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whether the connection still lives is asked this often: a silent channel and a dead connection look alike.
const PING_EVERY: Duration = Duration::from_secs(5);
const PING_WITHIN: Duration = Duration::from_secs(3);
const RETRY: Duration = Duration::from_millis(500);
/// Messages handed over at once.
const BATCH: usize = 256;

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    loop {
        let listened = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            listened = listen(&state) => listened,
        };
        if let Err(error) = listened {
            tracing::debug!(%error, "the event channel is not heard");
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// Returns when the connection is lost.
async fn listen(state: &AppState) -> Result<(), DriverError> {
    let Channels { mut sink, messages } = state.driver.listen().await?;
    let since = now();
    // Messages wait in the connection while the history is read.
    let mut complete = true;
    for monitor in state.driver.monitors() {
        let raws = state.driver.history(monitor).await?;
        complete &= state.ledger.lock().history(monitor, &raws, since, now());
    }
    {
        let mut ledger = state.ledger.lock();
        ledger.listening(since);
        if complete {
            ledger.recovered();
        }
    }
    tracing::info!(channels = state.driver.monitors().len(), "events are heard");
    let mut messages = messages.ready_chunks(BATCH);
    let mut alive_at = now();
    let mut ping = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            batch = messages.next() => {
                let Some(batch) = batch else { break };
                alive_at = now();
                let mut ledger = state.ledger.lock();
                for message in batch {
                    let monitor = message.get_channel_name().strip_suffix("logs").unwrap_or_default();
                    ledger.hear(monitor, message.get_payload_bytes(), alive_at);
                }
            }
            _ = ping.tick() => {
                match tokio::time::timeout(PING_WITHIN, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => alive_at = now(),
                    _ => break,
                }
            }
        }
    }
    tracing::warn!("events are not heard, connecting again");
    state.ledger.lock().deaf(alive_at);
    Ok(())
}
