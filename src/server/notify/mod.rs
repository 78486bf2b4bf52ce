//! Alerts on their way out: one file a channel, and what they share. Nothing here knows Redis.

pub mod address;
pub mod config;
mod discord;
pub mod email;
mod known;
pub mod post;
mod slack;
mod webhook;
mod words;

pub use address::Names;
pub use known::LastKnown;

use crate::model::alert::{channel::Channel, message::Message};
use config::Channels;
use futures::future::join_all;
use std::time::Duration;

/// What holds for everything that goes out.
#[derive(Clone, Debug)]
pub struct Outside {
    /// `--allow-private-webhooks`
    pub allow_private: bool,
    /// For one try, everything together.
    pub within: Duration,
    pub names: Names,
}

/// It was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `HTTP 200 OK: ok`
    pub said: String,
    /// HTTP status or SMTP reply code.
    pub code: u16,
    /// Recipients of a mail that it was not taken for.
    pub refused: Vec<Refusal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub recipient: String,
    /// `b@example.com: 450 4.2.1 Try later`
    pub said: String,
    pub again: Again,
}

/// It was not taken, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For operators; holds no secret.
    pub said: String,
    pub again: Again,
    /// 0: there was no answer.
    pub code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Another try would come to the same.
    Never,
    Later,
    /// The receiver said when.
    After(Duration),
}

impl Failure {
    fn never(said: impl Into<String>) -> Self {
        Self { said: said.into(), again: Again::Never, code: 0 }
    }

    fn later(said: impl Into<String>) -> Self {
        Self { said: said.into(), again: Again::Later, code: 0 }
    }

    fn after(said: String, wait: Option<Duration>) -> Self {
        Self { said, again: wait.map_or(Again::Later, Again::After), code: 0 }
    }
}

/// One try on one channel, whether it is on or not.
pub async fn send(outside: &Outside, channels: &Channels, channel: Channel, message: &Message) -> Result<Answer, Failure> {
    match channel {
        Channel::Slack => slack::send(outside, &channels.slack, message).await,
        Channel::Discord => discord::send(outside, &channels.discord, message).await,
        Channel::Webhook => webhook::send(outside, &channels.webhook, message).await,
        Channel::Email => email::send(outside, &channels.email, message).await,
    }
}

/// Tries of what goes past Redis, at most.
pub const INSISTS: u32 = 3;

/// To every channel that is on, past Redis: for what is to be said about Redis itself. Each channel is tried up to three times;
/// nothing is written down, so a console that is stopped meanwhile says no more, and several consoles may say the same.
pub async fn send_now(outside: &Outside, channels: &Channels, message: &Message) -> Vec<(Channel, Result<Answer, Failure>)> {
    join_all(channels.enabled().into_iter().map(|channel| insist(outside, channels, channel, message))).await
}

async fn insist(outside: &Outside, channels: &Channels, channel: Channel, message: &Message) -> (Channel, Result<Answer, Failure>) {
    for wait in [2, 8].map(Duration::from_secs) {
        match send(outside, channels, channel, message).await {
            Err(failure) if failure.again != Again::Never => tokio::time::sleep(wait).await,
            came => return (channel, came),
        }
    }
    (channel, send(outside, channels, channel, message).await)
}
