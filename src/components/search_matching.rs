//! Before a verb on all jobs that match: counts them first, completely, and says so. Closing the dialog ends the count.

use super::{
    actions::Actions,
    confirm::Answer,
    dialog::Confirm,
    icon::Glyph,
    number::{count, jobs as jobs_of, thousands},
    question::{Question, way_back},
    served::{due_ones, served},
};
use crate::{
    api,
    live::Live,
    model::{error::ApiError, ids::QueueName, job::JobState, operation::Verb, search::CountStep},
};
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn AllMatching(queue: QueueName, state: JobState, verb: Verb, q: String, base: bool) -> impl IntoView {
    let actions = expect_context::<Actions>();
    let now = expect_context::<Live>().now.get_untracked();
    let answer = Answer::new(actions);
    let counted = RwSignal::new(None::<CountStep>);
    let failed = RwSignal::new(None::<ApiError>);
    let open = StoredValue::new(true);
    on_cleanup(move || open.set_value(false));
    spawn_local({
        let (queue, q) = (queue.clone(), q.clone());
        async move {
            let mut at = None;
            while open.try_get_value() == Some(true) {
                match api::search::count_matching(queue.clone(), state, q.clone(), at).await {
                    Ok(step) => {
                        at = step.next.clone();
                        counted.try_set(Some(step));
                        if at.is_none() {
                            return;
                        }
                    }
                    Err(error) => {
                        failed.try_set(Some(error));
                        return;
                    }
                }
            }
        }
    });
    let served = (state == JobState::Delayed).then(|| served(&queue, Signal::stored(true)));
    let whole = Memo::new(move |_| counted.with(|c| c.as_ref().filter(|c| c.next.is_none()).map(|c| c.count)));
    let (act, after, glyph) = match verb {
        Verb::Promote => ("Run", " now", Glyph::Play),
        Verb::Discard => ("Delete", "", Glyph::Trash),
        Verb::Retry | Verb::RetryArchived | Verb::Purge | Verb::ClearFailed | Verb::Restore => ("Retry", "", Glyph::Retry),
    };
    let title = format!("{act} the {} jobs of {} that match{after}?", state.as_str(), queue.in_text());
    let primary = move || whole.get().map_or_else(|| "Counting".into(), |n| format!("{act} {}{after}", jobs_of(n)));
    let says = {
        let queue = queue.clone();
        move || {
            let Some(step) = counted.get() else { return "Counting what matches.".to_owned() };
            let (scanned, of) = (thousands(step.coverage.scanned), step.coverage.of.map_or_else(|| "—".into(), thousands));
            if step.next.is_some() {
                return format!("Counting: {} so far, scanned {scanned} of {of}.", count(step.count, "job matches", "jobs match"));
            }
            let what = match verb {
                Verb::Promote => "They go to their waiting lists without waiting for their time.".to_owned(),
                Verb::Discard => way_back(now, step.bytes, false),
                Verb::Retry if base => {
                    "They go back to waiting with attempts set to 0. Those of a priority that no worker reads go to the base list."
                        .to_owned()
                }
                Verb::Retry | Verb::RetryArchived | Verb::Purge | Verb::ClearFailed | Verb::Restore => {
                    "They go back to their waiting lists with attempts set to 0.".to_owned()
                }
            };
            let due = served.map_or_else(String::new, |served| format!(" {}", due_ones(&queue, served.get())));
            format!(
                "Exactly {} of {}, counted just now among {scanned}. {what}{due} Jobs that are added or fail meanwhile are not included. It runs in the background and can be cancelled.",
                count(step.count, "job matches", "jobs match"),
                queue.in_text()
            )
        }
    };
    let confirm = {
        let (queue, q) = (queue.clone(), q.clone());
        move |()| {
            if let Some(CountStep { count: total, start, .. }) = counted.get_untracked() {
                answer.send(Question::Matching { queue: queue.clone(), state, verb, q: q.clone(), start, total, base }, true);
            }
        }
    };
    view! {
        <Confirm
            title=Signal::stored(title)
            primary=Signal::derive(primary)
            glyph=glyph
            danger=verb == Verb::Discard
            ready=Signal::derive(move || whole.get().is_some_and(|n| n > 0))
            pending=answer.pending
            error=Signal::derive(move || answer.error.get().or_else(|| failed.get()))
            on_confirm=Callback::new(confirm)
            on_close=Callback::new(move |()| actions.question.set(None))
        >
            <p class="font-mono text-12 wrap-anywhere">{q.clone()}</p>
            <p class="text-muted wrap-anywhere num" role="status">{says}</p>
        </Confirm>
    }
}
