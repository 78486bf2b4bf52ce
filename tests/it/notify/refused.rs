//! Where nothing is sent to: nobody is even connected to.

use super::{config, message};
use crate::support::{Receiver, Smtp, TestConsole, TestRedis, smtp::Manners, with_crypto};
use flux_console::model::alert::channel::Channel;
use flux_console::server::{
    config::Config,
    notify::{Names, Outside, config::read, send},
};
use serde_json::json;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, time::timeout};

#[tokio::test]
async fn private_places_are_refused_before_connecting() {
    let redis = TestRedis::start().await;
    let console = TestConsole::start(Config { allow_private_webhooks: false, ..config(&redis) }).await;
    // Whoever connects is seen here, on every address of this machine.
    let listener = TcpListener::bind("[::]:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ];
    for host in hosts {
        let url = format!("https://{host}:{port}/s3cr3tt0ken");
        for channel in ["slack", "discord", "webhook"] {
            let field = if channel == "webhook" { "url" } else { "webhookUrl" };
            let edit = json!({ channel: { "enabled": true, field: { "value": url } } });
            let (status, answer) = console.post(&format!("/api/v1/alerts/channels/{channel}/test"), &edit).await;
            let said = answer["answer"].as_str().unwrap_or_default();
            assert!(status == 200 && answer["delivered"] == false && said.contains("Nothing was sent"), "{host}: {status} {answer}");
            assert!(!said.contains("s3cr3t"), "{said}");
        }
    }
    // Mail by the same rules; and to the ports for mail only.
    for (host, port) in [("127.0.0.1", 25), ("localhost", 587), ("2130706433", 465), ("169.254.169.254", 25), ("::1", 25)] {
        let edit =
            json!({ "email": { "enabled": true, "smtpHost": host, "smtpPort": port, "from": "a@example.com", "to": "b@example.com" } });
        let (status, answer) = console.post("/api/v1/alerts/channels/email/test", &edit).await;
        assert!(status == 200 && answer["answer"].as_str().is_some_and(|a| a.contains("Nothing was sent")), "{host}: {status} {answer}");
    }
    let edit = json!({ "email": { "enabled": true, "smtpHost": "smtp.example.com", "smtpPort": port, "from": "a@example.com", "to": "b@example.com" } });
    assert_eq!(console.post("/api/v1/alerts/channels/email/test", &edit).await.1["field"], "email.smtpPort");
    let edit = json!({ "webhook": { "enabled": true, "url": { "value": format!("http://127.0.0.1:{port}/") } } });
    assert_eq!(console.post("/api/v1/alerts/channels/webhook/test", &edit).await.0, 422, "http is refused");
    assert!(timeout(Duration::from_millis(200), listener.accept()).await.is_err(), "somebody connected");
    console.stop().await;
}

/// A stored URL is no more trusted than one that is typed: the original may have stored it, or somebody with access to Redis.
#[tokio::test]
async fn a_stored_url_is_checked_when_it_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let outside = Outside { allow_private: false, within: Duration::from_secs(2), names: Names::default() };
    for url in [format!("https://localhost:{port}/"), format!("http://127.0.0.1:{port}/"), "file:///etc/passwd".into()] {
        let (channels, _) = read(Some(&json!({ "channels": { "webhook": { "enabled": true, "url": url } } }).to_string()));
        assert!(send(&outside, &channels, Channel::Webhook, &message("m-1")).await.is_err(), "{url}");
    }
    assert!(timeout(Duration::from_millis(200), listener.accept()).await.is_err(), "somebody connected");
    // Allowed, but link-local never is.
    let allowed = Outside { allow_private: true, ..outside.clone() };
    let (channels, _) = read(Some(r#"{"channels":{"webhook":{"enabled":true,"url":"http://169.254.169.254/latest"}}}"#));
    let refused = send(&allowed, &channels, Channel::Webhook, &message("m-1")).await.expect_err("refused");
    assert!(refused.said.contains("metadata"), "{}", refused.said);
}

/// What a name means a moment after it was judged does not matter: the connection goes to the address that was.
#[tokio::test]
async fn a_name_is_looked_up_once_and_that_address_is_connected_to() {
    with_crypto();
    let judged = Receiver::start([]).await;
    let smtp = Smtp::start(Manners::default()).await;
    let port = |url: &str| url.rsplit(':').next().and_then(|p| p.parse::<u16>().ok()).expect("a port");
    let web = port(&judged.url);
    // The same ports on another address of this machine, which the name has from the second question on.
    let later =
        [TcpListener::bind(("127.0.0.2", web)).await.expect("free"), TcpListener::bind(("127.0.0.2", smtp.at.port())).await.expect("free")];
    let asked = Arc::new(AtomicU32::new(0));
    let answers = asked.clone();
    let names = Names::by(move |host, port| {
        let n = answers.fetch_add(1, Ordering::SeqCst);
        assert_eq!(host, "rebind.test");
        Box::pin(std::future::ready(Ok(vec![SocketAddr::from(([127, 0, 0, if n == 0 { 1 } else { 2 }], port))])))
    });
    let outside = Outside { allow_private: true, within: Duration::from_secs(3), names };
    let stored = json!({ "channels": {
        "webhook": { "enabled": true, "url": format!("http://rebind.test:{web}/hook") },
        "email": { "enabled": true, "smtpHost": "rebind.test", "smtpPort": smtp.at.port(), "smtpSecurity": "none", "from": "a@example.com", "to": "b@example.com" },
    }});
    let (channels, problem) = read(Some(&stored.to_string()));
    assert_eq!(problem, None);
    for channel in [Channel::Webhook, Channel::Email] {
        asked.store(0, Ordering::SeqCst);
        let came = send(&outside, &channels, channel, &message("m-1")).await;
        assert!(came.is_ok(), "{channel:?}: {came:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{channel:?}");
    }
    assert_eq!((judged.count(), smtp.mails().len()), (1, 1));
    assert_eq!(judged.got()[0].header("host"), format!("rebind.test:{web}"));
    for listener in later {
        assert!(timeout(Duration::from_millis(100), listener.accept()).await.is_err(), "somebody asked again");
    }
}
