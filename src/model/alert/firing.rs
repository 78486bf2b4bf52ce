//! What fires now, and what was said.

use super::{
    message::{Kind, Message},
    rule::Rules,
};
use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

/// Entries of the history that are kept, and of one answer.
pub const KEPT: u64 = 1_000;
pub const PER_PAGE: u64 = 50;

/// One alert: a rule and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Firing {
    pub rule_id: String,
    pub rule: String,
    /// `backlog`, `failure`, …
    pub rule_type: String,
    pub subject: Option<String>,
    /// What was said when it fired.
    pub text: String,
    pub value: String,
    pub threshold: String,
    pub since: Millis,
    /// It is over, but not yet for as long as the rule wants.
    pub clearing: bool,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Grows by one with every entry.
    pub seq: u64,
    pub message: Message,
}

/// What every page knows: a part of the overview and of every live event, so it is small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertsNow {
    pub firing: u64,
    /// The newest of them.
    pub list: Vec<Firing>,
    /// Entries of the last minute, oldest first.
    pub news: Vec<Entry>,
    /// Number of the newest entry, however old; `None`: this console has not looked yet.
    pub seq: Option<u64>,
}

/// `GET /api/v1/alerts?page=`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// Newest first.
    pub firing: Vec<Firing>,
    /// One page, newest first.
    pub history: Vec<Entry>,
    pub total: u64,
    pub page: u64,
    pub per_page: u64,
}

impl Alerts {
    /// The history without the words that `firing` repeats.
    pub fn earlier(&self) -> impl Iterator<Item = &Entry> {
        let fires = |m: &Message| {
            let of = |f: &Firing| f.rule_id == m.rule_id && f.subject == m.subject && f.since <= m.at;
            m.kind == Kind::Fired && self.firing.iter().any(of)
        };
        self.history.iter().filter(move |entry| !fires(&entry.message))
    }
}

/// What the page of alerts shows, from one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertsView {
    pub alerts: Alerts,
    pub rules: Rules,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fires_is_not_said_twice() {
        let firing = |since: i64| Firing {
            rule_id: "r".into(),
            rule: "Backlog".into(),
            rule_type: "backlog".into(),
            subject: Some("mail".into()),
            text: String::new(),
            value: String::new(),
            threshold: String::new(),
            since: Millis(since),
            clearing: false,
        };
        let entry = |seq: u64, kind: Kind, subject: &str, at: i64| Entry {
            seq,
            message: Message {
                id: seq.to_string(),
                kind,
                rule_id: "r".into(),
                rule: "Backlog".into(),
                rule_type: "backlog".into(),
                subject: Some(subject.into()),
                text: String::new(),
                value: String::new(),
                threshold: String::new(),
                at: Millis(at),
                since: None,
                environment: None,
            },
        };
        let history = vec![
            entry(4, Kind::Fired, "mail", 90),
            entry(3, Kind::Resolved, "orders", 80),
            entry(2, Kind::Fired, "orders", 70),
            entry(1, Kind::Fired, "mail", 10),
        ];
        let alerts = Alerts { firing: vec![firing(90)], history, ..Alerts::default() };
        assert_eq!(alerts.earlier().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 2, 1]);
    }
}
