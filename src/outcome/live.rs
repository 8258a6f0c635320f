//! A host at one moment: what is at work, who waits for whom, how full it is, and what happened last.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::{Latest, OfRunner};
use crate::store::Working;
use crate::store::retention::{MinFree, Room};
use crate::sys::{Space, lossy};

/// A host at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// When.
    pub at: Timestamp,
    /// Its name.
    pub host: String,
    /// The directory of the cache.
    #[serde(serialize_with = "lossy::path")]
    pub cache_root: PathBuf,
    /// The disk of the cache; nothing where it cannot be asked.
    pub disk: Option<Space>,
    /// What is to be left free there.
    pub min_free: MinFree,
    /// What is missing of that.
    pub short: Room,
    /// What all entries may take on the disk.
    pub max_size: Option<u64>,
    /// Entries of jobs; nothing where they cannot be listed.
    pub stored: Option<StoredNow>,
    /// Processes at work, those that began first at the head.
    pub working: Vec<Working>,
    /// Locks that somebody has or waits for.
    pub locks: Vec<LiveLock>,
    /// What came of each runner's jobs in the last 24 hours, by name.
    pub runners: Vec<OfRunner>,
    /// What happened last, the newest first.
    pub events: Vec<Latest>,
    /// What could not be read.
    pub troubles: Vec<String>,
}

/// Entries of jobs, as they are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoredNow {
    /// How many.
    pub entries: u64,
    /// Their bytes as recorded: what they share counts several times.
    pub bytes: u64,
}

/// A lock, who has it, and who waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveLock {
    /// What it is of: `clean-up`, `flush`, `cargo`, or the key of an entry.
    pub name: String,
    /// Whether several can have it at the same time.
    pub is_shared: bool,
    /// Who has it.
    pub holders: Vec<Party>,
    /// Who waits for it.
    pub waiters: Vec<Party>,
}

/// A process that has a lock, or waits for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Party {
    /// Its number.
    pub pid: u32,
    /// What it does, or else its name.
    pub what: String,
    /// Since when it waits.
    pub since: Option<Timestamp>,
}
