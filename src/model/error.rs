//! What a failed request says to the operator. Never carries a source error: those are logged once on the server.

use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use leptos::server_fn::codec::JsonEncoding;
use serde::{Deserialize, Serialize};

/// The one error of every server function and REST route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ApiError {
    #[error("{detail}")]
    NotFound { detail: String },
    #[error("{detail}")]
    Conflict { detail: String },
    #[error("{detail}")]
    Invalid { field: String, detail: String },
    #[error("{detail}")]
    Unauthorized { detail: String },
    #[error("{detail}")]
    Forbidden { detail: String },
    #[error("{detail}")]
    TooMany { detail: String },
    /// Redis does not answer; nothing was changed.
    #[error("{detail}")]
    Unavailable { detail: String },
    /// `id` is in the server's log beside the cause.
    #[error("{detail}")]
    Internal { id: String, detail: String },
}

impl ApiError {
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    pub fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::Invalid { .. } => 422,
            Self::Unauthorized { .. } => 401,
            Self::Forbidden { .. } => 403,
            Self::TooMany { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Internal { .. } => 500,
        }
    }
}

/// How a server function reports that the call itself failed (the browser is offline, the console restarts, …).
impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unavailable { detail: "The console cannot be reached. It is unknown whether the request arrived; a repeated action does no harm. Try again when the connection is back.".into() },
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) | ServerFnErrorErr::Deserialization(detail) => Self::invalid("request", format!("The request cannot be read: {detail}")),
            other => Self::Internal { id: String::new(), detail: format!("The console answered something unexpected: {other}") },
        }
    }
}
