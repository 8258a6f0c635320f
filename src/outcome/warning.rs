//! Trouble that does not fail a job.

use serde::Serialize;

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub code: Code,
    /// The text for people.
    pub message: String,
}

/// What a warning is about. The names stay, and each one's first line is in the docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An environment variable cannot be read.
    Environment,
    /// The event file cannot be read: the job saves nothing and reads only entries of its base.
    Event,
    /// The job has no cache.
    NoCache,
    /// The job uses the user's `CARGO_HOME`.
    SharedCargoHome,
    /// A layer was not restored.
    NotRestored,
    /// A layer was not completed from the unit pool.
    PoolNotRead,
    /// Nothing was added to the unit pool.
    PoolNotFilled,
    /// A damaged entry or unit was taken out of use.
    Damaged,
    /// An entry cannot be read by this user or version.
    Unreadable,
    /// Leftovers of an earlier process in a destination could not be removed.
    LeftBehind,
    /// Restored units may be recompiled.
    Freshness,
    /// A path is not cached.
    NotCached,
    /// Build outputs are not saved.
    OutputsNotKept,
    /// Later steps do not get outputs and variables.
    OutputsNotWritten,
    /// The step summary is incomplete.
    SummaryNotWritten,
    /// The session between restore and save is missing or invalid.
    Session,
    /// A layer or the whole job was not saved.
    NotSaved,
    /// Entries or leftovers of killed jobs could not be removed.
    NotRemoved,
    /// A disk is too full.
    DiskFull,
    /// The free space of a disk is unknown.
    DiskUnknown,
    /// The statistics start over, or lack this job: their ledger is damaged, or of a newer version.
    Ledger,
    /// An audit or an explanation of a build is incomplete.
    Incomplete,
}
