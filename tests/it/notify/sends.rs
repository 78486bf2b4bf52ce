//! What exactly each channel is sent, and what an operator is told of the answer.

use super::{FLAGS, SOON, config, console, done, message, push, save, store};
use crate::support::{
    Receiver, Replica, Reply, Smtp, TestConsole, TestRedis, eventually, http,
    recording::fixtures,
    smtp::{Manners, Tls},
};
use flux_console::model::alert::message::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

async fn test(console: &TestConsole, channel: &str) -> Value {
    let (status, answer) = console.post(&format!("/api/v1/alerts/channels/{channel}/test"), &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// RFC 2104 by hand: a receiver may be written in anything.
fn hmac_sha256(key: &str, text: &str) -> String {
    let block: Vec<u8> = key.bytes().chain(std::iter::repeat(0)).take(64).collect();
    let pad = |with: u8| block.iter().map(|b| b ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).iter().map(|b| format!("{b:02x}")).collect()
}

#[tokio::test]
async fn each_channel_gets_the_alert_in_its_own_way() {
    let redis = TestRedis::start().await;
    let (slack, discord, webhook) = (Receiver::start([]).await, Receiver::start([Reply::Say(204, "")]).await, Receiver::start([]).await);
    let smtp = Smtp::start(Manners::default()).await;
    store(
        &redis,
        &json!({
            "slack": { "enabled": true, "webhookUrl": format!("{}/services/T/B/x", slack.url) },
            "discord": { "enabled": true, "webhookUrl": format!("{}/api/webhooks/1/y", discord.url) },
            "webhook": { "enabled": true, "url": format!("{}/hook?a=b", webhook.url), "secret": "s1gning" },
            "email": { "enabled": true, "smtpHost": "127.0.0.1", "smtpPort": smtp.at.port(), "smtpSecurity": "none", "smtpUser": "ops", "smtpPass": "hunter2",
                "from": "Flux <flux@example.com>", "to": "a@example.com, B <b@example.com>" },
        }),
    )
    .await;
    let console = console(&redis).await;
    let alert = message("m-1");
    push(&redis, &alert).await;
    eventually("everybody has it", SOON, async || {
        slack.count() + discord.count() + webhook.count() + smtp.mails().len() == 4 && done(&redis).await
    })
    .await;

    let got = &slack.got()[0];
    assert_eq!((got.method.as_str(), got.path.as_str(), got.header("content-type")), ("POST", "/services/T/B/x", "application/json"));
    let sentence = "or&lt;ders has 12,000 waiting jobs, more than 10,000, for 2 min.";
    let text = format!("*Fired: Orders pile up (production)*\n{sentence}");
    let fact = |name: &str, value: &str| json!({ "type": "mrkdwn", "text": format!("*{name}*\n{value}") });
    let facts = [
        fact("About", "or&lt;ders"),
        fact("Measured", "12,000 jobs"),
        fact("Threshold", "10,000 jobs"),
        fact("At", "2026-11-23 11:20:07 UTC"),
    ];
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": text } }, { "type": "section", "fields": facts }]);
    assert_eq!(got.json(), json!({ "text": text, "blocks": blocks }));

    let got = discord.got()[0].json();
    assert_eq!(got["allowed_mentions"], json!({ "parse": [] }));
    assert_eq!(got["embeds"][0]["description"], r"or\<ders has 12,000 waiting jobs, more than 10,000, for 2 min.");
    assert_eq!(got["embeds"][0]["fields"][1], json!({ "name": "Measured", "value": "12,000 jobs", "inline": true }));

    let got = &webhook.got()[0];
    assert_eq!((got.path.as_str(), got.header("x-flux-console-id")), ("/hook?a=b", "m-1"));
    assert_eq!(serde_json::from_str::<Message>(&got.body).expect("a message"), alert);
    let timestamp = got.header("x-flux-console-timestamp");
    let age = crate::support::now_ms() / 1_000 - timestamp.parse::<i64>().expect("seconds");
    assert!((0..30).contains(&age), "{timestamp}");
    assert_eq!(got.header("x-flux-console-signature"), format!("sha256={}", hmac_sha256("s1gning", &format!("{timestamp}.{}", got.body))));

    let mail = &smtp.mails()[0];
    assert_eq!((mail.from.as_str(), mail.to.clone()), ("flux@example.com", vec!["a@example.com".to_owned(), "b@example.com".into()]));
    // "\0ops\0hunter2"
    assert_eq!(mail.auth.as_deref(), Some("AG9wcwBodW50ZXIy"));
    for part in [
        "Subject: Fired: Orders pile up (production)\n",
        "From: Flux <flux@example.com>\n",
        "Message-ID: <m-1@flux-console.invalid>\n",
        "or<ders has 12,000 waiting jobs",
        "Measured: 12,000 jobs\n",
    ] {
        assert!(mail.text.contains(part), "{part} is not in\n{}", mail.text);
    }
    console.stop().await;
}

#[tokio::test]
async fn slack_gets_text_alone_where_blocks_are_refused_or_not_wanted() {
    let redis = TestRedis::start().await;
    let slack = Receiver::start([Reply::Say(400, "invalid_blocks")]).await;
    store(&redis, &json!({ "slack": { "enabled": true, "webhookUrl": slack.url } })).await;
    let console = console(&redis).await;
    let answer = test(&console, "slack").await;
    assert_eq!((&answer["delivered"], &answer["answer"]), (&json!(true), &json!("HTTP 200 OK: ok")));
    let got = slack.got();
    assert!(got[0].json().get("blocks").is_some() && got[1].json().get("blocks").is_none(), "{}", got[1].body);
    assert!(got[1].json()["text"].as_str().is_some_and(|t| t.starts_with("*Test: Test of this channel*")), "{}", got[1].body);

    assert_eq!(save(&console, json!({ "slack": { "enabled": true, "plain": true } })).await.0, 200);
    test(&console, "slack").await;
    assert_eq!(slack.count(), 3);
    assert!(slack.got()[2].json().get("blocks").is_none());
    console.stop().await;
}

#[tokio::test]
async fn a_test_shows_the_real_answer_and_never_the_url() {
    let redis = TestRedis::start().await;
    let other = Receiver::start([]).await;
    let replies = [
        Reply::Say(500, "the database is down\n  at line 3"),
        Reply::Say(404, "Cannot POST /hook/s3cr3tt0ken"),
        Reply::With(302, "location", format!("{}/elsewhere", other.url)),
        Reply::Hang,
        Reply::Huge,
        Reply::Say(202, ""),
    ];
    let webhook = Receiver::start(replies).await;
    store(&redis, &json!({ "webhook": { "enabled": false, "url": format!("{}/hook/s3cr3tt0ken", webhook.url) } })).await;
    let console = console(&redis).await;
    let mut said = Vec::new();
    for _ in 0..6 {
        let answer = test(&console, "webhook").await;
        assert!(answer["tookMs"].as_i64().is_some_and(|ms| ms < 3_000), "{answer}");
        said.push((answer["delivered"] == true, answer["answer"].as_str().expect("text").to_owned()));
    }
    assert_eq!(said[0], (false, "HTTP 500 Internal Server Error: the database is down at line 3".into()));
    assert_eq!(said[1], (false, "HTTP 404 Not Found: Cannot POST …".into()));
    assert!(!said[2].0 && said[2].1.contains("HTTP 302 Found: a redirect is not followed"), "{:?}", said[2]);
    assert_eq!(said[3], (false, "No answer within 1 s.".into()));
    assert!(said[4].0 && said[4].1.starts_with("HTTP 200 OK: xxx") && said[4].1.chars().count() < 250, "{:?}", said[4]);
    assert_eq!(said[5], (true, "HTTP 202 Accepted".into()));
    assert_eq!(other.count(), 0, "nobody was redirected");
    let lines = console.json("/api/v1/audit").await["lines"].to_string();
    assert!(lines.contains("alert-test") && lines.contains("the database is down") && !lines.contains("s3cr3t"), "{lines}");
    console.stop().await;
}

#[tokio::test]
async fn a_test_may_try_what_is_not_saved_yet() {
    let redis = TestRedis::start().await;
    let webhook = Receiver::start([]).await;
    let console = console(&redis).await;
    let edit = json!({ "webhook": { "enabled": true, "url": { "value": webhook.url } } });
    let (status, answer) = console.post("/api/v1/alerts/channels/webhook/test", &edit).await;
    assert_eq!((status, &answer["delivered"]), (200, &json!(true)));
    assert_eq!(console.json("/api/v1/alerts/channels").await["webhook"]["url"]["set"], false);
    assert_eq!(console.post("/api/v1/alerts/channels/pager/test", &edit).await.0, 404);
    console.stop().await;
}

#[tokio::test]
async fn mail_goes_to_those_who_are_known_and_a_refusal_is_shown() {
    let redis = TestRedis::start().await;
    let smtp = Smtp::start(Manners { unknown: vec!["gone@example.com"], ..Manners::default() }).await;
    let email = |to: &str, security: &str| json!({ "email": { "enabled": true, "smtpHost": "127.0.0.1", "smtpPort": smtp.at.port(), "smtpSecurity": security, "smtpUser": "ops", "smtpPass": "hunter2", "from": "flux@example.com", "to": to } });
    store(&redis, &email("a@example.com; gone@example.com", "none")).await;
    let console = console(&redis).await;
    let answer = test(&console, "email").await;
    assert_eq!(answer["answer"], "250 2.0.0 Ok: queued as 1, but not for gone@example.com: 550 5.1.1 No such user here");
    assert_eq!((&answer["delivered"], smtp.mails()[0].to.clone()), (&json!(true), vec!["a@example.com".to_owned()]));

    store(&redis, &email("gone@example.com", "none")).await;
    let answer = test(&console, "email").await;
    assert_eq!((&answer["delivered"], &answer["answer"]), (&json!(false), &json!("gone@example.com: 550 5.1.1 No such user here")));

    // No password over a line that others can read, unless that is what was chosen.
    for security in ["auto", "starttls"] {
        store(&redis, &email("a@example.com", security)).await;
        let answer = test(&console, "email").await;
        assert!(answer["answer"].as_str().is_some_and(|a| a.contains("no STARTTLS")), "{answer}");
    }
    assert_eq!(smtp.mails().len(), 1);
    console.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_is_busy_is_asked_again() {
    let redis = TestRedis::start().await;
    let smtp = Smtp::start(Manners { busy: std::sync::Arc::new(2.into()), ..Manners::default() }).await;
    store(&redis, &json!({ "email": { "enabled": true, "smtpHost": "127.0.0.1", "smtpPort": smtp.at.port(), "from": "flux@example.com", "to": "a@example.com" } })).await;
    let console = TestConsole::start(config(&redis)).await;
    push(&redis, &message("m-1")).await;
    eventually("the mail came", SOON, async || smtp.mails().len() == 1 && done(&redis).await).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(smtp.mails().len(), 1);
    console.stop().await;
}

/// What some took is not sent to them again, and the others are not forgotten.
#[tokio::test]
async fn a_recipient_that_is_refused_for_the_moment_is_tried_again_alone() {
    let redis = TestRedis::start().await;
    let full = std::sync::Arc::new(std::sync::Mutex::new([("b@example.com", 2), ("c@example.com", 99)].into()));
    let smtp = Smtp::start(Manners { unknown: vec!["gone@example.com"], full: full.clone(), ..Manners::default() }).await;
    let email = json!({ "enabled": true, "smtpHost": "127.0.0.1", "smtpPort": smtp.at.port(), "from": "flux@example.com", "to": "a@example.com, b@example.com, c@example.com, gone@example.com" });
    store(&redis, &json!({ "email": email })).await;
    let console = TestConsole::start(config(&redis)).await;
    push(&redis, &message("m-1")).await;
    eventually("all tries are over", SOON, async || done(&redis).await).await;
    let to = || smtp.mails().into_iter().map(|mail| mail.to).collect::<Vec<_>>();
    assert_eq!(to(), [["a@example.com"], ["b@example.com"]]);
    let list = console.json("/api/v1/alerts/undelivered").await["alerts"].take();
    let entry = &list[0];
    assert_eq!((list.as_array().map(Vec::len), &entry["recipients"]), (Some(1), &json!(["c@example.com", "gone@example.com"])), "{list}");
    assert!(entry["reason"].as_str().is_some_and(|r| r.contains("c@example.com: 450 4.2.2 Mailbox full")), "{entry}");
    // Sent again, to those alone.
    full.lock().expect("no panic").clear();
    let path = format!("/api/v1/alerts/undelivered/{}/retry", entry["id"].as_str().expect("an id"));
    assert_eq!(console.post(&path, &json!({})).await.0, 204);
    eventually("it came", SOON, async || to().len() == 3 && done(&redis).await).await;
    assert_eq!(to()[2], ["c@example.com"]);
    let list = console.json("/api/v1/alerts/undelivered").await["alerts"].take();
    assert_eq!((list.as_array().map(Vec::len), &list[0]["recipients"]), (Some(1), &json!(["gone@example.com"])), "{list}");
    console.stop().await;
}

/// With a certificate of a CA that the machine knows; for another name, or by another CA, nothing is sent.
#[tokio::test]
async fn mail_is_protected_by_a_certificate_that_fits() {
    let redis = TestRedis::start().await;
    let ca = fixtures().join("tls/ca.pem");
    let knows = Replica::within(&redis, &FLAGS, &[("SSL_CERT_FILE", ca.to_str().expect("text"))]);
    let stranger = Replica::with(&redis, &FLAGS);
    let sent = async |replica: &Replica, smtp: &Smtp, security: &str| {
        let email = json!({ "enabled": true, "smtpHost": "localhost", "smtpPort": smtp.at.port(), "smtpSecurity": security, "smtpUser": "ops", "smtpPass": { "value": "hunter2" }, "from": "flux@example.com", "to": "a@example.com" });
        let url = format!("{}/api/v1/alerts/channels/email/test", replica.base_url);
        let response = http().build().expect("a client").post(url).json(&json!({ "email": email })).send().await.expect("an answer");
        let answer: Value = response.json().await.expect("JSON");
        let mails: Vec<bool> = smtp.mails().iter().map(|mail| mail.secured && mail.auth.is_some()).collect();
        (answer["delivered"] == true, mails, answer["answer"].as_str().unwrap_or_default().to_owned())
    };
    for (tls, ways) in [(Tls::Implicit, vec!["tls"]), (Tls::Offered, vec!["starttls", "auto"])] {
        for way in ways {
            let fits = Smtp::start(Manners { tls: Some((tls, "localhost")), ..Manners::default() }).await;
            let (delivered, mails, said) = sent(&knows, &fits, way).await;
            assert!(delivered && mails == [true], "{way}: {said}");
            let (delivered, mails, said) = sent(&stranger, &fits, way).await;
            assert!(!delivered && mails == [true] && said.contains("certificate"), "{way}, unknown CA: {said}");
            let wrong = Smtp::start(Manners { tls: Some((tls, "elsewhere.example")), ..Manners::default() }).await;
            let (delivered, mails, said) = sent(&knows, &wrong, way).await;
            assert!(!delivered && mails.is_empty() && said.contains("certificate"), "{way}, another name: {said}");
        }
    }
}
