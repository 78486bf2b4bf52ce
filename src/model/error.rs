//! What a failed request says to the operator. Never carries a source error: those are logged once on the server.

use super::wire::JsonText;
use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// The one error of every server function and REST route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "camelCase", from = "Flat")]
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

/// The same as plain fields: a tagged enum would have the browser read it twice, with much more code.
#[derive(Deserialize)]
struct Flat {
    kind: Kind,
    detail: String,
    #[serde(default)]
    field: String,
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    NotFound,
    Conflict,
    Invalid,
    Unauthorized,
    Forbidden,
    TooMany,
    Unavailable,
    Internal,
}

impl From<Flat> for ApiError {
    fn from(Flat { kind, detail, field, id }: Flat) -> Self {
        match kind {
            Kind::NotFound => Self::NotFound { detail },
            Kind::Conflict => Self::Conflict { detail },
            Kind::Invalid => Self::Invalid { field, detail },
            Kind::Unauthorized => Self::Unauthorized { detail },
            Kind::Forbidden => Self::Forbidden { detail },
            Kind::TooMany => Self::TooMany { detail },
            Kind::Unavailable => Self::Unavailable { detail },
            Kind::Internal => Self::Internal { id, detail },
        }
    }
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
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Unavailable { detail: "The console cannot be reached. It is unknown whether the request arrived; a repeated action does no harm. Try again when the connection is back.".into() },
            // Without the reason: it may quote what was sent, and that may be a secret.
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => Self::invalid("request", "The request cannot be read. The page may be older than the console: load it again."),
            other => Self::Internal { id: String::new(), detail: format!("The console answered something unexpected: {other}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let detail = || "why".to_string();
        for error in [
            ApiError::NotFound { detail: detail() },
            ApiError::Conflict { detail: detail() },
            ApiError::invalid("page", "why"),
            ApiError::Unauthorized { detail: detail() },
            ApiError::Forbidden { detail: detail() },
            ApiError::TooMany { detail: detail() },
            ApiError::Unavailable { detail: detail() },
            ApiError::Internal { id: "7".into(), detail: detail() },
        ] {
            let text = serde_json::to_string(&error).expect("JSON");
            assert_eq!(serde_json::from_str::<ApiError>(&text).expect(&text), error);
        }
    }
}
