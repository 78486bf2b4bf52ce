//! EventSource -> signals. One stream a tab: the page says what it shows with [`Live::watch`], the stream follows, rests
//! while the tab is hidden or paused, and starts with a snapshot whenever it opens, so reconnecting needs no replay.

mod stream;

pub use stream::{provide_live, sign_in};

use crate::{
    app::AssetRoot,
    model::{
        error::ApiError,
        live::{Link, LiveView, Overview},
        log::LogTail,
        operation::Operation,
        queue::QueueSample,
        run::Run,
        time::Millis,
        wire,
        worker::WorkerList,
    },
};
use leptos::{prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Not asked for: before hydration, paused, or the tab is hidden.
    Resting,
    Open,
    /// The console does not answer.
    Lost,
    /// It answers, but wants the password again.
    SignedOut,
}

impl Stream {
    /// It is wanted and does not come.
    pub fn is_off(self) -> bool {
        matches!(self, Self::Lost | Self::SignedOut)
    }
}

#[derive(Clone, Copy)]
pub struct Live {
    /// Connection, totals, discovery: from the page itself at first, then from the stream.
    pub overview: Memo<Option<Overview>>,
    /// Newest samples of the queues that this view shows.
    pub queues: Memo<Vec<QueueSample>>,
    /// Queues that the list would show now but did not when the stream was opened.
    pub entered: Memo<u64>,
    pub operations: Memo<Vec<Operation>>,
    /// `None` until the stream of this view has said it.
    pub workers: Memo<Option<WorkerList>>,
    /// What came with the newest event.
    pub log: Memo<LogTail>,
    /// `None` until the stream of this view has said it.
    pub runs: Memo<Option<Vec<Run>>>,
    pub stream: ReadSignal<Stream>,
    pub paused: RwSignal<bool>,
    /// The sample's own time until the page is alive, then the clock, corrected by what the server says.
    pub now: Signal<Millis>,
    view: RwSignal<Option<String>>,
    /// Bumped to open the stream anew with a fresh order of rows.
    round: RwSignal<u32>,
}

impl Live {
    /// Follows `view` from now on, also when what it reads changes.
    pub fn watch(&self, view: impl Fn() -> LiveView + 'static) {
        let signal = self.view;
        Effect::new(move |_| {
            let text = serde_json::to_string(&view()).ok();
            if signal.with_untracked(|now| *now != text) {
                signal.set(text);
            }
        });
    }

    /// Changes every `seconds` while the stream is open, so neither paused nor hidden: what reads it is asked for again.
    /// Counted from when the page came, so that browsers do not all ask at once, nor always at the start of a bucket.
    pub fn beat(&self, seconds: i64) -> Memo<i64> {
        let Self { stream, now, .. } = *self;
        let from = now.get_untracked().0;
        Memo::new(
            move |last: Option<&i64>| {
                if stream.get() == Stream::Open { (now.get().0 - from) / (seconds * 1_000) } else { last.copied().unwrap_or(0) }
            },
        )
    }

    /// Opens the stream anew: `entered` starts from the list as it is now.
    pub fn reopen(&self) {
        self.round.update(|n| *n += 1);
    }

    /// The newest sample of one queue, starting from what the page loaded; it outlives ticks that do not carry it.
    pub fn sample(&self, first: QueueSample) -> Memo<QueueSample> {
        let queues = self.queues;
        Memo::new(move |last: Option<&QueueSample>| {
            let best = last.unwrap_or(&first);
            queues.with(|list| match list.iter().find(|q| q.name == first.name) {
                Some(found) if found.sampled_at >= best.sampled_at => found.clone(),
                _ => best.clone(),
            })
        })
    }

    /// The newest sample of every row of a list.
    pub fn samples(&self, rows: Memo<Vec<QueueSample>>) -> Memo<Vec<QueueSample>> {
        let queues = self.queues;
        Memo::new(move |_| {
            let mut all = rows.get();
            queues.with(|news| {
                for q in news {
                    if let Some(row) = all.iter_mut().find(|row| row.name == q.name && q.sampled_at >= row.sampled_at) {
                        row.clone_from(q);
                    }
                }
            });
            all
        })
    }

    /// Changes while the first scan still finds queues, then never again: lists that read it grow by themselves at the start.
    pub fn settling(&self) -> Memo<Option<u64>> {
        let overview = self.overview;
        Memo::new(move |_| overview.with(|o| o.as_ref().filter(|o| !o.discovery.complete).map(|o| o.totals.queues)))
    }

    /// Redis or the console is not reached: every figure on the page is old.
    pub fn stale(&self) -> Memo<bool> {
        let Self { overview, stream, .. } = *self;
        Memo::new(move |_| stream.get().is_off() || overview.with(|o| o.as_ref().is_some_and(|o| o.connection.status == Link::Down)))
    }
}

/// Server functions that only read memory are ready at the first poll; this hands their result to the first render.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// What a server function answers from memory: within the page when the server made it, else asked for once the page is
/// alive; and again whenever something that `ask` reads changes. The last answer stays until the next one is there.
pub fn known<T, F>(ask: impl Fn() -> F + 'static) -> RwSignal<Option<T>>
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let first = wire::shared(|| use_context::<AssetRoot>().and_then(|_| ready(untrack(&ask))?.ok()));
    let value = RwSignal::new(first);
    // Answers may overtake each other: only the newest question counts.
    let asked = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        let answer = ask();
        if before.is_none() && value.with_untracked(Option::is_some) {
            return;
        }
        let number = asked.get_value() + 1;
        asked.set_value(number);
        spawn_local(async move {
            if let Ok(next) = answer.await
                && asked.try_get_value() == Some(number)
            {
                value.try_set(Some(next));
            }
        });
    });
    value
}
