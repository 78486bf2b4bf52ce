//! What was said, newest first.

use crate::{
    components::{bell_list::look, empty::Empty, icon::Icon, name::Name, number::thousands, time::Clock},
    model::{
        alert::{
            firing::{Alerts, Entry},
            message::Kind,
        },
        time::span,
    },
};
use leptos::prelude::*;

#[component]
pub fn History(history: Memo<Alerts>) -> impl IntoView {
    move || {
        let Alerts { history, total, page, per_page, .. } = history.get();
        if history.is_empty() {
            return view! { <Empty title="Nothing was said yet" text="When a rule fires or an alert is resolved, it appears here. The last 1,000 entries are kept." /> }.into_any();
        }
        let pages = total.div_ceil(per_page.max(1)).max(1);
        let n = history.len() as u64;
        let rows = history.into_iter().map(row).collect_view();
        let step = |page: u64, word: &'static str| view! { <a class="link" href=format!("/alerts?page={page}#history")>{word}</a> };
        view! {
            <table class="grid-table border-t border-line">
                <caption class="sr-only">"What was said, newest first"</caption>
                <thead><tr>
                    <th scope="col" class="w-45 max-sm:w-26">"Time (UTC)"</th>
                    <th scope="col" class="w-30 max-sm:hidden">"What"</th>
                    <th scope="col" class="w-55 max-md:hidden">"Rule"</th>
                    <th scope="col" class="max-sm:pr-gutter!">"Message"</th>
                    <th scope="col" class="r w-28 max-sm:hidden">"Fired for"</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <div class="pager">
                <p class="text-muted">{format!("Showing {} of {}", thousands(n), thousands(total))}</p>
                <span class="flex-1"></span>
                {(page > 1).then(|| step(page - 1, "Newer"))}
                {(page < pages).then(|| step(page + 1, "Older"))}
            </div>
        }
        .into_any()
    }
}

fn row(Entry { message: m, .. }: Entry) -> impl IntoView {
    let (glyph, class) = look(m.kind);
    let word = match m.kind {
        Kind::Fired => "Fired",
        Kind::Resolved => "Resolved",
        Kind::Test => "Test",
    };
    let lasted = m.since.filter(|_| m.kind == Kind::Resolved).map_or_else(|| "—".into(), |since| span(m.at.0 - since.0));
    view! {
        <tr>
            <td><Clock at=m.at /></td>
            <td class="max-sm:hidden"><span class="state"><Icon glyph=glyph class=class />{word}</span></td>
            <td class="max-md:hidden" title=m.rule.clone()><Name text=m.rule.clone() /></td>
            <td class="whitespace-normal! wrap-anywhere py-2! max-sm:pr-gutter!"><span class="sm:hidden">{word}": "</span>{m.text}</td>
            <td class="r max-sm:hidden">{lasted}</td>
        </tr>
    }
}
