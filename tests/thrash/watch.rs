//! Looks at the cache from outside while the workers are at it, and ends them when the time is over.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arena::Arena;
use crate::fault::{entries, inside};
use crate::processes;
use crate::wrong::Wrong;

/// How often.
const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) fn watch(arena: &Arena) -> Result<(), Wrong> {
    let root = arena.root();
    let mut seen = BTreeSet::new();
    for round in 0_u64.. {
        if arena.is_over() {
            break;
        }
        look_at_quarantine(arena, &mut seen)?;
        if round.is_multiple_of(10) {
            arena.figures.at_least("most_entries", entries(&root).len() as u64);
            arena.figures.at_least("most_processes", processes::count_of(&root));
        }
        if arena.elapsed() >= arena.settings.time {
            arena.end();
        }
        std::thread::sleep(INTERVAL);
    }
    look_at_quarantine(arena, &mut seen)
}

/// Counts what is in quarantine.
fn look_at_quarantine(arena: &Arena, seen: &mut BTreeSet<PathBuf>) -> Result<(), Wrong> {
    for entry in inside(&arena.root().join("quarantine")) {
        check_quarantined(arena, &entry)?;
        if seen.insert(entry) {
            arena.figures.add("quarantined", 1);
        }
    }
    Ok(())
}

/// Nothing may be found damaged that nobody damaged.
pub(crate) fn check_quarantined(arena: &Arena, entry: &Path) -> Result<(), Wrong> {
    if arena.injured.has_or_gone(&arena.root(), entry) {
        return Ok(());
    }
    Err(Wrong::Corrupt(format!("{}: nobody damaged it, and it was found damaged", entry.display())))
}
