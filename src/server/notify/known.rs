//! The channels as they were last read from Redis, for when it cannot be asked.

use super::config::Channels;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Default)]
pub struct LastKnown(Mutex<Arc<Channels>>);

impl LastKnown {
    pub fn get(&self) -> Arc<Channels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, channels: Channels) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(channels);
    }
}
