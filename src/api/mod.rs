//! Every server function, one file per noun: pass through to `server::actions`, which authorises, audits and calls the driver.
//! The REST routes in `server::rest` call the same actions.

pub mod alerts;
pub mod archive;
pub mod audit;
pub mod channels;
pub mod doctor;
pub mod errors;
pub mod jobs;
pub mod logs;
pub mod metrics;
pub mod nodes;
pub mod operations;
pub mod queues;
pub mod schedules;
pub mod search;
pub mod settings;
pub mod workers;
