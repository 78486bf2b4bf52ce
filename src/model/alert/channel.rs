//! Channels: where alerts go, how each is set, and what one did not take.

mod settings;

pub use settings::{
    ChannelsEdit, ChannelsView, DiscordEdit, DiscordView, EmailEdit, EmailView, Kept, NewSecret, Security, SlackEdit, SlackView,
    WebhookEdit, WebhookView,
};

use super::message::Message;
use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Slack,
    Discord,
    Webhook,
    Email,
}

impl Channel {
    pub const ALL: [Self; 4] = [Self::Slack, Self::Discord, Self::Webhook, Self::Email];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }

    /// Behind a verb.
    pub fn called(self) -> &'static str {
        match self {
            Self::Slack | Self::Discord => self.label(),
            Self::Webhook => "webhook",
            Self::Email => "e-mail",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Webhook => "Webhook",
            Self::Email => "E-mail",
        }
    }

    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

/// What a receiver said to a test, or why it could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    pub delivered: bool,
    /// `HTTP 200 OK: ok`, `250 2.0.0 Ok: queued`.
    pub answer: String,
    pub took_ms: i64,
}

/// An alert that one channel did not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Undelivered {
    pub id: String,
    /// `None`: it could not even be read, so it was for none.
    pub channel: Option<Channel>,
    pub message: Option<Message>,
    /// Of a mail that others took: those who did not get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What the receiver said at last.
    pub reason: String,
    pub tries: u32,
    /// When it was given up.
    pub at: Millis,
}

/// Newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndeliveredList {
    pub alerts: Vec<Undelivered>,
    /// Alerts that are on their way: not tried yet, or to be tried again.
    pub waiting: u64,
}
