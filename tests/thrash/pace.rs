//! How long each action takes, so that kills come at any time of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::action::Action;

/// A running mean for each action.
#[derive(Debug, Default)]
pub(crate) struct Pace([AtomicU64; Action::COUNT]);

impl Pace {
    /// Takes note of an action that ran to its end.
    pub(crate) fn note(&self, action: Action, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.0[action as usize].load(Ordering::Relaxed);
        let mean = if before == 0 { took } else { (before * 7 + took) / 8 };
        self.0[action as usize].store(mean, Ordering::Relaxed);
    }

    /// How long the action takes.
    pub(crate) fn of(&self, action: Action) -> Duration {
        let mean = self.0[action as usize].load(Ordering::Relaxed);
        // Before the first of its kind any guess will do.
        Duration::from_micros(if mean == 0 { 20_000 } else { mean })
    }
}
