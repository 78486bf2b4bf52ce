//! Every integration test, in one binary: real redis-servers, a fresh one for each test.

mod support;

mod api;
mod archive;
mod auth;
mod cli;
mod demo;
mod discovery;
mod doctor;
mod driver;
mod keep;
mod layers;
mod live;
mod nodes;
mod past;
mod recordings;
mod search;
mod sse;
