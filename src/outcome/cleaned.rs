//! What was done about the disk, and what takes it.

use serde::Serialize;

use crate::store::retention::{MinFree, Room};
use crate::sys::Space;

/// What cleaning up did.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cleaned {
    /// Entries that went.
    pub evicted: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
    /// The disk of the root before.
    pub before: Space,
    /// And after.
    pub after: Space,
    /// What is still missing there.
    pub shortage: Room,
}

/// A disk that was too full.
#[derive(Debug, Serialize)]
pub struct FullDisk {
    /// What of ours lies on it.
    pub names: Vec<&'static str>,
    /// How it was.
    pub before: Space,
    /// How it is.
    pub after: Space,
    /// What was to be free.
    pub min_free: MinFree,
    /// What jobs of this kind wrote at most, in bytes; nothing where that does not matter.
    pub expected: u64,
    /// Entries that went for it.
    pub evicted: u64,
    /// Where there is too little all the same: what takes the most.
    pub largest: Vec<Large>,
}

/// Something large.
#[derive(Debug, Serialize)]
pub struct Large {
    /// What.
    pub what: String,
    /// Bytes that it takes on the disk.
    pub bytes: u64,
}
