//! Work that one console of several does: whoever holds the lease of its name.

use crate::server::{actions::now, driver::redis::RedisDriver, error::DriverError};

/// This console's candidacy for the work of one name. Ask [`Leader::lead`] at least every few seconds while leading
/// (`driver::redis::lease::LEASE_MS`), and stop when it answers `None`: by then another console may be at work.
pub struct Leader {
    driver: RedisDriver,
    name: &'static str,
    token: String,
}

impl Leader {
    pub fn new(driver: &RedisDriver, name: &'static str) -> Self {
        // The process id tells an operator who leads.
        Self { driver: driver.clone(), name, token: format!("{}:{}", std::process::id(), uuid::Uuid::new_v4()) }
    }

    /// For scripts that compare it with the lease in the step that writes.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Takes or renews the lease. The number of the turn is for what is written elsewhere than in Redis: a larger one seen
    /// there means that another console took over.
    pub async fn lead(&self) -> Result<Option<u64>, DriverError> {
        self.driver.take_lease(self.name, &self.token, now()).await
    }

    /// When the console stops: another one need not wait until the lease ends.
    pub async fn leave(&self) {
        if let Err(error) = self.driver.drop_lease(self.name, &self.token).await {
            tracing::debug!(lease = self.name, %error, "the lease is not given back, it ends by itself");
        }
    }
}
