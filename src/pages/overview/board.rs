//! What is true of all queues together: what needs attention, what failed lately, where the backlogs are.

use crate::{
    api,
    components::{
        attention::{Concern, Line, SHOWN, rank},
        load_map::LoadMap,
        number::count,
    },
    model::{
        error::ApiError,
        live::{Link, Overview, Totals},
        query::{QueueFilter, QueueSort, QueuesQuery},
    },
};
use serde::{Deserialize, Serialize};

/// The most urgent concerns, and how many there are in all (`partial`: at least).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    pub concerns: Vec<Concern>,
    pub total: u64,
    pub partial: bool,
    /// Attempts that failed in the last 5 minutes; unknown where not all queues were looked at.
    pub lately: Option<u64>,
    pub load: LoadMap,
}

pub async fn board() -> Result<Board, ApiError> {
    let all = api::queues::queues(QueuesQuery::default()).await?;
    let load = LoadMap::of(&all.queues, all.total, None);
    let mut partial = false;
    let mut lately = None;
    let queues = if all.total <= all.per_page {
        lately = all.queues.iter().filter_map(|q| q.flow.failed_lately).reduce(|a, b| a + b);
        all.queues
    } else {
        // Thousands: the worst of each kind, and the busiest.
        let mut worst = all.queues;
        for (filter, sort) in [
            (QueueFilter::Failing, QueueSort::Failed),
            (QueueFilter::NoWorkers, QueueSort::Waiting),
            (QueueFilter::Paused, QueueSort::Waiting),
        ] {
            let page = api::queues::queues(QueuesQuery { filter, sort, ..QueuesQuery::default() }).await?;
            partial |= page.total > page.per_page;
            worst.extend(page.queues);
        }
        worst.sort_by(|a, b| a.name.cmp(&b.name));
        worst.dedup_by(|a, b| a.name == b.name);
        worst
    };
    let mut concerns = rank(&queues);
    let total = concerns.len() as u64;
    // One more line than fits may as well be shown.
    if concerns.len() > SHOWN + 1 {
        concerns.truncate(SHOWN);
    }
    Ok(Board { concerns, total, partial, lately, load })
}

/// The title is the answer. `lines` concern more than one queue; notes among them are nothing to act on.
pub fn verdict(overview: Option<&Overview>, lines: &[Line], board: Option<&Board>) -> String {
    let Some(o) = overview else { return "Overview".into() };
    let (n, partial) = board.map_or((0, false), |b| (b.total, b.partial));
    match (o.connection.status, n + lines.iter().filter(|l| !l.note()).count() as u64) {
        (Link::Down, _) => "Redis cannot be reached".into(),
        (Link::Connecting, _) => "Connecting to Redis".into(),
        (Link::Connected, n @ 1..) => {
            let at_least = if partial { "At least " } else { "" };
            format!("{at_least}{} attention", count(n, "thing needs", "things need"))
        }
        (Link::Connected, _) if !o.discovery.complete => "Looking for queues…".into(),
        (Link::Connected, _) if o.totals.queues == 0 => "No queues yet".into(),
        (Link::Connected, _) => "Everything is running".into(),
    }
}

pub fn calm(totals: &Totals) -> String {
    format!("No failed jobs, no paused queue with jobs, no queue without workers among {}.", count(totals.queues, "queue", "queues"))
}
