//! `/schedules?page=`: what a cron pushes, when next, and who fires it; `?add=` shows the form of a new one.

mod acts;
mod form;
mod notices;
mod one;

pub use one::SchedulePage;

use crate::{
    api,
    components::{
        actions::Actions,
        address::use_search,
        badge::{Badge, Tone},
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        name::Name,
        number::{count, thousands},
        time::{Ago, ClockUtc},
    },
    live::Live,
    model::{
        error::ApiError,
        live::LiveView,
        schedule::{Schedule, SchedulesPage as Page},
        time::Millis,
        wire::{Resource, resource},
    },
};
use acts::{RunButton, Switch};
use form::{Form, Look, draft};
use leptos::prelude::*;
use leptos_meta::Title;
use notices::{Missed, Who};
use std::time::Duration;

/// How often the page is read again: a few commands each time.
const EVERY: Duration = Duration::from_secs(5);

/// Reads again while somebody looks and updates are not paused.
fn again(refetch: impl Fn() + Clone + 'static) {
    let paused = expect_context::<Live>().paused;
    Effect::new(move |_| {
        let refetch = refetch.clone();
        let ask = move || {
            if !paused.get_untracked() && !document().hidden() {
                refetch();
            }
        };
        if let Ok(handle) = set_interval_with_handle(ask, EVERY) {
            on_cleanup(move || handle.clear());
        }
    });
}

#[component]
pub fn SchedulesPage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    let actions = expect_context::<Actions>();
    let number = use_search(|get| get("page").and_then(|n| n.parse::<u64>().ok()).unwrap_or(1));
    let adding = use_search(|get| get("add").map(|_| draft(get)));
    let look = Look::new(adding.get_untracked().unwrap_or_default(), true);
    let page = resource(move || (number.get(), actions.changed.get()), |(page, _)| api::schedules::schedules(page));
    again(move || page.refetch());
    view! {
        <Title text="Schedules" />
        <div class="head">
            <h1>"Schedules"</h1>
            <span class="flex-1"></span>
            {move || adding.get().is_none().then(|| view! { <a class="btn primary" href="/schedules?add=1">"Add schedule"</a> })}
        </div>
        {move || adding.get().map(|draft| view! {
            <section class="border-t border-line pb-5" aria-labelledby="add">
                <div class="sec"><h2 id="add">"Add schedule"</h2></div>
                <Form draft=draft editing=None look=look />
            </section>
        })}
        <Transition fallback=|| view! { <Skeleton /> }>
            <Loaded page=page />
        </Transition>
    }
}

#[component]
fn Loaded(page: Resource<Result<Page, ApiError>>) -> impl IntoView {
    let known = Memo::new(move |last: Option<&Option<Page>>| match page.get() {
        // Without the moment of reading: what is the same stays as it is.
        Some(Ok(page)) => Some(Page { read_at: Millis(0), ..page }),
        _ => last.cloned().flatten(),
    });
    let error = Memo::new(move |_| page.get().and_then(Result::err));
    let there = Memo::new(move |_| known.with(Option::is_some));
    view! {
        {move || error.get().map(|error| view! { <Problem error=error retry=move |()| page.refetch() /> })}
        {move || there.get().then(|| known.get_untracked()).flatten().map(|first| {
            let page = Memo::new(move |_| known.get().unwrap_or_else(|| first.clone()));
            view! { <List page=page /> }
        })}
    }
}

#[component]
fn List(page: Memo<Page>) -> impl IntoView {
    let head = move || {
        page.with(|p| {
            let overdue = p.schedules.iter().filter(|s| s.overdue).count();
            let other_zone = p.schedules.iter().any(|s| s.other_zone);
            view! { <Who ticking=p.ticking.clone() overdue=overdue other_zone=other_zone timezone=p.timezone.clone() /> }
        })
    };
    let empty = Memo::new(move |_| page.with(|p| p.total == 0));
    let prefix = move || {
        let text = page.with(|p| {
            format!("Schedules appear here when the application registers them under {}schedules, or when you add one.", p.prefix)
        });
        view! { <Empty title="No schedules" text=text /> }
    };
    // Names that are no text may look the same: their place tells them apart.
    let keys = Memo::new(move |_| {
        page.with(|p| {
            let key = |(i, s): (usize, &Schedule)| (s.name.clone(), if s.id.is_some() { 0 } else { i + 1 });
            p.schedules.iter().enumerate().map(key).collect::<Vec<_>>()
        })
    });
    let foot = move || {
        let (n, total, number, per_page) = page.with(|p| (p.schedules.len() as u64, p.total, p.page, p.per_page));
        let pages = total.div_ceil(per_page.max(1)).max(1);
        let step = |page: u64, word: &'static str| view! { <a class="link" href=format!("/schedules?page={page}")>{word}</a> };
        view! {
            <p class="text-muted">{format!("Showing {} of {}", thousands(n), count(total, "schedule", "schedules"))}</p>
            <span class="flex-1"></span>
            {(number > 1).then(|| step(number - 1, "Earlier"))}
            {(number < pages).then(|| step(number + 1, "Later"))}
        }
    };
    let missed = Memo::new(move |_| page.with(|p| p.missed.clone()));
    view! {
        {head}
        <Show when=move || !empty.get() fallback=prefix>
            <table class="grid-table border-t border-line">
                <caption class="sr-only">"Schedules, what runs next first"</caption>
                <thead class="stick"><tr>
                    <th scope="col" class="w-56 max-sm:w-auto">"Schedule"</th>
                    <th scope="col" class="max-md:hidden">"When"</th>
                    <th scope="col" class="w-36 max-lg:hidden">"Queue"</th>
                    <th scope="col" class="w-66 xl:w-72 max-sm:w-34 max-sm:pr-gutter!">"Next runs"</th>
                    <th scope="col" class="w-28 max-xl:hidden">"Last run"</th>
                    <th scope="col" class="r w-42 max-sm:hidden">"State"</th>
                </tr></thead>
                <tbody>
                    <For each=move || keys.get() key=Clone::clone let:key>
                        {
                            let schedule = Memo::new(move |last: Option<&Option<Schedule>>| {
                                let place = key.1.checked_sub(1);
                                let found = page.with(|p| match place {
                                    Some(i) => p.schedules.get(i).cloned(),
                                    None => p.schedules.iter().find(|s| s.name == key.0).cloned(),
                                });
                                found.or_else(|| last.cloned().flatten())
                            });
                            view! { <tr data-row>{move || schedule.get().map(cells)}</tr> }
                        }
                    </For>
                </tbody>
            </table>
            <div class="pager">{foot}</div>
        </Show>
        {move || view! { <Missed missed=missed.get() named=true /> }}
    }
}

/// What is out of the ordinary.
fn state(schedule: &Schedule) -> impl IntoView + use<> {
    let badge = |tone, glyph, text: &'static str, title: String| view! { <Badge tone=tone glyph=glyph text=text title=title /> };
    if let Some(problem) = &schedule.problem {
        return Some(badge(Tone::Failed, Glyph::Warning, "Broken", problem.clone()));
    }
    if !schedule.enabled {
        return Some(badge(Tone::Paused, Glyph::Paused, "Off", "It does not run until it is turned on.".into()));
    }
    let overdue = "It was due more than two minutes ago: nobody ticks.";
    schedule.overdue.then(|| badge(Tone::Waiting, Glyph::Warning, "Overdue", overdue.into()))
}

/// The next run, and the four after it.
fn runs(schedule: &Schedule) -> impl IntoView + use<> {
    let problem = schedule.problem.clone();
    let after: Vec<String> = schedule.runs.iter().skip(1).map(|run| run.said.clone()).collect();
    let said = schedule.runs.first().map(|run| run.said.clone());
    let next = match (&problem, schedule.enabled, schedule.next_run) {
        (Some(_), ..) => view! { <span class="text-failed">"Skipped"</span> }.into_any(),
        (None, false, _) => view! { <span class="text-zero">"—"</span> }.into_any(),
        (None, true, None) => view! { <span class="text-zero">"—"</span> }.into_any(),
        (None, true, Some(at)) => view! { <Coming at=at /> }.into_any(),
    };
    view! {
        <div class="clip">{next} {said.map(|text| view! { <span class="ml-2 text-faint num max-sm:hidden">{text}</span> })}</div>
        {problem.map(|text| view! { <div class="text-12 text-muted whitespace-normal line-clamp-2 max-sm:hidden">{text}</div> })}
        {(!after.is_empty()).then(|| view! {
            <details class="above text-12 text-muted max-sm:hidden"><summary class="cursor-pointer w-fit">{format!("then {} more", after.len())}</summary>
                <ol class="num">{after.into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ol>
            </details>
        })}
    }
}

fn cells(schedule: Schedule) -> impl IntoView {
    let (badge, small) = (state(&schedule), state(&schedule));
    let runs = runs(&schedule);
    let acts = schedule.id.clone().map(|id| {
        let able = schedule.problem.is_none();
        view! {
            <span class="acts noscript:hidden">
                {able.then(|| view! { <RunButton id=id.clone() small=true /> })}
                {(able || schedule.enabled).then(|| view! { <Switch id=id enabled=schedule.enabled small=true /> })}
            </span>
        }
    });
    let name = match &schedule.id {
        Some(id) => view! { <a class="name" href=id.href()><Name text=schedule.name.clone() /></a> }.into_any(),
        None => view! { <span class="font-medium"><Name text=schedule.name.clone() /></span> }.into_any(),
    };
    let words = schedule.words.clone().unwrap_or_else(|| "—".into());
    let last =
        schedule.last_run.map_or_else(|| view! { <span class="text-zero">"—"</span> }.into_any(), |at| view! { <Ago at=at /> }.into_any());
    let queue = schedule.queue.clone().map(|queue| view! { <a class="link above" href=queue.href()><Name text=queue.clone() /></a> });
    view! {
            <td class="py-1.5! align-top leading-5">
                <div class="clip" title=schedule.name.clone()>{name}</div>
                <div class="text-12 text-muted clip max-md:hidden"><Name text=schedule.class_name.clone().unwrap_or_else(|| "—".into()) /></div>
                <div class="text-12 text-muted whitespace-normal md:hidden">{words.clone()}</div>
                <div class="sm:hidden">{small}</div>
            </td>
            <td class="py-1.5! align-top leading-5 max-md:hidden">
                <div class="clip" title=words.clone()>{words.clone()}</div>
                <div class="text-12 font-mono text-faint clip">{schedule.cron.clone()}</div>
            </td>
            <td class="py-1.5! align-top leading-5 max-lg:hidden"><div class="clip">{queue}</div></td>
            <td class="py-1.5! align-top leading-5 max-sm:pr-gutter!">{runs}</td>
            <td class="py-1.5! align-top leading-5 max-xl:hidden">{last}</td>
            <td class="py-1! align-top max-sm:hidden"><div class="flex items-center justify-end gap-2">{badge}{acts}</div></td>
    }
}

/// `in 5 min`, or `due` until somebody has fired it.
#[component]
fn Coming(at: Millis) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let due = Memo::new(move |_| at <= now.get());
    view! { <Show when=move || !due.get() fallback=move || view! { <time datetime=at.iso() title=at.full()>"due"</time> }><Ago at=at /></Show> }
}

/// The time, exactly and as an age.
#[component]
fn When(at: Millis) -> impl IntoView {
    view! { <span class="mr-1"><Ago at=at /></span> " " <span class="text-faint"><ClockUtc at=at /></span> }
}

/// A sentence with its icon above a list.
#[component]
fn Notice(glyph: Glyph, class: &'static str, children: Children) -> impl IntoView {
    view! { <div class="banner quiet"><Icon glyph=glyph class=class /><p class="min-w-0 wrap-anywhere">{children()}</p></div> }
}
