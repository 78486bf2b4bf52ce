//! The link names a queue in which the job is not found, and the archive knows its id in others.

use super::{head::Crumbs, past::badge};
use crate::{
    components::{badge::Badge, name::Name, number::count, time::Ago},
    model::{
        archive::ArchivedRow,
        ids::{QueueName, segment},
        shown::in_text,
    },
};
use leptos::prelude::*;

/// `rows`: the newest of each queue, at least one.
#[component]
pub fn Elsewhere(queue: QueueName, handle: String, rows: Vec<ArchivedRow>) -> impl IntoView {
    let found = match rows.as_slice() {
        [only] => format!("Found in the queue {}.", only.queue.in_text()),
        many => format!("Found in {}.", count(many.len() as u64, "other queue", "other queues")),
    };
    let rows = rows
        .into_iter()
        .map(|row| {
            let (word, tone, glyph) = badge(&row);
            let href = format!("{}/jobs/{}", row.queue.href(), segment(&row.id));
            view! {
                <tr data-row>
                    <td><a class="name" href=href><Name text=row.queue.clone() /></a></td>
                    <td><Badge tone=tone glyph=glyph text=word /></td>
                    <td class="max-sm:hidden"><Name text=row.class_name.unwrap_or_else(|| "—".into()) /></td>
                    <td class="r">{row.archived_at.map(|at| view! { <Ago at=at /> })}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Crumbs queue=queue.clone() state=None />
        <div class="head"><h1 class="wrap-anywhere">{format!("Job {} is not in {}", in_text(&handle), queue.in_text())}</h1></div>
        <p class="px-gutter pb-3 text-muted wrap-anywhere">{format!("{found} It was retried into another queue, or its queue has another name by now.")}</p>
        <table class="grid-table border-t border-line">
            <thead><tr>
                <th scope="col">"Queue"</th><th scope="col" class="w-[140px]">"Outcome"</th>
                <th scope="col" class="max-sm:hidden">"Class"</th><th scope="col" class="r w-[140px]">"Archived"</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
}
