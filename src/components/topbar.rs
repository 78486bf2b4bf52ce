//! The bar over every page: search, where this is, whether Redis answers, live or paused.

use super::{
    bell::Bell,
    icon::{Glyph, Icon},
    number::decimal,
    shell::Overlays,
    theme::ThemeButton,
};
use crate::{
    live::{Live, Stream},
    model::live::Link,
};
use leptos::prelude::*;

#[component]
pub fn TopBar() -> impl IntoView {
    let live = expect_context::<Live>();
    let overlays = expect_context::<Overlays>();
    let environment = Memo::new(move |_| live.overview.with(|o| o.as_ref().and_then(|o| o.environment.clone())));
    let signed_in = Memo::new(move |_| live.overview.with(|o| o.as_ref().is_some_and(|o| !o.open_access)));
    let find = move |_| overlays.palette.set(true);
    view! {
        <header class="top">
            <button type="button" class="btn icon ghost sm:hidden" aria-label="Menu" on:click=move |_| overlays.drawer.set(true)>
                <Icon glyph=Glyph::Menu />
            </button>
            <button type="button" class="find max-sm:hidden" on:click=find>
                <Icon glyph=Glyph::Search class="i s" />
                <span class="grow">"Find a job, queue or page"</span>
                <kbd>"⌘K"</kbd>
            </button>
            <span class="grow max-sm:hidden"></span>
            <Show when=move || environment.get().is_some()>
                <span class="env">{move || environment.get()}</span>
            </Show>
            <span class="grow sm:hidden"></span>
            <ConnectionState />
            <button type="button" class="btn icon ghost sm:hidden" aria-label="Find a job, queue or page" on:click=find>
                <Icon glyph=Glyph::Search />
            </button>
            <LiveSwitch />
            <span class="sep max-sm:hidden"></span>
            <Bell />
            <div class="flex items-center gap-0.5 max-sm:hidden">
                <ThemeButton />
                <button type="button" class="btn icon ghost sm" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" on:click=move |_| overlays.help.set(true)>
                    <Icon glyph=Glyph::Help />
                </button>
                <Show when=move || signed_in.get()>
                    <form method="post" action="/logout">
                        <button type="submit" class="btn icon ghost sm" aria-label="Sign out" title="Sign out">
                            <Icon glyph=Glyph::Leave />
                        </button>
                    </form>
                </Show>
            </div>
        </header>
    }
}

/// `Redis 7.0.15 0.8 ms`; only the icon on a phone.
#[component]
fn ConnectionState() -> impl IntoView {
    let live = expect_context::<Live>();
    let stream = live.stream;
    let lost = Memo::new(move |_| stream.get().is_off());
    // What Redis does behind an unreachable console is unknown.
    let status = Memo::new(move |_| {
        if lost.get() { Link::Down } else { live.overview.with(|o| o.as_ref().map_or(Link::Connecting, |o| o.connection.status)) }
    });
    let text = Memo::new(move |_| match status.get() {
        Link::Down if stream.get() == Stream::SignedOut => "Signed out".into(),
        Link::Down if lost.get() => "Console unreachable".into(),
        Link::Down => "Redis unreachable".into(),
        Link::Connecting => "Connecting to Redis".into(),
        Link::Connected => {
            live.overview.with(|o| ["Redis ", o.as_ref().and_then(|o| o.connection.server_version.as_deref()).unwrap_or_default()].concat())
        }
    });
    let latency = Memo::new(move |_| {
        live.overview.with(|o| {
            o.as_ref()
                .filter(|_| status.get() == Link::Connected)
                .and_then(|o| o.connection.latency_ms)
                .map(|ms| format!("{} ms", decimal(ms)))
        })
    });
    let glyph = Signal::derive(move || match status.get() {
        Link::Connected => Glyph::Completed,
        Link::Connecting => Glyph::Waiting,
        Link::Down => Glyph::Failed,
    });
    let icon = Signal::derive(move || match status.get() {
        Link::Connected => "i s text-active",
        Link::Connecting => "i s text-faint",
        Link::Down => "i s text-failed",
    });
    let class = move || if status.get() == Link::Down { "max-sm:sr-only text-failed font-medium" } else { "max-sm:sr-only" };
    view! {
        <span class="conn max-sm:px-1.5" title=move || text.get()>
            <Icon glyph=glyph class=icon />
            <span class=class>{move || text.get()}</span>
            <span class="text-faint max-sm:hidden">{move || latency.get()}</span>
        </span>
    }
}

#[component]
fn LiveSwitch() -> impl IntoView {
    let Live { paused, stream, overview, .. } = expect_context::<Live>();
    // Nothing new comes while Redis cannot be reached, whatever the console still sends.
    let down = Memo::new(move |_| overview.with(|o| o.as_ref().is_some_and(|o| o.connection.status == Link::Down)));
    let dot = move || if paused.get() || stream.get().is_off() || down.get() { "dot off" } else { "dot" };
    let glyph = Signal::derive(move || if paused.get() { Glyph::Play } else { Glyph::Pause });
    let title = move || if paused.get() { "Resume live updates" } else { "Pause live updates" };
    view! {
        <button type="button" class="btn sm live" aria-pressed=move || (!paused.get()).to_string() title=title on:click=move |_| paused.update(|p| *p = !*p)>
            <span class=dot></span>
            {move || if paused.get() { "Paused" } else { "Live" }}
            <Icon glyph=glyph class="i s" />
        </button>
    }
}
