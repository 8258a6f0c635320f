//! How a host is set up for its runners.

use std::path::PathBuf;

use serde::Serialize;

/// What `host` did, or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostOutcome {
    /// Each thing that belongs to the setup.
    pub pieces: Vec<HostPiece>,
    /// What people should know besides.
    pub remarks: Vec<String>,
    /// All of it for people, with differences.
    #[serde(skip)]
    pub text: String,
}

/// A thing that belongs to the setup of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostPiece {
    /// Its path.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// What became of it, or what is there.
    pub state: HostState,
}

/// What became of a thing, or what is there of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// It is there as it should be.
    There,
    /// It is missing.
    Absent,
    /// It differs from what a setup would write.
    Differs,
    /// A setup wrote it, or brought it up to date.
    Written,
    /// A setup would write it.
    WouldWrite,
    /// It was removed.
    Removed,
    /// It would be removed.
    WouldRemove,
    /// It stays: somebody changed it, or something is in it.
    Stays,
}
