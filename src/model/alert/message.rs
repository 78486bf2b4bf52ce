//! What goes to the channels, written once and sent as often as there are channels.

use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Fired,
    Resolved,
    /// Somebody pressed the test button.
    Test,
}

/// Waits as JSON in the outbox, a Redis list, until every channel has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Receivers may know a message by it that comes twice.
    pub id: String,
    pub kind: Kind,
    pub rule_id: String,
    /// As the operator named it.
    pub rule: String,
    /// The rule's type: `backlog`, `failure`, `worker_lost`, …
    pub rule_type: String,
    /// What it is about: a queue or a node; `None`: everything.
    pub subject: Option<String>,
    /// A sentence for people: `12,000 waiting jobs in orders when it fired (limit 10,000 for 2 min).`
    pub text: String,
    /// What was measured, and from where on it is too much; with the unit: `12,000 jobs`, `83 %`.
    pub value: String,
    pub threshold: String,
    /// When it fired or was resolved.
    pub at: Millis,
    /// Of a resolved alert: since when it was firing.
    pub since: Option<Millis>,
    /// `production`, as the operator named this console's surroundings.
    pub environment: Option<String>,
}
