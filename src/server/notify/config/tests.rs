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
    assert_eq!(channels.edited(&email("evil.example", NewSecret::default()), false).err().map(|(field, _)| field), Some("email.smtpPass"));
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
    let plain = ChannelsEdit { slack: Some(SlackEdit { enabled: true, plain: true, ..SlackEdit::default() }), ..ChannelsEdit::default() };
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
