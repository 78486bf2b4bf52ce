//! The six sums of the overview. An old figure says from when it is; a fresh one says something else.

use super::{
    badge::Tone,
    icon::Glyph,
    number::{count, decimal},
    tile::Tile,
};
use crate::{
    live::Live,
    model::{
        live::{Overview, Totals},
        time::span,
    },
};
use leptos::prelude::*;

#[component]
pub fn TotalsRow() -> impl IntoView {
    let live = expect_context::<Live>();
    let stale = live.stale();
    let total = move |read: fn(&Totals) -> Option<u64>| {
        Memo::new(move |_| live.overview.with(|o| o.as_ref().filter(|o| o.sampled_at.is_some()).and_then(|o| read(&o.totals))))
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
    let workers = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.workers)));
    let partial = Memo::new(move |_| live.overview.with(|o| o.as_ref().is_some_and(|o| o.totals.grouped_partial)));
    let rate =
        Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.throughput.completed_per_second).map(|n| n.round() as u64)));
    view! {
        <section class="six" aria-label="Totals">
            <Tile label="Waiting" glyph=Glyph::Waiting tone=Tone::Waiting href="/queues" stale=stale partial=partial value=total(|t| t.waiting)
                fact=fact(|o| o.totals.oldest_waiting_ms.map_or_else(|| if o.totals.waiting == Some(0) { "nothing waits".into() } else { "age unknown".into() }, |ms| format!("oldest {}", span(ms)))) />
            <Tile label="Active" glyph=Glyph::Active tone=Tone::Active stale=stale value=total(|t| t.active)
                fact=fact(|o| if o.totals.active.is_some() { "running now".into() } else { "unknown without events".into() }) />
            <Tile label="Delayed" glyph=Glyph::Delayed tone=Tone::Delayed href="/queues?sort=delayed" stale=stale value=total(|t| t.delayed)
                fact=fact(|o| if o.totals.delayed == Some(0) { "nothing is delayed".into() } else { "run when they are due".into() }) />
            <Tile label="Failed" glyph=Glyph::Failed tone=Tone::Failed href="/queues?filter=failing&sort=failed" stale=stale value=total(|t| t.failed)
                fact=fact(|o| if o.totals.failing == 0 { "in no queue".into() } else { format!("in {}", count(o.totals.failing, "queue", "queues")) }) />
            <Tile label="Workers" glyph=Glyph::Workers tone=Tone::Quiet stale=stale value=workers
                fact=fact(|o| match (o.workers, o.totals.unserved) {
                    (None, _) => "not counted yet".into(),
                    (Some(0), _) => "none reports".into(),
                    (Some(_), 0) => "every queue is served".into(),
                    (Some(_), n) => format!("{} without", count(n, "queue", "queues")),
                }) />
            <Tile label="Jobs/s" glyph=Glyph::Rate tone=Tone::Quiet stale=stale value=rate
                fact=fact(|o| match o.throughput.failed_per_second {
                    Some(n) => format!("{} failed", decimal(n)),
                    None => "unknown without events".into(),
                }) />
        </section>
    }
}
