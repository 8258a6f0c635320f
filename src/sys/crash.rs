//! Named points between the durable steps of the program, at which tests let it die.
//!
//! Only the feature `crash-points` makes them do anything, and nothing that is released has it. Then the process aborts
//! at the point that `RUNNER_CACHE_CRASH_AT` names.

/// A moment between two steps that others can see on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CrashPoint {
    /// Save: an empty staging was made.
    Staged,
    /// Save: all files are in the staging.
    Filled,
    /// Save: the manifest was written.
    Described,
    /// Save: the key's directory was made.
    KeyDirectoryMade,
    /// Save: the entry is visible, and nothing else was told of it.
    Published,
    /// Save: all is saved, and the session is not yet ended.
    Saved,
    /// Eviction: the entry is in the trash.
    Trashed,
    /// Eviction: its files are gone.
    Deleted,
    /// Quarantine: the entry was moved.
    Quarantined,
    /// Sweep: debris was found.
    Sweeping,
    /// Restore: the directory beside the destination was made.
    RestoreStaged,
    /// Restore: the whole tree is there.
    RestoreFilled,
    /// Restore: the tree is in its place, the directory beside it still there.
    RestoreRenamed,
    /// Restore into what is there: what differs is staged.
    UpdateStaged,
    /// Restore into what is there: one file was put in place, others not yet.
    UpdateSwapping,
    /// Restore into what is there: all files are in place, old ones still in the staging.
    UpdateSwapped,
    /// Restore of several trees: one is in place, and old files still lie in the stagings.
    RestorePutInPlace,
    /// Restore of tools: of cargo's notes the part that does not count was written.
    InstallDetailed,
    /// Restore of tools: they are noted, and their executables not yet there.
    InstallListed,
    /// Restore: the session was written, the job's pointer to it not.
    SessionLeft,
    /// Flush: all is on the disk, and not noted.
    Flushed,
}

/// Dies here if a test wants it.
#[cfg(feature = "crash-points")]
pub fn crash_at(point: CrashPoint) {
    use clap::ValueEnum as _;
    let Some(wanted) = std::env::var_os("RUNNER_CACHE_CRASH_AT") else { return };
    if point.to_possible_value().is_some_and(|name| wanted == *name.get_name()) {
        std::process::abort();
    }
}

/// Dies here if a test wants it: never in what is released.
#[cfg(not(feature = "crash-points"))]
pub fn crash_at(_: CrashPoint) {}
