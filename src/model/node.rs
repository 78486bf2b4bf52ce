//! Nodes: Quasar agents of any language, from their heartbeats (stream-protocol.md, 2).

use super::time::Millis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// The last heartbeat is younger than 15 s: an agent beats every 10 s.
    Fresh,
    /// A heartbeat is missing, the key is still there.
    Late,
    /// The key is gone (it lives for 30 s), or nobody renewed it for a minute; shown for 15 minutes.
    Gone,
}

/// A heartbeat younger than this is fresh: one interval and a half.
pub const FRESH_MS: i64 = 15_000;
/// A key that outlives its heartbeat so long is nobody's any more.
pub const GONE_MS: i64 = 60_000;

impl Freshness {
    /// `age_ms`: since the last new heartbeat; `there`: its key is.
    pub fn of(age_ms: i64, there: bool) -> Self {
        match age_ms {
            _ if !there => Self::Gone,
            ..FRESH_MS => Self::Fresh,
            FRESH_MS..GONE_MS => Self::Late,
            _ => Self::Gone,
        }
    }

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "online",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

/// What a heartbeat says; a field is `None` when it does not, or says something that it cannot mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeBeat {
    /// `node`, `bun`, `deno`, `php`, `go`, `python`, `other`; others are shown as they are.
    pub language: Option<String>,
    pub version: Option<String>,
    pub pid: Option<u64>,
    pub hostname: Option<String>,
    pub platform: Option<String>,
    /// Percent of all cores.
    pub cpu_system: Option<f64>,
    pub cpu_process: Option<f64>,
    pub cores: Option<u64>,
    /// Bytes.
    pub memory_total: Option<u64>,
    pub memory_used: Option<u64>,
    pub rss: Option<u64>,
    pub heap_used: Option<u64>,
    pub heap_total: Option<u64>,
    /// At most 50.
    pub queues: Vec<NodeQueue>,
    /// Queues that are not listed.
    pub more_queues: u64,
    pub uptime_seconds: Option<u64>,
    pub framework: Option<String>,
    pub laravel_workers: Option<u64>,
    /// By the node's clock.
    pub timestamp: Option<Millis>,
    /// Why nothing can be said.
    pub problem: Option<String>,
}

/// A queue as a node's probe sees it, in whatever Redis it looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeQueue {
    pub name: String,
    pub driver: Option<String>,
    pub waiting: Option<u64>,
    /// `None` of a plain `redis` probe, which writes 0 without looking.
    pub active: Option<u64>,
    pub delayed: Option<u64>,
    pub failed: Option<u64>,
    /// Per minute.
    pub throughput_in: Option<u64>,
    pub throughput_out: Option<u64>,
}

/// What was asked of a node, and what its heartbeats showed afterwards. Nobody replies to a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    pub id: String,
    pub kind: CommandKind,
    /// As it was sent: the full key with driver `redis`.
    pub queue: String,
    pub action: Option<LaravelAction>,
    pub sent_at: Millis,
    /// Agents that listened on the node's own channel.
    pub listeners: u64,
    /// The queue in the last heartbeat before.
    pub before: Option<NodeQueue>,
    /// The first new heartbeat since.
    pub answered_at: Option<Millis>,
    /// The queue in the newest heartbeat since.
    pub after: Option<NodeQueue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommandKind {
    RetryJob,
    DeleteJob,
    LaravelAction,
}

impl CommandKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RetryJob => "RETRY_JOB",
            Self::DeleteJob => "DELETE_JOB",
            Self::LaravelAction => "LARAVEL_ACTION",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaravelAction {
    RetryAll,
    Restart,
    /// One failed job by its id.
    Retry,
}

impl LaravelAction {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RetryAll => "retry-all",
            Self::Restart => "restart",
            Self::Retry => "retry",
        }
    }
}

/// `POST /api/v1/nodes/{service}/{id}/commands`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandAsk {
    #[serde(rename = "type")]
    pub kind: CommandKind,
    /// As the node's heartbeat names it.
    pub queue: String,
    /// `redis` unless given; a Laravel action is always `laravel`.
    #[serde(default)]
    pub driver: Option<String>,
    /// The whole raw payload: an agent looks for it as a part of each element.
    #[serde(default)]
    pub job_key: Option<String>,
    #[serde(default)]
    pub action: Option<LaravelAction>,
    /// For the Laravel action `retry`.
    #[serde(default)]
    pub job_id: Option<String>,
    /// Send it although the queue is in this Redis, where the console's own verbs are safer.
    #[serde(default)]
    pub anyway: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub service: String,
    pub id: String,
    pub freshness: Freshness,
    /// The last new heartbeat, by the console's clock.
    pub seen_at: Millis,
    pub beat: NodeBeat,
    /// System CPU in whole percent, every 30 s of the last 15 minutes, the newest last; `None`: no heartbeat was seen then.
    pub cpu_history: Vec<Option<u8>>,
    pub memory_history: Vec<Option<u8>>,
    /// What this console asked of it lately, newest first.
    pub commands: Vec<Command>,
}

impl Node {
    /// `service:id`, as its key ends.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.id)
    }
}

impl NodeBeat {
    /// Memory of the whole system that is in use, percent.
    pub fn ram_percent(&self) -> Option<f64> {
        self.of_memory(self.memory_used)
    }

    /// What the process holds of its host's memory, percent.
    pub fn process_ram_percent(&self) -> Option<f64> {
        self.of_memory(self.rss)
    }

    fn of_memory(&self, bytes: Option<u64>) -> Option<f64> {
        let total = self.memory_total.filter(|n| *n > 0)?;
        #[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^53")]
        bytes.map(|bytes| bytes as f64 / total as f64 * 100.0)
    }

    /// TypeScript agents ignore Laravel actions.
    pub fn is_typescript(&self) -> bool {
        matches!(self.language.as_deref(), Some("node" | "bun" | "deno"))
    }

    /// Whether it says anything of Laravel.
    pub fn has_laravel(&self) -> bool {
        self.laravel_workers.is_some()
            || self.queues.iter().any(|q| q.driver.as_deref() == Some("laravel"))
            || self.framework.as_deref().is_some_and(|f| f.to_ascii_lowercase().contains("laravel"))
    }

    pub fn queue(&self, name: &str) -> Option<&NodeQueue> {
        self.queues.iter().find(|q| q.name == name)
    }
}

/// `GET /api/v1/nodes`: by service, then by id; gone ones last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeList {
    pub nodes: Vec<Node>,
    /// The whole keyspace was looked through once: these are all.
    pub complete: bool,
    /// More than are listed (at most 300 are).
    pub more: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_has_its_limits() {
        let cases = [
            (0, true, Freshness::Fresh),
            (14_999, true, Freshness::Fresh),
            (15_000, true, Freshness::Late),
            (59_999, true, Freshness::Late),
            (60_000, true, Freshness::Gone),
            (-5_000, true, Freshness::Fresh),
            (3_000, false, Freshness::Gone),
        ];
        for (age, there, expected) in cases {
            assert_eq!(Freshness::of(age, there), expected, "{age} ms, {there}");
        }
    }

    #[test]
    fn memory_without_a_total_is_unknown() {
        let beat = |total, used| NodeBeat { memory_total: total, memory_used: used, ..NodeBeat::default() }.ram_percent();
        assert_eq!(beat(Some(200), Some(50)), Some(25.0));
        assert_eq!((beat(Some(0), Some(50)), beat(None, Some(50)), beat(Some(200), None)), (None, None, None));
        let process = NodeBeat { memory_total: Some(200), memory_used: Some(50), rss: Some(5), ..NodeBeat::default() };
        assert_eq!(process.process_ram_percent(), Some(2.5));
    }
}
