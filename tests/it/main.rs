//! Every integration test, in one binary: real redis-servers, a fresh one for each test.

mod support;

mod alerts;
mod api;
mod archive;
mod auth;
mod cli;
mod demo;
mod discovery;
mod driver;
mod keep;
mod layers;
mod live;
mod past;
mod recordings;
mod search;
mod sse;
