//! Quasar agents and commands for them.

use crate::model::{
    error::ApiError,
    node::{Command, CommandAsk, NodeList},
    wire::Json,
};
use leptos::prelude::*;

/// From memory: costs Redis nothing. At most 300.
#[server(prefix = "/api/fn", endpoint = "nodes", input = Json, output = Json)]
pub async fn nodes() -> Result<NodeList, ApiError> {
    Ok(crate::server::actions::nodes::nodes(&expect_context()))
}

/// Publishes a command, unless no agent listens for it. Nobody replies: `nodes` tells what the next heartbeats show.
#[server(prefix = "/api/fn", endpoint = "nodes/command", input = Json, output = Json)]
pub async fn command_node(service: String, id: String, ask: CommandAsk) -> Result<Command, ApiError> {
    crate::server::actions::nodes::command(&expect_context(), &service, &id, ask).await
}
