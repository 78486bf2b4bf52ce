//! A run of retention: the question before it, and how far it is.

use super::retention::Parts;
use crate::{
    api,
    components::{
        dialog::{Confirm, close},
        icon::{Glyph, Icon},
        number::{count, thousands},
        time::ClockUtc,
    },
    model::{
        error::ApiError,
        settings::{Preview, Retention, RetentionRun, RetentionView, RunStatus},
        time::span,
    },
};
use leptos::{prelude::*, task::spawn_local};

/// Counts first, then asks.
#[component]
pub fn RunDialog(keep: Retention, #[prop(into)] on_begun: Callback<RetentionRun>, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let preview = RwSignal::new(None::<Preview>);
    let (pending, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    spawn_local(async move {
        match api::settings::preview(keep).await {
            Ok(counted) => {
                preview.try_set(Some(counted));
            }
            Err(why) => {
                error.try_set(Some(why));
            }
        }
    });
    let total = Memo::new(move |_| {
        preview.with(|p| p.as_ref().map(|p| (p.parts.iter().map(|part| part.rows).sum::<u64>(), p.parts.iter().any(|part| part.partial))))
    });
    let primary = move || match total.get() {
        None => "Counting".to_owned(),
        Some((n, false)) => format!("Delete {}", count(n, "row", "rows")),
        Some((n, true)) => format!("Delete ≥ {}", count(n, "row", "rows")),
    };
    let confirm = move |()| {
        pending.set(true);
        error.set(None);
        spawn_local(async move {
            match api::settings::run_retention().await {
                Ok(run) => {
                    on_begun.run(run);
                    close();
                }
                Err(why) => error.set(Some(why)),
            }
            pending.set(false);
        });
    };
    view! {
        <Confirm
            title=Signal::stored("Delete old rows from the archive?".to_owned())
            primary=Signal::derive(primary)
            glyph=Glyph::Purge
            danger=true
            ready=Signal::derive(move || total.get().is_some_and(|(n, more)| n > 0 || more))
            pending=pending
            error=error
            on_confirm=Callback::new(confirm)
            on_close=on_close
        >
            <p class="text-muted">"They cannot be restored. Jobs in Redis are not touched. It runs in the background, in small steps."</p>
            {move || preview.get().map(|preview| view! { <div><Parts preview=preview /></div> })}
        </Confirm>
    }
}

/// `1,204 job rows, 18 log lines`
fn deleted(run: &RetentionRun) -> String {
    let said: Vec<String> = run.parts.iter().filter(|p| p.deleted > 0).map(|p| format!("{} {}", thousands(p.deleted), p.what)).collect();
    if said.is_empty() { "no rows".into() } else { said.join(", ") }
}

#[component]
pub fn LastRun(view: RwSignal<RetentionView>) -> impl IntoView {
    move || {
        let (run, last) = view.with(|v| (v.run.clone(), v.last_run));
        let Some(run) = run else {
            // The original console notes the time alone.
            return last.map(|at| view! { <p class="text-12 text-faint num">"Last run at " <ClockUtc at=at /></p> }.into_any());
        };
        let (glyph, class, head) = match run.status {
            RunStatus::Running => (Glyph::Active, "i s text-active", format!("Deleting old rows: {} so far", deleted(&run))),
            RunStatus::Done => (Glyph::Completed, "i s text-completed", format!("The last run deleted {}", deleted(&run))),
            RunStatus::Stopped => (Glyph::Warning, "i s text-waiting", format!("The last run was stopped; it deleted {}", deleted(&run))),
        };
        let took = run.finished_at.map(|end| format!(", took {}", span(end.0 - run.started_at.0)));
        let held = (run.longest_ms > 0).then(|| format!(", longest step {} ms", run.longest_ms));
        let message = run.message.clone();
        Some(
            view! {
                <div class="grid gap-1" aria-live="polite">
                    <p class="flex items-start gap-1.5"><Icon glyph=glyph class=class /><span class="min-w-0 wrap-anywhere">{head} "."</span></p>
                    {message.map(|text| view! { <p class="text-muted wrap-anywhere">{text}</p> })}
                    <p class="text-12 text-faint num"><ClockUtc at=run.started_at /> {took} {held}</p>
                </div>
            }
            .into_any(),
        )
    }
}
