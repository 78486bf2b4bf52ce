//! The stream behind the signals: opens for the view, fills them, says when it is lost, and opens again.

use super::{Live, Stream, ready};
use crate::{
    api,
    app::AssetRoot,
    model::{
        error::ApiError,
        ids::escaped,
        live::{Link, LiveEvent, Overview},
        time::Millis,
        wire,
    },
};
use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::{JsCast, prelude::Closure},
};
use std::time::Duration;
use web_sys::{EventSource, MessageEvent};

/// The browser reconnects a broken stream by itself, but gives up when the console answers with an error: then ask again.
const REOPEN_AFTER: Duration = Duration::from_secs(3);

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
    format!("/login?next={}", escaped(&here))
}

/// An open stream; dropping it closes it.
struct Source {
    stream: EventSource,
    _listeners: [Closure<dyn Fn(MessageEvent)>; 2],
}

impl Source {
    fn open(view: &str, receive: impl Fn(LiveEvent) + 'static, lost: impl Fn() + 'static, refused: impl Fn() + 'static) -> Option<Self> {
        let stream = EventSource::new(&format!("/live?view={}", escaped(view))).ok()?;
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
