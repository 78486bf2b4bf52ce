//! The form of a schedule. What it would do is shown while one types; without a script a button asks for the same.

use crate::{
    api,
    components::{
        actions::Actions,
        icon::{Glyph, Icon},
        toast::Toaster,
    },
    live::{Live, known},
    model::{
        error::ApiError,
        schedule::{Draft, Preview, ScheduleId},
    },
};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use std::time::Duration;

/// A pause in typing, before what is typed is looked at.
const SETTLED: Duration = Duration::from_millis(250);

/// What the address says of a form that was sent without a script.
pub fn draft(get: &dyn Fn(&str) -> Option<String>) -> Draft {
    let text = |name| get(name).unwrap_or_default();
    Draft { id: text("id"), cron: text("cron"), queue: text("queue"), job: text("job") }
}

/// The schedule that is edited, and its version when the form was filled.
pub type Editing = Option<(ScheduleId, String)>;

/// As the library's class serializer writes a job.
fn job_of(class: &str, draft: &Draft, now: i64) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let class = quoted(class);
    let data = format!("{{\"class\":{class},\"properties\":{{\"queueName\":{}}}}}", quoted(&draft.queue));
    let id = if draft.id.is_empty() { "scheduled-job" } else { &draft.id };
    format!(
        "{{\"id\":{},\"type\":\"class\",\"className\":{class},\"data\":{},\"createdAt\":{now},\"attempts\":0}}",
        quoted(id),
        quoted(&data)
    )
}

/// What is looked at, and what it would do. Made outside of a transition, where the server can put it into the page.
#[derive(Clone, Copy)]
pub struct Look {
    asked: RwSignal<Draft>,
    answer: RwSignal<Option<(Draft, Preview)>>,
}

impl Look {
    pub fn new(draft: Draft, fresh: bool) -> Self {
        let asked = RwSignal::new(draft);
        let answer = known(move || {
            let draft = asked.get();
            async move { Ok((draft.clone(), api::schedules::preview(draft, fresh).await?)) }
        });
        Self { asked, answer }
    }

    /// Nothing typed is nothing to say of.
    fn preview(self) -> Option<Preview> {
        self.answer.with(|a| a.as_ref().filter(|(draft, _)| *draft != Draft::default()).map(|(_, preview)| preview.clone()))
    }
}

#[component]
pub fn Form(draft: Draft, editing: Editing, look: Look) -> impl IntoView {
    let (toaster, actions, live) = (expect_context::<Toaster>(), expect_context::<Actions>(), expect_context::<Live>());
    let fresh = editing.is_none();
    let typed = RwSignal::new(draft.clone());
    let refused = RwSignal::new(None::<ApiError>);
    // The form of another schedule, or of another version of it.
    Effect::new(move |_| {
        if look.asked.with_untracked(|asked| *asked != draft) {
            look.asked.set(draft.clone());
        }
    });
    let timer = StoredValue::new(None::<TimeoutHandle>);
    let settle = move || {
        timer.update_value(|t| t.take().into_iter().for_each(|t| t.clear()));
        timer.set_value(set_timeout_with_handle(move || look.asked.set(typed.get_untracked()), SETTLED).ok());
    };
    on_cleanup(move || {
        timer.try_update_value(|t| t.take().into_iter().for_each(|t| t.clear()));
    });
    let preview = Memo::new(move |_| look.preview());
    let put = Callback::new(move |(field, text): (&'static str, String)| {
        typed.update(|d| match field {
            "id" => d.id = text,
            "cron" => d.cron = text,
            "queue" => d.queue = text,
            _ => d.job = text,
        });
        refused.set(None);
        settle();
    });
    let problem = move |field: &'static str| {
        Memo::new(move |_| {
            let refused = refused.with(|r| match r {
                Some(ApiError::Invalid { field: wrong, detail }) if wrong == field => Some(detail.clone()),
                _ => None,
            });
            // An empty field of a new schedule is not wrong yet.
            let empty = typed.with(|d| match field {
                "id" => d.id.is_empty(),
                "cron" => d.cron.is_empty(),
                "queue" => d.queue.is_empty(),
                _ => d.job.is_empty(),
            });
            refused.or_else(|| preview.with(|p| p.as_ref().and_then(|p| p.wrong(field)).filter(|_| !empty).map(str::to_owned)))
        })
    };
    let saving = RwSignal::new(false);
    let navigate = use_navigate();
    let (action, editing) = match editing {
        // Each save of this form is the one that the next compares with.
        Some((id, version)) => (id.href(), Some((id, RwSignal::new(version)))),
        None => ("/schedules".to_owned(), None),
    };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if saving.get_untracked() {
            return;
        }
        saving.set(true);
        refused.set(None);
        let (draft, editing, navigate) = (typed.get_untracked(), editing.clone(), navigate.clone());
        spawn_local(async move {
            let saved = match editing.clone() {
                Some((id, version)) => api::schedules::edit(id, draft, version.get_untracked()).await,
                None => api::schedules::add(draft, true).await,
            };
            saving.try_set(false);
            match saved {
                Ok(detail) => {
                    if let Some((_, version)) = editing {
                        version.try_set(detail.schedule.version.clone());
                    }
                    let next = detail
                        .schedule
                        .runs
                        .first()
                        .map_or_else(|| "It is turned off.".into(), |run| format!("It runs next {}.", run.said));
                    toaster.done(format!("Saved {}", detail.schedule.name), next, None);
                    actions.changed.update(|n| *n = n.wrapping_add(1));
                    if fresh {
                        navigate("/schedules", Default::default());
                    }
                }
                Err(error) => {
                    refused.try_set(Some(error));
                }
            }
        });
    };
    let other =
        Memo::new(move |_| refused.with(|r| r.as_ref().filter(|e| !matches!(e, ApiError::Invalid { .. })).map(ToString::to_string)));
    let class = RwSignal::new(String::new());
    let insert = move |_| {
        let job = typed.with_untracked(|d| job_of(class.get_untracked().trim(), d, live.now.get_untracked().0));
        put.run(("job", job));
    };
    view! {
        <form class="px-gutter grid gap-6 md:grid-cols-2" method="get" action=action on:submit=save>
            {fresh.then(|| view! { <input type="hidden" name="add" value="1" /> })}
            <div class="grid gap-3 content-start min-w-0">
                {fresh.then(|| view! { <TextField name="id" label="Id" hint="Names the schedule: nightly-report" typed=typed put=put problem=problem("id") mono=false /> })}
                <TextField name="cron" label="Cron" hint="Minute, hour, day of the month, month, day of the week; or 6 fields with seconds first" typed=typed put=put problem=problem("cron") mono=true />
                <TextField name="queue" label="Queue" hint="Its base list; add :high for another priority" typed=typed put=put problem=problem("queue") mono=false />
                <JobField typed=typed put=put problem=problem("job") />
                <div class="flex items-end gap-2 flex-wrap noscript:hidden">
                    <div class="field"><label for="job-class">"Or begin with a class"</label>
                        <span class="input w-56"><input id="job-class" type="text" autocomplete="off" spellcheck="false" placeholder="SendReport" prop:value=move || class.get() on:input=move |e| class.set(event_target_value(&e)) /></span>
                    </div>
                    <button type="button" class="btn" disabled=move || class.with(|c| c.trim().is_empty()) on:click=insert>"Write a job of this class"</button>
                </div>
                <div role="alert" class="empty:hidden">
                    {move || other.get().map(|text| view! { <p class="flex gap-2 text-failed"><Icon glyph=Glyph::Failed class="i s mt-[3px]" /><span class="min-w-0 wrap-anywhere">{text}</span></p> })}
                </div>
                <div class="flex gap-2">
                    <button type="submit" class="btn primary noscript:hidden" disabled=move || saving.get() aria-busy=move || saving.get().to_string()>{if fresh { "Add schedule" } else { "Save schedule" }}</button>
                    <noscript><button class="btn">"Show what it would do"</button></noscript>
                    {fresh.then(|| view! { <a class="btn" href="/schedules">"Cancel"</a> })}
                </div>
                <noscript><p class="text-12 text-faint">"Saving needs a script; POST /api/v1/schedules does the same."</p></noscript>
            </div>
            <div class="min-w-0" aria-live="polite">
                <h3 class="font-medium pb-1">"What it would do"</h3>
                {move || view! { <Shown preview=preview.get() /> }}
            </div>
        </form>
    }
}

#[component]
fn Shown(preview: Option<Preview>) -> impl IntoView {
    let Some(Preview { words, runs, timezone, problems, notes }) = preview else {
        return view! { <p class="text-muted">"Type a cron, and its next runs appear here."</p> }.into_any();
    };
    let cron = problems.iter().find(|p| p.field == "cron").map(|p| p.text.clone());
    let runs = runs.into_iter().map(|run| view! { <li>{run.said}</li> }).collect_view();
    let notes = notes.into_iter().map(|text| view! { <li class="wrap-anywhere">{text}</li> }).collect_view();
    view! {
        {words.map(|words| view! { <p class="wrap-anywhere">{words} <span class="text-faint">{format!(" ({timezone})")}</span></p> })}
        {cron.map(|text| view! { <p class="text-muted wrap-anywhere">{text}</p> })}
        <ol class="num text-muted py-1">{runs}</ol>
        <ul class="text-12 text-faint grid gap-1 pt-2">{notes}</ul>
    }
    .into_any()
}

#[component]
fn TextField(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    typed: RwSignal<Draft>,
    put: Callback<(&'static str, String)>,
    problem: Memo<Option<String>>,
    mono: bool,
) -> impl IntoView {
    let read = move |d: &Draft| match name {
        "id" => d.id.clone(),
        "cron" => d.cron.clone(),
        _ => d.queue.clone(),
    };
    let (field, help) = (format!("schedule-{name}"), format!("schedule-{name}-help"));
    let class = move || if problem.with(Option::is_some) { "input bad w-full" } else { "input w-full" };
    view! {
        <div class="field">
            <label for=field.clone()>{label}</label>
            <span class=class>
                <input id=field name=name type="text" class=mono.then_some("font-mono") autocomplete="off" spellcheck="false" aria-describedby=help.clone() aria-invalid=move || problem.with(Option::is_some).to_string() value=typed.with_untracked(read) prop:value=move || typed.with(read) on:input=move |e| put.run((name, event_target_value(&e))) />
            </span>
            <p id=help class=move || if problem.with(Option::is_some) { "help bad wrap-anywhere" } else { "help" }>{move || problem.get().unwrap_or_else(|| hint.into())}</p>
        </div>
    }
}

#[component]
fn JobField(typed: RwSignal<Draft>, put: Callback<(&'static str, String)>, problem: Memo<Option<String>>) -> impl IntoView {
    let class = move || {
        if problem.with(Option::is_some) { "input bad h-auto! py-2 w-full" } else { "input h-auto! py-2 w-full" }
    };
    let hint = "The payload as the library serializes it. It is kept as you write it; every run carries its id.";
    view! {
        <div class="field">
            <label for="schedule-job">"Job"</label>
            <span class=class>
                <textarea id="schedule-job" name="job" rows="8" class="w-full bg-transparent outline-0 border-0 font-mono text-12 resize-y wrap-anywhere" autocomplete="off" spellcheck="false" aria-describedby="schedule-job-help" aria-invalid=move || problem.with(Option::is_some).to_string() prop:value=move || typed.with(|d| d.job.clone()) on:input=move |e| put.run(("job", event_target_value(&e)))>
                    {typed.with_untracked(|d| d.job.clone())}
                </textarea>
            </span>
            <p id="schedule-job-help" class=move || if problem.with(Option::is_some) { "help bad wrap-anywhere" } else { "help" }>{move || problem.get().unwrap_or_else(|| hint.into())}</p>
        </div>
    }
}
