//! What a rule would have done, had it been there.

use crate::model::time::Millis;
use serde::{Deserialize, Serialize};

/// Times that are listed; the count goes on.
pub const LISTED: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WouldFire {
    pub subject: Option<String>,
    pub at: Millis,
    /// `None`: it would be firing now.
    pub until: Option<Millis>,
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// How often, over what was recorded.
    pub times: u64,
    /// The newest of them, newest first.
    pub firings: Vec<WouldFire>,
    /// The first and the last moment that was recorded; `None`: nothing was.
    pub from: Option<Millis>,
    pub to: Option<Millis>,
    /// Of which so many seconds nothing is known.
    pub unknown_seconds: u64,
    /// What was not recorded, or how coarsely.
    pub note: Option<String>,
}
