//! One file a route: query -> resource -> components.

pub mod alerts;
pub mod errors;
pub mod job;
pub mod lazy;
pub mod logs;
pub mod not_found;
pub mod operations;
pub mod overview;
pub mod queue;
pub mod queues;
pub mod search;
pub mod settings;
pub mod workers;
