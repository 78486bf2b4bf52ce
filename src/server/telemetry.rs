//! The log: one line per event on stderr, filtered by `--log`.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// `info`, or directives such as `flux_console=debug,warn`.
///
/// # Errors
/// The filter cannot be read.
pub fn start(filter: &str) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // A test may have set one already.
    let _ = log.try_init();
    Ok(())
}
