//! Nodes, and commands for them. A command is published and nobody replies: what can be said is who listened before, and what
//! the next heartbeats showed.

use super::{
    audit::{Came, asked},
    now,
};
use crate::model::{
    error::ApiError,
    ids::QueueName,
    json,
    node::{Command, CommandAsk, CommandKind, Freshness, LaravelAction, Node, NodeList},
};
use crate::server::{driver::redis::nodes::key, error::DriverError, state::AppState};
use serde::Serialize;

/// Nodes that one answer lists.
const LISTED: usize = 300;
/// The largest payload that is sent.
const LARGEST: usize = 1024 * 1024;

pub fn nodes(state: &AppState) -> NodeList {
    state.watching.request(now());
    let snapshot = state.snapshot();
    let more = snapshot.more_nodes + snapshot.nodes.len().saturating_sub(LISTED) as u64;
    let mut nodes: Vec<Node> = snapshot.nodes.iter().take(LISTED).cloned().collect();
    // A command is newer than the snapshot.
    let followed = state.nodes.lock();
    for node in &mut nodes {
        if let Some((_, newest)) = followed.one(&node.service, &node.id, now()) {
            node.commands = newest.commands;
        }
    }
    NodeList { nodes, complete: snapshot.nodes_complete, more }
}

impl Came for Command {
    fn result(&self) -> String {
        let listened = if self.listeners == 1 { "1 agent listened".into() } else { format!("{} agents listened", self.listeners) };
        format!("sent, {listened}; agents do not reply")
    }
}

/// Sends a command to one node.
pub async fn command(state: &AppState, service: &str, id: &str, ask: CommandAsk) -> Result<Command, ApiError> {
    let verb = match (ask.kind, ask.action) {
        (CommandKind::RetryJob, _) => "node-retry",
        (CommandKind::DeleteJob, _) => "node-delete",
        (CommandKind::LaravelAction, Some(LaravelAction::Restart)) => "node-restart",
        (CommandKind::LaravelAction, Some(LaravelAction::RetryAll)) => "node-retry-all",
        (CommandKind::LaravelAction, _) => "node-laravel-retry",
    };
    let asked = asked(state, verb, None).of(format!("{service}:{id}, queue {}", ask.queue));
    let sent = send(state, service, id, ask).await;
    // The next heartbeat is looked for at once.
    state.watching.request(now());
    asked.answered(state, sent).await
}

async fn send(state: &AppState, service: &str, id: &str, ask: CommandAsk) -> Result<Command, ApiError> {
    let node = state.nodes.lock().one(service, id, now());
    let Some((_, node)) = node else {
        return Err(ApiError::NotFound { detail: format!("No heartbeat of a node {service}:{id} was seen lately. Nothing was sent.") });
    };
    let payload = payload(&ask, &node)?;
    if ask.kind != CommandKind::LaravelAction && !ask.anyway && here(state, &ask.queue).await? {
        return Err(ApiError::Conflict { detail: own_verbs(state, &ask) });
    }
    let listeners = state.driver.listeners(service, id).await?;
    if listeners == 0 {
        let last = if node.freshness == Freshness::Gone { " Its heartbeat is gone, too." } else { "" };
        return Err(ApiError::Conflict {
            detail: format!("No agent listens for commands to {service}:{id}, so nobody would act.{last} Nothing was sent."),
        });
    }
    let command = Command {
        id: uuid::Uuid::new_v4().to_string(),
        kind: ask.kind,
        queue: ask.queue.clone(),
        action: ask.action.filter(|_| ask.kind == CommandKind::LaravelAction),
        sent_at: now(),
        listeners,
        before: node.beat.queue(&ask.queue).cloned(),
        answered_at: None,
        after: None,
    };
    let message = Message {
        id: &command.id,
        kind: command.kind,
        target_node_id: id,
        payload,
        timestamp: command.sent_at.0,
        issuer: format!("flux-console: {}", state.who().as_str()),
    };
    let message = serde_json::to_string(&message).map_err(|e| DriverError::Protocol(e.to_string()))?;
    state.driver.send_command(service, id, &message).await?;
    state.nodes.lock().sent(&key(service, id), command.clone());
    Ok(command)
}

/// The fields in the order in which the original writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: CommandKind,
    target_node_id: &'a str,
    payload: Payload,
    /// Epoch ms.
    timestamp: i64,
    issuer: String,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    queue: String,
    job_key: String,
    driver: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<LaravelAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
}

/// What an agent gets of it, checked.
fn payload(ask: &CommandAsk, node: &Node) -> Result<Payload, ApiError> {
    let nothing = "Nothing was sent.";
    if ask.queue.is_empty() || ask.queue.len() > 1_024 {
        return Err(ApiError::invalid("queue", format!("Name the queue as the node's heartbeat does. {nothing}")));
    }
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let queue = ask.queue.clone();
    if ask.kind == CommandKind::LaravelAction {
        if node.beat.is_typescript() {
            let detail = format!("{}:{} is a TypeScript agent: it ignores Laravel commands. {nothing}", node.service, node.id);
            return Err(ApiError::Conflict { detail });
        }
        let action =
            ask.action.ok_or_else(|| ApiError::invalid("action", format!("`action` is retry-all, restart or retry. {nothing}")))?;
        let job = given(&ask.job_id).filter(|_| action == LaravelAction::Retry);
        if action == LaravelAction::Retry && job.is_none() {
            return Err(ApiError::invalid("jobId", format!("Say which failed job by its id. {nothing}")));
        }
        return Ok(Payload {
            queue,
            job_key: job.clone().unwrap_or_else(|| "*".into()),
            driver: "laravel",
            action: Some(action),
            job_id: job,
        });
    }
    let driver = match ask.driver.as_deref() {
        None | Some("redis") => "redis",
        Some("laravel") => "laravel",
        Some(_) => return Err(ApiError::invalid("driver", format!("`driver` is redis or laravel. {nothing}"))),
    };
    // Not trimmed: the agent compares it as it is.
    let job = ask.job_key.as_deref().unwrap_or_default();
    if job.len() > LARGEST || json::members(job).is_err() {
        let why = "The agent takes the first job that has this text anywhere in it, and a retry pushes the text itself or what it found: \
                   job-1 would hit job-10.";
        return Err(ApiError::invalid("jobKey", format!("`jobKey` is the whole raw payload of the job, a JSON object. {why} {nothing}")));
    }
    Ok(Payload { queue, job_key: job.into(), driver, action: None, job_id: None })
}

/// Whether the queue that the node means is probably one in this Redis.
async fn here(state: &AppState, queue: &str) -> Result<bool, ApiError> {
    Ok(named_here(state, queue).is_some_and(|q| state.snapshot().queue(&q).is_some()) || state.driver.has_key(queue).await?)
}

fn named_here(state: &AppState, queue: &str) -> Option<QueueName> {
    QueueName::try_from(queue.strip_prefix(state.driver.keys().prefix())?).ok()
}

fn own_verbs(state: &AppState, ask: &CommandAsk) -> String {
    let what = match named_here(state, &ask.queue) {
        Some(name) => format!("Use the console's own actions on the page of the queue {name}"),
        None => "It is no queue of this console's prefix, so look at it with the program that owns it".into(),
    };
    format!(
        "The key {} is in this Redis. {what}: they compare the whole job and can be undone, the agent takes the first that contains the text. \
         If the node looks at another Redis, send it all the same (\"anyway\": true). Nothing was sent.",
        ask.queue
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{node::NodeBeat, time::Millis};

    fn node(language: &str) -> Node {
        let beat = NodeBeat { language: Some(language.into()), ..NodeBeat::default() };
        let (service, id) = ("api".into(), "api-1".into());
        let (cpu_history, memory_history) = (Vec::new(), Vec::new());
        Node { service, id, freshness: Freshness::Fresh, seen_at: Millis(0), beat, cpu_history, memory_history, commands: Vec::new() }
    }

    fn ask(kind: CommandKind) -> CommandAsk {
        CommandAsk { kind, queue: "queue:mail".into(), driver: None, job_key: None, action: None, job_id: None, anyway: false }
    }

    #[test]
    fn only_a_whole_payload_names_a_job() {
        let (retry, node) = (ask(CommandKind::RetryJob), node("bun"));
        for key in [None, Some(""), Some("job-1"), Some("*"), Some("[1]"), Some("{\"id\":")] {
            let refused = payload(&CommandAsk { job_key: key.map(Into::into), ..retry.clone() }, &node);
            assert!(matches!(&refused, Err(ApiError::Invalid { field, .. }) if field == "jobKey"), "{key:?}: {refused:?}");
        }
        let raw = " {\"id\":\"job-1\",\"n\":9007199254740993123} ";
        let sent = payload(&CommandAsk { job_key: Some(raw.into()), ..retry }, &node).unwrap();
        assert_eq!((sent.job_key.as_str(), sent.driver, sent.queue.as_str()), (raw, "redis", "queue:mail"));
    }

    #[test]
    fn laravel_actions_go_to_agents_that_know_them() {
        let laravel = CommandAsk { queue: "default".into(), action: Some(LaravelAction::RetryAll), ..ask(CommandKind::LaravelAction) };
        let sent = payload(&laravel, &node("php")).unwrap();
        let text = serde_json::to_string(&sent).unwrap();
        assert_eq!(text, r#"{"queue":"default","jobKey":"*","driver":"laravel","action":"retry-all"}"#);
        for language in ["node", "bun", "deno"] {
            assert!(matches!(payload(&laravel, &node(language)), Err(ApiError::Conflict { .. })), "{language}");
        }
        let one = CommandAsk { action: Some(LaravelAction::Retry), ..laravel.clone() };
        assert!(matches!(payload(&one, &node("php")), Err(ApiError::Invalid { field, .. }) if field == "jobId"));
        let sent = payload(&CommandAsk { job_id: Some("77".into()), ..one }, &node("php")).unwrap();
        assert_eq!((sent.job_key.as_str(), sent.job_id.as_deref()), ("77", Some("77")));
        assert!(payload(&CommandAsk { action: None, ..laravel }, &node("php")).is_err());
    }
}
