//! What every channel's form is made of: fields, secrets, and the buttons with what came of them.

use super::id;
use crate::{
    api,
    components::{
        icon::{Glyph, Icon},
        toast::Toaster,
    },
    model::{
        alert::channel::{Channel, ChannelsEdit, ChannelsView, Kept, NewSecret, Tested},
        error::ApiError,
    },
};
use leptos::{prelude::*, task::spawn_local};

/// A secret that is being typed: what is stored cannot be seen.
#[derive(Clone, Copy)]
pub struct Typed {
    value: RwSignal<String>,
    remove: RwSignal<bool>,
}

impl Typed {
    pub fn new() -> Self {
        Self { value: RwSignal::new(String::new()), remove: RwSignal::new(false) }
    }

    pub fn get(self) -> NewSecret {
        NewSecret { value: self.value.get_untracked(), remove: self.remove.get_untracked() }
    }

    /// It is stored now, so it leaves the page.
    pub fn clear(self) {
        self.value.set(String::new());
        self.remove.set(false);
    }
}

fn stored_words(kept: &Kept) -> String {
    match (&kept.hint, kept.set) {
        (Some(host), true) => format!("Stored: {host}. Leave empty to keep it."),
        (None, true) => "Stored. Leave empty to keep it.".into(),
        (_, false) => "Not set.".into(),
    }
}

#[component]
pub fn SecretField(
    channel: Channel,
    field: &'static str,
    label: &'static str,
    placeholder: &'static str,
    typed: Typed,
    #[prop(into)] kept: Signal<Kept>,
    /// Whether it can be taken away here.
    #[prop(into, default = true.into())]
    removable: Signal<bool>,
) -> impl IntoView {
    let (name, help) = (id(channel, field), id(channel, &[field, "-help"].concat()));
    let can_go = move || removable.get() && kept.with(|k| k.set);
    view! {
        <div class="field w-full">
            <label for=name.clone()>{label}</label>
            <span class="input">
                <input id=name type="password" autocomplete="new-password" spellcheck="false" placeholder=placeholder aria-describedby=help.clone()
                    prop:value=move || typed.value.get() disabled=move || typed.remove.get() on:input=move |e| typed.value.set(event_target_value(&e)) />
            </span>
            <p id=help class="help wrap-anywhere">{move || kept.with(stored_words)}</p>
            <Show when=can_go>
                <label class="flex items-center gap-2 font-normal">
                    <input type="checkbox" class="check" prop:checked=move || typed.remove.get() on:change=move |e| typed.remove.set(event_target_checked(&e)) />
                    "Remove what is stored"
                </label>
            </Show>
        </div>
    }
}

#[component]
pub fn TextField(
    channel: Channel,
    field: &'static str,
    label: &'static str,
    placeholder: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] number: bool,
) -> impl IntoView {
    let name = id(channel, field);
    let first = value.get_untracked();
    view! {
        <div class="field w-full">
            <label for=name.clone()>{label}</label>
            <span class="input">
                <input id=name value=first placeholder=placeholder autocomplete="off" spellcheck="false" inputmode=number.then_some("numeric")
                    prop:value=move || value.get() on:input=move |e| value.set(event_target_value(&e)) />
            </span>
        </div>
    }
}

#[component]
pub fn Tick(label: &'static str, value: RwSignal<bool>) -> impl IntoView {
    let first = value.get_untracked();
    view! {
        <label class="flex items-center gap-2">
            <input type="checkbox" class="check" checked=first prop:checked=move || value.get() on:change=move |e| value.set(event_target_checked(&e)) />
            {label}
        </label>
    }
}

/// The frame of one channel: its name, its fields, saving and testing. `edit` says what the fields say now, `saved` runs when
/// that is what is stored.
#[component]
pub fn ChannelForm(
    channel: Channel,
    hint: &'static str,
    stored: RwSignal<ChannelsView>,
    edit: Callback<(), ChannelsEdit>,
    saved: Callback<()>,
    children: Children,
) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let (label, called) = (channel.label(), channel.called());
    let (saving, testing) = (RwSignal::new(false), RwSignal::new(false));
    let came = RwSignal::new(None::<Result<Tested, ApiError>>);
    let now = move || ChannelsEdit { version: stored.with_untracked(|s| s.version.clone()), ..edit.run(()) };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if saving.get_untracked() {
            return;
        }
        saving.set(true);
        spawn_local(async move {
            match api::channels::set_channels(now()).await {
                Ok(view) => {
                    let on = if view.enabled(channel) { "Alerts go there from now on." } else { "It is off: no alert goes there." };
                    toaster.done(format!("Saved {called}"), on, None);
                    stored.set(view);
                    saved.run(());
                }
                Err(error) => toaster.failed(format!("Could not save {called}"), &error),
            }
            saving.set(false);
        });
    };
    let test = move |_| {
        testing.set(true);
        came.set(None);
        spawn_local(async move {
            let answer = api::channels::test_channel(channel, now()).await;
            came.set(Some(answer));
            testing.set(false);
        });
    };
    let state = move || {
        if stored.with(|s| s.enabled(channel)) {
            (Glyph::Completed, "i s text-active", "on")
        } else {
            (Glyph::Paused, "i s text-paused", "off")
        }
    };
    let (title, named) = (id(channel, "title"), id(channel, "title"));
    view! {
        <form class="grid gap-3 content-start justify-items-start min-w-0" aria-labelledby=named on:submit=save>
            <div class="w-full">
                <h3 id=title class="flex items-center gap-2 font-semibold">
                    {label}
                    {move || {
                        let (glyph, class, word) = state();
                        view! { <span class="state font-normal text-muted"><Icon glyph=glyph class=class />{word}</span> }
                    }}
                </h3>
                <p class="text-12 text-faint">{hint}</p>
            </div>
            {children()}
            <div class="flex gap-2">
                <button type="submit" class="btn" disabled=move || saving.get() aria-busy=move || saving.get().to_string()>{format!("Save {called}")}</button>
                <button type="button" class="btn" disabled=move || testing.get() aria-busy=move || testing.get().to_string() on:click=test>
                    {move || if testing.get() { "Testing".to_owned() } else { format!("Test {called}") }}
                </button>
            </div>
            <div class="w-full empty:hidden" role="status">
                {move || came.get().map(said)}
            </div>
        </form>
    }
}

/// The receiver's own words.
fn said(came: Result<Tested, ApiError>) -> impl IntoView {
    let (glyph, class, head, answer) = match came {
        Ok(Tested { delivered: true, answer, took_ms }) => {
            (Glyph::Completed, "i s mt-[3px] text-active", format!("Taken after {took_ms} ms"), answer)
        }
        Ok(Tested { delivered: false, answer, took_ms }) => {
            (Glyph::Failed, "i s mt-[3px] text-failed", format!("Not taken, after {took_ms} ms"), answer)
        }
        Err(error) => (Glyph::Failed, "i s mt-[3px] text-failed", "Not sent".into(), error.to_string()),
    };
    view! {
        <div class="flex gap-1.5">
            <Icon glyph=glyph class=class />
            <div class="min-w-0">
                <p>{head}</p>
                <p class="font-mono text-12 text-muted wrap-anywhere">{answer}</p>
            </div>
        </div>
    }
}
