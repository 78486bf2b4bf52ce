//! What the console measured over time, as charts: throughput, backlog, run time; and the switch of their window.

use super::{
    address::{use_path, use_value, with_value},
    chart::{Lane, Plot, Series, Shape, Unit},
};
use crate::{
    api,
    live::{Live, known},
    model::{
        ids::QueueName,
        metrics::{Charts, ClassFigures, Point, Window},
    },
};
use leptos::prelude::*;

/// Figures move in buckets of 10 s and more: asking oftener would show the same.
const ASK_EVERY_S: i64 = 10;
/// Seconds: a bucket that has only begun says nothing about a rate.
const ENOUGH: f64 = 2.0;

const SWITCH: [(Window, &str); 3] = [(Window::Quarter, "15 min"), (Window::Hour, "1 h"), (Window::Day, "24 h")];

/// `?window=`; kept while links that do not name it lead through the same page.
pub fn use_window() -> Memo<Window> {
    let named = use_value("window");
    Memo::new(move |last: Option<&Window>| {
        let read = named.get().and_then(|w| Window::parse(&w)).filter(|w| *w != Window::Minute);
        read.or(last.copied()).unwrap_or_default()
    })
}

/// Links to the same page with another window.
#[component]
pub fn WindowSwitch(window: Memo<Window>) -> impl IntoView {
    let (path, search) = (use_path(), super::address::use_raw_search());
    let links = SWITCH
        .into_iter()
        .map(|(to, word)| {
            let href = move || format!("{}{}", path.get(), with_value(&search.get(), "window", to.as_str()));
            view! { <a href=href attr:data-noscroll="" aria-current=move || (window.get() == to).then_some("true")>{word}</a> }
        })
        .collect_view();
    view! { <nav class="seg flex-none" aria-label="Time window">{links}</nav> }
}

/// Figures of all queues or of one, kept up to date while the page is live.
pub fn use_figures(queue: Option<QueueName>, window: Memo<Window>) -> RwSignal<Option<Charts>> {
    let beat = expect_context::<Live>().beat(ASK_EVERY_S);
    known(move || {
        // Read, not only tracked: a memo that nobody has read does not follow its sources yet.
        let _ = beat.get();
        api::metrics::figures(queue.clone(), window.get())
    })
}

/// By job class, kept up to date likewise.
pub fn use_classes(window: Memo<Window>) -> RwSignal<Option<Vec<ClassFigures>>> {
    let beat = expect_context::<Live>().beat(ASK_EVERY_S);
    known(move || {
        let _ = beat.get();
        api::metrics::classes(window.get())
    })
}

/// One of the three plots of what was measured.
pub fn plot_of(figures: RwSignal<Option<Charts>>, draw: fn(&Charts) -> Plot) -> Memo<Option<Plot>> {
    Memo::new(move |_| figures.with(|f| f.as_ref().map(draw)))
}

fn plot(charts: &Charts, title: &'static str, note: Option<&'static str>, lanes: Vec<Lane>) -> Plot {
    Plot { title, note, times: charts.points.iter().map(|p| p.at).collect(), step_ms: charts.step_seconds as i64 * 1_000, lanes }
}

fn series(charts: &Charts, name: &'static str, ink: &'static str, shape: Shape, read: impl Fn(&Point) -> Option<f64>) -> Series {
    Series { name, ink, shape, values: charts.points.iter().map(read).collect() }
}

/// Per second that was heard, so that half a bucket is not half a rate.
fn rate(charts: &Charts, read: fn(&Point) -> Option<u64>) -> impl Fn(&Point) -> Option<f64> {
    let (step, last) = (charts.step_seconds as f64, charts.points.last().map(|p| p.at));
    move |p| {
        let heard = step * p.covered;
        let enough = if Some(p.at) == last { ENOUGH } else { f64::MIN_POSITIVE };
        read(p).filter(|_| heard >= enough).map(|n| n as f64 / heard)
    }
}

pub fn throughput(charts: &Charts) -> Plot {
    let completed = series(charts, "Completed", "completed", Shape::Area, rate(charts, |p| p.completed));
    let failed = series(charts, "Failed", "failed", Shape::Bars, rate(charts, |p| p.failed));
    let lanes = vec![
        Lane { unit: Unit::PerSecond, height: "p-tall", series: vec![completed] },
        Lane { unit: Unit::PerSecond, height: "p-low", series: vec![failed] },
    ];
    plot(charts, "Throughput", None, lanes)
}

pub fn backlog(charts: &Charts) -> Plot {
    let waiting = series(charts, "Waiting", "waiting", Shape::Area, |p| p.waiting.map(|n| n as f64));
    plot(charts, "Backlog", None, vec![Lane { unit: Unit::Jobs, height: "p-full", series: vec![waiting] }])
}

/// Three greys by weight: the slowest is the darkest.
pub fn run_time(charts: &Charts) -> Plot {
    let percentile = |name, ink, read: fn(&crate::model::metrics::Quantiles) -> f64| {
        series(charts, name, ink, Shape::Line, move |p| p.run.as_ref().map(read))
    };
    let lines = vec![percentile("p99", "s1", |q| q.p99), percentile("p95", "s2", |q| q.p95), percentile("p50", "s3", |q| q.p50)];
    plot(charts, "Run time", Some("log scale"), vec![Lane { unit: Unit::Millis, height: "p-full", series: lines }])
}
