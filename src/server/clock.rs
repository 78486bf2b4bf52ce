//! The console's clock. Time is passed in wherever it can be; who begins something asks here.

use crate::model::time::Millis;
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that stands before 1970 says 1970.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
