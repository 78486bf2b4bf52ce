//! Slack, Discord and the generic webhook: a URL each, and little more.

use super::fields::{ChannelForm, SecretField, Tick, Typed};
use crate::model::alert::channel::{Channel, ChannelsEdit, ChannelsView, DiscordEdit, SlackEdit, WebhookEdit};
use leptos::prelude::*;

#[component]
pub fn Slack(stored: RwSignal<ChannelsView>) -> impl IntoView {
    let first = stored.with_untracked(|s| s.slack.clone());
    let (on, plain, url) = (RwSignal::new(first.enabled), RwSignal::new(first.plain), Typed::new());
    let kept = Signal::derive(move || stored.with(|s| s.slack.webhook_url.clone()));
    let environment = Memo::new(move |_| stored.with(|s| s.slack.from_environment));
    let edit = Callback::new(move |()| ChannelsEdit {
        slack: Some(SlackEdit { enabled: on.get_untracked(), webhook_url: url.get(), plain: plain.get_untracked() }),
        ..ChannelsEdit::default()
    });
    view! {
        <ChannelForm channel=Channel::Slack hint="An incoming webhook of Slack, or of what takes the same: Mattermost, Rocket.Chat." stored=stored edit=edit saved=Callback::new(move |()| {
            url.clear();
            // Without a URL of its own the environment's may hold again.
            on.set(stored.with_untracked(|s| s.slack.enabled));
        })>
            <Show when=move || environment.get()>
                <p class="text-muted">"The URL is from the environment (SLACK_WEBHOOK_URL) and cannot be changed here. One that is saved here is used instead."</p>
            </Show>
            <Tick label="Send alerts to Slack" value=on />
            <SecretField channel=Channel::Slack field="url" label="Webhook URL" placeholder="https://hooks.slack.com/services/…" typed=url kept=kept removable=Signal::derive(move || !environment.get()) />
            <Tick label="Text only, without blocks" value=plain />
        </ChannelForm>
    }
}

#[component]
pub fn Discord(stored: RwSignal<ChannelsView>) -> impl IntoView {
    let on = RwSignal::new(stored.with_untracked(|s| s.discord.enabled));
    let url = Typed::new();
    let kept = Signal::derive(move || stored.with(|s| s.discord.webhook_url.clone()));
    let edit = Callback::new(move |()| ChannelsEdit {
        discord: Some(DiscordEdit { enabled: on.get_untracked(), webhook_url: url.get() }),
        ..ChannelsEdit::default()
    });
    view! {
        <ChannelForm channel=Channel::Discord hint="A webhook of a Discord channel. Nobody is mentioned by it." stored=stored edit=edit saved=Callback::new(move |()| url.clear())>
            <Tick label="Send alerts to Discord" value=on />
            <SecretField channel=Channel::Discord field="url" label="Webhook URL" placeholder="https://discord.com/api/webhooks/…" typed=url kept=kept />
        </ChannelForm>
    }
}

#[component]
pub fn Webhook(stored: RwSignal<ChannelsView>) -> impl IntoView {
    let on = RwSignal::new(stored.with_untracked(|s| s.webhook.enabled));
    let (url, secret) = (Typed::new(), Typed::new());
    let kept_url = Signal::derive(move || stored.with(|s| s.webhook.url.clone()));
    let kept_secret = Signal::derive(move || stored.with(|s| s.webhook.secret.clone()));
    let edit = Callback::new(move |()| ChannelsEdit {
        webhook: Some(WebhookEdit { enabled: on.get_untracked(), url: url.get(), secret: secret.get() }),
        ..ChannelsEdit::default()
    });
    let saved = Callback::new(move |()| {
        url.clear();
        secret.clear();
    });
    view! {
        <ChannelForm channel=Channel::Webhook hint="The alert as JSON to a program of yours, signed with HMAC-SHA256 when there is a secret." stored=stored edit=edit saved=saved>
            <Tick label="Send alerts to a webhook" value=on />
            <SecretField channel=Channel::Webhook field="url" label="URL" placeholder="https://example.com/alerts" typed=url kept=kept_url />
            <SecretField channel=Channel::Webhook field="secret" label="Signing secret" placeholder="" typed=secret kept=kept_secret />
        </ChannelForm>
    }
}
