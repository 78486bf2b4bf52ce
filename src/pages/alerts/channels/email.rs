//! The mail server, who writes, and to whom.

use super::fields::{ChannelForm, SecretField, TextField, Tick, Typed};
use crate::model::alert::channel::{Channel, ChannelsEdit, ChannelsView, EmailEdit, Security};
use leptos::prelude::*;

fn words(security: Security) -> &'static str {
    match security {
        Security::Auto => "Automatic: TLS on port 465, else STARTTLS",
        Security::Tls => "TLS from the start",
        Security::Starttls => "STARTTLS, or nothing is sent",
        Security::None => "None: in the clear, the password too",
    }
}

#[component]
pub fn Email(stored: RwSignal<ChannelsView>) -> impl IntoView {
    let first = stored.with_untracked(|s| s.email.clone());
    let (on, security, pass) = (RwSignal::new(first.enabled), RwSignal::new(first.smtp_security), Typed::new());
    let text = RwSignal::new;
    let (host, port, user) = (text(first.smtp_host), text(first.smtp_port.to_string()), text(first.smtp_user));
    let (from, to) = (text(first.from), text(first.to));
    let kept = Signal::derive(move || stored.with(|s| s.email.smtp_pass.clone()));
    let edit = Callback::new(move |()| ChannelsEdit {
        email: Some(EmailEdit {
            enabled: on.get_untracked(),
            smtp_host: host.get_untracked(),
            // What is no port is 0, which the server refuses with a sentence.
            smtp_port: port.with_untracked(|p| p.trim().parse().unwrap_or(0)),
            smtp_security: security.get_untracked(),
            smtp_user: user.get_untracked(),
            smtp_pass: pass.get(),
            from: from.get_untracked(),
            to: to.get_untracked(),
        }),
        ..ChannelsEdit::default()
    });
    let options = Security::ALL
        .map(|s| view! { <option value=s.as_str() selected=move || security.get() == s>{words(s)}</option> })
        .into_iter()
        .collect_view();
    let channel = Channel::Email;
    view! {
        <ChannelForm channel=channel hint="One mail an alert, by SMTP." stored=stored edit=edit saved=Callback::new(move |()| pass.clear())>
            <Tick label="Send alerts by e-mail" value=on />
            <div class="grid grid-cols-[minmax(0,1fr)_96px] gap-3 w-full">
                <TextField channel=channel field="host" label="Server" placeholder="smtp.example.com" value=host />
                <TextField channel=channel field="port" label="Port" placeholder="587" value=port number=true />
            </div>
            <div class="field w-full">
                <label for="email-security">"Protection"</label>
                <select id="email-security" class="select w-full" on:change=move |e| security.set(Security::read(&event_target_value(&e)).unwrap_or_default())>
                    {options}
                </select>
            </div>
            <TextField channel=channel field="user" label="User" placeholder="" value=user />
            <SecretField channel=channel field="pass" label="Password" placeholder="" typed=pass kept=kept />
            <TextField channel=channel field="from" label="From" placeholder="Flux Console <flux@example.com>" value=from />
            <TextField channel=channel field="to" label="To" placeholder="ops@example.com, on-call@example.com" value=to />
        </ChannelForm>
    }
}
