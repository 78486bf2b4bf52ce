//! Parse the command line, dispatch.

use clap::Parser;
use flux_console::server::cli::{self, Cli};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // redis and rustls are built without a default provider; a second install would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Every open page holds a connection; 1,024 files, a common limit, would be a thousand pages.
    let _ = rlimit::increase_nofile_limit(65_536);
    let shutdown = CancellationToken::new();
    if let Err(error) = listen_to_signals(shutdown.clone()) {
        eprintln!("flux-console: signals cannot be received: {error}");
        return ExitCode::FAILURE;
    }
    cli::run(cli, shutdown).await
}

/// Ctrl-C, `kill`, and a terminal that closes all mean: stop in order.
fn listen_to_signals(shutdown: CancellationToken) -> std::io::Result<()> {
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let (mut received, shutdown) = (signal(kind)?, shutdown.clone());
        tokio::spawn(async move {
            received.recv().await;
            shutdown.cancel();
        });
    }
    Ok(())
}
