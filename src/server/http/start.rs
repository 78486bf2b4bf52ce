//! One console from its settings: listen, start the tasks, say where it is, serve, stop.

use super::{leptos_options, serve};
use crate::server::{config::Config, tasks};
use anyhow::anyhow;
use std::{
    io::{self, ErrorKind, Write},
    net::SocketAddr,
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// Tasks see the same signal as the server and have ended long before; this is for one that hangs.
const TASKS_GRACE: Duration = Duration::from_millis(300);

/// Runs until `shutdown`. Prints one line on stdout when it listens.
///
/// # Errors
/// The port cannot be had, or the server fails: a sentence for the operator.
pub async fn start(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let options = leptos_options()?;
    let wanted = SocketAddr::new(config.host, config.port);
    let listener = TcpListener::bind(wanted).await.map_err(|error| cannot_listen(wanted, &error))?;
    let line = announcement(listener.local_addr()?, &config);
    // Ends the tasks also when serving fails.
    let stop = shutdown.clone().drop_guard();
    let (state, running) = tasks::start(config, shutdown).await?;
    // A closed stdout (`flux-console start | head -1`) is no reason to stop.
    let _ = writeln!(io::stdout(), "{line}");
    let served = serve(listener, state, options).await;
    drop(stop);
    finish(running).await;
    served
}

async fn finish(mut running: JoinSet<()>) {
    let all = async { while running.join_next().await.is_some() {} };
    if timeout(TASKS_GRACE, all).await.is_err() {
        tracing::warn!("a background task did not end in time");
    }
}

fn cannot_listen(wanted: SocketAddr, error: &io::Error) -> anyhow::Error {
    let (host, port) = (wanted.ip(), wanted.port());
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("Port {port} is taken by another program. Choose another with --port, or any free one with --port 0.")
        }
        ErrorKind::PermissionDenied => anyhow!("This user may not listen on port {port}. Choose one above 1023 with --port."),
        ErrorKind::AddrNotAvailable => anyhow!("{host} is not an address of this machine. Choose one with --host; 0.0.0.0 is all of them."),
        _ => anyhow!("Cannot listen on {wanted}: {error}."),
    }
}

/// `Flux Console is at http://127.0.0.1:3000 (Redis 127.0.0.1:6379, queues under "queue:", no password: this machine only)`
fn announcement(at: SocketAddr, config: &Config) -> String {
    let host = if at.ip().is_unspecified() {
        "localhost".into()
    } else {
        SocketAddr::new(at.ip(), 0).to_string().trim_end_matches(":0").to_owned()
    };
    let access = match (&config.password, at.ip().is_loopback()) {
        (Some(_), _) => "with a password",
        (None, true) => "no password: this machine only",
        (None, false) => "NO PASSWORD: whoever reaches this address can delete jobs",
    };
    format!(
        "Flux Console is at http://{host}:{} (Redis {}, queues under {:?}, {access})",
        at.port(),
        redis_address(&config.url),
        config.prefix
    )
}

/// Host, port and database of the URL: never user or password.
fn redis_address(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else { return "at an unreadable URL".into() };
    let Some(host) = url.host_str() else { return url.path().into() };
    let database = if url.path().len() > 1 { url.path() } else { "" };
    format!("{host}:{}{database}", url.port().unwrap_or(6379))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_where_and_how_open_but_no_secret() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let mut config = Config { url: "rediss://ops:s3cret@cache.example:6380/2".into(), ..Config::default() };
        let line = announcement(at("127.0.0.1:3000"), &config);
        assert_eq!(
            line,
            r#"Flux Console is at http://127.0.0.1:3000 (Redis cache.example:6380/2, queues under "queue:", no password: this machine only)"#
        );
        assert!(announcement(at("[::1]:80"), &config).starts_with("Flux Console is at http://[::1]:80 "));
        assert!(
            announcement(at("0.0.0.0:80"), &config).contains("http://localhost:80 (")
                && announcement(at("0.0.0.0:80"), &config).contains("NO PASSWORD")
        );
        config.password = Some("hunter2".into());
        assert!(announcement(at("10.0.0.1:80"), &config).contains("with a password"));
        assert!(!announcement(at("10.0.0.1:80"), &config).contains("hunter2"));
        assert_eq!(redis_address("redis+unix:///run/redis.sock"), "/run/redis.sock");
    }
}
