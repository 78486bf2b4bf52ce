//! Settings that stand in one key as a text.

use super::RedisDriver;
use crate::server::error::DriverError;

impl RedisDriver {
    /// Writes over exactly `before` (empty: nothing was there); what stood there is kept under `backup`. `false`: something else
    /// stands there by now, and nothing was changed.
    pub async fn swap_setting(&self, key: &str, before: &[u8], next: &str, backup: Option<String>) -> Result<bool, DriverError> {
        let mut call = self.scripts.swap_setting.prepare_invoke();
        let keep = u8::from(backup.is_some());
        call.key(key).key(backup.unwrap_or_else(|| key.to_owned())).arg(before).arg(next).arg(keep);
        Ok(call.invoke_async(&mut self.requests.clone()).await?)
    }
}
