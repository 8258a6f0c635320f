//! What all parts of one transfer share.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Linker;
use crate::sys::Interrupt;

/// How files are transferred, when to stop, and how far it is.
#[derive(Debug, Clone, Copy)]
pub struct Engine<'a> {
    /// Transfers single files between one pair of file systems.
    pub linker: &'a Linker,
    /// Asks to stop.
    pub interrupt: &'a Interrupt,
    /// Counts what is done.
    pub progress: &'a Progress,
}

/// How far a transfer is, for somebody who looks on.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    pub(super) fn add(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Files that are done, and their bytes.
    pub fn so_far(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}
