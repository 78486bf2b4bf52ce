//! `GET /live`: the shared snapshot as server-sent events. A slow browser skips pictures and delays nobody.

use super::{
    actions::{
        live::{LINES as FIRST_LINES, RUNS, WORKERS},
        now,
    },
    auth::Session,
    rest::{UrlQuery, problem::Problem},
    snapshot::{Snapshot, written::Text},
    state::AppState,
};
use crate::model::{
    ids::QueueName,
    live::{LiveEvent, LiveView},
    log::{LogQuery, LogTail},
    query::QueuesQuery,
    queue::QueueSample,
    time::Millis,
};
use axum::{
    Extension, Router,
    extract::State,
    http::HeaderName,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::stream;
use serde::Deserialize;
use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Proxies close what is silent for 30 to 60 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a browser waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);
/// Rows of the overview's list.
const BUSIEST: usize = 8;
/// Workers of the overview's list.
const FEW_WORKERS: usize = 8;
/// Log lines of one event at most: a browser shows no more in a second, and says so.
const LINES: usize = 50;

pub fn routes() -> Router<AppState> {
    Router::new().route("/live", get(live))
}

#[derive(Deserialize)]
struct Wanted {
    view: Option<String>,
}

/// `?view=` holds a [`LiveView`] as JSON, [`LiveView::Frame`] when absent. Every event is named `snapshot` and holds a
/// [`LiveEvent`]; the first comes at once. Ends when the console stops or the session does.
async fn live(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    UrlQuery(Wanted { view }): UrlQuery<Wanted>,
) -> Result<Response, Problem> {
    let view = match view {
        None => LiveView::Frame,
        Some(json) => serde_json::from_str(&json).map_err(|error| Problem::invalid("view", format!("`view` cannot be read: {error}.")))?,
    };
    let queue = match &view {
        LiveView::Queue { name } => Some(name.clone()),
        _ => None,
    };
    // The sampler keeps its pace as long as the stream owns this.
    let watch = state.watching.stream(queue);
    let follow = Follow { view, rows: None, seq: None };
    let follower = Follower { snapshots: state.snapshots.clone(), follow, until: session.until, started: false, state };
    let events = stream::unfold(follower, move |follower| {
        let _kept = &watch;
        follower.next()
    });
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here"));
    // nginx would hold events back to fill its buffer.
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], sse).into_response())
}

struct Follower {
    state: AppState,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    follow: Follow,
    until: Option<Millis>,
    started: bool,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.started && !self.changed().await {
            return None;
        }
        let snapshot = self.snapshots.borrow_and_update().clone();
        let mut event = Event::default().event("snapshot");
        if !self.started {
            self.started = true;
            event = event.retry(RETRY);
        }
        let text = self.follow.event(&snapshot, &self.state)?;
        Some((Ok(event.data(&*text)), self))
    }

    /// Waits for a new picture; `false` when the stream is to end.
    async fn changed(&mut self) -> bool {
        let end = async {
            match self.until {
                Some(until) => tokio::time::sleep(Duration::from_millis(u64::try_from(until.0 - now().0).unwrap_or(0))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.state.shutdown.cancelled() => false,
            () = end => false,
            changed = self.snapshots.changed() => changed.is_ok(),
        }
    }
}

/// What one stream shows: rows stay where they are while figures change.
struct Follow {
    view: LiveView,
    /// Names in display order. While the first scan runs the list still grows, so it is fixed once that has ended.
    rows: Option<Vec<QueueName>>,
    /// The newest log line that was sent.
    seq: Option<u64>,
}

impl Follow {
    /// The event as JSON. Streams that show the same get the same text, written once a tick: a thousand cost what one costs.
    fn event(&mut self, snapshot: &Arc<Snapshot>, state: &AppState) -> Option<Text> {
        let after = self.seq.replace(snapshot.log_seq);
        if self.rows.is_none() && snapshot.discovery.complete {
            self.rows = self.listed(snapshot).map(|page| page.into_iter().map(|q| q.name).collect());
        }
        let text =
            state.written.once(snapshot, (&self.view, &self.rows, after), || serde_json::to_string(&self.make(snapshot, state, after)));
        text.inspect_err(|error| tracing::error!(%error, "live event")).ok()
    }

    fn make(&self, snapshot: &Snapshot, state: &AppState, after: Option<u64>) -> LiveEvent {
        let (queues, entered) = self.queues(snapshot);
        let ledger = state.ledger.lock();
        let workers = match self.view {
            LiveView::Overview => Some(ledger.workers(now(), FEW_WORKERS)),
            LiveView::Workers => Some(ledger.workers(now(), WORKERS)),
            _ => None,
        };
        let runs = match &self.view {
            LiveView::Queue { name } => ledger.runs(Some(name), now(), RUNS),
            _ => Vec::new(),
        };
        let log = |query: &LogQuery, first: usize| match after {
            Some(seq) => ledger.tail().between(seq, snapshot.log_seq, query, LINES),
            None => ledger.tail().between(0, snapshot.log_seq, query, first),
        };
        let log = match &self.view {
            LiveView::Overview => log(&LogQuery::default(), LINES),
            LiveView::Logs { query } => log(query, FIRST_LINES),
            _ => LogTail::default(),
        };
        drop(ledger);
        LiveEvent { overview: snapshot.overview(), queues, entered, operations: snapshot.operations.clone(), workers, log, runs }
    }

    /// What the view lists by now, in its order; `None` when it has no list.
    fn listed(&self, snapshot: &Snapshot) -> Option<Vec<QueueSample>> {
        let (query, most) = match &self.view {
            LiveView::Frame | LiveView::Workers | LiveView::Logs { .. } | LiveView::Queue { .. } => return None,
            LiveView::Overview => (&QueuesQuery::default(), BUSIEST),
            LiveView::Queues { query } => (query, usize::MAX),
        };
        let mut page = snapshot.queues_page(query).queues;
        page.truncate(most);
        Some(page)
    }

    /// The queues to show, and how many more the view would list by now.
    fn queues(&self, snapshot: &Snapshot) -> (Vec<QueueSample>, u64) {
        if let LiveView::Queue { name } = &self.view {
            return (snapshot.queue(name).cloned().into_iter().collect(), 0);
        }
        let listed = self.listed(snapshot).unwrap_or_default();
        let Some(rows) = &self.rows else { return (listed, 0) };
        let known: HashSet<&QueueName> = rows.iter().collect();
        let entered = listed.iter().filter(|q| !known.contains(&q.name)).count() as u64;
        (rows.iter().filter_map(|name| snapshot.queue(name).cloned()).collect(), entered)
    }
}
