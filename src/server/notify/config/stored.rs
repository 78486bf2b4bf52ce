//! The channels as they are stored: the original console's JSON (stream-protocol.md, 3), read leniently and written without touching
//! what is not ours. New beside it: `slack.plain`, `webhook`, `email.smtpSecurity`. The secrets in it stand in clear, as the
//! original has them: whoever reads Redis reads them.

use super::{Channels, Discord, Email, Slack, Webhook};
use crate::model::{
    alert::channel::{Channel, ChannelsEdit, Security},
    json,
};
use serde_json::{Value, json as value};

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

impl Channels {
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
