//! Leases: of several consoles on one prefix, one does the work of a name. `flux_console:{hash of the prefix}:{name}:lease` holds
//! the token of the holder (a text) and ends by itself, `…:{name}:turn` the number of the last turn.

use super::RedisDriver;
use crate::{model::time::Millis, server::error::DriverError};

/// A holder that does not renew it for so long has lost the lease.
pub const LEASE_MS: u64 = 6_000;

impl RedisDriver {
    /// Takes the lease when it is free, renews it when `token` holds it. Answers the number of the turn, larger than that of
    /// every holder before: whoever is told two of them believes the larger. `None`: another console holds the lease.
    pub async fn take_lease(&self, name: &str, token: &str, now: Millis) -> Result<Option<u64>, DriverError> {
        let mut call = self.scripts.take_lease.prepare_invoke();
        call.key(self.keys.lease(name)).key(self.keys.turn(name)).arg(token).arg(LEASE_MS).arg(now.0);
        let turn: u64 = call.invoke_async(&mut self.requests.clone()).await?;
        Ok((turn > 0).then_some(turn))
    }

    /// Gives the lease back; one that is somebody else's stays where it is.
    pub async fn drop_lease(&self, name: &str, token: &str) -> Result<(), DriverError> {
        let mut call = self.scripts.drop_lease.prepare_invoke();
        Ok(call.key(self.keys.lease(name)).arg(token).invoke_async(&mut self.requests.clone()).await?)
    }
}
