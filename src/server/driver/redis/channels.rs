//! Where alerts go, and alerts on their way there. The channels are the original's `gravito:zenith:alerts:config`
//! (stream-protocol.md, 3), a text to this module; under `flux_console:{hash of the prefix}:alerts:` are
//! - `outbox`, a list of [`Message`]s as JSON, newest at the head,
//! - `delivering`, a hash: `m:{id}` the message, `s:{channel}:{id}` how far it is there ([`Progress`]); a channel that has it has no field,
//! - `undelivered`, a list of what was given up, newest at the head,
//! - `config-before:{epoch ms}`, a text that could not be read when somebody saved over it.

use super::RedisDriver;
use crate::model::{
    alert::{
        channel::{Channel, Undelivered},
        message::Message,
    },
    time::Millis,
};
use crate::server::error::DriverError;
use hmac::{Hmac, KeyInit, Mac};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::collections::HashMap;

/// Name of the lease of whoever delivers.
pub const LEASE: &str = "deliver";
/// Global, as the original has it: not under a hash of the prefix.
pub const CONFIG: &str = "gravito:zenith:alerts:config";
/// Undelivered alerts that are kept.
const MOST_UNDELIVERED: isize = 200;
/// Alerts that are on their way at a time; more stay in the outbox.
pub const MOST_DELIVERING: usize = 500;

/// The channels as they are stored.
pub struct StoredChannels {
    pub text: Option<Vec<u8>>,
    /// Changes with the text. It is made with a key, so that nobody can try out what secrets the text may hold.
    pub version: String,
    /// What the key holds instead of a text that could be read; it cannot be written over then.
    pub foreign: Option<&'static str>,
}

/// A longer text is nobody's channels.
const CONFIG_BYTES: isize = 1024 * 1024;

/// How far an alert is on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// In this order they were taken from the outbox.
    pub order: i64,
    /// Tries that were begun. One that was begun and of which nothing else is known may have arrived.
    pub tries: u32,
    /// Not before.
    pub next: Millis,
    /// Why it was not taken so far.
    pub said: Option<String>,
    /// Of a mail that others took: those who are still to get it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
}

/// One alert on one channel.
#[derive(Clone, Debug)]
pub struct Delivering {
    pub channel: Channel,
    pub message: Message,
    pub progress: Progress,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Done,
    /// Somebody else was there before; what is known must be read again.
    Changed,
    NotHolder,
}

impl Step {
    fn read(code: i64) -> Self {
        match code {
            1 => Self::Done,
            0 => Self::Changed,
            _ => Self::NotHolder,
        }
    }
}

/// What lies in the outbox: a message, for one channel alone when it is sent again.
#[derive(Serialize, Deserialize)]
pub struct Outgoing {
    #[serde(flatten)]
    pub message: Message,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Channel>,
    /// See [`Progress::recipients`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
}

fn text<T: Serialize>(value: &T) -> Result<String, DriverError> {
    serde_json::to_string(value).map_err(|e| DriverError::Protocol(e.to_string()))
}

fn message_field(id: &str) -> String {
    format!("m:{id}")
}

fn channel_field(id: &str, channel: Channel) -> String {
    format!("s:{}:{id}", channel.as_str())
}

impl RedisDriver {
    pub async fn channels(&self) -> Result<StoredChannels, DriverError> {
        // A part of it: whatever lies there is asked for again and again.
        let stored: Result<Vec<u8>, _> = self.requests.clone().getrange(CONFIG, 0, CONFIG_BYTES).await;
        let (text, foreign) = match stored {
            Ok(text) if text.len() > CONFIG_BYTES.unsigned_abs() => (None, Some("is a text of more than 1 MB")),
            Ok(text) => (Some(text).filter(|text| !text.is_empty()), None),
            Err(error) if error.code() == Some("WRONGTYPE") => (None, Some("is not a text")),
            Err(error) => return Err(error.into()),
        };
        let key = self.version_key().await?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|e| DriverError::Protocol(e.to_string()))?;
        mac.update(text.as_deref().unwrap_or_default());
        let version: String = mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(StoredChannels { text, version, foreign })
    }

    async fn version_key(&self) -> Result<String, DriverError> {
        let (name, mut con) = (self.keys.alerts("key"), self.requests.clone());
        if let Some(key) = con.get::<_, Option<String>>(&name).await? {
            return Ok(key);
        }
        // Whoever is first: every console must make the same versions.
        let _: bool = con.set_nx(&name, uuid::Uuid::new_v4().simple().to_string()).await?;
        Ok(con.get(&name).await?)
    }

    /// Writes over exactly `before`; `backup` keeps it. Whether nothing else stood there by now.
    pub async fn set_channels(&self, before: Option<&[u8]>, next: &str, backup: bool, now: Millis) -> Result<bool, DriverError> {
        // A second text that cannot be read does not replace the first.
        let backup = backup.then(|| self.keys.alerts(&format!("config-before:{}", now.0)));
        self.swap_setting(CONFIG, before.unwrap_or_default(), next, backup).await
    }

    pub async fn outbox_waiting(&self) -> Result<u64, DriverError> {
        Ok(self.requests.clone().llen(self.keys.alert_outbox()).await?)
    }

    /// Some of the oldest, the oldest first.
    pub async fn outbox(&self, most: isize) -> Result<Vec<Vec<u8>>, DriverError> {
        let mut found: Vec<Vec<u8>> = self.requests.clone().lrange(self.keys.alert_outbox(), -most, -1).await?;
        found.reverse();
        Ok(found)
    }

    /// Takes the oldest out of the outbox, noted for these channels.
    pub async fn take_alert(
        &self,
        token: &str,
        raw: &[u8],
        message: &Message,
        to: &[Channel],
        fresh: &Progress,
    ) -> Result<Step, DriverError> {
        let mut call = self.scripts.take_alert.prepare_invoke();
        self.outbox_keys(&mut call);
        call.arg(token).arg(raw).arg(message_field(&message.id)).arg(text(message)?).arg("").arg(MOST_UNDELIVERED).arg(text(fresh)?);
        for channel in to {
            call.arg(channel_field(&message.id, *channel));
        }
        Ok(Step::read(call.invoke_async(&mut self.requests.clone()).await?))
    }

    /// Takes out what is no alert, noted among the undelivered ones.
    pub async fn refuse_alert(&self, token: &str, raw: &[u8], entry: &Undelivered) -> Result<Step, DriverError> {
        let mut call = self.scripts.take_alert.prepare_invoke();
        self.outbox_keys(&mut call);
        call.arg(token).arg(raw).arg("").arg("").arg(text(entry)?).arg(MOST_UNDELIVERED).arg("");
        Ok(Step::read(call.invoke_async(&mut self.requests.clone()).await?))
    }

    fn outbox_keys(&self, call: &mut redis::ScriptInvocation<'_>) {
        call.key(self.keys.lease(LEASE)).key(self.keys.alert_outbox());
        call.key(self.keys.alerts("delivering")).key(self.keys.alerts("undelivered"));
    }

    /// Everything that is on its way, in the order in which it was taken.
    pub async fn delivering(&self) -> Result<Vec<Delivering>, DriverError> {
        let all: HashMap<String, String> = self.requests.clone().hgetall(self.keys.alerts("delivering")).await?;
        let mut found = Vec::new();
        for (id, message) in
            all.iter().filter_map(|(field, raw)| Some((field.strip_prefix("m:")?, serde_json::from_str::<Message>(raw).ok()?)))
        {
            for channel in Channel::ALL {
                let progress = all.get(&channel_field(id, channel)).and_then(|raw| serde_json::from_str::<Progress>(raw).ok());
                found.extend(progress.map(|progress| Delivering { channel, message: message.clone(), progress }));
            }
        }
        found.sort_by(|a, b| (a.progress.order, &a.message.id, a.channel).cmp(&(b.progress.order, &b.message.id, b.channel)));
        Ok(found)
    }

    /// How many alerts wait for a channel: in the outbox, or for another try.
    pub async fn alerts_waiting(&self) -> Result<u64, DriverError> {
        let names: Vec<String> = self.requests.clone().hkeys(self.keys.alerts("delivering")).await?;
        Ok(self.outbox_waiting().await? + names.iter().filter(|name| name.starts_with("m:")).count() as u64)
    }

    /// Writes how far an alert is; with a token only while its holder leads.
    pub async fn note_alert(&self, token: Option<&str>, of: &Delivering, next: &Progress) -> Result<Step, DriverError> {
        let mut call = self.scripts.note_alert.prepare_invoke();
        call.key(self.keys.lease(LEASE)).key(self.keys.alerts("delivering"));
        call.arg(token.unwrap_or_default()).arg(channel_field(&of.message.id, of.channel)).arg(text(&of.progress)?).arg(text(next)?);
        Ok(Step::read(call.invoke_async(&mut self.requests.clone()).await?))
    }

    /// The channel has it, or it is given up.
    pub async fn settle_alert(&self, of: &Delivering, given_up: Option<&Undelivered>) -> Result<(), DriverError> {
        let entry = given_up.map(text).transpose()?.unwrap_or_default();
        let mut call = self.scripts.settle_alert.prepare_invoke();
        call.key(self.keys.alerts("delivering")).key(self.keys.alerts("undelivered"));
        call.arg(message_field(&of.message.id)).arg(channel_field(&of.message.id, of.channel)).arg(entry).arg(MOST_UNDELIVERED);
        for other in Channel::ALL.into_iter().filter(|c| *c != of.channel) {
            call.arg(channel_field(&of.message.id, other));
        }
        let _: i64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok(())
    }

    /// Newest first, each with the text it is known by.
    pub async fn undelivered(&self) -> Result<Vec<(String, Undelivered)>, DriverError> {
        let all: Vec<String> = self.requests.clone().lrange(self.keys.alerts("undelivered"), 0, MOST_UNDELIVERED - 1).await?;
        Ok(all.into_iter().filter_map(|raw| serde_json::from_str(&raw).ok().map(|entry| (raw, entry))).collect())
    }

    /// Lists what was given up while there was no Redis; asked again after a lost answer it comes to the same.
    pub async fn add_undelivered(&self, entries: &[Undelivered]) -> Result<(), DriverError> {
        let key = self.keys.alerts("undelivered");
        let mut pipe = redis::pipe();
        pipe.atomic();
        for entry in entries {
            let raw = text(entry)?;
            pipe.lrem(&key, 1, &raw).ignore().lpush(&key, &raw).ignore();
        }
        pipe.ltrim(&key, 0, MOST_UNDELIVERED - 1).ignore();
        let () = pipe.query_async(&mut self.requests.clone()).await?;
        Ok(())
    }

    /// Takes an undelivered alert out of its list, and puts it into the outbox again. Whether it was still there.
    pub async fn take_undelivered(&self, raw: &str, again: Option<&Outgoing>) -> Result<bool, DriverError> {
        let again = again.map(text).transpose()?.unwrap_or_default();
        let mut call = self.scripts.take_undelivered.prepare_invoke();
        call.key(self.keys.alerts("undelivered")).key(self.keys.alert_outbox()).arg(raw).arg(again);
        Ok(call.invoke_async(&mut self.requests.clone()).await?)
    }
}
