//! A payload that is too large for a page, as a tree: what stands in a value is fetched when that is opened, and the server searches.

mod grove;

use super::{
    json_tree::{TreeLine, guides, matching},
    number::thousands,
};
use crate::{
    api,
    model::{
        error::ApiError,
        ids::{QueueName, segment},
        json::CHILDREN,
    },
};
use grove::{Grove, Line};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use std::time::Duration;

/// A pause in typing: each search reads megabytes.
const SETTLED: Duration = Duration::from_millis(400);

/// Whose payload it is: of the element in Redis with the fingerprint `at`, or of a row of the archive.
#[derive(Clone, PartialEq, Eq)]
pub struct Whose {
    pub queue: QueueName,
    pub handle: String,
    pub at: Option<String>,
    pub row: Option<i64>,
}

impl Whose {
    /// The whole of it.
    pub fn download(&self) -> String {
        let which = match (&self.at, self.row) {
            (_, Some(row)) => format!("?row={row}"),
            (Some(at), None) => format!("?at={}", segment(at)),
            (None, None) => String::new(),
        };
        format!("/api/v1/queues/{}/jobs/{}/payload{which}", segment(self.queue.as_str()), segment(&self.handle))
    }
}

/// What came of a search: how many values, and whether more would match.
type Answer = Result<(usize, bool), ApiError>;

/// `search`: what to look for, any case. Nothing is fetched before the page is alive. `unreadable` is set when it has no tree: it is
/// no JSON, or Redis does not give it.
#[component]
pub fn DeepTree(whose: Whose, #[prop(into)] search: Signal<String>, unreadable: RwSignal<bool>) -> impl IntoView {
    let tree = RwSignal::new(Grove::default());
    let hits = RwSignal::new(Grove::default());
    let answer = RwSignal::new(None::<Answer>);
    let whose = StoredValue::new(whose);
    let needle = Memo::new(move |_| search.with(|s| s.trim().to_lowercase()));
    let searching = Memo::new(move |_| !needle.with(String::is_empty));
    let nothing = Memo::new(|_| String::new());
    let read = move || {
        let Whose { queue, handle, at, row } = whose.get_value();
        tree.update(|tree| tree.trouble = None);
        spawn_local(async move {
            let answer = api::jobs::payload_level(queue, handle, at, row, Vec::new(), 0).await;
            if matches!(answer, Err(ApiError::Conflict { .. })) {
                unreadable.try_set(true);
            }
            tree.try_update(|tree| tree.begin(answer));
        });
    };
    Effect::new(move |_| read());
    let (asked, timer) = (StoredValue::new(0_u32), StoredValue::new(None::<TimeoutHandle>));
    Effect::new(move |_| {
        let text = needle.get();
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        let number = asked.get_value() + 1;
        asked.set_value(number);
        hits.set(Grove::numbered(number));
        answer.set(None);
        if text.is_empty() {
            return;
        }
        let Whose { queue, handle, at, row } = whose.get_value();
        let ask = move || {
            spawn_local(async move {
                let found = api::jobs::payload_find(queue, handle, at, row, text).await;
                // Only the newest question counts.
                if asked.try_get_value() != Some(number) {
                    return;
                }
                let said = found.map(|found| {
                    let n = found.hits.len();
                    hits.try_update(|hits| found.hits.into_iter().for_each(|hit| hits.plant(hit.path, hit.node)));
                    (n, found.more)
                });
                answer.try_set(Some(said));
            });
        };
        timer.set_value(set_timeout_with_handle(ask, SETTLED).ok());
    });
    let said = move || match (searching.get(), answer.get()) {
        (false, _) => tree.with(|tree| tree.is_bare() && tree.trouble.is_none()).then(|| "Reading the payload.".to_string()),
        (true, None) => Some("Searching the payload.".to_string()),
        (true, Some(Err(error))) => Some(words(error)),
        (true, Some(Ok((0, _)))) => Some("Nothing in the payload matches.".to_string()),
        (true, Some(Ok((n, true)))) => Some(format!("At least {} These are the first {n}.", matching(n as u64 + 1, "value", "values"))),
        (true, Some(Ok((n, false)))) => Some(matching(n as u64, "value", "values")),
    };
    let again = move || {
        tree.with(|tree| tree.is_bare() && tree.trouble.as_ref().is_some_and(passes)).then(
            || view! { <p class="px-gutter pb-4"><button type="button" class="btn sm" on:click=move |_| read()>"Try again"</button></p> },
        )
    };
    view! {
        <div class="noscript:hidden">
            <p class="px-gutter text-12 text-faint wrap-anywhere" role="status">{said}</p>
            <Show
                when=move || searching.get()
                fallback=move || view! { <Branches whose=whose grove=tree needle=nothing /> {again} }
            >
                <Branches whose=whose grove=hits needle=needle />
            </Show>
        </div>
    }
}

/// What the error says about actions would be wrong about a tree.
fn words(error: ApiError) -> String {
    match error {
        ApiError::Unavailable { .. } => "This cannot be read now. Try again when the connection is back.".into(),
        other => other.to_string(),
    }
}

/// Whether the same question may be answered later.
fn passes(error: &ApiError) -> bool {
    matches!(error, ApiError::Unavailable { .. } | ApiError::TooMany { .. } | ApiError::Internal { .. })
}

/// Asks for the next children of a branch.
fn fetch(whose: StoredValue<Whose>, grove: RwSignal<Grove>, line: Line) {
    let Some((path, from)) = grove.try_update(|grove| grove.ask(line)).flatten() else { return };
    let Whose { queue, handle, at, row } = whose.get_value();
    spawn_local(async move {
        let answer = api::jobs::payload_level(queue, handle, at, row, path, from).await;
        grove.try_update(|grove| grove.answered(line, answer));
    });
}

#[component]
fn Branches(whose: StoredValue<Whose>, grove: RwSignal<Grove>, needle: Memo<String>) -> impl IntoView {
    let lines = Memo::new(move |_| grove.with(Grove::lines));
    let draw = move |line: Line| {
        let Some(row) = grove.with_untracked(|grove| grove.row(line)) else { return ().into_any() };
        if line.more {
            let depth = row.depth + 1;
            return view! { <More whose=whose grove=grove line=line depth=depth /> }.into_any();
        }
        let open = Memo::new(move |_| grove.with(|grove| grove.is_open(line)));
        let flip = Callback::new(move |()| {
            if grove.try_update(|grove| grove.flip(line)) == Some(true) {
                fetch(whose, grove, line);
            }
        });
        view! { <TreeLine row=row open=open needle=needle flip=flip /> }.into_any()
    };
    let trouble = move || {
        let error = grove.with(|grove| grove.trouble.clone())?;
        let text = words(error);
        let kept = if grove.with(Grove::is_bare) { "" } else { " What was opened stays as it was read." };
        Some(view! { <p class="px-gutter py-1 text-failed wrap-anywhere" role="alert">{format!("{text}{kept}")}</p> })
    };
    view! {
        {trouble}
        <ul class="tree overflow-x-auto">
            <For each=move || lines.get() key=|line| *line children=draw />
        </ul>
    }
}

/// Stands where the children of a branch are not here yet.
#[component]
fn More(whose: StoredValue<Whose>, grove: RwSignal<Grove>, line: Line, depth: usize) -> impl IntoView {
    let left = Memo::new(move |_| grove.with(|grove| grove.left(line)));
    let busy = Memo::new(move |_| grove.with(|grove| grove.is_busy(line)));
    let text = move || {
        let (here, left) = left.get();
        match (busy.get(), here) {
            (true, _) => "Reading.".to_string(),
            (false, 0) => format!("Show the first {}", thousands(left.min(CHILDREN) as u64)),
            (false, _) => format!("Show {} more of {}", thousands(left.min(CHILDREN) as u64), thousands(left as u64)),
        }
    };
    view! {
        <li class="pl-[calc(var(--gutter)-8px)]">
            <span class="in">{guides(depth)}</span>
            <span class="tw"></span>
            <button type="button" class="link" disabled=move || busy.get() on:click=move |_| fetch(whose, grove, line)>{text}</button>
        </li>
    }
}
