//! What a node was asked, and what its heartbeats showed afterwards.

use crate::{
    components::number::figure,
    live::Live,
    model::{
        node::{Command, CommandKind, LaravelAction, Node, NodeQueue},
        shown::in_text,
        time::{Millis, span},
    },
};
use leptos::prelude::*;

/// `retry all failed jobs of default`
pub(super) fn wish(kind: CommandKind, action: Option<LaravelAction>, queue: &str) -> String {
    let queue = in_text(queue);
    match (kind, action) {
        (CommandKind::RetryJob, _) => format!("retry one job of {queue}"),
        (CommandKind::DeleteJob, _) => format!("delete one job of {queue}"),
        (_, Some(LaravelAction::RetryAll)) => format!("retry all failed jobs of {queue}"),
        (_, Some(LaravelAction::Restart)) => "restart its Laravel queue workers".into(),
        (_, _) => format!("retry one failed job of {queue}"),
    }
}

/// `failed 3 → 2, waiting 0 → 1`; what did not change or is not known is left out.
fn changes(before: &NodeQueue, after: &NodeQueue) -> Vec<String> {
    let all = [
        ("failed", before.failed, after.failed),
        ("waiting", before.waiting, after.waiting),
        ("delayed", before.delayed, after.delayed),
        ("active", before.active, after.active),
    ];
    let moved = all.into_iter().filter(|(_, a, b)| a != b);
    moved.map(|(what, a, b)| format!("{what} {} → {}", figure(a, false), figure(b, false))).collect()
}

/// What can be said of a command by now.
fn said(c: &Command, now: Millis) -> String {
    let asked = format!(
        "Asked at {} UTC to {}; {}.",
        c.sent_at.clock(),
        wish(c.kind, c.action, &c.queue),
        if c.listeners == 1 { "1 agent listened".to_owned() } else { format!("{} agents listened", c.listeners) }
    );
    let Some(at) = c.answered_at else {
        return format!("{asked} No heartbeat since ({}).", span((now.0 - c.sent_at.0).max(0)));
    };
    let came = format!("The next heartbeat came {} later", span((at.0 - c.sent_at.0).max(0)));
    let showed = match (&c.before, &c.after) {
        (Some(before), Some(after)) => match changes(before, after).as_slice() {
            [] => "its figures of the queue are the same".to_owned(),
            moved => moved.join(", "),
        },
        (None, Some(after)) => format!("failed {}, waiting {}", figure(after.failed, false), figure(after.waiting, false)),
        (_, None) => "it does not name this queue".into(),
    };
    format!("{asked} {came}; {showed}.")
}

/// What was asked of the node lately.
#[component]
pub fn Answers(node: Memo<Node>) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let commands = Memo::new(move |_| node.with(|n| n.commands.clone()));
    let lines = move || commands.get().into_iter().map(|c| view! { <li>{move || said(&c, now.get())}</li> }).collect_view();
    view! {
        <Show when=move || !commands.with(Vec::is_empty)>
            <div class="px-gutter pb-4 grid gap-1" aria-live="polite">
                <ul class="grid gap-1 text-muted" aria-label="Commands">{lines}</ul>
                <p class="text-12 text-faint">"Agents do not reply: whether a command did this, only the heartbeats hint at. This console forgets the list when it is restarted; the audit log keeps what was sent."</p>
            </div>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_was_seen() {
        let queue = |failed, waiting| NodeQueue { name: "default".into(), failed, waiting: Some(waiting), ..NodeQueue::default() };
        let sent = Command {
            id: "c".into(),
            kind: CommandKind::LaravelAction,
            queue: "default".into(),
            action: Some(LaravelAction::RetryAll),
            sent_at: Millis(1_795_433_096_000),
            listeners: 1,
            before: Some(queue(Some(3), 0)),
            answered_at: None,
            after: None,
        };
        let at = Millis(1_795_433_108_000);
        assert_eq!(
            said(&sent, at),
            "Asked at 11:24:56 UTC to retry all failed jobs of default; 1 agent listened. No heartbeat since (12 s)."
        );
        let answered = |after| Command { answered_at: Some(Millis(1_795_433_100_000)), after, ..sent.clone() };
        assert!(said(&answered(Some(queue(Some(2), 1))), at).ends_with("The next heartbeat came 4 s later; failed 3 → 2, waiting 0 → 1."));
        assert!(said(&answered(Some(queue(Some(3), 0))), at).ends_with("its figures of the queue are the same."));
        assert!(said(&answered(None), at).ends_with("it does not name this queue."));
    }
}
