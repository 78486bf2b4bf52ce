//! What is stored, what is shown of it, and how it is changed.

use super::{config, console, key, put, save, store, stored};
use crate::support::{TestConsole, TestRedis};
use flux_console::server::{config::Config, driver::redis::channels::CONFIG};
use redis::AsyncCommands;
use serde_json::{Value, json};

const SLACK: &str = "https://hooks.slack.com/services/T0/B0/s3cr3tt0ken";

#[tokio::test]
async fn the_originals_channels_load_and_what_it_does_not_know_survives() {
    let redis = TestRedis::start().await;
    store(
        &redis,
        &json!({
            "slack": { "enabled": true, "webhookUrl": SLACK, "theirs": [1] },
            "email": { "enabled": false, "smtpHost": "smtp.example.com", "smtpPort": "465", "smtpUser": "ops", "smtpPass": "hunter2", "from": "a@example.com", "to": "b@example.com" },
            "teams": { "enabled": true },
        }),
    )
    .await;
    let console = console(&redis).await;
    let view = console.json("/api/v1/alerts/channels").await;
    assert_eq!(view["slack"]["webhookUrl"], json!({ "set": true, "hint": "hooks.slack.com" }));
    assert_eq!((&view["email"]["smtpPort"], &view["email"]["smtpPass"]["set"]), (&json!(465), &json!(true)));
    assert_eq!(view["problem"], Value::Null);

    let (status, view) = save(&console, json!({ "slack": { "enabled": false }, "webhook": { "enabled": true, "url": { "value": "https://example.com/h00kpath" }, "secret": { "value": "s1gning" } } })).await;
    assert_eq!(
        (status, &view["slack"]["enabled"], &view["webhook"]["secret"]),
        (200, &json!(false), &json!({ "set": true, "hint": null }))
    );
    let now: Value = serde_json::from_str(&stored(&redis).await).expect("JSON");
    assert_eq!(now["channels"]["slack"], json!({ "enabled": false, "webhookUrl": SLACK, "theirs": [1], "plain": false }));
    assert_eq!(now["channels"]["webhook"], json!({ "enabled": true, "url": "https://example.com/h00kpath", "secret": "s1gning" }));
    assert_eq!((&now["channels"]["teams"], &now["channels"]["email"]["smtpPass"]), (&json!({ "enabled": true }), &json!("hunter2")));

    let (status, view) = save(&console, json!({ "slack": { "enabled": false, "webhookUrl": { "remove": true } } })).await;
    assert_eq!((status, &view["slack"]["webhookUrl"]["set"]), (200, &json!(false)));

    let audit = console.json("/api/v1/audit").await;
    let lines = audit["lines"].to_string();
    assert!(lines.contains("Webhook on, new URL at example.com, new secret") && lines.contains("URL removed"), "{lines}");
    for text in [lines, view.to_string(), console.get("/api/v1/alerts/channels").await.text().await.expect("text")] {
        for secret in ["s3cr3tt0ken", "hunter2", "h00kpath", "s1gning"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    console.stop().await;
}

#[tokio::test]
async fn who_saves_over_another_one_is_told() {
    let redis = TestRedis::start().await;
    let console = console(&redis).await;
    let version = console.json("/api/v1/alerts/channels").await["version"].clone();
    assert_eq!(
        save(&console, json!({ "discord": { "enabled": true, "webhookUrl": { "value": "https://discord.example/1" } } })).await.0,
        200
    );
    let before = stored(&redis).await;
    let (status, problem) = put(&console, &json!({ "version": version, "discord": { "enabled": false } })).await;
    assert_eq!((status, stored(&redis).await), (409, before));
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("somebody else")), "{problem}");

    for (edit, field) in [
        (json!({ "slack": { "enabled": true } }), "slack.webhookUrl"),
        (json!({ "webhook": { "enabled": true, "url": { "value": "gopher://x" } } }), "webhook.url"),
        (json!({ "email": { "enabled": true, "smtpHost": "x", "smtpPort": 25, "from": "nobody", "to": "a@example.com" } }), "email.from"),
    ] {
        let (status, problem) = save(&console, edit).await;
        assert_eq!((status, problem["field"].as_str()), (422, Some(field)), "{problem}");
    }
    let (status, problem) = put(&console, &json!({ "version": "", "slack": { "enabled": "s3cr3tt0ken" } })).await;
    assert_eq!(status, 400);
    assert!(!problem.to_string().contains("s3cr3t"), "{problem}");
    console.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_reported_and_kept_when_somebody_saves_over_it() {
    let redis = TestRedis::start().await;
    let _: () = redis.con.clone().set(CONFIG, "{\"channels\": oops").await.expect("SET");
    let console = console(&redis).await;
    let view = console.json("/api/v1/alerts/channels").await;
    assert!(view["problem"].as_str().is_some_and(|p| p.contains("no JSON object")), "{view}");
    assert!(console.get("/alerts/channels").await.text().await.expect("text").contains("no JSON object"));
    let (status, view) =
        save(&console, json!({ "discord": { "enabled": true, "webhookUrl": { "value": "https://discord.example/1" } } })).await;
    assert_eq!((status, &view["problem"]), (200, &Value::Null));
    // A second text that cannot be read does not take the place of the first.
    let _: () = redis.con.clone().set(CONFIG, "[\"oops\"]").await.expect("SET");
    assert_eq!(save(&console, json!({ "discord": { "enabled": false } })).await.0, 200);
    let mut kept = Vec::new();
    for name in redis.keys().await.into_iter().filter(|name| name.starts_with(&key("config-before:"))) {
        kept.push(redis.con.clone().get::<_, String>(name).await.expect("GET"));
    }
    assert_eq!(kept, ["{\"channels\": oops", "[\"oops\"]"]);

    let _: () = redis.con.clone().del(CONFIG).await.expect("DEL");
    redis.push_raw(CONFIG, ["x"]).await;
    let view = console.json("/api/v1/alerts/channels").await;
    assert!(view["problem"].as_str().is_some_and(|p| p.contains("not a text")), "{view}");
    assert_eq!(save(&console, json!({ "discord": { "enabled": false } })).await.0, 409);
    console.stop().await;
}

#[tokio::test]
async fn the_environment_names_slack_until_a_url_is_stored() {
    let redis = TestRedis::start().await;
    let console = TestConsole::start(Config { slack_webhook_url: Some(SLACK.into()), ..config(&redis) }).await;
    let slack = console.json("/api/v1/alerts/channels").await["slack"].clone();
    assert_eq!(
        slack,
        json!({ "enabled": true, "webhookUrl": { "set": true, "hint": "hooks.slack.com" }, "plain": false, "fromEnvironment": true })
    );
    let (_, view) = save(&console, json!({ "slack": { "enabled": true, "webhookUrl": { "value": "https://mine.example/2" } } })).await;
    assert_eq!((&view["slack"]["fromEnvironment"], &view["slack"]["webhookUrl"]["hint"]), (&json!(false), &json!("mine.example")));
    assert!(!stored(&redis).await.contains("s3cr3t"), "the environment's URL is not stored");

    // Without a URL of its own the environment's holds again, and it can be turned off.
    let (_, view) = save(&console, json!({ "slack": { "enabled": false, "webhookUrl": { "remove": true } } })).await;
    assert_eq!((&view["slack"]["fromEnvironment"], &view["slack"]["enabled"]), (&json!(true), &json!(false)), "{view}");
    assert_eq!(console.json("/api/v1/alerts/channels").await["slack"]["enabled"], false);
    assert!(console.state.channels.get().enabled().is_empty());
    let (status, view) = save(&console, json!({ "slack": { "enabled": true, "plain": true } })).await;
    assert_eq!((status, &view["slack"]["enabled"], &view["slack"]["plain"]), (200, &json!(true), &json!(true)), "{view}");
    assert!(!stored(&redis).await.contains("s3cr3t"));
    console.stop().await;
}
