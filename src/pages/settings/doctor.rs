//! The doctor: what is wrong, what it means, what to do, and a fix where one is safe.

use crate::{
    api,
    components::{
        actions::Actions,
        dialog::{Confirm, close},
        empty::Problem,
        icon::{Glyph, Icon},
        number::{count, thousands},
        time::Ago,
        toast::{Kind, Toast, Toaster},
    },
    model::{
        doctor::{Checked, Diagnosis, Finding, Fix, FixAsk, FixKind, Level, Looked},
        error::ApiError,
        wire::Resource,
    },
};
use leptos::{prelude::*, task::spawn_local};

fn look(level: Level) -> (&'static str, Glyph, &'static str) {
    match level {
        Level::Problem => ("Problem", Glyph::Warning, "i s text-failed"),
        Level::Possible => ("Possibly", Glyph::Warning, "i s text-waiting"),
        Level::Note => ("Note", Glyph::Note, "i s text-faint"),
    }
}

fn checked(looked: Looked) -> (&'static str, Glyph, &'static str) {
    match looked {
        Looked::Whole => ("looked at", Glyph::Completed, "i s text-completed"),
        Looked::Partly => ("looked at in part", Glyph::Note, "i s text-faint"),
        Looked::Unknown => ("unknown", Glyph::Lost, "i s text-waiting"),
    }
}

/// `2 problems, 1 possible, 3 notes`
fn facts(d: &Diagnosis) -> String {
    let of = |level: Level| d.findings.iter().filter(|f| f.level == level).count() as u64;
    let parts =
        [(of(Level::Problem), "problem", "problems"), (of(Level::Possible), "possible", "possible"), (of(Level::Note), "note", "notes")];
    let said: Vec<String> = parts.iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count(*n, one, many)).collect();
    if said.is_empty() { "nothing found".into() } else { said.join(", ") }
}

/// `first`: the look that the page came with; later ones replace it.
#[component]
pub fn Doctor(first: Resource<Result<Diagnosis, ApiError>>) -> impl IntoView {
    let newer = RwSignal::new(None::<Result<Diagnosis, ApiError>>);
    let looking = RwSignal::new(false);
    let again = move |()| {
        if looking.get_untracked() {
            return;
        }
        looking.set(true);
        spawn_local(async move {
            let answer = api::doctor::look(true).await;
            newer.try_set(Some(answer));
            looking.try_set(false);
        });
    };
    let found = move || newer.get().or_else(|| first.get());
    move || {
        found().map(|answer| match answer {
            Ok(diagnosis) => view! { <Found diagnosis=diagnosis looking=looking again=Callback::new(again) /> }.into_any(),
            Err(error) => view! { <Problem error=error retry=Callback::new(again) /> }.into_any(),
        })
    }
}

#[component]
fn Found(diagnosis: Diagnosis, looking: RwSignal<bool>, again: Callback<()>) -> impl IntoView {
    let read = facts(&diagnosis);
    let Diagnosis { at, findings, more, checks, commands, took_ms } = diagnosis;
    let cost = format!("{}, {} ms", count(commands, "Redis command", "Redis commands"), thousands(took_ms));
    let none = findings.is_empty();
    let left = checks.iter().filter(|c| c.looked != Looked::Whole).count();
    let well = match left {
        0 => "Nothing found: every check looked at all there is.".to_owned(),
        n => format!("Nothing found, as far as could be looked: {} went only in part.", count(n as u64, "check", "checks")),
    };
    view! {
        <div class="px-gutter pb-3 flex items-center gap-3 flex-wrap">
            <span class="font-medium">{read}</span>
            <span class="text-muted">"Checked " <Ago at=at /> ": " {cost}</span>
            <button type="button" class="btn sm noscript:hidden" disabled=move || looking.get() on:click=move |_| again.run(())><Icon glyph=Glyph::Retry />{move || if looking.get() { "Checking" } else { "Check again" }}</button>
        </div>
        {none.then(|| view! { <p class="px-gutter pb-3 text-muted">{well}</p> })}
        {(!none).then(|| view! {
            <ul aria-label="Findings">{findings.into_iter().map(|f| view! { <One finding=f again=again /> }).collect_view()}</ul>
        })}
        {(more > 0).then(|| view! { <p class="px-gutter py-2 text-12 text-faint">{format!("And {}, not listed.", count(more, "more finding", "more findings"))}</p> })}
        <details class="border-t border-line-soft">
            <summary class="px-gutter py-2 text-muted">"What was checked"</summary>
            <ul class="checks" aria-label="Checks">{checks.into_iter().map(check).collect_view()}</ul>
        </details>
    }
}

fn check(c: Checked) -> impl IntoView {
    let (word, glyph, class) = checked(c.looked);
    view! { <li><Icon glyph=glyph class=class /><span><span class="font-medium">{c.check.title()}</span><span class="sr-only">{format!(", {word}")}</span>": "<span class="text-muted wrap-anywhere">{c.note}</span></span></li> }
}

#[component]
fn One(finding: Finding, again: Callback<()>) -> impl IntoView {
    let (word, glyph, class) = look(finding.level);
    let fixes = finding.fixes.into_iter().map(|fix| view! { <FixButton fix=fix again=again /> }).collect_view();
    let link = finding.href.map(|href| view! { <a class="btn sm" href=href>"Open"</a> });
    view! {
        <li class="finding">
            <Icon glyph=glyph class=class />
            <div>
                <h3 class="font-medium"><span class="sr-only">{format!("{word}: ")}</span>{finding.title}</h3>
                <p class="text-muted">{finding.meaning}</p>
                <p>{finding.advice}</p>
            </div>
            <div class="do">{link}{fixes}</div>
        </li>
    }
}

#[component]
fn FixButton(fix: Fix, again: Callback<()>) -> impl IntoView {
    let (actions, toaster) = (expect_context::<Actions>(), expect_context::<Toaster>());
    let asking = RwSignal::new(false);
    let (pending, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let Fix { kind, subject, count, label, explain } = fix;
    let glyph = match kind {
        FixKind::Pause => Glyph::Pause,
        FixKind::Resume | FixKind::StartGroup | FixKind::ReleaseGroup => Glyph::Play,
        FixKind::MoveToBase => Glyph::Down,
    };
    let ask = StoredValue::new(FixAsk { kind, subject, count });
    let (title, explain, primary) = (StoredValue::new(format!("{label}?")), StoredValue::new(explain), StoredValue::new(label.clone()));
    let confirm = move |()| {
        pending.set(true);
        error.set(None);
        spawn_local(async move {
            let fixed = api::doctor::fix(ask.get_value()).await;
            pending.set(false);
            match fixed {
                Ok(fixed) => {
                    close();
                    let (kind, title) = if fixed.done { (Kind::Done, "Mended") } else { (Kind::Noted, "Nothing to mend") };
                    toaster.show(Toast { kind, title: title.into(), detail: fixed.said, offer: None });
                    actions.changed.update(|n| *n = n.wrapping_add(1));
                    again.run(());
                }
                Err(problem) => error.set(Some(problem)),
            }
        });
    };
    view! {
        <button type="button" class="btn sm noscript:hidden" on:click=move |_| { error.set(None); asking.set(true); }><Icon glyph=glyph />{format!("{label}…")}</button>
        {move || asking.get().then(|| view! {
            <Confirm
                title=Signal::stored(title.get_value())
                primary=Signal::stored(primary.get_value())
                glyph=glyph
                ready=Signal::stored(true)
                pending=pending
                error=error
                on_confirm=Callback::new(confirm)
                on_close=Callback::new(move |()| asking.set(false))
            >
                <p class="text-muted wrap-anywhere">{explain.get_value()}</p>
            </Confirm>
        })}
    }
}
