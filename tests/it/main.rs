//! Every integration test, in one binary: real redis-servers, a fresh one for each test.

mod support;

mod api;
mod auth;
mod cli;
mod demo;
mod driver;
mod recordings;
mod sse;
