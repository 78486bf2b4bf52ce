//! What is shown of the channels, and what is to be changed. Secrets go in ([`NewSecret`]) and never come out ([`Kept`]).

use super::Channel;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may be known of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub set: bool,
    /// Of a URL its host.
    pub hint: Option<String>,
}

/// A secret on its way in. An empty one leaves what is stored, unless it is to be removed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSecret {
    pub value: String,
    pub remove: bool,
}

impl NewSecret {
    pub fn keeps(&self) -> bool {
        !self.remove && self.value.trim().is_empty()
    }

    /// What is stored afterwards.
    pub fn over(&self, stored: &str) -> String {
        match (self.remove, self.value.trim()) {
            (true, _) => String::new(),
            (false, "") => stored.into(),
            (false, new) => new.into(),
        }
    }
}

/// Never the text itself: requests are logged.
impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.remove, self.value.is_empty()) {
            (true, _) => "removed",
            (false, true) => "kept",
            (false, false) => "new",
        })
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the start on port 465; elsewhere STARTTLS when the server offers it. Without it no password is sent, but mail is.
    #[default]
    Auto,
    Tls,
    /// Not without STARTTLS.
    Starttls,
    /// In the clear, the password too.
    None,
}

impl Security {
    pub const ALL: [Self; 4] = [Self::Auto, Self::Tls, Self::Starttls, Self::None];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tls => "tls",
            Self::Starttls => "starttls",
            Self::None => "none",
        }
    }

    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlackView {
    pub enabled: bool,
    pub webhook_url: Kept,
    /// Text alone instead of Block Kit.
    pub plain: bool,
    /// The URL is that of SLACK_WEBHOOK_URL, because none is stored.
    pub from_environment: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscordView {
    pub enabled: bool,
    pub webhook_url: Kept,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookView {
    pub enabled: bool,
    pub url: Kept,
    /// What bodies are signed with.
    pub secret: Kept,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailView {
    pub enabled: bool,
    pub smtp_host: String,
    pub smtp_port: u16,
    pub smtp_security: Security,
    pub smtp_user: String,
    pub smtp_pass: Kept,
    pub from: String,
    /// Several addresses are separated by commas.
    pub to: String,
}

/// Everything that may be shown of the channels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsView {
    pub slack: SlackView,
    pub discord: DiscordView,
    pub webhook: WebhookView,
    pub email: EmailView,
    /// Why the stored settings cannot be read as they are; the defaults stand in for what is missing.
    pub problem: Option<String>,
    /// Of what is stored: whoever saves says what was seen before.
    pub version: String,
}

impl ChannelsView {
    pub fn enabled(&self, channel: Channel) -> bool {
        match channel {
            Channel::Slack => self.slack.enabled,
            Channel::Discord => self.discord.enabled,
            Channel::Webhook => self.webhook.enabled,
            Channel::Email => self.email.enabled,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlackEdit {
    pub enabled: bool,
    #[serde(default)]
    pub webhook_url: NewSecret,
    #[serde(default)]
    pub plain: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiscordEdit {
    pub enabled: bool,
    #[serde(default)]
    pub webhook_url: NewSecret,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookEdit {
    pub enabled: bool,
    #[serde(default)]
    pub url: NewSecret,
    #[serde(default)]
    pub secret: NewSecret,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmailEdit {
    pub enabled: bool,
    pub smtp_host: String,
    pub smtp_port: u16,
    #[serde(default)]
    pub smtp_security: Security,
    #[serde(default)]
    pub smtp_user: String,
    #[serde(default)]
    pub smtp_pass: NewSecret,
    pub from: String,
    pub to: String,
}

/// What is to be changed: a channel that is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ChannelsEdit {
    /// [`ChannelsView::version`] as it was read.
    pub version: String,
    pub slack: Option<SlackEdit>,
    pub discord: Option<DiscordEdit>,
    pub webhook: Option<WebhookEdit>,
    pub email: Option<EmailEdit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_replaced_or_removed_and_never_printed() {
        let new = |value: &str, remove| NewSecret { value: value.into(), remove };
        assert_eq!(new("", false).over("old"), "old");
        assert_eq!(new(" s3cret ", false).over("old"), "s3cret");
        assert_eq!(new("", true).over("old"), "");
        assert_eq!(
            format!("{:?}", SlackEdit { webhook_url: new("s3cret", false), ..SlackEdit::default() }),
            "SlackEdit { enabled: false, webhook_url: new, plain: false }"
        );
    }

    #[test]
    fn a_field_that_is_not_known_is_refused_rather_than_ignored() {
        assert!(serde_json::from_str::<ChannelsEdit>(r#"{"version":"1","slack":{"enabled":true,"webhookURL":{"value":"x"}}}"#).is_err());
        let edit: ChannelsEdit = serde_json::from_str(r#"{"version":"1","discord":{"enabled":true}}"#).expect("short");
        assert!(edit.discord.is_some_and(|d| d.enabled && d.webhook_url.keeps()) && edit.slack.is_none());
    }
}
