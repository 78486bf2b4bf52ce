//! Plain data for both targets: no I/O, no Redis, no browser.

pub mod alert;
pub mod archive;
pub mod audit;
pub mod doctor;
pub mod edited;
pub mod error;
pub mod errors;
pub mod ids;
pub mod job;
pub mod json;
pub mod live;
pub mod log;
pub mod metrics;
pub mod node;
pub mod operation;
pub mod past;
pub mod query;
pub mod queue;
pub mod run;
pub mod schedule;
pub mod search;
pub mod settings;
pub mod signature;
pub mod time;
pub mod wire;
pub mod worker;
