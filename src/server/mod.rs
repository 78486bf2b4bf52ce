//! Everything native: Redis, HTTP, background tasks, the command line.

pub mod actions;
pub mod archive;
pub mod assets;
pub mod auth;
pub mod cli;
pub mod config;
pub mod demo;
pub mod digest;
pub mod doctor;
pub mod driver;
pub mod error;
pub mod http;
pub mod inbox;
pub mod ledger;
pub mod nodes;
pub mod notify;
pub mod reading;
pub mod recent_pages;
pub mod rest;
pub mod schedule;
pub mod search;
pub mod snapshot;
pub mod sse;
pub mod state;
pub mod tasks;
pub mod telemetry;
