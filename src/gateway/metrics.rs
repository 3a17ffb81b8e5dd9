//! What one worker counts. Written by that worker, read when somebody asks for the metrics: nothing on
//! a request's way is shared between workers.

use std::sync::{Mutex, PoisonError};

use crate::domain::measure::Counted;

/// What one worker has counted.
#[derive(Debug, Default)]
pub struct WorkerMetrics(Mutex<Counted>);

impl WorkerMetrics {
    /// Counts, on the worker.
    pub fn count(&self, how: impl FnOnce(&mut Counted)) {
        how(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What has been counted up to now.
    pub fn read(&self) -> Counted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
