//! How long the archive keeps what: the form, what a run would delete, and the run itself.

use super::run::{LastRun, RunDialog};
use crate::{
    api,
    components::{
        actions::Actions,
        icon::{Glyph, Icon},
        number::thousands,
        toast::Toaster,
    },
    model::{
        error::ApiError,
        settings::{Preview, PreviewPart, Retention as Keep, RetentionView},
    },
};
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// How often a run that goes on is asked for.
const ASK_EVERY: Duration = Duration::from_millis(700);

/// `12,431`, `≥ 10,000`
pub fn rows(part: &PreviewPart) -> String {
    if part.partial { format!("≥ {}", thousands(part.rows)) } else { thousands(part.rows) }
}

type Counted = Result<Preview, ApiError>;

/// What one field says, and what is wrong with it.
#[derive(Clone, Copy)]
struct Days {
    text: RwSignal<String>,
    problem: Memo<Option<String>>,
}

#[component]
pub fn Retention(first: RetentionView, ready: bool, changed: RwSignal<u32>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let actions = expect_context::<Actions>();
    let stored = RwSignal::new(first.clone());
    let on = RwSignal::new(first.auto_cleanup);
    let (jobs, logs) = (RwSignal::new(first.retention_days.to_string()), RwSignal::new(first.logs_retention_days.to_string()));
    // An empty or wrong number is 0 days, which the model refuses with a sentence.
    let keep = Memo::new(move |_| {
        let days = |text: RwSignal<String>| text.with(|t| t.trim().parse().unwrap_or(0));
        Keep { auto_cleanup: on.get(), retention_days: days(jobs), logs_retention_days: days(logs) }
    });
    let problem_of = move |mine: &'static str, other: fn(&Keep) -> Keep| {
        Memo::new(move |_| keep.with(|k| other(k).check().err().filter(|(field, _)| *field == mine).map(|(_, sentence)| sentence)))
    };
    let jobs = Days { text: jobs, problem: problem_of("retentionDays", |k| Keep { logs_retention_days: 1, ..*k }) };
    let logs = Days { text: logs, problem: problem_of("logsRetentionDays", |k| Keep { retention_days: 1, ..*k }) };
    let differs = Memo::new(move |_| stored.with(|s| s.settings() != keep.get() || s.problem.is_some()));
    let saving = RwSignal::new(false);
    let able = Memo::new(move |_| differs.get() && !saving.get() && keep.with(|k| k.check().is_ok()));
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !able.get_untracked() {
            return;
        }
        saving.set(true);
        spawn_local(async move {
            match api::settings::set_retention(keep.get_untracked()).await {
                Ok(view) => {
                    toaster.done("Saved how long rows are kept", said(&view.settings()), None);
                    stored.set(view);
                }
                Err(error) => toaster.failed("Could not save how long rows are kept", &error),
            }
            saving.set(false);
        });
    };
    let asking = RwSignal::new(false);
    let counted = RwSignal::new(None::<Counted>);
    let nothing = Memo::new(move |_| counted.with(|c| matches!(c, Some(Ok(preview)) if preview.nothing())));
    let running = Memo::new(move |_| stored.with(|s| s.run.as_ref().is_some_and(|r| r.goes_on())));
    // A run goes on in the background, here or in another console.
    Effect::new(move |before: Option<bool>| {
        let now = running.get();
        if now {
            let ask = move || {
                spawn_local(async move {
                    if let Ok(view) = api::settings::retention().await {
                        stored.set(view);
                    }
                });
            };
            if let Ok(handle) = set_interval_with_handle(ask, ASK_EVERY) {
                on_cleanup(move || handle.clear());
            }
        } else if before == Some(true) {
            changed.update(|n| *n += 1);
        }
        now
    });
    let settings = Memo::new(move |_| stored.with(RetentionView::settings));
    view! {
        <div>
            {move || stored.with(|s| s.problem.clone()).map(|text| view! { <div class="banner" role="alert"><Icon glyph=Glyph::Warning class="i text-waiting" /><p class="min-w-0 wrap-anywhere">{text}</p></div> })}
            <div class="px-gutter pb-4 grid gap-6 sm:grid-cols-2">
                <form class="grid gap-3 content-start justify-items-start" on:submit=save>
                    <label class="flex items-center gap-2">
                        <input type="checkbox" class="check" checked=first.auto_cleanup prop:checked=move || on.get() on:change=move |e| on.set(event_target_checked(&e)) />
                        "Delete old rows every night at 03:00 UTC"
                    </label>
                    <DaysField id="keep-jobs" label="Keep jobs for" days=jobs />
                    <DaysField id="keep-logs" label="Keep log lines for" days=logs />
                    <p class="text-12 text-faint">"Audit lines and past operations are kept for a year. Jobs in Redis are not touched."</p>
                    <button type="submit" class="btn primary" disabled=move || !able.get() aria-busy=move || saving.get().to_string()>"Save"</button>
                </form>
                <div class="grid gap-3 content-start">
                    <Would keep=settings ready=ready changed=changed counted=counted />
                    <div>
                        <button type="button" class="btn danger" disabled=move || running.get() || nothing.get() || !ready on:click=move |_| asking.set(true)>
                            <Icon glyph=Glyph::Purge />"Delete old rows now"
                        </button>
                    </div>
                    <LastRun view=stored />
                </div>
            </div>
            {move || asking.get().then(|| view! {
                <RunDialog
                    keep=settings.get_untracked()
                    on_begun=Callback::new(move |run| {
                        stored.update(|s| s.run = Some(run));
                        actions.changed.update(|n| *n = n.wrapping_add(1));
                    })
                    on_close=Callback::new(move |()| asking.set(false))
                />
            })}
        </div>
    }
}

fn said(keep: &Keep) -> String {
    let night = if keep.auto_cleanup { "Older ones are deleted every night." } else { "Nothing is deleted by itself." };
    format!("Jobs for {} days, log lines for {} days. {night}", keep.retention_days, keep.logs_retention_days)
}

#[component]
fn DaysField(id: &'static str, label: &'static str, days: Days) -> impl IntoView {
    let Days { text, problem } = days;
    let help = format!("{id}-help");
    let class = move || if problem.with(Option::is_some) { "input bad w-28" } else { "input w-28" };
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <span class="flex items-center gap-2">
                <span class=class>
                    <input id=id type="number" min="1" max="3650" inputmode="numeric" aria-describedby=help.clone() aria-invalid=move || problem.with(Option::is_some).to_string() value=text.get_untracked() prop:value=move || text.get() on:input=move |e| text.set(event_target_value(&e)) />
                </span>
                "days"
            </span>
            <p id=help class="help bad" aria-live="polite">{move || problem.get()}</p>
        </div>
    }
}

/// What a run with the stored settings would delete: counted by the browser's half, because it may take seconds.
#[component]
fn Would(keep: Memo<Keep>, ready: bool, changed: RwSignal<u32>, counted: RwSignal<Option<Counted>>) -> impl IntoView {
    let asked = StoredValue::new(0_u32);
    Effect::new(move |_| {
        changed.track();
        let settings = keep.get();
        if !ready {
            return;
        }
        let number = asked.get_value() + 1;
        asked.set_value(number);
        counted.set(None);
        spawn_local(async move {
            let answer = api::settings::preview(settings).await;
            // Only the newest question counts.
            if asked.try_get_value() == Some(number) {
                counted.try_set(Some(answer));
            }
        });
    });
    let body = move || {
        if !ready {
            return view! { <p class="text-muted">"The archive is not open, so nothing can be counted or deleted."</p> }.into_any();
        }
        match counted.get() {
            None => view! { <p class="text-muted" aria-busy="true">"Counting."</p> }.into_any(),
            Some(Err(error)) => view! { <p class="text-failed wrap-anywhere">{error.to_string()}</p> }.into_any(),
            Some(Ok(preview)) => view! { <Parts preview=preview /> }.into_any(),
        }
    };
    view! {
        <div>
            <h3 class="font-medium pb-1">"What a run would delete now"</h3>
            {body}
        </div>
    }
}

#[component]
pub fn Parts(preview: Preview) -> impl IntoView {
    let any = !preview.nothing();
    let parts = preview.parts.iter().filter(|p| p.rows > 0 || p.partial).map(|part| {
        view! { <li class="flex gap-2"><span class="num font-medium w-14 text-right">{rows(part)}</span><span class="text-muted">{part.what.clone()}</span></li> }
    });
    let parts = parts.collect_view();
    view! {
        <p class="text-muted">{format!("Jobs from before {}, log lines from before {}.", preview.jobs_before.full(), preview.logs_before.full())}</p>
        {if any { view! { <ul class="py-1">{parts}</ul> }.into_any() } else { view! { <p class="py-1">"Nothing is old enough."</p> }.into_any() }}
    }
}
