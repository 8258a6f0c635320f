//! What a save did.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::cleaned::Cleaned;
use super::in_seconds;
use crate::cargo::Why;
use crate::plan::NoWrite;
use crate::store::Layer;
use crate::tree::TransferStats;

/// What became of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Saved {
    /// A new entry.
    Entry {
        /// Its directory.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        directory: PathBuf,
        /// What is in it and how it got there.
        stats: TransferStats,
        /// What of the directory is not in it.
        left_out: Vec<LeftOut>,
        /// What the unit pool got of it; nothing where a process after the job sees to that.
        pooled: Option<Pooled>,
        /// How long it took.
        #[serde(rename = "seconds", serialize_with = "in_seconds")]
        took: Duration,
        /// How long each step took.
        times: SaveTimes,
    },
    /// Nothing, for this reason.
    Not {
        /// The reason.
        reason: NotSaved,
    },
    /// Nothing: the trouble was told already.
    Failed,
}

impl Saved {
    /// The directory of the new entry, if there is one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Entry { directory, .. } => Some(directory),
            Self::Not { .. } | Self::Failed => None,
        }
    }
}

/// How long the steps of a layer's save took, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SaveTimes {
    /// To read what is there, and to compare it with the entry that the job began with.
    #[serde(serialize_with = "in_seconds")]
    pub read: Duration,
    /// To place its files.
    #[serde(serialize_with = "in_seconds")]
    pub files: Duration,
    /// To note what it was made of, and to publish the entry.
    #[serde(serialize_with = "in_seconds")]
    pub note: Duration,
    /// To add units to the pool.
    #[serde(serialize_with = "in_seconds")]
    pub pool: Duration,
}

/// What the unit pool got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pooled {
    /// Units that it did not have.
    pub added: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Units that it had.
    pub known: u64,
    /// Units of dependencies that hold the path of the directory in which they were compiled, or need one that does.
    pub bound: u64,
}

/// What is not worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The reason.
    pub why: Why,
    /// Files of this reason.
    pub files: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// What a save did for one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSave {
    /// The layer.
    pub layer: Layer,
    /// The key.
    pub key: String,
    /// What became of it.
    #[serde(flatten)]
    pub saved: Saved,
}

/// What a save did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SaveOutcome {
    /// The layers.
    pub layers: Vec<LayerSave>,
    /// What was cleaned up afterwards.
    pub cleaned: Option<Cleaned>,
}

/// Why a layer was not saved, without any trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum NotSaved {
    /// The user does not want it.
    Never,
    /// The job has saved it: for an earlier restore of the same key, or before its save was stopped.
    SavedBefore,
    /// An entry of the key is there, and its key settles what is in it.
    Settled,
    /// A final entry of the key is there, and the job did not succeed.
    FinalThere,
    /// The job failed or was cancelled, and these are build outputs.
    OutputsOfFailure,
    /// The job was cancelled.
    Cancelled,
    /// The job failed, and the user saves after success only.
    Failed,
    /// Nobody can tell how the job ended, and the user saves after success only.
    Unknown,
    /// Another job of the same runner began before the save ended.
    Overtaken,
    /// A process still works in a directory of it after the job's end.
    InUse {
        /// The process's name.
        process: String,
        /// Its number.
        pid: i32,
        /// Its working directory, or a file that it has open.
        #[serde(serialize_with = "crate::sys::lossy::path")]
        path: PathBuf,
    },
    /// The job may not write.
    ReadOnly(NoWrite),
    /// No file is there. The places are told where the user chose them.
    Nothing(#[serde(serialize_with = "crate::sys::lossy::all")] Vec<PathBuf>),
    /// All is as in the entry that the job started from.
    Unchanged,
    /// What is checked out in this directory changed its commit since the restore.
    OtherCommit(#[serde(serialize_with = "crate::sys::lossy::path")] PathBuf),
    /// Not all of the build outputs are known to be this job's.
    Outputs(UnknownOutputs),
}

/// What of build outputs is not known to be a job's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownOutputs {
    /// What was listed, and of which there is nothing.
    pub absent: Vec<String>,
    /// What is there.
    pub not_own: Option<NotOwn>,
}

/// Why files that are there are not known to be a job's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum NotOwn {
    /// They were there when the restore was over.
    Unwritten {
        /// How many they are.
        files: usize,
        /// The first of them, from the job's directory where they are in it.
        #[serde(serialize_with = "crate::sys::lossy::all")]
        first: Vec<PathBuf>,
    },
    /// No restore noted what was there.
    NothingNoted,
}
