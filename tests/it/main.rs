//! Every integration test, in one binary: real redis-servers, a fresh one for each test.

mod support;

mod alerts;
mod api;
pub mod archive;
mod auth;
mod cli;
mod demo;
mod discovery;
mod driver;
mod keep;
mod layers;
mod live;
mod notify;
mod past;
mod recordings;
mod schedules;
mod search;
mod sse;
