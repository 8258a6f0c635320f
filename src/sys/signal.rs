//! A cancelled job: the runner sends SIGINT, then SIGTERM 7.5 s later, then SIGKILL.
//!
//! The first signal only raises a flag, which the tree engine looks at between two files, so that a restore that is
//! half-way leaves the destination as it was. A second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the process was asked to end.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Raises the flag on SIGINT and SIGTERM from now on.
    pub fn on_signals() -> io::Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the shell's exit code for a signal on the second one, the flag on the first.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&raised))?;
            flag::register(signal, Arc::clone(&raised))?;
        }
        Ok(Self(raised))
    }

    /// Whether the flag is up.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Puts the flag up by hand.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
