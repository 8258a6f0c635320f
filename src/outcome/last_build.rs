//! What cargo compiled in a job although its target directory came from the cache.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::unusable::Unusable;
use crate::cargo::Cause;

/// What became of the target directories that a job restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "directories", rename_all = "kebab-case")]
pub enum LastBuild {
    /// There was no restore in this job, or it left nothing for later.
    NoRestore,
    /// The save was there first.
    Saved,
    /// There was a restore, but of other layers.
    NoTarget,
    /// Each of them.
    Directories(Vec<BuiltDirectory>),
}

/// A target directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltDirectory {
    /// Its name in the entry.
    pub name: String,
    /// Where it is.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// What was built in it.
    pub built: Built,
}

/// What was built in a target directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Built {
    /// That cannot be told: nothing was restored.
    Miss {
        /// What was looked for.
        key: String,
    },
    /// Unknown: the entry does not contain this directory.
    NotInEntry,
    /// That cannot be told any more.
    EntryGone {
        /// What became of the entry.
        why: Unusable,
    },
    /// Nothing: there is no such directory.
    NoDirectory,
    /// This.
    Compared {
        /// The entry that was restored, if any.
        entry: Option<RestoredEntry>,
        /// How many units came from the unit pool.
        pooled: usize,
        /// How many units there are.
        total: usize,
        /// Those that are not what was restored.
        compiled: Vec<CompiledUnit>,
    },
}

/// The entry that a target directory began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredEntry {
    /// Its key.
    pub key: String,
    /// When it was made.
    pub created: Timestamp,
    /// Of which ref it is.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// A unit that was compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompiledUnit {
    /// The package's name.
    pub package: String,
    /// Its version, for a download.
    pub version: Option<String>,
    /// What of the package, as cargo calls it, such as `lib-serde`.
    pub part: String,
    /// The directory of its profile.
    pub profile: String,
    /// Why.
    pub causes: Vec<Cause>,
}
