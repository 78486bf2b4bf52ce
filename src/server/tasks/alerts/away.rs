//! Redis cannot be reached: what can be said without it. Only the console that held the lease last says anything, so several
//! consoles on one Redis do not say it several times; when that one ends as well while Redis is away, nobody does. What was said
//! is written into the history when Redis is back.

use super::{
    evaluate::{Reading, State},
    field, message, sentence,
};
use crate::model::{
    alert::{
        firing::Firing,
        message::{Kind, Message},
        rule::{Rule, RuleType},
    },
    live::Link,
    time::Millis,
};
use crate::server::{actions::now, error::DriverError, state::AppState};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Away {
    /// Rules of this type, as last read.
    rules: Vec<Rule>,
    /// When a rule last fired, for its cool-down; of another console it is known from Redis.
    fired: BTreeMap<String, Millis>,
    /// When Redis last answered here. The sampler may learn later that it is back.
    answered: Option<Millis>,
    /// What fires, until Redis is back: what was said of it.
    said: Vec<(Rule, Message)>,
}

impl Away {
    /// What Redis says of rules and states.
    pub fn learn(&mut self, rules: &[Rule], states: &[(String, String)]) {
        self.rules = rules.iter().filter(|rule| rule.enabled && rule.kind == RuleType::RedisDown).cloned().collect();
        for rule in &self.rules {
            let name = field(&rule.id, None);
            let stored = states.iter().find(|(field, _)| *field == name).and_then(|(_, text)| serde_json::from_str::<State>(text).ok());
            if let Some(at) = stored.and_then(|state| state.fired) {
                let known = self.fired.entry(rule.id.clone()).or_insert(at);
                *known = at.max(*known);
            }
        }
        self.fired.retain(|id, _| self.rules.iter().any(|rule| rule.id == *id));
    }

    /// Redis answered at that moment.
    pub fn answered(&mut self, now: Millis) {
        self.answered = Some(now);
    }

    /// Redis does not answer. `leads`: this console held the lease when Redis last answered.
    pub fn follow(&mut self, state: &AppState, leads: bool, now: Millis) {
        let snapshot = state.snapshot();
        if !leads || snapshot.connection.status != Link::Down {
            return;
        }
        let since = self.answered.map_or(snapshot.connection.since, |at| at.max(snapshot.connection.since));
        for rule in &self.rules {
            let silent = self.fired.get(&rule.id).is_some_and(|at| now.0 - at.0 < rule.cooldown_ms());
            let said = self.said.iter().any(|(r, _)| r.id == rule.id);
            if said || silent || now.0 - since.0 < rule.hold_ms() {
                continue;
            }
            let mut text = sentence::fired(rule, None, Reading::Unknown);
            if let Some(problem) = &snapshot.connection.problem {
                text.value.clone_from(problem);
            }
            let message =
                Message { environment: state.config.environment.clone(), ..message(Kind::Fired, &rule.id, None, text, now, None) };
            tracing::warn!(alert.rule = message.rule, text = message.text, "alert, without Redis");
            state.alerts.say(message.clone());
            self.fired.insert(rule.id.clone(), now);
            self.said.push((rule.clone(), message));
        }
        state.alerts.set_away(self.said.first().map(|(_, m)| Firing {
            rule_id: m.rule_id.clone(),
            rule: m.rule.clone(),
            rule_type: m.rule_type.clone(),
            subject: None,
            text: m.text.clone(),
            value: m.value.clone(),
            threshold: m.threshold.clone(),
            since: m.at,
            clearing: false,
        }));
    }

    /// Redis answers again: writes down what was said, and says that it is over.
    pub async fn back(&mut self, state: &AppState) -> Result<(), DriverError> {
        if self.said.is_empty() {
            return Ok(());
        }
        let at = now();
        let (mut notes, mut states) = (Vec::new(), Vec::new());
        for (rule, fired) in &self.said {
            // Whoever evaluates from now on knows when it was said.
            let cooling = State { fired: Some(fired.at), ..State::default() };
            states.push((field(&rule.id, None), serde_json::to_string(&cooling).unwrap_or_default()));
            let known = Reading::Known { value: 0.0, usual: None, breach: false };
            let said = sentence::resolved(rule, None, known, fired.at, at);
            let over = message(Kind::Resolved, &rule.id, None, said, at, Some(fired.at));
            let over = Message { environment: state.config.environment.clone(), ..over };
            for (message, to_channels) in [(fired, false), (&over, true)] {
                notes.push((serde_json::to_string(message).unwrap_or_default(), to_channels));
            }
        }
        // Asked again after a lost answer it is the same request.
        let id = self.said.iter().map(|(_, m)| m.id.as_str()).collect::<Vec<_>>().join("-");
        state.driver.note_alerts(&id, &states, &notes).await?;
        self.said.clear();
        state.alerts.set_away(None);
        Ok(())
    }

    /// What no channel took without Redis is listed there now.
    pub async fn give_up(&self, state: &AppState) -> Result<(), DriverError> {
        let given_up = state.alerts.given_up();
        if !given_up.is_empty() {
            state.driver.add_undelivered(&given_up).await?;
            state.alerts.listed(&given_up);
        }
        Ok(())
    }
}
