//! `make bench`: what the console costs, measured on a private Redis and printed as the Markdown tables of the README.

#[path = "figures/mod.rs"]
mod figures;

use std::process::ExitCode;

fn main() -> ExitCode {
    match figures::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error:#}");
            ExitCode::FAILURE
        }
    }
}
