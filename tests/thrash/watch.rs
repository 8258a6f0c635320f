//! Looks at the cache from outside while the workers are at it, and ends them when the time is over.

use std::fs::File;
use std::sync::PoisonError;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use test_support::files::inside;
use test_support::processes;

use crate::arena::Arena;
use crate::fault::entries;
use crate::wrong::Wrong;

/// How often.
const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) fn watch(arena: &Arena) -> Result<(), Wrong> {
    let root = arena.root();
    for round in 0_u64.. {
        if arena.is_over() {
            break;
        }
        look_at_quarantine(arena)?;
        if round.is_multiple_of(10) {
            arena.figures.at_least("most_entries", entries(&root).len() as u64);
            arena.figures.at_least("most_processes", processes::count_of(&root));
        }
        if arena.elapsed() >= arena.settings.time {
            arena.end();
        }
        std::thread::sleep(INTERVAL);
    }
    look_at_quarantine(arena)
}

/// Nothing may be found damaged that nobody damaged.
pub(crate) fn look_at_quarantine(arena: &Arena) -> Result<(), Wrong> {
    let mut known = arena.quarantined.lock().unwrap_or_else(PoisonError::into_inner);
    for entry in inside(&arena.root().join("quarantine")) {
        // Whoever removes it holds its lock, and by what is left nothing can be told.
        let Ok(directory) = File::open(&entry) else { continue };
        if known.contains(&entry) || flock(&directory, FlockOperation::NonBlockingLockShared).is_err() {
            continue;
        }
        if !arena.injured.has_or_gone(&entry) {
            let what = format!("{}: nobody damaged it, and it was found damaged", entry.display());
            return Err(Wrong::Corrupt(what));
        }
        known.insert(entry);
        arena.figures.add("quarantined", 1);
    }
    Ok(())
}
