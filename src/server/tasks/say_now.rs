//! Sends what is to be said about Redis itself: the outbox is in Redis, so this goes past it, to the channels as they were last
//! read. What a channel does not take is kept in memory until it can be listed.

use super::deliver::{given_up, outside};
use crate::server::{notify, state::AppState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut sending = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = state.alerts.has_local() => {}
            Some(_) = sending.join_next() => continue,
        }
        for message in state.alerts.take_local() {
            let (outside, channels, alerts) = (outside(&state), state.channels.get(), state.alerts.clone());
            sending.spawn(async move {
                for (channel, came) in notify::send_now(&outside, &channels, &message).await {
                    match came {
                        Ok(_) => tracing::info!(alert.id = message.id, channel = channel.as_str(), "said without Redis"),
                        Err(failure) => {
                            tracing::error!(alert.id = message.id, channel = channel.as_str(), ?failure, "could not be said without Redis");
                            alerts.give_up(given_up(Some(channel), Some(message.clone()), Vec::new(), failure.said, notify::INSISTS));
                        }
                    }
                }
            });
        }
    }
}
