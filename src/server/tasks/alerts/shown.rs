//! What pages know of alerts: as of the last look, the same on every console.

use super::{State, subject_of};
use crate::model::{
    alert::{
        channel::Undelivered,
        firing::{AlertsNow, Entry, Firing},
        message::{Kind, Message},
    },
    time::Millis,
};
use crate::server::driver::redis::alerts::Look;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Entries that a look brings when something was said.
pub const NEWS: u64 = 10;
/// How long an entry counts as news: longer than a stream needs to come back.
const NEWS_MS: i64 = 60_000;
/// Firing alerts that every page knows; the others are on the page of alerts.
const LISTED: usize = 5;
/// Messages that wait for the channels in memory, while there is no Redis.
const LOCAL: usize = 100;

#[derive(Clone, Default)]
pub struct Alerts(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    wake: Notify,
    local: Notify,
}

#[derive(Default)]
struct Inner {
    firing: Vec<Firing>,
    news: Vec<Entry>,
    seq: Option<u64>,
    /// Redis is unreachable, as a rule of this console says.
    away: Option<Firing>,
    local: VecDeque<Message>,
    /// Not taken while there was no Redis to list them in.
    given_up: Vec<Undelivered>,
}

/// What Redis holds, for people: firing alerts, newest first, and entries, newest first.
pub fn read(look: &Look) -> (Vec<Firing>, Vec<Entry>) {
    let mut firing: Vec<Firing> = look.states.iter().filter_map(|(field, text)| one(field, text)).collect();
    firing.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject))));
    let entries = look.history.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    (firing, entries)
}

fn one(field: &str, text: &str) -> Option<Firing> {
    let (rule_id, subject) = subject_of(field)?;
    let state: State = serde_json::from_str(text).ok()?;
    let since = state.firing?;
    let said = state.said.unwrap_or_default();
    Some(Firing {
        rule_id,
        rule: said.rule,
        rule_type: said.rule_type,
        subject,
        text: said.text,
        value: said.value,
        threshold: said.threshold,
        since,
        clearing: state.clear.is_some(),
    })
}

impl Alerts {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show(&self, look: &Look, now: Millis) {
        let (firing, _) = read(look);
        let mut inner = self.lock();
        inner.firing = firing;
        inner.news.retain(|entry| now.0 - entry.message.at.0 < NEWS_MS);
    }

    pub(super) fn knows(&self, seq: u64) -> bool {
        self.lock().seq == Some(seq)
    }

    /// The look brought the newest entries.
    pub(super) fn tell(&self, look: &Look) {
        let (_, mut news) = read(look);
        // What was said between the two questions comes with the next look.
        news.retain(|entry| entry.seq <= look.seq);
        news.reverse();
        let mut inner = self.lock();
        (inner.news, inner.seq) = (news, Some(look.seq));
    }

    pub fn now(&self) -> AlertsNow {
        let inner = self.lock();
        let all = || inner.away.iter().chain(&inner.firing);
        AlertsNow { firing: all().count() as u64, list: all().take(LISTED).cloned().collect(), news: inner.news.clone(), seq: inner.seq }
    }

    /// What this console alone knows to be firing.
    pub fn away(&self) -> Option<Firing> {
        self.lock().away.clone()
    }

    pub(super) fn set_away(&self, firing: Option<Firing>) {
        self.lock().away = firing;
    }

    /// Rules were changed: look at once.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// A message that cannot go by way of Redis.
    pub(super) fn say(&self, message: Message) {
        debug_assert!(message.kind != Kind::Test, "tests go another way");
        let mut inner = self.lock();
        if inner.local.len() < LOCAL {
            inner.local.push_back(message);
        }
        self.0.local.notify_one();
    }

    /// For whoever delivers: messages that did not go by way of Redis, oldest first.
    pub fn take_local(&self) -> Vec<Message> {
        self.lock().local.drain(..).collect()
    }

    /// A channel did not take it, and nowhere is it written down.
    pub fn give_up(&self, entry: Undelivered) {
        let mut inner = self.lock();
        if inner.given_up.len() < LOCAL {
            inner.given_up.push(entry);
        }
    }

    pub(super) fn given_up(&self) -> Vec<Undelivered> {
        self.lock().given_up.clone()
    }

    /// These are in Redis now.
    pub(super) fn listed(&self, entries: &[Undelivered]) {
        self.lock().given_up.retain(|entry| !entries.contains(entry));
    }

    /// Resolves when [`Alerts::take_local`] may have something.
    pub async fn has_local(&self) {
        self.0.local.notified().await;
    }
}
