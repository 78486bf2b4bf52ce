//! Buttons of a schedule: run now, on and off, delete and restore.

use crate::{
    api,
    components::{
        actions::Actions,
        dialog::{Confirm, close},
        icon::{Glyph, Icon},
        toast::{Offer, Toaster},
    },
    model::{error::ApiError, schedule::ScheduleId, shown::in_text},
};
use leptos::{prelude::*, task::spawn_local};

/// Names the click.
fn request() -> String {
    format!("{:x}-{:x}", js_sys::Date::now() as u64, (js_sys::Math::random() * 1e15) as u64)
}

#[component]
pub fn RunButton(id: ScheduleId, small: bool) -> impl IntoView {
    let (toaster, actions) = (expect_context::<Toaster>(), expect_context::<Actions>());
    let pending = RwSignal::new(false);
    let label = format!("Run {} now", in_text(id.as_str()));
    let click = move |_| {
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        let id = id.clone();
        spawn_local(async move {
            match api::schedules::run(id.clone(), request()).await {
                Ok(()) => {
                    let offer = Offer::Link { label: "View".into(), href: id.href() };
                    toaster.done(format!("Pushed the job of {}", in_text(id.as_str())), "Its next run stays as it is.", Some(offer));
                    actions.changed.update(|n| *n = n.wrapping_add(1));
                }
                Err(error) => toaster.failed(format!("Could not run {}", in_text(id.as_str())), &error),
            }
            pending.try_set(false);
        });
    };
    let class = if small { "btn icon ghost sm" } else { "btn noscript:hidden" };
    view! {
        <button type="button" class=class title=small.then(|| label.clone()) aria-label=small.then_some(label) disabled=move || pending.get() on:click=click>
            <Icon glyph=Glyph::Play />
            {(!small).then_some("Run now")}
        </button>
    }
}

#[component]
pub fn Switch(id: ScheduleId, enabled: bool, small: bool) -> impl IntoView {
    let (toaster, actions) = (expect_context::<Toaster>(), expect_context::<Actions>());
    let pending = RwSignal::new(false);
    let label = format!("Turn {} {}", in_text(id.as_str()), if enabled { "off" } else { "on" });
    let click = move |_| {
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        let id = id.clone();
        spawn_local(async move {
            match api::schedules::set_enabled(id.clone(), !enabled).await {
                Ok(detail) => {
                    let next = detail.schedule.runs.first().map(|run| format!("It runs next {}.", run.said));
                    let (title, text) = if enabled {
                        (format!("Turned {} off", in_text(id.as_str())), "It does not run until it is turned on.".into())
                    } else {
                        (format!("Turned {} on", in_text(id.as_str())), next.unwrap_or_default())
                    };
                    toaster.done(title, text, None);
                    actions.changed.update(|n| *n = n.wrapping_add(1));
                }
                Err(error) => {
                    toaster.failed(format!("Could not turn {} {}", in_text(id.as_str()), if enabled { "off" } else { "on" }), &error)
                }
            }
            pending.try_set(false);
        });
    };
    let class = if small { "btn icon ghost sm" } else { "btn noscript:hidden" };
    let (glyph, word) = if enabled { (Glyph::Pause, "Turn off") } else { (Glyph::Delayed, "Turn on") };
    view! {
        <button type="button" class=class title=small.then(|| label.clone()) aria-label=small.then_some(label) disabled=move || pending.get() on:click=click>
            <Icon glyph=glyph />
            {(!small).then_some(word)}
        </button>
    }
}

/// Asks first; `deleted` is set when it is gone.
#[component]
pub fn DeleteButton(id: ScheduleId, asking: RwSignal<bool>, deleted: RwSignal<bool>) -> impl IntoView {
    let pending = RwSignal::new(false);
    let error = RwSignal::new(None::<ApiError>);
    let title = format!("Delete the schedule {}?", in_text(id.as_str()));
    let confirm = Callback::new(move |()| {
        pending.set(true);
        error.set(None);
        let id = id.clone();
        spawn_local(async move {
            match api::schedules::delete(id).await {
                Ok(()) => {
                    close();
                    deleted.set(true);
                }
                Err(why) => error.set(Some(why)),
            }
            pending.try_set(false);
        });
    });
    view! {
        <button type="button" class="btn danger noscript:hidden" on:click=move |_| asking.set(true)><Icon glyph=Glyph::Trash />"Delete"</button>
        {move || asking.get().then(|| view! {
            <Confirm
                title=Signal::stored(title.clone())
                primary=Signal::stored("Delete schedule".to_owned())
                glyph=Glyph::Trash
                danger=true
                ready=Signal::stored(true)
                pending=pending
                error=error
                on_confirm=confirm
                on_close=Callback::new(move |()| asking.set(false))
            >
                <p class="text-muted">"It will not run any more. Jobs that it pushed stay. You can restore it for an hour."</p>
            </Confirm>
        })}
    }
}

#[component]
pub fn RestoreButton(id: ScheduleId, deleted: RwSignal<bool>) -> impl IntoView {
    let (toaster, actions) = (expect_context::<Toaster>(), expect_context::<Actions>());
    let pending = RwSignal::new(false);
    let click = move |_| {
        pending.set(true);
        let id = id.clone();
        spawn_local(async move {
            match api::schedules::restore(id.clone()).await {
                Ok(_) => {
                    toaster.done(format!("Restored {}", in_text(id.as_str())), "", None);
                    deleted.set(false);
                    actions.changed.update(|n| *n = n.wrapping_add(1));
                }
                Err(error) => toaster.failed(format!("Could not restore {}", in_text(id.as_str())), &error),
            }
            pending.try_set(false);
        });
    };
    view! { <button type="button" class="btn primary" disabled=move || pending.get() on:click=click><Icon glyph=Glyph::Retry />"Restore"</button> }
}
