//! Failed jobs that are in no archive, said where somebody looks for them.

use super::{
    icon::{Glyph, Icon},
    number::{count, thousands},
};
use crate::model::archive::{Gap, Refusing};
use leptos::prelude::*;

/// `orders: up to 1,990 failed jobs were not archived, 2026-11-23 12:03:10 to 12:04:00 UTC`
fn sentence(gap: &Gap) -> String {
    let jobs =
        gap.up_to.map_or_else(|| "failed jobs, nobody knows how many,".to_owned(), |n| format!("up to {} failed jobs", thousands(n)));
    let from = gap.from.map_or_else(|| "until".to_owned(), |at| format!("{} to", at.full()));
    format!("{}: {jobs} were not archived, {from} {}", gap.queue.in_text(), gap.until.full())
}

/// The newest ones, and how many `more` there are.
#[component]
pub fn Gaps(gaps: Vec<Gap>, more: u64) -> impl IntoView {
    (!gaps.is_empty()).then(|| {
        let lines = gaps.iter().map(|gap| view! { <p>{sentence(gap)}</p> }).collect_view();
        view! {
            <div class="banner quiet" data-gaps>
                <Icon glyph=Glyph::Warning class="i s text-waiting" />
                <div class="grow min-w-0 wrap-anywhere">
                    {lines}
                    {(more > 0).then(|| view! { <p>{count(more, "older gap is not shown here", "older gaps are not shown here")}</p> })}
                    <p class="text-muted">"Redis dropped them before they could be copied, or the archive was away for too long."</p>
                </div>
            </div>
        }
    })
}

/// The database answers, and takes nothing new.
#[component]
pub fn NotWritten(refusing: Option<Refusing>) -> impl IntoView {
    refusing.map(|r| {
        view! {
            <div class="banner quiet" data-refusing>
                <Icon glyph=Glyph::Warning class="i s text-failed" />
                <p class="grow min-w-0 wrap-anywhere">
                    {format!("Since {} UTC the archive's database takes nothing: {} ", r.since.clock(), r.problem)}
                    <span class="text-muted">"What fails or ends now is missing here until it does. Live pages are not affected."</span>
                </p>
            </div>
        }
    })
}
