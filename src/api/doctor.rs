//! The doctor.

use crate::model::{
    doctor::{Diagnosis, FixAsk, Fixed},
    error::ApiError,
    wire::Json,
};
use leptos::prelude::*;

/// A look of the last ten seconds, or a new one: some hundred commands at most. `anew`: not one from before.
#[server(prefix = "/api/fn", endpoint = "doctor", input = Json, output = Json)]
pub async fn look(anew: bool) -> Result<Diagnosis, ApiError> {
    crate::server::actions::doctor::diagnosis(&expect_context(), anew).await
}

/// Looks again, and mends what is still as the finding said.
#[server(prefix = "/api/fn", endpoint = "doctor/fix", input = Json, output = Json)]
pub async fn fix(ask: FixAsk) -> Result<Fixed, ApiError> {
    crate::server::actions::doctor::fix(&expect_context(), &ask).await
}
