//! Redis with the layout of Gravito Stream (stream-protocol.md, 1).

pub mod alerts;
pub mod archiver;
mod audit;
mod bulk;
mod carry;
pub mod channels;
mod connection;
pub mod dead;
pub mod doctor;
pub mod due;
pub mod events;
mod groups;
mod heartbeat;
mod job;
pub mod keys;
pub mod lease;
mod lost;
pub mod maintenance;
pub mod mend;
pub mod metrics;
pub mod nodes;
mod one_by_one;
mod operations;
mod pages;
pub mod payload;
mod promote;
mod push;
mod queues;
mod removal;
mod reply;
mod runs;
pub mod sample;
pub mod schedules;
mod scripts;
pub mod search;
mod setting;
pub mod trash;
pub mod unlisted;
pub mod upcoming;
mod verbs;

pub use bulk::{Step, Sweep};
pub use groups::Known;
pub use lost::PutBack;
pub use one_by_one::{DelayedOneByOne, OneByOne};
pub use promote::Promotion;
pub use push::{Once, Push};
pub use verbs::Acted;

use crate::server::error::DriverError;
use connection::Connection;
use keys::Keys;
use redis::aio::ConnectionManagerConfig;
use scripts::Scripts;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A command that takes longer than this has failed: the page says so instead of hanging.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// One script reads at most about this many bytes, so that none blocks Redis for long.
const SCRIPT_BYTES: usize = 2 * 1024 * 1024;

/// Cheap to clone: all clones share two connections, one for requests and one for the sampler's long pipelines. The event
/// channels have a third one.
#[derive(Clone)]
pub struct RedisDriver {
    client: redis::Client,
    requests: Connection,
    sampler: Connection,
    keys: Arc<Keys>,
    scripts: Arc<Scripts>,
    known: Arc<Mutex<Known>>,
}

impl RedisDriver {
    /// Does not connect yet: the first command does, and every lost connection is made again in the background.
    pub fn new(url: &str, keys: Keys) -> Result<Self, DriverError> {
        // A cause would repeat the URL with its password.
        let client = redis::Client::open(url)
            .map_err(|_| DriverError::Protocol("the Redis URL cannot be read; it looks like redis://user:password@host:6379/0".into()))?;
        Self::on(client, keys)
    }

    /// The same over TLS, with the certificates (PEM) to trust instead of the public ones: the client takes either, never both.
    pub fn trusting(ca: &[u8], url: &str, keys: Keys) -> Result<Self, DriverError> {
        let certificates = redis::TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) };
        let client = redis::Client::build_with_tls(url, certificates)
            .map_err(|_| DriverError::Protocol("the certificates to trust cannot be read, or the Redis URL is no rediss://".into()))?;
        Self::on(client, keys)
    }

    /// Every connection is made by this one client.
    fn on(client: redis::Client, keys: Keys) -> Result<Self, DriverError> {
        let config = || {
            ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(Some(RESPONSE_TIMEOUT))
                // The sampler asks again every tick: no long silent retries inside one command.
                .set_number_of_retries(1)
                .set_min_delay(Duration::from_millis(50))
                .set_max_delay(Duration::from_millis(500))
        };
        Ok(Self {
            requests: Connection::new(client.clone(), config())?,
            sampler: Connection::new(client.clone(), config())?,
            client,
            keys: Arc::new(keys),
            scripts: Arc::new(Scripts::new()),
            known: Arc::default(),
        })
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What discovery knows by now.
    pub fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads every script, so that pipelines may call them by hash (Redis forgets them when it restarts).
    pub async fn load_scripts(&self) -> Result<(), DriverError> {
        let mut conn = self.requests.clone();
        for script in self.scripts.all() {
            script.load_async(&mut conn).await?;
        }
        Ok(())
    }
}
