//! Search: bounded steps over what is in Redis, and the archive beside it. Nothing is kept between two steps: any console
//! answers the next one, and who stops asking has cancelled.

pub mod archive;
mod cursor;
pub mod export;
mod plan;
mod step;

pub use cursor::Cursor;
pub use plan::{NEWEST, Scope, Start};
pub use step::{Found, Limits, Step, step};

use std::time::Duration;

/// One step of a page: small enough to be shown as it comes, and to leave Redis to the workers.
pub const STEP: Limits = Limits { elements: 2_000, bytes: 1024 * 1024, hits: 100, time: Duration::from_millis(100) };
