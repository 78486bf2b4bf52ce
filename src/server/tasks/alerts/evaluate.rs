//! What becomes of one alert: pure, time is passed in. The engine and the preview of the editor both ask here.
//!
//! An alert rests, waits (too much, but not for long enough), fires, or clears (it was over, but not for long enough). After
//! it fired, its state is kept until the cool-down is over. What is unknown changes nothing.

use crate::model::{alert::rule::Rule, time::Millis};
use serde::{Deserialize, Serialize};

/// What is kept of an alert in Redis while it is not at rest. Short and flat: it is compared as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Too much since; it does not fire yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firing: Option<Millis>,
    /// While it fires: over since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear: Option<Millis>,
    /// When it fired last: what the cool-down counts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fired: Option<Millis>,
    /// What was said when it fired, for the pages and for the end of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub rule: String,
    #[serde(rename = "type")]
    pub rule_type: String,
    pub text: String,
    pub value: String,
    pub threshold: String,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// Not measured: it neither fires nor is resolved.
    Unknown,
    Known {
        value: f64,
        /// Of a spike: what was usual, a minute.
        usual: Option<f64>,
        breach: bool,
    },
    /// What it was about is not there any more.
    Gone,
}

impl Reading {
    pub fn breach(self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Known { breach, .. } => Some(breach),
            Self::Gone => Some(false),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing changes.
    Stay,
    /// Another state, nothing to say; `None`: at rest.
    Change(Option<State>),
    Fire(State),
    /// The state afterwards: only the cool-down, or nothing.
    Resolve(Option<State>),
}

/// `unheard`: so much was not measured until now that a time which began before it says nothing.
pub fn step(rule: &Rule, state: Option<&State>, reading: Reading, now: Millis, unheard: bool) -> Step {
    let Some(breach) = reading.breach() else { return Step::Stay };
    let none = State::default();
    let state = state.unwrap_or(&none);
    let since = |at: Millis| now.0.saturating_sub(at.0);
    let held = |at: Millis| !unheard && since(at) >= rule.hold_ms();
    let silent = state.fired.is_some_and(|at| since(at) < rule.cooldown_ms());
    // What is left when nothing is too much: the cool-down.
    let rest = || silent.then(|| State { fired: state.fired, ..State::default() });
    match (state.firing, breach) {
        (Some(_), true) if state.clear.is_some() => Step::Change(Some(State { clear: None, ..state.clone() })),
        (Some(_), true) => Step::Stay,
        (Some(_), false) => match state.clear {
            Some(at) if held(at) => Step::Resolve(rest()),
            None if rule.hold_ms() == 0 => Step::Resolve(rest()),
            Some(_) if !unheard => Step::Stay,
            None | Some(_) => Step::Change(Some(State { clear: Some(now), ..state.clone() })),
        },
        (None, true) => {
            let pending = state.pending.filter(|_| !unheard);
            let long_enough = rule.hold_ms() == 0 || pending.is_some_and(held);
            if long_enough && !silent {
                return Step::Fire(State { firing: Some(now), fired: Some(now), ..State::default() });
            }
            match pending {
                Some(_) => Step::Stay,
                None => Step::Change(Some(State { pending: Some(now), ..state.clone() })),
            }
        }
        (None, false) => match (state.pending, rest()) {
            (None, Some(_)) => Step::Stay,
            (None, None) if *state == none => Step::Stay,
            (_, rest) => Step::Change(rest),
        },
    }
}

#[cfg(test)]
mod tests;
