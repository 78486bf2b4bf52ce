//! The six sums of the overview. An old figure says from when it is; a fresh one says something else.

use super::{
    badge::Tone,
    icon::Glyph,
    number::{count, figure, per_second, thousands},
    tile::Tile,
};
use crate::{
    live::Live,
    model::{live::Overview, time::span, worker::WorkerList},
};
use leptos::prelude::*;

/// `lately` is what failed in the last 5 minutes, of the queues that the page knows.
#[component]
pub fn TotalsRow(workers: Memo<Option<WorkerList>>, lately: Memo<Option<u64>>) -> impl IntoView {
    let live = expect_context::<Live>();
    let stale = live.stale();
    let read = move |read: fn(&Overview) -> String| {
        Memo::new(move |_| live.overview.with(|o| o.as_ref().filter(|o| o.sampled_at.is_some()).map_or_else(|| "—".into(), read)))
    };
    let fact = move |read: fn(&Overview) -> String| {
        Memo::new(move |_| {
            live.overview.with(|o| match o {
                Some(Overview { sampled_at: None, .. }) | None => "not measured yet".into(),
                Some(Overview { sampled_at: Some(at), .. }) if stale.get() => format!("at {}", at.clock()),
                Some(o) => read(o),
            })
        })
    };
    // Workers that wait for a job, as far as they were heard.
    let idle = Memo::new(move |_| {
        let o = live.overview.get()?;
        let (active, workers) = (o.totals.active.filter(|_| !o.totals.active_partial)?, o.workers?);
        (!stale.get() && o.totals.lost == 0).then(|| match workers.saturating_sub(active) {
            0 => "every worker is busy".into(),
            n => format!("{} idle", count(n, "worker", "workers")),
        })
    });
    let active_fact = fact(|o| match o.totals.active {
        None if o.heard.listening_since.is_some() => "no worker was heard yet".into(),
        None => "events are not heard".into(),
        Some(_) if o.totals.lost > 0 => format!("{} lost", thousands(o.totals.lost)),
        Some(_) if o.totals.active_partial => "some workers were not heard yet".into(),
        Some(_) => "running now".into(),
    });
    let lost = Memo::new(move |_| workers.with(|w| w.as_ref().map_or(0, |w| w.lost)));
    let workers_fact = fact(|o| match (o.workers, o.totals.unserved) {
        (None, _) => "not counted yet".into(),
        (Some(0), _) => "none reports".into(),
        (Some(_), 0) => "every queue is served".into(),
        (Some(_), n) => format!("{} without", count(n, "queue", "queues")),
    });
    let failed_fact =
        fact(|o| if o.totals.failing == 0 { "in no queue".into() } else { format!("in {}", count(o.totals.failing, "queue", "queues")) });
    let failing = Memo::new(move |_| lately.get().filter(|n| *n > 0 && !stale.get()));
    view! {
        <section class="six" aria-label="Totals">
            <Tile label="Waiting" glyph=Glyph::Waiting tone=Tone::Waiting href="/queues" stale=stale value=read(|o| figure(o.totals.waiting, o.totals.grouped_partial || o.discovery.truncated))
                fact=fact(|o| o.totals.oldest_waiting_ms.map_or_else(|| if o.totals.waiting == Some(0) { "nothing waits".into() } else { "age unknown".into() }, |ms| format!("oldest {}", span(ms)))) />
            <Tile label="Active" glyph=Glyph::Active tone=Tone::Active href="/workers" stale=stale value=read(|o| figure(o.totals.active, o.totals.active_partial))
                fact=Signal::derive(move || idle.get().unwrap_or_else(|| active_fact.get())) />
            <Tile label="Delayed" glyph=Glyph::Delayed tone=Tone::Delayed href="/queues?sort=delayed" stale=stale value=read(|o| figure(o.totals.delayed, o.discovery.truncated))
                fact=fact(|o| if o.totals.delayed == Some(0) { "nothing is delayed".into() } else { "run when they are due".into() }) />
            <Tile label="Failed" glyph=Glyph::Failed tone=Tone::Failed href="/queues?filter=failing&sort=failed" stale=stale value=read(|o| figure(o.totals.failed, o.discovery.truncated))
                fact=Signal::derive(move || failing.get().map_or_else(|| failed_fact.get(), |n| format!("{} attempts in 5 min", thousands(n)))) alarm=Signal::derive(move || failing.get().is_some()) />
            <Tile label="Workers" glyph=Glyph::Workers tone=Tone::Quiet href="/workers" stale=stale value=read(|o| figure(o.workers, false))
                fact=Signal::derive(move || if lost.get() > 0 && !stale.get() { format!("{} lost in the last hour", thousands(lost.get())) } else { workers_fact.get() }) />
            <Tile label="Jobs/s" glyph=Glyph::Rate tone=Tone::Quiet stale=stale
                value=read(|o| o.throughput.completed_per_second.zip(o.throughput.failed_per_second).map_or_else(|| "—".into(), |(done, failed)| per_second(done + failed)))
                fact=fact(|o| match o.throughput.failed_per_second {
                    Some(n) => format!("{}/s failed, last minute", per_second(n)),
                    None => "no events were heard".into(),
                }) />
        </section>
    }
}
