//! What an audit found.

use std::path::PathBuf;

use serde::Serialize;

use super::last_build::RestoredEntry;
use crate::cargo::{Changed, Difference, Incomparable};

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Audited {
    /// Nothing was restored that could be audited, for this reason.
    Nothing {
        /// The reason.
        note: String,
    },
    /// What was restored gave what a clean build gives.
    Same(Box<ComparedBuilds>),
    /// What was restored gave something else.
    Different(Box<ComparedBuilds>),
}

/// What a build on what was restored and builds from nothing have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedBuilds {
    /// The entry that was restored, if any.
    pub entry: Option<RestoredEntry>,
    /// The commit of which it is.
    pub commit: Option<String>,
    /// How many units came from the unit pool.
    pub pooled: usize,
    /// How the command ended.
    pub exit_codes: ExitCodes,
    /// How many units are the same, byte for byte.
    pub same: usize,
    /// Units that differ.
    pub differing: Vec<DifferingUnit>,
    /// Units that the command used on what was restored, and not from nothing.
    pub only_restored: Vec<UnitName>,
    /// Units that the command built from nothing, and did not ask for on what was restored.
    pub only_clean: Vec<UnitName>,
    /// Final artifacts that are not what their units are.
    #[serde(rename = "final_artifacts")]
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub finals: Vec<PathBuf>,
    /// Units on which the builds from nothing do not agree.
    pub not_reproducible: Vec<UnitName>,
    /// Units that differ and may.
    pub not_comparable: Vec<NotComparable>,
}

/// Exit codes of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ExitCodes {
    /// On what was restored.
    pub restored: u8,
    /// From nothing.
    pub clean: u8,
    /// From nothing once more, if that was run.
    pub clean_again: Option<u8>,
}

/// A unit that differs and may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotComparable {
    /// Which.
    #[serde(flatten)]
    pub unit: UnitName,
    /// Why its bytes tell nothing.
    #[serde(flatten)]
    pub why: Incomparable,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitName {
    /// The package's name.
    pub package: String,
    /// Its version, for a download.
    pub version: Option<String>,
    /// What of the package, as cargo calls it, such as `lib-serde`.
    pub part: String,
    /// The directory of its profile.
    pub profile: String,
}

/// A unit that differs from that of a clean build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferingUnit {
    /// Which.
    #[serde(flatten)]
    pub unit: UnitName,
    /// Its files that differ, or are in one of the builds only.
    pub files: Vec<String>,
    /// Packages of its direct dependencies that differ as well.
    pub follows: Vec<String>,
    /// How it came to be.
    #[serde(flatten)]
    pub made: HowMade,
}

/// How a unit came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "made", rename_all = "kebab-case")]
pub enum HowMade {
    /// It was compiled in the audited build.
    Compiled,
    /// Cargo took it for fresh.
    Fresh {
        /// Where it comes from.
        from: CameFrom,
        /// Why cargo reused it.
        why: WhyFresh,
    },
}

/// Where a unit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CameFrom {
    /// The entry.
    Entry,
    /// The unit pool.
    Pool,
    /// The directory as it was before the restore.
    Directory,
}

/// Why cargo took a unit for fresh.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WhyFresh {
    /// What cargo notes otherwise in a clean build.
    pub noted: Vec<Difference>,
    /// Sources that were listed when it was compiled.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub sources: Vec<PathBuf>,
    /// Sources that are newer than the unit, or gone.
    pub newer: Vec<Changed>,
    /// Sources that do not hold what they held when the entry was saved.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub changed: Vec<PathBuf>,
    /// Sources that a clean build lists, and that were not listed.
    #[serde(serialize_with = "crate::sys::lossy::all")]
    pub unlisted: Vec<PathBuf>,
}
