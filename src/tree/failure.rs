//! Jobs that run side by side, of which the first that fails ends all.

use std::sync::{Mutex, PoisonError};

use tracing::trace_span;

use super::{Error, Result};
use crate::sys::Interrupt;

/// Runs jobs until one fails or the process is asked to end.
pub(super) struct UntilFailure<'a> {
    interrupt: &'a Interrupt,
    first: Mutex<Option<Error>>,
}

impl<'a> UntilFailure<'a> {
    pub(super) fn new(interrupt: &'a Interrupt) -> Self {
        Self { interrupt, first: Mutex::default() }
    }

    /// Does `job`, or nothing when there is a failure already.
    pub(super) fn run(&self, job: impl FnOnce() -> Result<()>) {
        let _span = trace_span!("directory").entered();
        let failed = self.first.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !failed && let Err(error) = self.check().and_then(|()| job()) {
            self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// An error when the process was asked to end: to be called between two files.
    pub(super) fn check(&self) -> Result<()> {
        if self.interrupt.is_raised() { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// The first failure, if there was one.
    pub(super) fn finish(&self) -> Result<()> {
        match self.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
