//! Keeps the archive connected: opens it, looks whether it answers, opens it again.

use crate::server::{actions::now, state::AppState};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const CHECK_EVERY: Duration = Duration::from_secs(5);
/// While nobody looks. Whoever asks it something finds out anyway.
const CHECK_IDLE_EVERY: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(2);

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    if state.archive.is_off() {
        return Ok(());
    }
    let keep = async {
        loop {
            if !state.archive.open(now()).await {
                tokio::time::sleep(RETRY).await;
                continue;
            }
            while state.archive.check(now()).await {
                let checked = Instant::now();
                loop {
                    tokio::select! {
                        () = tokio::time::sleep(CHECK_EVERY) => {}
                        () = state.archive.doubted() => break,
                    }
                    if state.watching.anybody(now()) || checked.elapsed() >= CHECK_IDLE_EVERY {
                        break;
                    }
                }
            }
        }
    };
    tokio::select! {
        () = keep => {}
        () = shutdown.cancelled() => {}
    }
    Ok(())
}
