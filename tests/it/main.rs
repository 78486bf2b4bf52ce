//! Every integration test, in one binary: real redis-servers, a fresh one for each test.

mod support;

mod alerts;
mod api;
pub mod archive;
mod auth;
mod cli;
mod demo;
mod discovery;
mod doctor;
mod driver;
mod idle;
mod keep;
mod layers;
mod live;
mod locked;
mod nodes;
mod notify;
mod past;
mod quiet;
mod recordings;
mod schedules;
mod search;
mod sse;
mod tls;
