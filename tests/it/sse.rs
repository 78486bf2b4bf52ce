//! Live events: the first at once, rows that hold still, and an end when the console stops.

use crate::support::{TestConsole, TestRedis, eventually, payload::many};
use flux_console::{
    model::{
        ids::segment,
        live::{Link, LiveEvent, LiveView},
        log::{Level, LogQuery},
        query::QueuesQuery,
    },
    server::config::Config,
};
use reqwest::{Response, StatusCode};
use std::time::{Duration, Instant};

struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn open(console: &TestConsole, view: &LiveView) -> Self {
        let view = segment(&serde_json::to_string(view).unwrap());
        let response = console.get(&format!("/live?view={view}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event of the name `snapshot`; `None` when the stream has ended.
    async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.lines().any(|line| line == "event: snapshot") {
                    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.expect("an event in time");
            // A stream that is cut is one that has ended.
            self.text += std::str::from_utf8(&chunk.ok().flatten()?).unwrap();
        }
    }

    async fn until(&mut self, what: &str, is: impl Fn(&LiveEvent) -> bool) -> LiveEvent {
        for _ in 0..30 {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before: {what}"));
            if is(&event) {
                return event;
            }
        }
        panic!("not among 30 events: {what}")
    }
}

#[tokio::test]
async fn the_first_event_comes_at_once_and_counts_follow() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:mail", many("m", "mail", 3)).await;
    let console = redis.console().await;
    let since = Instant::now();
    let mut events = Events::open(&console, &LiveView::Queue { name: "mail".try_into().unwrap() }).await;
    let first = events.next().await.unwrap();
    assert!(since.elapsed() < Duration::from_millis(500), "{:?}", since.elapsed());
    assert_eq!(first.overview.connection.status, Link::Connected);
    assert_eq!(first.queues.iter().map(|q| (q.name.as_str(), q.waiting)).collect::<Vec<_>>(), [("mail", Some(3))]);
    redis.push_raw("queue:mail", many("n", "mail", 2)).await;
    events.until("five jobs wait", |event| event.queues[0].waiting == Some(5)).await;
    console.stop().await;
}

#[tokio::test]
async fn rows_stay_where_they_are_while_figures_change() {
    let redis = TestRedis::start().await;
    redis.push_raw("queue:a", many("a", "a", 3)).await;
    redis.push_raw("queue:b", many("b", "b", 2)).await;
    let console = redis.console().await;
    let mut events = Events::open(&console, &LiveView::Queues { query: QueuesQuery::default() }).await;
    let names = |event: &LiveEvent| event.queues.iter().map(|q| q.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&events.next().await.unwrap()), ["a", "b"], "busiest first");
    redis.push_raw("queue:b", many("c", "b", 7)).await;
    let later = events.until("b has nine", |event| event.queues.iter().any(|q| q.waiting == Some(9))).await;
    assert_eq!((names(&later), later.entered), (vec!["a".into(), "b".into()], 0));
    assert_eq!(names(&Events::open(&console, &LiveView::Overview).await.next().await.unwrap()), ["b", "a"], "a new stream sorts anew");
    console.stop().await;
}

#[tokio::test]
async fn a_queue_is_watched_as_long_as_its_page_is_open() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let mut events = Events::open(&console, &LiveView::Queue { name: "mail".try_into().unwrap() }).await;
    assert!(events.next().await.unwrap().queues.is_empty(), "no such queue yet");
    assert_eq!(console.state.watching.queues().len(), 1);
    drop(events);
    eventually("nobody watches", Duration::from_secs(10), async || console.state.watching.queues().is_empty()).await;
    console.stop().await;
}

#[tokio::test]
async fn the_live_log_is_thinned_and_says_so() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    console.listens().await;
    let mut logs = Events::open(&console, &LiveView::Logs { query: LogQuery { level: Some(Level::Error), ..LogQuery::default() } }).await;
    let mut overview = Events::open(&console, &LiveView::Overview).await;
    assert!(logs.next().await.unwrap().log.lines.is_empty() && overview.next().await.unwrap().workers.is_some());
    let mut pipe = redis::pipe();
    for i in 0..400 {
        let level = if i % 100 == 0 { "error" } else { "info" };
        pipe.publish("flux_console:logs", format!(r#"{{"level":"{level}","message":"line {i}","workerId":"w"}}"#)).ignore();
    }
    pipe.exec_async(&mut redis.con.clone()).await.unwrap();
    let (mut matched, mut errors) = (0, Vec::new());
    while matched < 4 {
        let tail = logs.next().await.unwrap().log;
        matched += tail.matched;
        errors.extend(tail.lines.into_iter().map(|line| line.message));
    }
    assert_eq!(errors, ["line 0", "line 100", "line 200", "line 300"]);
    let (mut matched, mut lines) = (0, 0);
    while matched < 400 {
        let tail = overview.next().await.unwrap().log;
        assert!(tail.lines.len() <= 50);
        matched += tail.matched;
        lines += tail.lines.len();
    }
    assert!((50..400).contains(&lines) && matched == 400, "{lines} of {matched}");
    console.stop().await;
}

#[tokio::test]
async fn open_streams_do_not_hold_up_the_end() {
    let redis = TestRedis::start().await;
    let console = redis.console().await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut events = Events::open(&console, &LiveView::Frame).await;
        assert!(events.next().await.unwrap().queues.is_empty());
        streams.push(events);
    }
    let since = Instant::now();
    console.stop().await;
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    for mut stream in streams {
        while stream.next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_view_that_cannot_be_read_is_said_so() {
    let console = TestConsole::start(Config { url: "redis://127.0.0.1:1".into(), ..Config::default() }).await;
    let wrong = console.get("/live?view=%7B%7D").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.json::<serde_json::Value>().await.unwrap()["field"], "view");
    let mut zero = Events::open(&console, &LiveView::Queues { query: QueuesQuery { page: 0, ..QueuesQuery::default() } }).await;
    assert!(zero.next().await.unwrap().queues.is_empty(), "page 0 is page 1");
    console.stop().await;
}
