//! The channels as they are stored: the original console's JSON (stream-protocol.md, 3), read leniently and edited without touching
//! what is not ours. New beside it: `slack.plain`, `webhook`, `email.smtpSecurity`. The secrets in it stand in clear, as the
//! original has them: whoever reads Redis reads them.

use crate::model::{
    alert::channel::{Channel, ChannelsEdit, ChannelsView, DiscordView, EmailView, Kept, NewSecret, Security, SlackView, WebhookView},
    json,
};
use serde_json::{Value, json as value};
use url::Url;

/// Settings with their secrets. `Debug` is not derived on purpose.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Channels {
    pub slack: Slack,
    pub discord: Discord,
    pub webhook: Webhook,
    pub email: Email,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Slack {
    pub enabled: bool,
    pub url: String,
    pub plain: bool,
    pub from_environment: bool,
    /// Settings of it are stored and can be read.
    pub stored: bool,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Discord {
    pub enabled: bool,
    pub url: String,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Webhook {
    pub enabled: bool,
    pub url: String,
    pub secret: String,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Email {
    pub enabled: bool,
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user: String,
    pub pass: String,
    pub from: String,
    pub to: String,
}

/// What a mail client sends to, unless told otherwise.
const SUBMISSION: u16 = 587;

/// Reads fields one by one: what is wrong is the default, and is told.
struct Fields<'a> {
    of: &'a Value,
    name: &'static str,
    problems: &'a mut Vec<String>,
}

impl Fields<'_> {
    fn wrong<T: Default>(&mut self, field: &str, what: &str) -> T {
        self.problems.push(format!("{}.{field} is no {what}", self.name));
        T::default()
    }

    fn text(&mut self, field: &str) -> String {
        match &self.of[field] {
            Value::Null => String::new(),
            Value::String(text) => text.trim().into(),
            _ => self.wrong(field, "text"),
        }
    }

    fn yes(&mut self, field: &str) -> bool {
        match &self.of[field] {
            Value::Null => false,
            Value::Bool(yes) => *yes,
            _ => self.wrong(field, "true or false"),
        }
    }

    /// The original's form stores it as text.
    fn port(&mut self, field: &str) -> u16 {
        let port = match &self.of[field] {
            Value::Null => return SUBMISSION,
            Value::Number(n) => n.as_u64().and_then(|n| u16::try_from(n).ok()),
            Value::String(text) => text.trim().parse().ok(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        port.filter(|p| *p > 0).unwrap_or_else(|| {
            self.wrong::<()>(field, "port");
            SUBMISSION
        })
    }
}

/// What the stored text says, and what is wrong with it.
pub fn read(text: Option<&str>) -> (Channels, Option<String>) {
    let mut channels = Channels { email: Email { port: SUBMISSION, ..Email::default() }, ..Channels::default() };
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return (channels, None) };
    let stored: Value = match serde_json::from_str(text) {
        Ok(stored @ Value::Object(_)) => stored,
        _ => {
            let problem = "The stored channels are no JSON object, so no channel is set. Saving one replaces them; the old text is kept under a key beside it.";
            return (channels, Some(problem.into()));
        }
    };
    let mut problems = Vec::new();
    if !matches!(stored["channels"], Value::Null | Value::Object(_)) {
        problems.push("channels is no object".to_owned());
    }
    let mut of = |channel: Channel, read: &mut dyn FnMut(Fields)| match &stored["channels"][channel.as_str()] {
        Value::Null => {}
        fields @ Value::Object(_) => read(Fields { of: fields, name: channel.as_str(), problems: &mut problems }),
        _ => problems.push(format!("{} is no object", channel.as_str())),
    };
    of(Channel::Slack, &mut |mut f| {
        channels.slack =
            Slack { enabled: f.yes("enabled"), url: f.text("webhookUrl"), plain: f.yes("plain"), from_environment: false, stored: true };
    });
    of(Channel::Discord, &mut |mut f| channels.discord = Discord { enabled: f.yes("enabled"), url: f.text("webhookUrl") });
    of(Channel::Webhook, &mut |mut f| {
        channels.webhook = Webhook { enabled: f.yes("enabled"), url: f.text("url"), secret: f.text("secret") };
    });
    of(Channel::Email, &mut |mut f| {
        let security = f.text("smtpSecurity");
        channels.email = Email {
            enabled: f.yes("enabled"),
            host: f.text("smtpHost"),
            port: f.port("smtpPort"),
            security: if security.is_empty() {
                Security::Auto
            } else {
                Security::read(&security).unwrap_or_else(|| f.wrong("smtpSecurity", "way to protect a connection"))
            },
            user: f.text("smtpUser"),
            pass: f.text("smtpPass"),
            from: f.text("from"),
            to: f.text("to"),
        };
    });
    let problem = (!problems.is_empty())
        .then(|| format!("Of the stored channels {}; the default is assumed there. Saving that channel replaces it.", problems.join(", ")));
    (channels, problem)
}

/// Host of a URL, as far as it is one: all that is ever shown of it.
pub fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

fn kept(secret: &str) -> Kept {
    Kept { set: !secret.is_empty(), hint: None }
}

fn kept_url(url: &str) -> Kept {
    Kept { set: !url.is_empty(), hint: host(url) }
}

impl Channels {
    /// With the Slack URL of the environment, where none is stored. It is on by itself until somebody stores whether it is.
    #[must_use]
    pub fn with_environment(mut self, slack: Option<&str>) -> Self {
        if let Some(url) = slack.filter(|_| self.slack.url.is_empty()) {
            let enabled = self.slack.enabled || !self.slack.stored;
            self.slack = Slack { enabled, url: url.into(), from_environment: true, ..self.slack };
        }
        self
    }

    /// The same, with mail to these alone; to all when there are none.
    #[must_use]
    pub fn to_recipients(&self, only: &[String]) -> Self {
        let mut channels = self.clone();
        if !only.is_empty() {
            channels.email.to = only.join(", ");
        }
        channels
    }

    pub fn view(&self, problem: Option<String>, version: String) -> ChannelsView {
        let Self { slack, discord, webhook, email } = self;
        ChannelsView {
            slack: SlackView {
                enabled: slack.enabled,
                webhook_url: kept_url(&slack.url),
                plain: slack.plain,
                from_environment: slack.from_environment,
            },
            discord: DiscordView { enabled: discord.enabled, webhook_url: kept_url(&discord.url) },
            webhook: WebhookView { enabled: webhook.enabled, url: kept_url(&webhook.url), secret: kept(&webhook.secret) },
            email: EmailView {
                enabled: email.enabled,
                smtp_host: email.host.clone(),
                smtp_port: email.port,
                smtp_security: email.security,
                smtp_user: email.user.clone(),
                smtp_pass: kept(&email.pass),
                from: email.from.clone(),
                to: email.to.clone(),
            },
            problem,
            version,
        }
    }

    /// Those that alerts go to: on, and with somewhere to go.
    pub fn enabled(&self) -> Vec<Channel> {
        Channel::ALL.into_iter().filter(|c| self.is_on(*c)).collect()
    }

    pub fn is_on(&self, channel: Channel) -> bool {
        match channel {
            Channel::Slack => self.slack.enabled && !self.slack.url.is_empty(),
            Channel::Discord => self.discord.enabled && !self.discord.url.is_empty(),
            Channel::Webhook => self.webhook.enabled && !self.webhook.url.is_empty(),
            Channel::Email => self.email.enabled && !self.email.host.is_empty() && !self.email.to.is_empty(),
        }
    }

    /// As they would be after the edit.
    ///
    /// # Errors
    /// The field that is wrong, and a sentence.
    pub fn edited(&self, edit: &ChannelsEdit, allow_private: bool) -> Result<Self, (&'static str, String)> {
        let mut next = self.clone();
        if let Some(to) = &edit.slack {
            // The environment's URL is nobody's to store.
            let stored = if self.slack.from_environment { "" } else { &self.slack.url };
            let url = new_url("slack.webhookUrl", stored, &to.webhook_url, allow_private)?;
            next.slack = Slack { enabled: to.enabled, url, plain: to.plain, from_environment: false, stored: true };
        }
        if let Some(to) = &edit.discord {
            let url = new_url("discord.webhookUrl", &self.discord.url, &to.webhook_url, allow_private)?;
            next.discord = Discord { enabled: to.enabled, url };
        }
        if let Some(to) = &edit.webhook {
            let url = new_url("webhook.url", &self.webhook.url, &to.url, allow_private)?;
            next.webhook = Webhook { enabled: to.enabled, url, secret: to.secret.over(&self.webhook.secret) };
        }
        if let Some(to) = &edit.email {
            let (host, user) = (to.smtp_host.trim(), to.smtp_user.trim());
            let before = &self.email;
            let moved = (host, to.smtp_port, to.smtp_security, user) != (&*before.host, before.port, before.security, &*before.user);
            if moved && to.smtp_pass.keeps() && !before.pass.is_empty() {
                // Or whoever may edit could have the stored password sent to a server of their own.
                return Err((
                    "email.smtpPass",
                    "The server, its protection or the user was changed: type the password again, or remove it.".into(),
                ));
            }
            next.email = Email {
                enabled: to.enabled,
                host: host.into(),
                port: to.smtp_port,
                security: to.smtp_security,
                user: user.into(),
                pass: to.smtp_pass.over(&before.pass),
                from: to.from.trim().into(),
                to: to.to.trim().into(),
            };
            super::email::check(&next.email, allow_private)?;
        }
        for (channel, field) in
            [(Channel::Slack, "slack.webhookUrl"), (Channel::Discord, "discord.webhookUrl"), (Channel::Webhook, "webhook.url")]
        {
            let (on, url) = match channel {
                // The environment's URL holds as long as nobody removes or replaces it.
                Channel::Slack if self.slack.from_environment => continue,
                Channel::Slack => (edit.slack.is_some() && next.slack.enabled, &next.slack.url),
                Channel::Discord => (edit.discord.is_some() && next.discord.enabled, &next.discord.url),
                Channel::Webhook => (edit.webhook.is_some() && next.webhook.enabled, &next.webhook.url),
                Channel::Email => continue,
            };
            if on && url.is_empty() {
                return Err((field, "A channel that is on needs a URL.".into()));
            }
        }
        Ok(next)
    }

    /// The stored text with the channels of `edit` replaced by these, and everything else as it was, byte for byte.
    pub fn written(&self, text: Option<&str>, edit: &ChannelsEdit) -> String {
        let Self { slack, discord, webhook, email } = self;
        let mut fields: Vec<(Channel, Vec<(&str, Value)>)> = Vec::new();
        if edit.slack.is_some() {
            fields.push((
                Channel::Slack,
                vec![("enabled", value!(slack.enabled)), ("webhookUrl", value!(slack.url)), ("plain", value!(slack.plain))],
            ));
        }
        if edit.discord.is_some() {
            fields.push((Channel::Discord, vec![("enabled", value!(discord.enabled)), ("webhookUrl", value!(discord.url))]));
        }
        if edit.webhook.is_some() {
            fields.push((
                Channel::Webhook,
                vec![("enabled", value!(webhook.enabled)), ("url", value!(webhook.url)), ("secret", value!(webhook.secret))],
            ));
        }
        if edit.email.is_some() {
            fields.push((
                Channel::Email,
                vec![
                    ("enabled", value!(email.enabled)),
                    ("smtpHost", value!(email.host)),
                    ("smtpPort", value!(email.port)),
                    ("smtpSecurity", value!(email.security.as_str())),
                    ("smtpUser", value!(email.user)),
                    ("smtpPass", value!(email.pass)),
                    ("from", value!(email.from)),
                    ("to", value!(email.to)),
                ],
            ));
        }
        let whole = object(text);
        let mut channels = object(member(&whole, "channels"));
        for (channel, values) in fields {
            let mut one = object(member(&channels, channel.as_str()));
            for (name, value) in values {
                one = set(&one, name, &value.to_string());
            }
            channels = set(&channels, channel.as_str(), &one);
        }
        set(&whole, "channels", &channels)
    }
}

/// The text if it is an object, else an empty one.
fn object(text: Option<&str>) -> String {
    text.filter(|text| json::members(text).is_ok()).unwrap_or("{}").to_owned()
}

fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    json::members(text).ok().and_then(|members| json::field(text, &members, name))
}

fn set(text: &str, name: &str, value: &str) -> String {
    json::edit(text, &[], Some((name, value))).unwrap_or_else(|_| text.to_owned())
}

fn new_url(field: &'static str, stored: &str, to: &NewSecret, allow_private: bool) -> Result<String, (&'static str, String)> {
    let url = to.over(stored);
    if !to.keeps() && !url.is_empty() {
        super::post::check(&url, allow_private).map_err(|sentence| (field, sentence))?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::channel::{DiscordEdit, EmailEdit, SlackEdit};

    const ORIGINAL: &str = r#"{"channels":{"slack":{"enabled":true,"webhookUrl":"https://hooks.slack.com/services/T/B/x"},"email":{"enabled":true,"smtpHost":"smtp.example.com","smtpPort":465,"smtpUser":"ops","smtpPass":"pw","from":"a@example.com","to":"b@example.com"},"theirs":{"big":9007199254740993}},"more":[]}"#;

    fn secret(value: &str) -> NewSecret {
        NewSecret { value: value.into(), remove: false }
    }

    #[test]
    fn the_originals_settings_are_read_and_shown_without_secrets() {
        let (channels, problem) = read(Some(ORIGINAL));
        assert!(problem.is_none() && channels.enabled() == [Channel::Slack, Channel::Email]);
        assert_eq!((channels.email.port, channels.email.security), (465, Security::Auto));
        let shown = serde_json::to_string(&channels.view(None, "1".into())).expect("JSON");
        assert!(shown.contains(r#""webhookUrl":{"set":true,"hint":"hooks.slack.com"}"#) && shown.contains("smtp.example.com"), "{shown}");
        assert!(!shown.contains("services") && !shown.contains("\"pw\""), "{shown}");
        assert_eq!(read(None).1, None);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_used() {
        for text in ["null", "[]", "{\"channels\":", "\u{0}"] {
            let (channels, problem) = read(Some(text));
            assert!(problem.is_some() && channels.enabled().is_empty(), "{text:?}");
        }
        let (channels, problem) = read(Some(
            r#"{"channels":{"slack":7,"discord":{"enabled":true,"webhookUrl":"https://d.example/1"},"email":{"smtpPort":"25"},"webhook":{"url":{}}}}"#,
        ));
        assert_eq!(channels.enabled(), [Channel::Discord]);
        assert_eq!(channels.email.port, 25, "the original's form stores it as text");
        let problem = problem.expect("told");
        assert!(problem.contains("slack is no object") && problem.contains("webhook.url is no text"), "{problem}");
    }

    #[test]
    fn an_edit_changes_what_it_names_and_keeps_empty_secrets() {
        let (channels, _) = read(Some(ORIGINAL));
        let edit = ChannelsEdit {
            slack: Some(SlackEdit { enabled: false, ..SlackEdit::default() }),
            discord: Some(DiscordEdit { enabled: true, webhook_url: secret("https://discord.com/api/webhooks/1/y") }),
            ..ChannelsEdit::default()
        };
        let next = channels.edited(&edit, false).expect("fine");
        assert_eq!(
            next.written(Some(ORIGINAL), &edit),
            ORIGINAL
                .replace(
                    r#""slack":{"enabled":true,"webhookUrl":"https://hooks.slack.com/services/T/B/x"}"#,
                    r#""slack":{"enabled":false,"webhookUrl":"https://hooks.slack.com/services/T/B/x","plain":false}"#
                )
                .replace(
                    r#"{"big":9007199254740993}}"#,
                    r#"{"big":9007199254740993},"discord":{"enabled":true,"webhookUrl":"https://discord.com/api/webhooks/1/y"}}"#
                )
        );
        assert!(read(Some(&next.written(Some("oops"), &edit))).0.discord == next.discord);
    }

    #[test]
    fn a_password_does_not_follow_to_another_server() {
        let (channels, _) = read(Some(ORIGINAL));
        let email = |host: &str, pass: NewSecret| ChannelsEdit {
            email: Some(EmailEdit {
                enabled: true,
                smtp_host: host.into(),
                smtp_port: 465,
                smtp_user: "ops".into(),
                smtp_pass: pass,
                from: "a@example.com".into(),
                to: "b@example.com, C <c@example.com>".into(),
                ..EmailEdit::default()
            }),
            ..ChannelsEdit::default()
        };
        assert!(channels.edited(&email("smtp.example.com", NewSecret::default()), false).is_ok_and(|c| c.email.pass == "pw"));
        assert_eq!(
            channels.edited(&email("evil.example", NewSecret::default()), false).err().map(|(field, _)| field),
            Some("email.smtpPass")
        );
        assert!(channels.edited(&email("other.example", secret("new")), false).is_ok_and(|c| c.email.pass == "new"));
    }

    #[test]
    fn the_environment_stands_in_for_a_url_that_is_not_stored() {
        let env = Some("https://hooks.slack.com/services/E");
        let channels = read(None).0.with_environment(env);
        assert!(channels.slack.from_environment && channels.enabled() == [Channel::Slack]);
        assert!(!read(Some(ORIGINAL)).0.with_environment(env).slack.from_environment);
        let edit = ChannelsEdit { slack: Some(SlackEdit { enabled: false, ..SlackEdit::default() }), ..ChannelsEdit::default() };
        let off = channels.edited(&edit, false).expect("fine");
        assert!(off.slack.url.is_empty(), "the environment's URL is not stored");
        // What is stored holds, also when it is read again.
        let read_again = || read(Some(&off.written(None, &edit))).0.with_environment(env);
        assert!(off.clone().with_environment(env) == read_again());
        assert!(read_again().slack.from_environment && read_again().enabled().is_empty(), "it is turned off");
        let plain =
            ChannelsEdit { slack: Some(SlackEdit { enabled: true, plain: true, ..SlackEdit::default() }), ..ChannelsEdit::default() };
        let on = read_again().edited(&plain, false).expect("no URL of its own is needed").with_environment(env);
        assert!(on.slack.plain && on.enabled() == [Channel::Slack]);
        for text in [r#"{"channels":{"slack":7}}"#, "oops", r#"{"channels":{"discord":{"enabled":false}}}"#] {
            assert_eq!(read(Some(text)).0.with_environment(env).enabled(), [Channel::Slack], "{text}");
        }
    }

    #[test]
    fn urls_are_https() {
        for (url, fine) in [
            ("https://x.example/1", true),
            ("http://x.example/1", false),
            ("ftp://x", false),
            ("https://user:pw@x.example/", false),
            ("x", false),
        ] {
            let edit = ChannelsEdit { discord: Some(DiscordEdit { enabled: true, webhook_url: secret(url) }), ..ChannelsEdit::default() };
            assert_eq!(Channels::default().edited(&edit, false).is_ok(), fine, "{url}");
        }
    }
}
