//! Schedules: what a cron means, when it runs next, and what a stored schedule comes to. No I/O.

pub mod cron;
mod fields;
pub mod job;
mod next;
pub mod stored;
mod words;
