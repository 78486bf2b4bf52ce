//! Jobs in workers' hands, a row each; lost ones come with the way back.

use super::{
    actions::Actions,
    badge::Tone,
    icon::{Glyph, Icon},
    name::Name,
    number::{millis, thousands},
    question::Question,
    time::{Ago, Clock},
    worker::{job_name, ran},
};
use crate::{
    live::Live,
    model::{
        log::LogQuery,
        run::{Run, RunState},
        time::{Millis, relative},
    },
};
use leptos::prelude::*;

fn look(state: RunState) -> (&'static str, Tone, Glyph) {
    match state {
        RunState::Running => ("Running", Tone::Active, Glyph::Active),
        RunState::Unsure => ("Unsure", Tone::Quiet, Glyph::Note),
        RunState::Lost => ("Lost", Tone::Lost, Glyph::Lost),
    }
}

/// The way back of a lost job, or why there is none.
#[component]
fn PutBack(run: Run) -> impl IntoView {
    let actions = expect_context::<Actions>();
    if let Some(at) = run.put_back.done_at {
        return view! { <span class="text-muted">"Put back " <Ago at=at /></span> }.into_any();
    }
    if !run.put_back.possible {
        return view! { <span class="text-12 text-muted">{run.put_back.reason}</span> }.into_any();
    }
    let ask = move |_| {
        actions.ask(Question::PutBack {
            key: run.key.clone(),
            name: run.job.clone().unwrap_or_else(|| job_name(&run)),
            queue: run.queue.clone(),
            worker: run.worker.clone(),
            since: run.lost_at,
        });
    };
    view! { <button type="button" class="btn sm" on:click=ask><Icon glyph=Glyph::Retry /><span>"Put back"<span class="max-sm:hidden">" in the queue"</span></span></button> }.into_any()
}

/// Classes of "Ran" and of the columns behind it: a queue of its own takes their room on a wider screen already. The last column
/// that is shown carries the gutter.
fn last_columns(queues: bool) -> (&'static str, &'static str) {
    if queues {
        ("r w-28 max-sm:w-24 max-xl:pr-gutter!", "r w-24 max-xl:hidden")
    } else {
        ("r w-28 max-sm:w-24 max-lg:pr-gutter!", "r w-24 max-lg:hidden")
    }
}

/// `queues`: with the queue of each run, where they are of several.
#[component]
pub fn RunTable(#[prop(into)] runs: Signal<Vec<Run>>, caption: &'static str, #[prop(optional)] queues: bool) -> impl IntoView {
    let (ran_class, rest) = last_columns(queues);
    view! {
        <table class="grid-table runs">
            <caption class="sr-only">{caption}</caption>
            <thead>
                <tr>
                    <th scope="col" class="w-44 max-sm:w-28">"State"</th>
                    <th scope="col">"Job"</th>
                    {queues.then(|| view! { <th scope="col" class="w-40 max-sm:hidden">"Queue"</th> })}
                    <th scope="col" class="w-40 max-sm:hidden">"Worker"</th>
                    <th scope="col" class="r w-28 max-lg:hidden">"Started"</th>
                    <th scope="col" class=ran_class>"Ran"</th>
                    <th scope="col" class=rest>"Waited"</th>
                    <th scope="col" class=rest>"Attempt"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || runs.get() key=key let:run>
                    <Row run=run queues=queues />
                </For>
            </tbody>
        </table>
    }
}

/// A row is made anew when this changes; else only its run time moves.
fn key(run: &Run) -> String {
    format!("{}{}{}{}", run.key, run.state as u8, run.put_back.reason, run.put_back.done_at.map_or(0, |at| at.0))
}

#[component]
fn Row(run: Run, queues: bool) -> impl IntoView {
    let now = expect_context::<Live>().now;
    let (word, tone, glyph) = look(run.state);
    let (name, lost) = (job_name(&run), run.state == RunState::Lost);
    let id = run.job.clone().filter(|id| *id != name);
    let title = match run.state {
        RunState::Unsure => "The events of this worker were not heard for a while: the run may have ended",
        RunState::Lost => "Its worker stopped reporting without a goodbye",
        RunState::Running => "",
    };
    let queue = queues.then(|| {
        let cell = match &run.queue {
            Some(queue) => view! { <a class="link" href=queue.href()><Name text=queue.clone() /></a> }.into_any(),
            None => view! { <span class="text-zero" title="Its queue could not be told">"—"</span> }.into_any(),
        };
        view! { <td class="max-sm:hidden">{cell}</td> }
    });
    let log = format!("/logs{}", LogQuery { worker: run.worker.clone(), ..LogQuery::default() }.search());
    let ticking = run.clone();
    let time = Memo::new(move |_| ran(&ticking, now.get()));
    let lost_at = run.lost_at;
    let missed = move || lost_at.map(|at: Millis| format!(" {}", relative(at, now.get())));
    let (ran_class, rest) = last_columns(queues);
    // In the cell of the job: a row of its own that spans columns which are not shown would make new ones.
    let put_back = lost.then(|| view! { <div class="put-back"><PutBack run=run.clone() /></div> });
    let waited = run.wait_ms.map_or_else(|| "—".into(), |ms| millis(ms as f64));
    let attempt = run.attempt.map_or_else(|| "—".into(), thousands);
    view! {
        <tr class=if lost { "lost" } else { "" }>
            <td title=title><span class="state"><Icon glyph=glyph class=tone.icon() /><span>{word}<span class="text-muted num max-sm:hidden">{missed}</span></span></span></td>
            <td>
                <div class="clip"><span class="font-medium"><Name text=name /></span> {id.map(|id| view! { <span class="ml-2 font-mono text-12 text-muted"><Name text=id /></span> })}</div>
                {put_back}
            </td>
            {queue}
            <td class="max-sm:hidden"><a class="link" href=log><Name text=run.worker /></a></td>
            <td class="r max-lg:hidden"><Clock at=run.started_at /></td>
            <td class=ran_class>{move || time.get()}</td>
            <td class=rest>{waited}</td>
            <td class=rest>{attempt}</td>
        </tr>
    }
}
