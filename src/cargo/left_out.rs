//! Why a unit of an entry is left out of a restore, by a code.

use serde::{Deserialize, Serialize};

/// Why a unit does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyLeftOut {
    /// Cargo notes its units in a form that is unknown.
    UnknownFormat,
    /// What it was made of is unknown.
    UnknownInputs,
    /// It contains another path.
    OtherPath,
    /// It contains the commit.
    Commit,
    /// Its sources changed.
    Sources,
    /// A file outside of the sources changed.
    OutsideFiles,
    /// A program changed that it may run.
    Programs,
    /// A variable changed that it may read.
    Variables,
    /// The packages of the system changed.
    SystemPackages,
    /// It is of another version of its package.
    Version,
    /// Its profile changed.
    Profile,
    /// The lock file has another version of it.
    Superseded,
    /// It was built in the future.
    Future,
    /// The input `freshness` is off.
    FreshnessOff,
    /// Another target directory depends on times of files that it watches.
    OtherOutputs,
    /// A unit that it needs does not serve.
    Dependencies,
}
