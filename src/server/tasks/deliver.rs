//! Delivers alerts: takes them from the outbox, sends each to every channel that is on, tries again, and gives up in the end.
//! One console at a time does it, under a lease.
//!
//! What is known of each alert on each channel is in Redis, and a try is noted before it begins, with the lease checked in the same
//! step. So neither a restart nor another console loses an alert, and a channel that has one does not get it again. One window
//! of doubt is left: a console that ends between a receiver's answer and the note of it (or a receiver whose answer is
//! lost). Its successor cannot know, and sends again: at least once, with the same id. Redis being away for longer than
//! `NOTE_FOR` (`attempt`) right then is the same.
//!
//! Channels do not wait for each other. On one channel alerts of the same rule and subject keep their order, so that "resolved"
//! never comes before "fired".

mod attempt;

use super::leader::Leader;
use crate::model::{
    alert::{
        channel::{Channel, Undelivered},
        message::Message,
    },
    time::Millis,
};
use crate::server::{
    actions::{channels::current, now},
    driver::redis::channels::{Delivering, LEASE, MOST_DELIVERING, Outgoing, Progress, Step},
    error::DriverError,
    notify::{Names, Outside, config::Channels},
    state::AppState,
};
use attempt::{After, attempt};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// One LLEN each, on one console.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A third of the lease's time.
const LEAD_EVERY: Duration = Duration::from_secs(2);
/// What the channels are is remembered for when Redis is away.
const REMEMBER_EVERY: Duration = Duration::from_secs(30);
/// Alerts that are taken from the outbox at a time.
const AT_ONCE: isize = 20;
/// Alerts that are under way to one channel at a time.
const A_CHANNEL: usize = 4;

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let leader = Leader::new(&state.driver, LEASE);
    let mut courier = Courier {
        state,
        leader,
        leads: false,
        lead_at: Instant::now(),
        known: Vec::new(),
        busy: HashSet::new(),
        sending: JoinSet::new(),
        order: 0,
    };
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut remember_at = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tick.tick() => {}
            Some(ended) = courier.sending.join_next() => courier.ended(ended.ok()),
        }
        if Instant::now() >= remember_at {
            // `current` remembers. Down is the sampler's to report.
            let _ = current(&courier.state).await;
            remember_at = Instant::now() + REMEMBER_EVERY;
        }
        if let Err(error) = courier.turn().await {
            tracing::debug!(%error, "alerts are not delivered");
            // The lease may be over before Redis answers again.
            courier.leads = false;
        }
    }
    // What has been answered is noted: the supervisor gives a moment.
    while let Some(ended) = courier.sending.join_next().await {
        courier.ended(ended.ok());
    }
    if courier.leads {
        courier.leader.leave().await;
    }
    Ok(())
}

/// Which alert on which channel.
type Name = (String, Channel);

fn name(of: &Delivering) -> Name {
    (of.message.id.clone(), of.channel)
}

struct Ended {
    name: Name,
    after: After,
}

struct Courier {
    state: AppState,
    leader: Leader,
    leads: bool,
    /// When the lease is to be renewed, or asked for.
    lead_at: Instant,
    /// What is on its way, in the order in which it was taken; right while this console leads.
    known: Vec<Delivering>,
    /// What is being sent at this moment.
    busy: HashSet<Name>,
    sending: JoinSet<Ended>,
    /// The last place that was given.
    order: i64,
}

impl Courier {
    async fn turn(&mut self) -> Result<(), DriverError> {
        if Instant::now() >= self.lead_at {
            self.lead_at = Instant::now() + LEAD_EVERY;
            let leads = self.leader.lead().await?.is_some();
            if leads && !self.leads {
                self.read().await?;
            }
            self.leads = leads;
        }
        if !self.leads {
            return Ok(());
        }
        let waiting = self.state.driver.outbox_waiting().await? > 0 && self.known.len() < MOST_DELIVERING;
        if !waiting && self.known.is_empty() {
            return Ok(());
        }
        let (channels, _) = current(&self.state).await?;
        if waiting {
            self.take(&channels).await?;
        }
        self.send_due(&Arc::new(channels)).await
    }

    async fn read(&mut self) -> Result<(), DriverError> {
        self.known = self.state.driver.delivering().await?;
        self.order = self.known.iter().map(|d| d.progress.order).max().unwrap_or(0).max(self.order);
        Ok(())
    }

    /// Out of the outbox, noted for every channel that is on.
    async fn take(&mut self, channels: &Channels) -> Result<(), DriverError> {
        let driver = self.state.driver.clone();
        for raw in driver.outbox(AT_ONCE).await? {
            let step = match serde_json::from_slice::<Outgoing>(&raw) {
                Ok(Outgoing { message, only, recipients }) => {
                    let to: Vec<Channel> = only.map_or_else(|| channels.enabled(), |one| vec![one]);
                    self.order = (self.order + 1).max(now().0);
                    let fresh = Progress { order: self.order, tries: 0, next: now(), said: None, recipients };
                    let step = driver.take_alert(self.leader.token(), &raw, &message, &to, &fresh).await?;
                    if step == Step::Done {
                        let new = to.into_iter().filter(|c| !self.known.iter().any(|d| d.message.id == message.id && d.channel == *c));
                        let new: Vec<Delivering> =
                            new.map(|channel| Delivering { channel, message: message.clone(), progress: fresh.clone() }).collect();
                        self.known.extend(new);
                    }
                    step
                }
                Err(error) => {
                    tracing::error!(%error, "an alert in the outbox cannot be read");
                    let text = String::from_utf8_lossy(&raw);
                    let reason = format!("It is no alert that can be read: {}", text.chars().take(200).collect::<String>());
                    driver.refuse_alert(self.leader.token(), &raw, &given_up(None, None, Vec::new(), reason, 0)).await?
                }
            };
            match step {
                Step::Done => {}
                Step::Changed => break,
                Step::NotHolder => {
                    self.leads = false;
                    break;
                }
            }
        }
        Ok(())
    }

    async fn send_due(&mut self, channels: &Arc<Channels>) -> Result<(), DriverError> {
        let due: Vec<Delivering> = self.due(now()).into_iter().cloned().collect();
        for mut one in due {
            // Long enough for a try and what a channel does twice in one: who finds the note later knows that it is over.
            let until = Millis(now().0 + i64::try_from(self.state.config.delivery.within.as_millis()).unwrap_or(i64::MAX / 4) * 2 + 2_000);
            let begun = Progress { tries: one.progress.tries + 1, next: until, ..one.progress.clone() };
            match self.state.driver.note_alert(Some(self.leader.token()), &one, &begun).await? {
                Step::Done => {}
                Step::Changed => return self.read().await,
                Step::NotHolder => {
                    self.leads = false;
                    return Ok(());
                }
            }
            one.progress = begun;
            if let Some(known) = self.known.iter_mut().find(|d| name(d) == name(&one)) {
                known.progress = one.progress.clone();
            }
            self.busy.insert(name(&one));
            let (state, channels) = (self.state.clone(), channels.clone());
            self.sending.spawn(async move {
                let outside = outside(&state);
                let after = attempt(&state.driver, &state.config.delivery, &outside, &channels, &one).await;
                Ended { name: name(&one), after }
            });
        }
        Ok(())
    }

    /// What is to be tried now: in order, few at a time on a channel, and nothing before what it follows.
    fn due(&self, at: Millis) -> Vec<&Delivering> {
        let mut under_way = Channel::ALL.map(|channel| self.busy.iter().filter(|(_, c)| *c == channel).count());
        let mut before = HashSet::new();
        let mut due = Vec::new();
        for one in &self.known {
            let first = before.insert((one.channel, &one.message.rule_id, &one.message.subject));
            let slot = &mut under_way[one.channel as usize];
            if first && one.progress.next <= at && !self.busy.contains(&name(one)) && *slot < A_CHANNEL {
                *slot += 1;
                due.push(one);
            }
        }
        due
    }

    fn ended(&mut self, ended: Option<Ended>) {
        // A try that panicked is tried again when its note is old enough.
        let Some(Ended { name: of, after }) = ended else {
            self.busy.clear();
            return;
        };
        self.busy.remove(&of);
        match after {
            After::Settled => self.known.retain(|d| name(d) != of),
            After::Later(next) => {
                if let Some(known) = self.known.iter_mut().find(|d| name(d) == of) {
                    known.progress = next;
                }
            }
            // As if the lease was new: everything is read.
            After::Unsure => (self.leads, self.lead_at) = (false, Instant::now()),
        }
    }
}

pub fn outside(state: &AppState) -> Outside {
    Outside { allow_private: state.config.allow_private_webhooks, within: state.config.delivery.within, names: Names::default() }
}

pub fn given_up(channel: Option<Channel>, message: Option<Message>, recipients: Vec<String>, reason: String, tries: u32) -> Undelivered {
    Undelivered { id: uuid::Uuid::now_v7().simple().to_string(), channel, message, recipients, reason, tries, at: now() }
}
