//! `/settings`: what the console is connected to, how big the archive is, how long it keeps what.

mod archive;
mod doctor;
mod retention;
mod run;

use crate::{
    api,
    components::{
        empty::{Problem, Skeleton},
        icon::{Glyph, Icon},
        theme,
        time::Ago,
    },
    live::Live,
    model::{
        archive::{ArchiveState, ArchiveStatus},
        live::{Connection, Link, LiveView},
        settings::Settings,
        time::Millis,
        wire::resource,
    },
};
use archive::Facts;
use doctor::Doctor;
use leptos::prelude::*;
use leptos_meta::Title;
use retention::Retention;

#[component]
pub fn SettingsPage() -> impl IntoView {
    expect_context::<Live>().watch(|| LiveView::Frame);
    let settings = resource(|| (), |()| api::settings::settings());
    // Grows when rows were deleted: what is shown of the archive is read again.
    let changed = RwSignal::new(0_u32);
    let health = resource(|| (), |()| api::doctor::look(false));
    let facts = resource(move || changed.get(), |_| api::settings::archive());
    view! {
        <Title text="Settings" />
        <div class="head"><h1>"Settings"</h1></div>
        <section class="border-t border-line" aria-labelledby="connections">
            <div class="sec"><h2 id="connections">"Connections"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                {move || settings.get().map(|answer| match answer {
                    Ok(settings) => view! { <Connections settings=settings /> }.into_any(),
                    Err(error) => view! { <Problem error=error retry=move |()| settings.refetch() /> }.into_any(),
                })}
            </Transition>
        </section>
        <section class="border-t border-line" aria-labelledby="doctor">
            <div class="sec"><h2 id="doctor">"Doctor"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                <Doctor first=health />
            </Transition>
        </section>
        <section class="border-t border-line" aria-labelledby="archive">
            <div class="sec"><h2 id="archive">"Archive"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                <Facts facts=facts />
            </Transition>
        </section>
        <section class="border-t border-line" aria-labelledby="retention">
            <div class="sec"><h2 id="retention">"Retention"</h2></div>
            <Transition fallback=|| view! { <Skeleton rows=3 /> }>
                {move || settings.get().and_then(Result::ok).map(|settings| {
                    let ready = settings.archive.state == ArchiveState::Ready;
                    match settings.retention {
                        Some(first) => view! { <Retention first=first ready=ready changed=changed /> }.into_any(),
                        None => view! { <p class="px-gutter pb-4 text-muted">"How long rows are kept is stored in Redis, which cannot be reached. Nothing is deleted meanwhile."</p> }.into_any(),
                    }
                })}
            </Transition>
        </section>
        <section class="border-t border-line pb-4" aria-labelledby="appearance">
            <div class="sec"><h2 id="appearance">"Appearance"</h2></div>
            <div class="px-gutter flex items-center gap-3 flex-wrap">
                <button type="button" class="btn" on:click=|_| theme::toggle()><Icon glyph=Glyph::Moon />"Switch between dark and light"</button>
                <span class="text-muted">"Follows the system until you choose; remembered in this browser."</span>
            </div>
        </section>
    }
}

/// State in words, with its icon.
fn redis_state(c: &Connection) -> (Glyph, &'static str, String) {
    match c.status {
        Link::Connected => (Glyph::Completed, "i s text-active", "connected".into()),
        Link::Connecting => (Glyph::Note, "i s text-faint", "connecting".into()),
        Link::Down => (Glyph::Failed, "i s text-failed", format!("cannot be reached: {}", c.problem.as_deref().unwrap_or("no answer"))),
    }
}

fn archive_state(a: &ArchiveStatus) -> (Glyph, &'static str, String) {
    match a.state {
        ArchiveState::Ready => (Glyph::Completed, "i s text-active", "open".into()),
        ArchiveState::Starting => (Glyph::Note, "i s text-faint", "being opened; a large one is brought up to date first".into()),
        ArchiveState::Off => (Glyph::Note, "i s text-faint", "off (--archive off): only what is in Redis can be shown".into()),
        ArchiveState::Unavailable => {
            let since = a.since.map_or(String::new(), |at| format!(" since {} UTC", at.clock()));
            (Glyph::Failed, "i s text-failed", format!("Archive unavailable{since}: {}", a.problem.as_deref().unwrap_or("no answer")))
        }
    }
}

#[component]
fn Connections(settings: Settings) -> impl IntoView {
    let Settings { connection, redis, prefix, version, archive, .. } = settings;
    let server = connection.server_version.as_ref().map_or_else(|| connection.driver.clone(), |v| format!("{} {v}", connection.driver));
    view! {
        <dl class="facts settings">
            <Fact name="Redis" state=redis_state(&connection) of=format!("{server} at {redis}") since=Some(connection.since) />
            <Fact name="Archive" state=archive_state(&archive) of=archive.name.clone() since=archive.since.filter(|_| archive.state != ArchiveState::Unavailable) />
            <div><dt>"Queue prefix"</dt><dd class="font-mono text-12 leading-5">{prefix}</dd></div>
            <div><dt>"Console"</dt><dd>{version}</dd></div>
        </dl>
    }
}

#[component]
fn Fact(name: &'static str, state: (Glyph, &'static str, String), of: String, since: Option<Millis>) -> impl IntoView {
    let (glyph, class, words) = state;
    view! {
        <div>
            <dt>{name}</dt>
            <dd>
                <span class="wrap-anywhere">{of}</span>
                <span class="flex items-start gap-1.5 text-muted"><Icon glyph=glyph class=class /><span class="min-w-0 wrap-anywhere">{words} {since.map(|at| view! { ", since " <Ago at=at /> })}</span></span>
            </dd>
        </div>
    }
}
