//! Alerts: every console reads rules and states every two seconds, so that each shows the same; the one that holds the lease
//! evaluates the rules against the shared snapshot and changes states. Looking costs the same few commands however many rules
//! there are; each change is one script (`lua/alert_turn.lua`) that also writes the history and the message for the channels,
//! so neither a kill nor a second console repeats or loses one.
//!
//! Without Redis nobody can take the lease and nothing can be written: a rule of the type `redis_down` is followed by the
//! console that held the lease last (`away`), and its messages go from memory to the channels.

mod away;
mod evaluate;
mod observe;
mod preview;
mod sentence;
mod shown;

pub use preview::preview;
pub use shown::{Alerts, read};

use super::leader::Leader;
use crate::model::{
    alert::{
        message::{Kind, Message},
        rule::{AT_ONCE, Rule, RuleType, Rules},
    },
    time::Millis,
};
use crate::server::{
    actions::now,
    driver::redis::alerts::{LEASE, Look, Turn, Turned, stored},
    error::DriverError,
    state::AppState,
};
use away::Away;
use evaluate::{Said, State, Step, step};
use observe::{Observed, observed, readings};
use std::{collections::BTreeMap, time::Duration};
use tokio_util::sync::CancellationToken;

/// As often as the original; the lease lives three times as long.
const TICK: Duration = Duration::from_secs(2);
/// Changes of one tick; the rest follows with the next one.
const CHANGES: usize = 200;
/// Measurements that are missing for longer make a time to hold begin anew.
const UNHEARD_MS: i64 = 30_000;
const DAY_MS: i64 = 86_400_000;

/// Rule and subject: the field of a state.
fn field(rule: &str, subject: Option<&str>) -> String {
    serde_json::to_string(&(rule, subject)).unwrap_or_default()
}

fn subject_of(field: &str) -> Option<(String, Option<String>)> {
    serde_json::from_str(field).ok()
}

struct Engine {
    state: AppState,
    leader: Leader,
    leads: bool,
    away: Away,
    workers_seen: bool,
}

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    let leader = Leader::new(&state.driver, LEASE);
    let mut engine = Engine { state, leader, leads: false, away: Away::default(), workers_seen: false };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = tick.tick() => {}
            () = engine.state.alerts.woken() => {}
        }
        match engine.turn().await {
            Ok(()) => {}
            Err(DriverError::Unavailable(error)) => tracing::debug!(%error, "alerts are not evaluated"),
            Err(error) => tracing::warn!(%error, "alerts are not evaluated"),
        }
    }
    if engine.leads {
        engine.leader.leave().await;
    }
    Ok(())
}

impl Engine {
    async fn turn(&mut self) -> Result<(), DriverError> {
        // Who leads is known as of the last answer: a console that loses Redis while it leads goes on for `redis_down`.
        match self.leader.lead().await {
            Ok(turn) => self.leads = turn.is_some(),
            Err(error) => {
                self.away.follow(&self.state, self.leads, now());
                return Err(error);
            }
        }
        self.away.answered(now());
        self.away.back(&self.state).await?;
        self.away.give_up(&self.state).await?;
        let look = self.look().await?;
        let rules = stored::read(&look.rules);
        self.away.learn(&rules.rules, &look.states);
        if self.leads {
            self.evaluate(&rules, &look).await?;
        }
        Ok(())
    }

    async fn evaluate(&mut self, rules: &Rules, look: &Look) -> Result<(), DriverError> {
        let at = now();
        self.workers_seen = look.workers_seen;
        if !self.workers_seen && self.state.snapshot().workers.is_some_and(|n| n > 0) {
            self.state.driver.note_workers_seen().await?;
            self.workers_seen = true;
        }
        let seen = observed(&self.state, &rules.rules, self.workers_seen, at);
        // Whoever measured: another console may have led meanwhile, or none at all.
        let unheard = look.measured.is_some_and(|last| at.0 - last.0 > UNHEARD_MS);
        let changes = changes(&rules.rules, &seen, &look.states, at, unheard);
        if seen.measured && holds(&look.states, &changes) {
            self.state.driver.note_measured(at).await?;
        }
        let mut changed = false;
        for Change { field, before, after, message } in changes {
            let message = message.map(|m| Message { environment: self.state.config.environment.clone(), ..m });
            if let Some(m) = &message {
                tracing::info!(alert.rule = m.rule, alert.kind = ?m.kind, text = m.text, "alert");
            }
            let json = |m: &Message| serde_json::to_string(m).unwrap_or_default();
            let turn = Turn {
                field: &field,
                before: &before,
                after: &after.as_ref().and_then(|s| serde_json::to_string(s).ok()).unwrap_or_default(),
                message: &message.as_ref().map(json).unwrap_or_default(),
            };
            match self.state.driver.turn_alert(self.leader.token(), &turn).await? {
                Turned::Done => changed = true,
                // The next look tells what it is by now.
                Turned::Otherwise => {}
                Turned::Full => tracing::warn!(field, "too many alerts at once: this one is not followed"),
                Turned::NotHolder => {
                    self.leads = false;
                    return Ok(());
                }
            }
        }
        if changed {
            // Pages see it at once.
            self.look().await?;
        }
        Ok(())
    }

    /// Everything but the history, and that when something was said since the last look.
    async fn look(&self) -> Result<Look, DriverError> {
        let mut look = self.state.driver.alerts(0, 0).await?;
        if !self.state.alerts.knows(look.seq) {
            look = self.state.driver.alerts(0, shown::NEWS).await?;
            self.state.alerts.tell(&look);
        }
        self.state.alerts.show(&look, now());
        Ok(look)
    }
}

/// Whether a time to hold runs, or begins.
fn holds(states: &[(String, String)], changes: &[Change]) -> bool {
    let waits = |state: &State| state.pending.is_some() || state.clear.is_some();
    let stored = states.iter().filter_map(|(_, text)| serde_json::from_str(text).ok());
    stored.chain(changes.iter().filter_map(|change| change.after.clone())).any(|state| waits(&state))
}

struct Change {
    field: String,
    /// As it is stored.
    before: String,
    after: Option<State>,
    message: Option<Message>,
}

fn message(kind: Kind, rule_id: &str, subject: Option<&str>, said: Said, at: Millis, since: Option<Millis>) -> Message {
    let Said { rule, rule_type, text, value, threshold } = said;
    Message {
        id: uuid::Uuid::now_v7().simple().to_string(),
        kind,
        rule_id: rule_id.into(),
        rule,
        rule_type,
        subject: subject.map(Into::into),
        text,
        value,
        threshold,
        at,
        since,
        environment: None,
    }
}

/// Everything that is to change now, one of each rule in turn: a rule with very many changes is in no other one's way.
fn changes(rules: &[Rule], seen: &Observed, states: &[(String, String)], now: Millis, unheard: bool) -> Vec<Change> {
    // By rule, then by subject: the stored text and what it says. What cannot be read is written anew.
    let mut known: BTreeMap<String, BTreeMap<Option<String>, (&str, State)>> = BTreeMap::new();
    let mut odd = Vec::new();
    for (field, text) in states {
        match (subject_of(field), serde_json::from_str(text)) {
            (Some((rule, subject)), Ok(state)) => drop(known.entry(rule).or_default().insert(subject, (text, state))),
            _ => odd.push(Change { field: field.clone(), before: text.clone(), after: None, message: None }),
        }
    }
    let none = BTreeMap::new();
    let mut lists = vec![odd];
    for rule in rules.iter().filter(|rule| rule.enabled && rule.kind != RuleType::RedisDown) {
        let mine = known.get(&rule.id).unwrap_or(&none);
        let subjects: Vec<Option<String>> = mine.keys().cloned().collect();
        let mut all = Vec::new();
        let mut firing = mine.values().filter(|(_, state)| state.firing.is_some()).count();
        for (subject, reading) in readings(rule, seen, &subjects) {
            let stored = mine.get(&subject);
            let state = stored.map(|(_, state)| state);
            let (after, said) = match step(rule, state, reading, now, unheard) {
                Step::Stay => continue,
                Step::Change(after) => (after, None),
                Step::Fire(_) if firing >= AT_ONCE => continue,
                Step::Fire(after) => {
                    firing += 1;
                    let said = sentence::fired(rule, subject.as_deref(), reading);
                    let message = message(Kind::Fired, &rule.id, subject.as_deref(), said.clone(), now, None);
                    (Some(State { said: Some(said), ..after }), Some(message))
                }
                Step::Resolve(after) => {
                    let since = state.and_then(|s| s.firing).unwrap_or(now);
                    let said = sentence::resolved(rule, subject.as_deref(), reading, since, now);
                    (after, Some(message(Kind::Resolved, &rule.id, subject.as_deref(), said, now, Some(since))))
                }
            };
            let before = stored.map_or(String::new(), |(text, _)| (*text).to_owned());
            all.push(Change { field: field(&rule.id, subject.as_deref()), before, after, message: said });
        }
        lists.push(all);
    }
    lists.push(closed(rules, &known, now));
    in_turn(lists, CHANGES)
}

/// The first of each list, then the second of each, until there are so many.
fn in_turn<T>(lists: Vec<Vec<T>>, most: usize) -> Vec<T> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    while !lists.is_empty() {
        lists.retain_mut(|list| list.next().map(|one| all.push(one)).is_some());
        if all.len() >= most {
            break;
        }
    }
    all.truncate(most);
    all
}

/// States of rules that are gone or off, and of subjects that the rule is not about any more.
fn closed(rules: &[Rule], known: &BTreeMap<String, BTreeMap<Option<String>, (&str, State)>>, now: Millis) -> Vec<Change> {
    let mut all = Vec::new();
    for (id, states) in known {
        let rule = rules.iter().find(|rule| rule.id == *id);
        // A cool-down outlives a rule that is turned off and on.
        let kept = rule.map_or(0, Rule::cooldown_ms).max(DAY_MS);
        let rule = rule.filter(|rule| rule.enabled);
        for (subject, (text, state)) in states {
            let cooling = state.firing.is_none() && state.pending.is_none();
            let is_over = state.fired.is_none_or(|at| now.0 - at.0 > kept);
            if rule.is_some_and(|rule| about(rule, subject.as_deref())) || (cooling && !is_over) {
                continue;
            }
            let said = state.firing.map(|since| {
                let said = sentence::closed(&state.said.clone().unwrap_or_default(), since, now);
                message(Kind::Resolved, id, subject.as_deref(), said, now, Some(since))
            });
            let after = state.fired.filter(|_| state.firing.is_some()).map(|fired| State { fired: Some(fired), ..State::default() });
            all.push(Change { field: field(id, subject.as_deref()), before: (*text).to_owned(), after, message: said });
        }
    }
    all
}

/// Whether a rule can be about this at all.
fn about(rule: &Rule, subject: Option<&str>) -> bool {
    match (rule.kind, &rule.queue, subject) {
        (RuleType::NodeCpu | RuleType::NodeRam, _, subject) => subject.is_some(),
        (RuleType::RedisDown, _, _) => false,
        (_, None, subject) => subject.is_none(),
        (_, Some(_), None) => false,
        (_, Some(pattern), Some(name)) if rule.is_pattern() => wildmatch::WildMatch::new(pattern).matches(name),
        (_, Some(queue), Some(name)) => queue == name,
    }
}

#[cfg(test)]
mod tests;
