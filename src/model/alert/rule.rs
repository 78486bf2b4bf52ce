//! A rule, as the original console stores it (stream-protocol.md, 3), with fields of this one beside.

use serde::{Deserialize, Serialize};

/// Characters of a name.
pub const NAME: usize = 100;
/// Rules that are read; more are left alone and reported.
pub const MOST: usize = 200;
/// Alerts of one rule that fire at once: a pattern over thousands of queues is not to become thousands of messages. The others
/// wait until one of these is over.
pub const AT_ONCE: usize = 50;
const WEEK_MIN: f64 = 10_080.0;
const DAY_S: u64 = 86_400;
/// Failed attempts in the window below which nothing is called a spike, however quiet it was before.
pub const SPIKE_LEAST: u64 = 5;
/// What a spike is compared with: this long before its window.
pub const USUAL_HOURS: i64 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleType {
    /// Waiting jobs.
    Backlog,
    /// Jobs in the failed list now.
    Failure,
    /// Failed attempts a minute against what was usual before.
    FailureSpike,
    /// Age of the oldest waiting job, s.
    OldestWaiting,
    /// Fewer workers report than the threshold.
    WorkerLost,
    /// Of a node's process, percent of all cores.
    NodeCpu,
    /// What a node's process holds of its host's memory, percent.
    NodeRam,
    RedisDown,
}

impl RuleType {
    pub const ALL: [Self; 8] = [
        Self::Backlog,
        Self::Failure,
        Self::FailureSpike,
        Self::OldestWaiting,
        Self::WorkerLost,
        Self::NodeCpu,
        Self::NodeRam,
        Self::RedisDown,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Failure => "failure",
            Self::FailureSpike => "failure_spike",
            Self::OldestWaiting => "oldest_waiting",
            Self::WorkerLost => "worker_lost",
            Self::NodeCpu => "node_cpu",
            Self::NodeRam => "node_ram",
            Self::RedisDown => "redis_down",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Backlog => "Backlog",
            Self::Failure => "Failed jobs",
            Self::FailureSpike => "Failure spike",
            Self::OldestWaiting => "Oldest waiting job",
            Self::WorkerLost => "Workers missing",
            Self::NodeCpu => "Node CPU",
            Self::NodeRam => "Node memory",
            Self::RedisDown => "Redis unreachable",
        }
    }

    /// Behind the field of the threshold.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Backlog => "waiting jobs or more",
            Self::Failure => "failed jobs or more",
            Self::FailureSpike => "times the usual, or more",
            Self::OldestWaiting => "seconds or older",
            Self::WorkerLost => "workers must report",
            Self::NodeCpu | Self::NodeRam => "% or more",
            Self::RedisDown => "",
        }
    }

    /// Whether a queue can be named.
    pub fn by_queue(self) -> bool {
        match self {
            Self::Backlog | Self::Failure | Self::FailureSpike | Self::OldestWaiting | Self::WorkerLost => true,
            Self::NodeCpu | Self::NodeRam | Self::RedisDown => false,
        }
    }

    /// What a new rule of this type begins with.
    pub fn first(self) -> Rule {
        let (threshold, cooldown_minutes, hold_seconds) = match self {
            Self::Backlog => (1_000.0, 60.0, 60),
            Self::Failure => (50.0, 30.0, 0),
            Self::FailureSpike => (3.0, 30.0, 0),
            Self::OldestWaiting => (600.0, 30.0, 60),
            Self::WorkerLost => (1.0, 15.0, 0),
            Self::NodeCpu | Self::NodeRam => (90.0, 30.0, 120),
            Self::RedisDown => (0.0, 15.0, 30),
        };
        Rule {
            id: String::new(),
            name: String::new(),
            kind: self,
            threshold,
            queue: None,
            cooldown_minutes,
            hold_seconds,
            window_seconds: WINDOW_S,
            enabled: true,
        }
    }
}

/// The window of a spike unless the rule says another one.
pub const WINDOW_S: u64 = 300;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Chosen by the console for a new rule.
    #[serde(default)]
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: RuleType,
    /// In the type's unit: jobs, seconds, workers, percent, times the usual.
    pub threshold: f64,
    /// A queue or a pattern with `*` and `?`: every queue that matches is watched by itself. `None`: all of them together.
    #[serde(default)]
    pub queue: Option<String>,
    /// After it fired, the same alert stays silent this long.
    pub cooldown_minutes: f64,
    /// It must last this long before it fires, and be over this long before it is resolved.
    #[serde(default)]
    pub hold_seconds: u64,
    /// Of a spike: how long the attempts are counted.
    #[serde(default = "window")]
    pub window_seconds: u64,
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn window() -> u64 {
    WINDOW_S
}

fn yes() -> bool {
    true
}

impl Rule {
    /// # Errors
    /// The first field that is wrong, and a sentence.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    /// Every field that is wrong, with a sentence each.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let mut wrong = |is: bool, field: &'static str, sentence: &str| {
            if is {
                all.push((field, sentence.to_owned()));
            }
        };
        wrong(!(1..=NAME).contains(&self.name.trim().chars().count()), "name", "A rule has a name of 1 to 100 characters.");
        let (least, most, sentence) = match self.kind {
            RuleType::Backlog | RuleType::Failure => (1.0, 1e12, "The threshold is a number of jobs, 1 or more."),
            RuleType::FailureSpike => (1.1, 1e6, "The threshold is a factor of 1.1 or more."),
            RuleType::OldestWaiting => (1.0, 1e9, "The threshold is a number of seconds, 1 or more."),
            RuleType::WorkerLost => (1.0, 1e6, "The threshold is a number of workers, 1 or more."),
            RuleType::NodeCpu | RuleType::NodeRam => (1.0, 100.0, "The threshold is a percentage, 1 to 100."),
            RuleType::RedisDown => (f64::MIN, f64::MAX, ""),
        };
        // A number that is none is in no range.
        wrong(!(least..=most).contains(&self.threshold), "threshold", sentence);
        wrong(!(0.0..=WEEK_MIN).contains(&self.cooldown_minutes), "cooldownMinutes", "The cool-down is 0 to 10,080 minutes, a week.");
        wrong(self.hold_seconds > DAY_S, "holdSeconds", "The time that it must last is 0 to 86,400 seconds, a day.");
        let window = self.kind != RuleType::FailureSpike || (60..=3_600).contains(&self.window_seconds);
        wrong(!window, "windowSeconds", "The window is 60 to 3,600 seconds.");
        let queue = self.queue.as_ref();
        wrong(queue.is_some() && !self.kind.by_queue(), "queue", "This type of rule is not about queues.");
        wrong(queue.is_some_and(|q| q.is_empty() || q.len() > 1_024), "queue", "A queue or pattern has 1 to 1,024 bytes.");
        all
    }

    #[expect(clippy::cast_possible_truncation, reason = "a week of ms at most")]
    pub fn cooldown_ms(&self) -> i64 {
        (self.cooldown_minutes * 60_000.0) as i64
    }

    pub fn hold_ms(&self) -> i64 {
        self.hold_seconds.cast_signed().saturating_mul(1_000)
    }

    /// Whether the queue is a pattern that more than one may match.
    pub fn is_pattern(&self) -> bool {
        self.queue.as_ref().is_some_and(|q| q.contains(['*', '?']))
    }
}

/// A rule that another program stored and this console cannot follow; it is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreign {
    /// Name, id, or which of the list.
    pub name: String,
    pub problem: String,
}

/// `GET /api/v1/alerts/rules`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    pub rules: Vec<Rule>,
    pub foreign: Vec<Foreign>,
    /// `false`: nothing is stored, so these are the rules to begin with. The first change stores them.
    pub stored: bool,
    /// Why the stored text cannot be read; the rules to begin with apply then.
    pub problem: Option<String>,
    /// Changes with the stored text: a change names the one it was made of.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_rule_names_its_field() {
        let rule = |change: fn(&mut Rule)| {
            let mut rule = Rule { name: "Orders".into(), ..RuleType::Backlog.first() };
            change(&mut rule);
            rule.check().err().map(|(field, _)| field)
        };
        assert_eq!(rule(|_| {}), None);
        assert_eq!(rule(|r| r.name = " ".into()), Some("name"));
        assert_eq!(rule(|r| r.threshold = f64::NAN), Some("threshold"));
        assert_eq!(rule(|r| r.threshold = 0.0), Some("threshold"));
        assert_eq!(rule(|r| r.cooldown_minutes = -1.0), Some("cooldownMinutes"));
        assert_eq!(rule(|r| r.hold_seconds = 90_000), Some("holdSeconds"));
        assert_eq!(rule(|r| r.queue = Some(String::new())), Some("queue"));
        assert_eq!(rule(|r| (r.kind, r.queue) = (RuleType::NodeCpu, Some("a".into()))), Some("threshold"));
        assert_eq!(rule(|r| (r.kind, r.threshold, r.queue) = (RuleType::NodeCpu, 90.0, Some("a".into()))), Some("queue"));
        assert_eq!(rule(|r| (r.kind, r.threshold, r.window_seconds) = (RuleType::FailureSpike, 3.0, 10)), Some("windowSeconds"));
        for kind in RuleType::ALL {
            let first = Rule { name: "x".into(), ..kind.first() };
            assert_eq!(first.check(), Ok(()), "{kind:?}");
            assert_eq!(RuleType::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).expect("JSON"), format!("\"{}\"", kind.as_str()));
        }
    }
}
