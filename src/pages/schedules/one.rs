//! `/schedules/{id}`: one schedule: when it runs, what it pushes, what became of its runs, and the form to change it.

use super::{
    Notice, When,
    acts::{DeleteButton, RestoreButton, RunButton, Switch},
    again,
    form::{Form, Look, draft},
    notices::{Missed, Who},
    state,
};
use crate::{
    api,
    components::{
        actions::Actions,
        address::{use_search, use_segment},
        badge::Tone,
        empty::{Empty, Problem, Skeleton},
        icon::{Glyph, Icon},
        name::Name,
        time::{Ago, Clock},
    },
    live::Live,
    model::{
        archive::ArchivedRow,
        error::ApiError,
        live::LiveView,
        past::said,
        schedule::{Draft, Schedule, ScheduleDetail, ScheduleId},
        shown::in_text,
        time::Millis,
        wire::{Resource, resource},
    },
};
use leptos::prelude::*;
use leptos_meta::Title;

type Answer = Result<ScheduleDetail, ApiError>;

#[component]
pub fn SchedulePage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    let actions = expect_context::<Actions>();
    let id = use_segment(1);
    let sent = use_search(|get| get("cron").map(|_| draft(get)));
    let found = resource(
        move || (id.get().unwrap_or_default(), actions.changed.get()),
        |(id, _)| async move {
            let id = ScheduleId::try_from(id).map_err(|text| ApiError::invalid("id", text))?;
            api::schedules::schedule(id).await
        },
    );
    let (asking, deleted) = (RwSignal::new(false), RwSignal::new(false));
    let look = Look::new(sent.get_untracked().unwrap_or_default(), false);
    again(move || {
        // Under an open dialog everything stays.
        if !deleted.get_untracked() && !asking.get_untracked() {
            found.refetch();
        }
    });
    view! {
        <nav class="crumb" aria-label="Breadcrumb"><a href="/schedules">"Schedules"</a></nav>
        <Transition fallback=|| view! { <Skeleton /> }>
            <Loaded found=found sent=sent look=look asking=asking deleted=deleted />
        </Transition>
    }
}

#[component]
fn Loaded(
    found: Resource<Answer>,
    sent: Memo<Option<Draft>>,
    look: Look,
    asking: RwSignal<bool>,
    deleted: RwSignal<bool>,
) -> impl IntoView {
    let shown = Memo::new(move |last: Option<&Option<Answer>>| {
        // Without the moment of reading: what is the same stays as it is.
        let same = |answer: Answer| answer.map(|detail| ScheduleDetail { read_at: Millis(0), ..detail });
        found.get().map(same).or_else(|| last.cloned().flatten())
    });
    // What somebody types stays while the rest is read again; a save compares the version that the form was filled with.
    let form = Memo::new(move |last: Option<&Option<(ScheduleId, Draft, String)>>| {
        let now = shown.with(|answer| {
            let Some(Ok(detail)) = answer else { return None };
            let Schedule { cron, queue, id, name, version, .. } = &detail.schedule;
            let draft = Draft {
                id: name.clone(),
                cron: cron.clone().unwrap_or_default(),
                queue: queue.as_ref().map(ToString::to_string).unwrap_or_default(),
                job: detail.job.clone(),
            };
            Some((id.clone()?, draft, version.clone()))
        });
        match (last, now) {
            (Some(Some(last)), Some(now)) if !deleted.get() && last.0 == now.0 => Some(last.clone()),
            (_, now) => now,
        }
    });
    let body = move || {
        shown.get().map(|answer| match answer {
            Ok(detail) => view! { <Detail detail=detail asking=asking deleted=deleted /> }.into_any(),
            Err(ApiError::NotFound { detail }) => {
                view! { <Empty title="There is no such schedule" text=detail><a class="btn" href="/schedules">"All schedules"</a></Empty> }
                    .into_any()
            }
            Err(error) => view! { <Problem error=error retry=move |()| found.refetch() /> }.into_any(),
        })
    };
    view! {
        <Show when=move || !deleted.get() fallback=move || view! { <Deleted id=form.get_untracked().map(|(id, ..)| id) deleted=deleted /> }>
            {body}
            {move || form.get().map(|(id, draft, version)| {
                let open = sent.get_untracked().is_some();
                let draft = sent.get_untracked().unwrap_or(draft);
                view! {
                    <section class="border-t border-line pb-5" aria-labelledby="edit">
                        <details open=open>
                            <summary class="sec cursor-pointer"><h2 id="edit">"Edit"</h2><Icon glyph=Glyph::ChevronDown class="i s text-faint" /></summary>
                            <Form draft=draft editing=Some((id, version)) look=look />
                        </details>
                    </section>
                }
            })}
        </Show>
    }
}

#[component]
fn Deleted(id: Option<ScheduleId>, deleted: RwSignal<bool>) -> impl IntoView {
    id.map(|id| {
        view! {
            <Empty title=format!("The schedule {} was deleted", in_text(id.as_str())) text="Jobs that it pushed stay. It can be restored for an hour.">
                <RestoreButton id=id.clone() deleted=deleted />
                <a class="btn" href="/schedules">"All schedules"</a>
            </Empty>
        }
    })
}

#[component]
fn Detail(detail: ScheduleDetail, asking: RwSignal<bool>, deleted: RwSignal<bool>) -> impl IntoView {
    let ScheduleDetail { schedule, job, runs_in, missed, history, unavailable, completed_kept, ticking, timezone, .. } = detail;
    let Schedule {
        id, name, cron, words, queue, class_name, job_id, enabled, next_run, runs, last_run, problem, overdue, other_zone, ..
    } = schedule.clone();
    let badge = state(&schedule);
    let none = if problem.is_some() { Some("None while it is broken.") } else { (!enabled).then_some("None while it is off.") };
    let able = problem.is_none();
    let buttons = id.clone().map(|id| {
        view! {
            <div class="flex items-center gap-2 max-sm:w-full max-sm:flex-wrap">
                {able.then(|| view! { <RunButton id=id.clone() small=false /> })}
                {(able || enabled).then(|| view! { <Switch id=id.clone() enabled=enabled small=false /> })}
                <DeleteButton id=id asking=asking deleted=deleted />
            </div>
        }
    });
    // It is there for long; in the queue that it is pushed to only until a worker takes it.
    let job_href = runs_in.zip(job_id.clone()).map(|(queue, id)| format!("{}/jobs/{}", queue.href(), crate::model::ids::segment(&id)));
    let queue = queue.map(|queue| view! { <a class="link" href=queue.href()><Name text=queue.clone() /></a> });
    let runs = runs.into_iter().map(|run| view! { <li class="flex gap-3 px-gutter py-1.5"><span class="num grow">{run.said}</span><span class="text-faint"><Ago at=run.at /></span></li> }).collect_view();
    view! {
        <Title text=in_text(&name).into_owned() />
        <div class="head pb-3.5!">
            <h1 class="wrap-anywhere min-w-0"><Name text=name /></h1>
            {badge}
            <span class="flex-1 max-sm:hidden"></span>
            {buttons}
        </div>
        {problem.map(|text| view! { <Notice glyph=Glyph::Failed class="i s text-failed">"This schedule is broken and skipped. " {text}</Notice> })}
        <Who ticking=ticking overdue=usize::from(overdue) other_zone=other_zone timezone=timezone.clone() />
        <div class="six">
            <div class="span4 min-w-0 divide-y divide-line">
                <section aria-labelledby="facts-title">
                    <div class="sec"><h2 id="facts-title">{words.unwrap_or_else(|| "When it runs is unknown".into())}</h2></div>
                    <dl class="facts">
                        <div><dt>"Cron"</dt><dd class="font-mono text-12 leading-5">{cron.unwrap_or_else(|| "—".into())}</dd></div>
                        <div><dt>"Time zone"</dt><dd>{timezone}</dd></div>
                        <div><dt>"Queue"</dt><dd>{queue}</dd></div>
                        <div><dt>"Class"</dt><dd><Name text=class_name.unwrap_or_else(|| "—".into()) /></dd></div>
                        <div><dt>"Stored next run"</dt><dd>{next_run.map_or_else(|| "—".into_any(), |at| view! { <When at=at /> }.into_any())}</dd></div>
                        <div><dt>"Last run"</dt><dd>{last_run.map_or_else(|| "—".into_any(), |at| view! { <When at=at /> }.into_any())}</dd></div>
                        <div><dt>"Job id"</dt><dd>{job_id.map(|id| view! { <a class="link font-mono text-12" href=job_href><Name text=id /></a> })}</dd></div>
                    </dl>
                </section>
                <History rows=history unavailable=unavailable completed_kept=completed_kept />
                <section class="pb-4" aria-labelledby="job-title">
                    <div class="sec"><h2 id="job-title">"Job, as it is stored"</h2></div>
                    <pre class="px-gutter font-mono text-12 whitespace-pre-wrap wrap-anywhere">{job}</pre>
                </section>
            </div>
            <div class="span2 min-w-0 divide-y divide-line">
                <section class="pb-3" aria-labelledby="next-title">
                    <div class="sec"><h2 id="next-title">"Next runs"</h2></div>
                    {none.map(|text| view! { <p class="px-gutter text-muted">{text}</p> })}
                    <ol>{runs}</ol>
                </section>
            </div>
        </div>
        <Missed missed=missed named=false />
    }
}

#[component]
fn History(rows: Vec<ArchivedRow>, unavailable: Option<String>, completed_kept: bool) -> impl IntoView {
    let none = rows.is_empty() && unavailable.is_none();
    let any = !rows.is_empty();
    let empty = if completed_kept {
        "The archive has no run of this job yet."
    } else {
        "The archive has no run of this job. Those of jobs that never failed are kept only with --archive-completed true."
    };
    let body = rows
        .into_iter()
        .map(|row| {
            let (word, good) = said(&row);
            let (glyph, tone) = match good {
                Some(true) => (Glyph::Completed, Tone::Completed),
                Some(false) => (Glyph::Failed, Tone::Failed),
                None => (Glyph::Note, Tone::Quiet),
            };
            let at = row.archived_at.map(|at| view! { <Ago at=at /><span class="ml-2 text-faint max-md:hidden"><Clock at=at /></span> });
            let error = row.error.as_deref().and_then(|e| e.lines().next()).map(str::to_owned);
            view! {
                <tr data-row>
                    <td><a class="name font-normal!" href=row.href()><span class="state"><Icon glyph=glyph class=tone.icon() />{word}</span></a></td>
                    <td class="text-muted max-sm:hidden">{error}</td>
                    <td class="r">{at}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="pb-2" aria-labelledby="history-title">
            <div class="sec"><h2 id="history-title">"History"</h2></div>
            {unavailable.map(|text| view! { <p class="px-gutter pb-3 text-muted wrap-anywhere">{text}</p> })}
            {none.then(|| view! { <p class="px-gutter pb-3 text-muted">{empty}</p> })}
            {any.then(|| view! {
                <table class="grid-table">
                    <caption class="sr-only">"Archived runs, newest first"</caption>
                    <thead><tr><th scope="col" class="w-42">"Outcome"</th><th scope="col" class="max-sm:hidden">"Error"</th><th scope="col" class="r w-50 max-sm:w-32">"Archived"</th></tr></thead>
                    <tbody>{body}</tbody>
                </table>
            })}
        </section>
    }
}
