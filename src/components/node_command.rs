//! Commands for a node: the question, and the sending. An agent never replies.

mod answers;

pub use answers::Answers;

use super::{
    actions::Actions,
    dialog::{Confirm, close},
    icon::{Glyph, Icon},
    number::count,
    toast::{Kind, Toast},
};
use crate::{
    api,
    model::{
        error::ApiError,
        node::{CommandAsk, CommandKind, LaravelAction, Node},
        shown::{in_text, shown},
    },
};
use answers::wish;
use leptos::{prelude::*, task::spawn_local};

fn laravel(queue: &str, action: LaravelAction) -> CommandAsk {
    CommandAsk {
        kind: CommandKind::LaravelAction,
        queue: queue.into(),
        driver: Some("laravel".into()),
        job_key: None,
        action: Some(action),
        job_id: None,
        anyway: false,
    }
}

/// Where a Laravel command makes sense: an agent that takes it.
fn takes_laravel(node: &Node) -> bool {
    node.beat.has_laravel() && !node.beat.is_typescript()
}

#[component]
pub fn RetryAll(node: Memo<Node>, queue: String, #[prop(into)] on_sent: Callback<()>) -> impl IntoView {
    let asked = RwSignal::new(None::<CommandAsk>);
    let can = Memo::new(move |_| node.with(takes_laravel));
    let queue = StoredValue::new(queue);
    view! {
        <Show when=move || can.get()>
            <button type="button" class="btn sm noscript:hidden" on:click=move |_| asked.set(Some(laravel(&queue.get_value(), LaravelAction::RetryAll)))>
                <Icon glyph=Glyph::Retry />"Retry all…"
            </button>
        </Show>
        {move || asked.get().map(|ask| view! { <Send node=node ask=ask asked=asked on_sent=on_sent /> })}
    }
}

/// Buttons below the queues.
#[component]
pub fn Asks(node: Memo<Node>, #[prop(into)] on_sent: Callback<()>) -> impl IntoView {
    let (asked, form) = (RwSignal::new(None::<CommandAsk>), RwSignal::new(false));
    let can = Memo::new(move |_| node.with(takes_laravel));
    let ignores = Memo::new(move |_| node.with(|n| n.beat.has_laravel() && n.beat.is_typescript()));
    let any_queue = Memo::new(move |_| node.with(|n| !n.beat.queues.is_empty()));
    let restart = move |_| {
        // Restarting is for all of them; the field must hold something.
        let queue = node.with_untracked(|n| n.beat.queues.first().map_or_else(|| "default".to_owned(), |q| q.name.clone()));
        asked.set(Some(laravel(&queue, LaravelAction::Restart)));
    };
    view! {
        <div class="px-gutter py-3 flex items-center gap-2 flex-wrap empty:hidden">
            <Show when=move || can.get()>
                <button type="button" class="btn sm noscript:hidden" on:click=restart><Icon glyph=Glyph::Retry />"Restart Laravel workers…"</button>
            </Show>
            <Show when=move || any_queue.get()>
                <button type="button" class="btn sm noscript:hidden" on:click=move |_| form.set(true)><Icon glyph=Glyph::Operations />"Command for one job…"</button>
            </Show>
            <Show when=move || ignores.get()>
                <span class="text-12 text-faint">"A TypeScript agent ignores Laravel commands."</span>
            </Show>
        </div>
        {move || asked.get().map(|ask| view! { <Send node=node ask=ask asked=asked on_sent=on_sent /> })}
        {move || form.get().then(|| view! { <OneJob node=node open=form on_sent=on_sent /> })}
    }
}

/// What a dialog does while a command is on its way.
#[derive(Clone, Copy)]
struct Sending {
    actions: Actions,
    node: Memo<Node>,
    pending: RwSignal<bool>,
    error: RwSignal<Option<ApiError>>,
    on_sent: Callback<()>,
}

impl Sending {
    fn new(node: Memo<Node>, on_sent: Callback<()>) -> Self {
        Self { actions: expect_context(), node, pending: RwSignal::new(false), error: RwSignal::new(None), on_sent }
    }

    fn send(self, ask: CommandAsk) {
        self.pending.set(true);
        self.error.set(None);
        let (service, id) = self.node.with_untracked(|n| (n.service.clone(), n.id.clone()));
        spawn_local(async move {
            let sent = api::nodes::command_node(service, id.clone(), ask).await;
            self.pending.set(false);
            match sent {
                Ok(c) => {
                    close();
                    self.on_sent.run(());
                    let listened = count(c.listeners, "agent listened", "agents listened");
                    self.actions.toaster.show(Toast {
                        kind: Kind::Noted,
                        title: format!("Asked {} to {}", in_text(&id), wish(c.kind, c.action, &c.queue)),
                        detail: format!("{listened}. Nobody replies: the node's next heartbeats show what came of it."),
                        offer: None,
                    });
                }
                Err(error) => self.error.set(Some(error)),
            }
        });
    }
}

/// The question before a Laravel command.
#[component]
fn Send(node: Memo<Node>, ask: CommandAsk, asked: RwSignal<Option<CommandAsk>>, on_sent: Callback<()>) -> impl IntoView {
    let sending = Sending::new(node, on_sent);
    let (id, service) = node.with_untracked(|n| (in_text(&n.id).into_owned(), in_text(&n.service).into_owned()));
    let failed = node.with_untracked(|n| n.beat.queue(&ask.queue).and_then(|q| q.failed));
    let (title, primary) = match ask.action {
        Some(LaravelAction::Restart) => (format!("Restart the Laravel workers of {id}?"), "Restart workers".to_owned()),
        _ => match failed {
            Some(n) => (
                format!("Retry {} of {}?", count(n, "failed job", "failed jobs"), in_text(&ask.queue)),
                format!("Ask to retry {}", count(n, "job", "jobs")),
            ),
            None => (format!("Retry all failed jobs of {}?", in_text(&ask.queue)), "Ask to retry all".to_owned()),
        },
    };
    let what = match ask.action {
        Some(LaravelAction::Restart) => "Its workers end after their current job and are started again by whatever keeps them running.",
        _ => "The agent retries what Laravel lists as failed when the command arrives; the figure is the one of its last heartbeat.",
    };
    let ask = StoredValue::new(ask);
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::stored(primary)
            glyph=Glyph::Retry
            ready=Signal::stored(true)
            pending=sending.pending
            error=sending.error
            on_confirm=Callback::new(move |()| sending.send(ask.get_value()))
            on_close=Callback::new(move |()| asked.set(None))
        >
            <p class="text-muted wrap-anywhere">{what}</p>
            <p class="text-muted wrap-anywhere">{format!("A command is published to {service}:{id}. It is sent only if an agent listens there, and nobody replies: the next heartbeats show what came of it.")}</p>
        </Confirm>
    }
}

/// A command for one job, by its whole payload.
#[component]
fn OneJob(node: Memo<Node>, open: RwSignal<bool>, on_sent: Callback<()>) -> impl IntoView {
    let sending = Sending::new(node, on_sent);
    let (id, queues) = node.with_untracked(|n| (n.id.clone(), n.beat.queues.clone()));
    let (delete, anyway) = (RwSignal::new(false), RwSignal::new(false));
    let queue = RwSignal::new(queues.first().map(|q| q.name.clone()).unwrap_or_default());
    let payload = RwSignal::new(String::new());
    let ready = Memo::new(move |_| payload.with(|p| !p.trim().is_empty()));
    let drivers = StoredValue::new(queues.iter().map(|q| (q.name.clone(), q.driver.clone())).collect::<Vec<_>>());
    let confirm = move |()| {
        let name = queue.get_untracked();
        let driver = drivers.with_value(|all| all.iter().find(|(n, _)| *n == name).and_then(|(_, d)| d.clone()));
        let kind = if delete.get_untracked() { CommandKind::DeleteJob } else { CommandKind::RetryJob };
        sending.send(CommandAsk {
            kind,
            queue: name,
            driver: driver.filter(|d| d == "laravel"),
            job_key: Some(payload.get_untracked()),
            action: None,
            job_id: None,
            anyway: anyway.get_untracked(),
        });
    };
    let options = queues.into_iter().map(|q| view! { <option value=q.name.clone()>{shown(&q.name).into_owned()}</option> }).collect_view();
    view! {
        <Confirm
            title=Signal::stored(format!("Command for one job on {}", in_text(&id)))
            primary=Signal::derive(move || if delete.get() { "Ask to delete 1 job".to_owned() } else { "Ask to retry 1 job".to_owned() })
            glyph=Glyph::Operations
            ready=ready
            pending=sending.pending
            error=sending.error
            on_confirm=Callback::new(confirm)
            on_close=Callback::new(move |()| open.set(false))
        >
            <p class="text-muted">"For jobs in a Redis that only the node reaches. Jobs in this Redis are safer in the console's own hands: they can be restored."</p>
            <div class="field">
                <label for="command-kind">"Command"</label>
                <select id="command-kind" class="select" on:change=move |e| delete.set(event_target_value(&e) == "delete")>
                    <option value="retry">"Retry: push it unchanged"</option>
                    <option value="delete">"Delete: for good"</option>
                </select>
            </div>
            <div class="field">
                <label for="command-queue">"Queue"</label>
                <select id="command-queue" class="select" on:change=move |e| queue.set(event_target_value(&e))>{options}</select>
            </div>
            <div class="field">
                <label for="command-job">"Whole payload of the job"</label>
                <span class="input h-auto! py-2!"><textarea id="command-job" class="w-full bg-transparent border-0 outline-0 font-mono text-12" rows="4" spellcheck="false" placeholder="{\"id\":…}" on:input=move |e| payload.set(event_target_value(&e))></textarea></span>
                <p class="help">"The agent takes the first job that contains this text, so a part of it could hit another job."</p>
            </div>
            <label class="flex items-center gap-2">
                <input type="checkbox" class="check" on:change=move |e| anyway.set(event_target_checked(&e)) />
                "Send it although this Redis has a key of that name"
            </label>
        </Confirm>
    }
}
