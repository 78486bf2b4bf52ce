//! Empties trash whose hour is over, in small steps.

use crate::server::{actions::now, state::AppState};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);

pub async fn run(state: AppState, shutdown: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
        // Down is the sampler's to report; the trash waits.
        match state.driver.empty_trash(now()).await {
            Ok(0) | Err(_) => {}
            Ok(n) => tracing::info!(entries = n, "emptied expired trash"),
        }
    }
}
