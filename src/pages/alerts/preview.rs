//! What the rule in the form would have done over what was recorded. Asked for when somebody stops typing.

use crate::{
    api,
    components::time::Clock,
    model::{
        alert::{
            preview::{Preview, WouldFire},
            rule::Rule,
        },
        error::ApiError,
        time::span,
    },
};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use std::time::Duration;

/// A pause in typing.
const SETTLED: Duration = Duration::from_millis(300);
/// Times that are shown.
const SHOWN: usize = 8;

/// `would have fired 3 times in the last 24 h`
fn verdict(preview: &Preview) -> Option<String> {
    let (from, to) = preview.from.zip(preview.to)?;
    let over = span((to.0 - from.0).max(0));
    Some(match preview.times {
        0 => format!("It would not have fired in the last {over}."),
        1 => format!("It would have fired once in the last {over}."),
        n => format!("It would have fired {n} times in the last {over}."),
    })
}

#[component]
pub fn WouldHave(rule: Memo<Rule>) -> impl IntoView {
    let answer = RwSignal::new(None::<Result<Preview, ApiError>>);
    let asked = StoredValue::new(0_u32);
    let timer = StoredValue::new(None::<TimeoutHandle>);
    // A name or a switch changes nothing of the past; a missing name is no reason to say nothing.
    let about = Memo::new(move |_| Rule { name: "Preview".into(), enabled: true, ..rule.get() });
    let wrong = Memo::new(move |_| about.with(|r| r.check().err().map(|(_, sentence)| sentence)));
    Effect::new(move |_| {
        let rule = about.get();
        if let Some(waiting) = timer.get_value() {
            waiting.clear();
        }
        if wrong.with(Option::is_some) {
            return;
        }
        let number = asked.get_value() + 1;
        asked.set_value(number);
        let ask = move || {
            spawn_local(async move {
                let next = api::alerts::preview(rule).await;
                // Only the newest question counts.
                if asked.try_get_value() == Some(number) {
                    answer.try_set(Some(next));
                }
            });
        };
        timer.set_value(set_timeout_with_handle(ask, SETTLED).ok());
    });
    let body = move || {
        if let Some(sentence) = wrong.get() {
            return view! { <p class="text-muted">{sentence}</p> }.into_any();
        }
        match answer.get() {
            None => view! { <p class="text-muted" aria-busy="true">"Looking."</p> }.into_any(),
            Some(Err(error)) => view! { <p class="text-failed wrap-anywhere">{error.to_string()}</p> }.into_any(),
            Some(Ok(preview)) => view! { <Past preview=preview /> }.into_any(),
        }
    };
    view! {
        <section class="min-w-0" aria-labelledby="would-have" aria-live="polite">
            <h3 id="would-have" class="font-medium pb-1">"What it would have done"</h3>
            {body}
        </section>
    }
}

#[component]
fn Past(preview: Preview) -> impl IntoView {
    let verdict = verdict(&preview).map(|text| view! { <p class="text-14">{text}</p> });
    let hidden = preview.times.saturating_sub(preview.firings.len().min(SHOWN) as u64);
    let unknown =
        (preview.unknown_seconds > 0).then(|| format!("Of {} nothing is known.", span(preview.unknown_seconds.cast_signed() * 1_000)));
    let rows = preview.firings.into_iter().take(SHOWN).map(|WouldFire { at, until, text, .. }| {
        let lasted = until.map_or_else(|| "still".into(), |until| span(until.0 - at.0));
        view! { <li class="flex gap-3 py-1 border-t border-line-soft first:border-0"><span class="num text-muted whitespace-nowrap"><Clock at=at /></span><span class="grow min-w-0 wrap-anywhere">{text}</span><span class="num text-faint whitespace-nowrap">{lasted}</span></li> }
    });
    let rows = rows.collect_view();
    view! {
        {verdict}
        <ul class="py-1" aria-label="Times">{rows}</ul>
        {(hidden > 0).then(|| view! { <p class="text-12 text-faint">{format!("And {hidden} more before that.")}</p> })}
        {unknown.map(|text| view! { <p class="text-12 text-faint">{text}</p> })}
        {preview.note.map(|text| view! { <p class="text-12 text-faint pt-1">{text}</p> })}
    }
}
