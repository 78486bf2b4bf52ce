//! Where alerts go: reading, saving and trying channels, and alerts that could not be delivered. No secret leaves from here.

use super::{
    audit::{Came, asked},
    now,
};
use crate::model::{
    alert::{
        channel::{Channel, ChannelsEdit, ChannelsView, NewSecret, Tested, Undelivered, UndeliveredList},
        message::{Kind, Message},
    },
    error::ApiError,
};
use crate::server::{
    driver::redis::channels::{CONFIG, Outgoing, StoredChannels},
    error::DriverError,
    notify::{
        self,
        config::{self, Channels},
    },
    state::AppState,
    tasks::deliver::outside,
};
use std::time::Instant;

struct Read {
    stored: StoredChannels,
    /// As they are stored, the environment aside.
    channels: Channels,
    problem: Option<String>,
}

impl Read {
    fn text(&self) -> Option<String> {
        self.stored.text.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

async fn read(state: &AppState) -> Result<Read, DriverError> {
    let stored = state.driver.channels().await?;
    let text = stored.text.as_deref().map(String::from_utf8_lossy);
    let (channels, mut problem) = config::read(text.as_deref());
    if let Some(what) = stored.foreign {
        problem = Some(format!("{CONFIG} {what}, so no channel is set, and none can be saved here."));
    }
    Ok(Read { channels, problem, stored })
}

/// The channels that hold now, and what is wrong with what is stored. Remembered for when Redis is away.
pub async fn current(state: &AppState) -> Result<(Channels, Option<String>), DriverError> {
    let Read { channels, problem, .. } = read(state).await?;
    let channels = channels.with_environment(state.config.slack_webhook_url.as_deref());
    state.channels.set(channels.clone());
    Ok((channels, problem))
}

fn view(state: &AppState, read: Read) -> ChannelsView {
    let channels = read.channels.with_environment(state.config.slack_webhook_url.as_deref());
    state.channels.set(channels.clone());
    channels.view(read.problem, read.stored.version)
}

pub async fn channels(state: &AppState) -> Result<ChannelsView, ApiError> {
    Ok(view(state, read(state).await?))
}

pub async fn set_channels(state: &AppState, edit: &ChannelsEdit) -> Result<ChannelsView, ApiError> {
    let asked = asked(state, "alert-channels", None).of(summary(edit));
    let saved = save(state, edit).await;
    asked.answered(state, saved).await?;
    channels(state).await
}

async fn save(state: &AppState, edit: &ChannelsEdit) -> Result<(), ApiError> {
    let changed = || ApiError::Conflict {
        detail: "The channels were changed by somebody else since they were read. Nothing was saved: look at them again first.".into(),
    };
    let read = read(state).await?;
    if let Some(what) = read.stored.foreign {
        return Err(ApiError::Conflict { detail: format!("{CONFIG} {what}. Nothing was saved.") });
    }
    if edit.version != read.stored.version {
        return Err(changed());
    }
    let before = read.channels.clone().with_environment(state.config.slack_webhook_url.as_deref());
    let next = before.edited(edit, state.config.allow_private_webhooks).map_err(|(field, sentence)| ApiError::invalid(field, sentence))?;
    let text = next.written(read.text().as_deref(), edit);
    let saved = state.driver.set_channels(read.stored.text.as_deref(), &text, read.problem.is_some(), now()).await?;
    if saved { Ok(()) } else { Err(changed()) }
}

/// What was changed, for the audit: hosts at most, never a secret.
fn summary(edit: &ChannelsEdit) -> String {
    let secret = |what: &str, new: &NewSecret, url: bool| match (new.remove, new.value.trim()) {
        (true, _) => format!(", {what} removed"),
        (false, "") => String::new(),
        (false, value) if url => format!(", new {what} at {}", config::host(value).unwrap_or_else(|| "no host".into())),
        (false, _) => format!(", new {what}"),
    };
    let on = |on: bool| if on { "on" } else { "off" };
    let mut said = Vec::new();
    if let Some(to) = &edit.slack {
        said.push(format!("Slack {}{}", on(to.enabled), secret("URL", &to.webhook_url, true)));
    }
    if let Some(to) = &edit.discord {
        said.push(format!("Discord {}{}", on(to.enabled), secret("URL", &to.webhook_url, true)));
    }
    if let Some(to) = &edit.webhook {
        said.push(format!("Webhook {}{}{}", on(to.enabled), secret("URL", &to.url, true), secret("secret", &to.secret, false)));
    }
    if let Some(to) = &edit.email {
        let pass = secret("password", &to.smtp_pass, false);
        said.push(format!("E-mail {}, {}:{}, to {}{pass}", on(to.enabled), to.smtp_host, to.smtp_port, to.to));
    }
    said.join("; ")
}

impl Came for Tested {
    fn result(&self) -> String {
        format!("{}: {}", if self.delivered { "taken" } else { "not taken" }, self.answer)
    }
}

/// Sends a test over one channel, once, whether it is on or not: as it is stored, or as `edit` would have it.
pub async fn test(state: &AppState, channel: Channel, edit: Option<&ChannelsEdit>) -> Result<Tested, ApiError> {
    let asked = asked(state, "alert-test", None).of(channel.label());
    let tested = tried(state, channel, edit).await;
    asked.answered(state, tested).await
}

async fn tried(state: &AppState, channel: Channel, edit: Option<&ChannelsEdit>) -> Result<Tested, ApiError> {
    let stored = read(state).await?.channels.with_environment(state.config.slack_webhook_url.as_deref());
    let channels = match edit {
        Some(edit) => {
            stored.edited(edit, state.config.allow_private_webhooks).map_err(|(field, sentence)| ApiError::invalid(field, sentence))?
        }
        None => stored,
    };
    // An edit without a URL of its own leaves the environment's.
    let channels = channels.with_environment(state.config.slack_webhook_url.as_deref());
    let since = Instant::now();
    let came = notify::send(&outside(state), &channels, channel, &test_message(state)).await;
    let took_ms = i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(match came {
        Ok(answer) => Tested { delivered: true, answer: answer.said, took_ms },
        Err(failure) => Tested { delivered: false, answer: failure.said, took_ms },
    })
}

fn test_message(state: &AppState) -> Message {
    Message {
        id: format!("test-{}", uuid::Uuid::now_v7().simple()),
        kind: Kind::Test,
        rule_id: "test".into(),
        rule: "Test of this channel".into(),
        rule_type: "test".into(),
        subject: None,
        text: "This is a test of Flux Console. Alerts will look like this.".into(),
        value: String::new(),
        threshold: String::new(),
        at: now(),
        since: None,
        environment: state.config.environment.clone(),
    }
}

pub async fn undelivered(state: &AppState) -> Result<UndeliveredList, ApiError> {
    let alerts = state.driver.undelivered().await?.into_iter().map(|(_, entry)| entry).collect();
    Ok(UndeliveredList { alerts, waiting: state.driver.alerts_waiting().await? })
}

fn about(entry: &Undelivered) -> String {
    let channel = entry.channel.map_or("no channel", Channel::label);
    entry.message.as_ref().map_or_else(|| channel.to_owned(), |message| format!("{channel}: {}", message.text))
}

async fn find(state: &AppState, id: &str) -> Result<(String, Undelivered), ApiError> {
    let all = state.driver.undelivered().await?;
    all.into_iter().find(|(_, entry)| entry.id == id).ok_or_else(gone)
}

fn gone() -> ApiError {
    ApiError::NotFound { detail: "This alert is not among the undelivered ones any more.".into() }
}

/// Puts an undelivered alert into the outbox again, for the channel that did not take it.
pub async fn send_again(state: &AppState, id: &str) -> Result<(), ApiError> {
    take(state, "alert-send-again", id, |entry| match entry {
        Undelivered { channel: Some(channel), message: Some(message), recipients, .. } => {
            Ok(Some(Outgoing { message, only: Some(channel), recipients }))
        }
        Undelivered { .. } => {
            Err(ApiError::Conflict { detail: "This was no alert that can be read, so it cannot be sent. It can be dismissed.".into() })
        }
    })
    .await
}

/// Takes an undelivered alert off the list.
pub async fn dismiss(state: &AppState, id: &str) -> Result<(), ApiError> {
    take(state, "alert-dismiss", id, |_| Ok(None)).await
}

async fn take(
    state: &AppState,
    verb: &str,
    id: &str,
    again: impl FnOnce(Undelivered) -> Result<Option<Outgoing>, ApiError>,
) -> Result<(), ApiError> {
    let found = find(state, id).await;
    let asked = asked(state, verb, None).of(found.as_ref().map_or_else(|_| id.to_owned(), |(_, entry)| about(entry)));
    let taken = async {
        let (raw, entry) = found?;
        let again = again(entry)?;
        if state.driver.take_undelivered(&raw, again.as_ref()).await? { Ok(()) } else { Err(gone()) }
    };
    let taken = taken.await;
    asked.answered(state, taken).await
}
