//! The channels' settings: what they are, what is shown of them, and what an edit makes of them. How they are stored is in `stored`.

mod stored;

pub use stored::read;

use crate::model::alert::channel::{
    Channel, ChannelsEdit, ChannelsView, DiscordView, EmailView, Kept, NewSecret, Security, SlackView, WebhookView,
};
use url::Url;

/// Settings with their secrets. `Debug` is not derived on purpose.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Channels {
    pub slack: Slack,
    pub discord: Discord,
    pub webhook: Webhook,
    pub email: Email,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Slack {
    pub enabled: bool,
    pub url: String,
    pub plain: bool,
    pub from_environment: bool,
    /// Settings of it are stored and can be read.
    pub stored: bool,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Discord {
    pub enabled: bool,
    pub url: String,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Webhook {
    pub enabled: bool,
    pub url: String,
    pub secret: String,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Email {
    pub enabled: bool,
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub pass: String,
    pub from: String,
    pub to: String,
}

/// Host of a URL, as far as it is one: all that is ever shown of it.
pub fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn kept(secret: &str) -> Kept {
    Kept { set: !secret.is_empty(), hint: None }
}

fn kept_url(url: &str) -> Kept {
    Kept { set: !url.is_empty(), hint: host(url) }
}

impl Channels {
    /// With the Slack URL of the environment, where none is stored. It is on by itself until somebody stores whether it is.
    #[must_use]
    pub fn with_environment(mut self, slack: Option<&str>) -> Self {
        if let Some(url) = slack.filter(|_| self.slack.url.is_empty()) {
            let enabled = self.slack.enabled || !self.slack.stored;
            self.slack = Slack { enabled, url: url.into(), from_environment: true, ..self.slack };
        }
        self
    }

    /// The same, with mail to these alone; to all when there are none.
    #[must_use]
    pub fn to_recipients(&self, only: &[String]) -> Self {
        let mut channels = self.clone();
        if !only.is_empty() {
            channels.email.to = only.join(", ");
        }
        channels
    }

    pub fn view(&self, problem: Option<String>, version: String) -> ChannelsView {
        let Self { slack, discord, webhook, email } = self;
        ChannelsView {
            slack: SlackView {
                enabled: slack.enabled,
                webhook_url: kept_url(&slack.url),
                plain: slack.plain,
                from_environment: slack.from_environment,
            },
            discord: DiscordView { enabled: discord.enabled, webhook_url: kept_url(&discord.url) },
            webhook: WebhookView { enabled: webhook.enabled, url: kept_url(&webhook.url), secret: kept(&webhook.secret) },
            email: EmailView {
                enabled: email.enabled,
                smtp_host: email.host.clone(),
                smtp_port: email.port,
                smtp_security: email.security,
                smtp_user: email.user.clone(),
                smtp_pass: kept(&email.pass),
                from: email.from.clone(),
                to: email.to.clone(),
            },
            problem,
            version,
        }
    }

    /// Those that alerts go to: on, and with somewhere to go.
    pub fn enabled(&self) -> Vec<Channel> {
        Channel::ALL.into_iter().filter(|c| self.is_on(*c)).collect()
    }

    pub fn is_on(&self, channel: Channel) -> bool {
        match channel {
            Channel::Slack => self.slack.enabled && !self.slack.url.is_empty(),
            Channel::Discord => self.discord.enabled && !self.discord.url.is_empty(),
            Channel::Webhook => self.webhook.enabled && !self.webhook.url.is_empty(),
            Channel::Email => self.email.enabled && !self.email.host.is_empty() && !self.email.to.is_empty(),
        }
    }

    /// As they would be after the edit.
    ///
    /// # Errors
    /// The field that is wrong, and a sentence.
    pub fn edited(&self, edit: &ChannelsEdit, allow_private: bool) -> Result<Self, (&'static str, String)> {
        let mut next = self.clone();
        if let Some(to) = &edit.slack {
            // The environment's URL is nobody's to store.
            let stored = if self.slack.from_environment { "" } else { &self.slack.url };
            let url = new_url("slack.webhookUrl", stored, &to.webhook_url, allow_private)?;
            next.slack = Slack { enabled: to.enabled, url, plain: to.plain, from_environment: false, stored: true };
        }
        if let Some(to) = &edit.discord {
            let url = new_url("discord.webhookUrl", &self.discord.url, &to.webhook_url, allow_private)?;
            next.discord = Discord { enabled: to.enabled, url };
        }
        if let Some(to) = &edit.webhook {
            let url = new_url("webhook.url", &self.webhook.url, &to.url, allow_private)?;
            next.webhook = Webhook { enabled: to.enabled, url, secret: to.secret.over(&self.webhook.secret) };
        }
        if let Some(to) = &edit.email {
            let (host, user) = (to.smtp_host.trim(), to.smtp_user.trim());
            let before = &self.email;
            let moved = (host, to.smtp_port, to.smtp_security, user) != (&*before.host, before.port, before.security, &*before.user);
            if moved && to.smtp_pass.keeps() && !before.pass.is_empty() {
                // Or whoever may edit could have the stored password sent to a server of their own.
                return Err((
                    "email.smtpPass",
                    "The server, its protection or the user was changed: type the password again, or remove it.".into(),
                ));
            }
            next.email = Email {
                enabled: to.enabled,
                host: host.into(),
                port: to.smtp_port,
                security: to.smtp_security,
                user: user.into(),
                pass: to.smtp_pass.over(&before.pass),
                from: to.from.trim().into(),
                to: to.to.trim().into(),
            };
            super::email::check(&next.email, allow_private)?;
        }
        for (channel, field) in
            [(Channel::Slack, "slack.webhookUrl"), (Channel::Discord, "discord.webhookUrl"), (Channel::Webhook, "webhook.url")]
        {
            let (on, url) = match channel {
                // The environment's URL holds as long as nobody removes or replaces it.
                Channel::Slack if self.slack.from_environment => continue,
                Channel::Slack => (edit.slack.is_some() && next.slack.enabled, &next.slack.url),
                Channel::Discord => (edit.discord.is_some() && next.discord.enabled, &next.discord.url),
                Channel::Webhook => (edit.webhook.is_some() && next.webhook.enabled, &next.webhook.url),
                Channel::Email => continue,
            };
            if on && url.is_empty() {
                return Err((field, "A channel that is on needs a URL.".into()));
            }
        }
        Ok(next)
    }
}

fn new_url(field: &'static str, stored: &str, to: &NewSecret, allow_private: bool) -> Result<String, (&'static str, String)> {
    let url = to.over(stored);
    if !to.keeps() && !url.is_empty() {
        super::post::check(&url, allow_private).map_err(|sentence| (field, sentence))?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
