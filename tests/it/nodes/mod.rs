//! Quasar agents on a real Redis: what is recorded, commands, and the console as a node of its own.

mod commands;
mod heartbeats;

use crate::support::{TestConsole, eventually};
use serde_json::Value;
use std::time::Duration;

pub const SOON: Duration = Duration::from_secs(20);

/// The node as REST lists it, once it is listed.
pub async fn node(console: &TestConsole, service: &str, id: &str) -> Value {
    let mut found = None;
    eventually(&format!("the node {service}:{id} is listed"), SOON, async || {
        let list = console.json("/api/v1/nodes").await;
        found = list["nodes"].as_array().unwrap().iter().find(|n| n["service"] == service && n["id"] == id).cloned();
        found.is_some()
    })
    .await;
    found.unwrap()
}
