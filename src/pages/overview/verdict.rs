//! The answer in words.

use crate::{
    components::{attention::Line, number::count},
    model::{
        board::Board,
        live::{Link, Overview, Totals},
    },
};

/// The title is the answer. `lines` concern more than one queue; notes among them are nothing to act on.
pub fn verdict(overview: Option<&Overview>, lines: &[Line], board: Option<&Board>) -> String {
    let Some(o) = overview else { return "Overview".into() };
    match (o.connection.status, board.map_or(0, |b| b.total) + lines.iter().filter(|l| !l.note()).count() as u64) {
        (Link::Down, _) => "Redis cannot be reached".into(),
        (Link::Connecting, _) => "Connecting to Redis".into(),
        (Link::Connected, n @ 1..) => format!("{} attention", count(n, "thing needs", "things need")),
        (Link::Connected, _) if !o.discovery.complete => "Looking for queues…".into(),
        (Link::Connected, _) if o.totals.queues == 0 => "No queues yet".into(),
        (Link::Connected, _) if o.discovery.truncated => "Everything that is followed is running".into(),
        (Link::Connected, _) => "Everything is running".into(),
    }
}

pub fn calm(totals: &Totals) -> String {
    format!("No failed jobs, no paused queue with jobs, no queue without workers among {}.", count(totals.queues, "queue", "queues"))
}
