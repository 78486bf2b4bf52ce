//! EventSource -> signals. One stream a tab: the page says what it shows with [`Live::watch`], the stream follows, rests
//! while the tab is hidden or paused, and starts with a snapshot whenever it opens, so reconnecting needs no replay.

use crate::{
    api,
    app::AssetRoot,
    model::{
        error::ApiError,
        ids::segment,
        live::{Link, LiveEvent, LiveView, Overview},
        log::LogTail,
        operation::Operation,
        queue::QueueSample,
        run::Run,
        time::Millis,
        wire,
        worker::WorkerList,
    },
};
use leptos::{
    ev,
    prelude::*,
    task::spawn_local,
    wasm_bindgen::{JsCast, prelude::Closure},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use web_sys::{EventSource, MessageEvent};

/// The browser reconnects a broken stream by itself, but gives up when the console answers with an error: then ask again.
const REOPEN_AFTER: Duration = Duration::from_secs(3);

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

pub fn provide_live() {
    // Without an asset root nobody asks for a page: the routes are being listed.
    let first = wire::shared(|| use_context::<AssetRoot>().and_then(|_| ready(api::queues::overview())?.ok()));
    let started = first.as_ref().and_then(|o: &Overview| o.sampled_at).unwrap_or(Millis(0));

    let event = RwSignal::new(None::<LiveEvent>);
    // The view that the last event answers: what only some views carry is not taken from another one.
    let answered = RwSignal::new(None::<String>);
    let view = RwSignal::new(None::<String>);
    let same = move || answered.with(Option::is_some) && answered.get() == view.get();
    let stream = RwSignal::new(Stream::Resting);
    let tick = RwSignal::new(None::<Millis>);
    let skew = StoredValue::new(0_i64);
    let live = Live {
        overview: Memo::new(move |_| event.with(|e| e.as_ref().map(|e| e.overview.clone())).or_else(|| first.clone())),
        queues: Memo::new(move |_| event.with(|e| e.as_ref().map(|e| e.queues.clone()).unwrap_or_default())),
        entered: Memo::new(move |_| event.with(|e| e.as_ref().map_or(0, |e| e.entered))),
        operations: Memo::new(move |_| event.with(|e| e.as_ref().map(|e| e.operations.clone()).unwrap_or_default())),
        workers: Memo::new(move |_| event.with(|e| e.as_ref().filter(|_| same()).and_then(|e| e.workers.clone()))),
        log: Memo::new(move |_| event.with(|e| e.as_ref().filter(|_| same()).map(|e| e.log.clone()).unwrap_or_default())),
        runs: Memo::new(move |_| event.with(|e| e.as_ref().filter(|_| same()).map(|e| e.runs.clone()))),
        stream: stream.read_only(),
        paused: RwSignal::new(false),
        now: Signal::derive(move || tick.get().unwrap_or(started)),
        view,
        round: RwSignal::new(0),
    };
    provide_context(live);

    let clock = move || Millis(js_sys::Date::now() as i64 + skew.get_value());
    Effect::new(move |_| {
        tick.set(Some(clock()));
        if let Ok(handle) = set_interval_with_handle(move || tick.set(Some(clock())), Duration::from_secs(1)) {
            on_cleanup(move || handle.clear());
        }
    });

    let hidden = RwSignal::new(false);
    Effect::new(move |_| {
        let handle = window_event_listener(ev::visibilitychange, move |_| hidden.set(document().hidden()));
        on_cleanup(move || handle.remove());
    });

    let receive = move |of: &str, next: LiveEvent| {
        if let (Link::Connected, Some(at)) = (next.overview.connection.status, next.overview.sampled_at) {
            // A clock that is off by less than the tick is right enough.
            let off = at.0 - js_sys::Date::now() as i64;
            skew.set_value(if off.abs() > 3_000 { off } else { 0 });
        }
        if answered.with_untracked(|last| last.as_deref() != Some(of)) {
            answered.set(Some(of.to_owned()));
        }
        event.set(Some(next));
        stream.set(Stream::Open);
    };
    let mut source = None::<Source>;
    Effect::new(move |_| {
        live.round.track();
        let view = live.view.get().filter(|_| !live.paused.get() && !hidden.get());
        // The old one closes before the new one opens.
        drop(source.take());
        source = view.and_then(|view| {
            let of = view.clone();
            Source::open(&view, move |next| receive(&of, next), move || lost(stream), move || refused(stream, live))
        });
        if source.is_none() {
            stream.set(Stream::Resting);
        }
    });
}

fn lost(stream: RwSignal<Stream>) {
    // Who has to sign in again is told so until the stream is back.
    if stream.get_untracked() != Stream::SignedOut {
        stream.set(Stream::Lost);
    }
}

/// The console refused the stream, and a browser does not tell why. Asked by a server function it does: when the session has
/// ended, the way goes over the login page and back. Not while a dialog is open: what was typed there would be lost.
fn refused(stream: RwSignal<Stream>, live: Live) {
    leptos::task::spawn_local(async move {
        let signed_out = matches!(api::queues::overview().await, Err(ApiError::Unauthorized { .. }));
        if signed_out && stream.get_untracked().is_off() {
            stream.set(Stream::SignedOut);
        }
        if signed_out && document().query_selector("dialog[open]").is_ok_and(|open| open.is_none()) {
            let _ = window().location().replace(&sign_in());
        } else {
            set_timeout(move || live.reopen(), REOPEN_AFTER);
        }
    });
}

/// The login page, and from there back to this one.
pub fn sign_in() -> String {
    let location = window().location();
    let here = [location.pathname(), location.search(), location.hash()].into_iter().flatten().collect::<String>();
    format!("/login?next={}", segment(&here))
}

/// An open stream; dropping it closes it.
struct Source {
    stream: EventSource,
    _listeners: [Closure<dyn Fn(MessageEvent)>; 2],
}

impl Source {
    fn open(view: &str, receive: impl Fn(LiveEvent) + 'static, lost: impl Fn() + 'static, refused: impl Fn() + 'static) -> Option<Self> {
        let stream = EventSource::new(&format!("/live?view={}", segment(view))).ok()?;
        let snapshot = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().as_string().map(|text| wire::read(&text)) {
                Some(Ok(event)) => receive(event),
                Some(Err(error)) => leptos::logging::warn!("A live event cannot be read: {error}"),
                None => {}
            }
        });
        let failed = stream.clone();
        let error = Closure::<dyn Fn(MessageEvent)>::new(move |_| {
            lost();
            if failed.ready_state() == EventSource::CLOSED {
                refused();
            }
        });
        stream.add_event_listener_with_callback("snapshot", snapshot.as_ref().unchecked_ref()).ok()?;
        stream.set_onerror(Some(error.as_ref().unchecked_ref()));
        Some(Self { stream, _listeners: [snapshot, error] })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stream.set_onerror(None);
        self.stream.close();
    }
}
