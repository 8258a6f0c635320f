//! What kind of thing an entry holds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of cached thing, each with a key, restore keys and retention of its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Downloads of cargo: registry index, crates, git databases.
    Cargo,
    /// Target directories.
    Target,
    /// Compiled dependencies, each unit by itself.
    Units,
    /// Build outputs, by commit.
    Builds,
    /// What the `path` input lists.
    Paths,
    /// Executables that `cargo install` made.
    Bins,
}

impl Layer {
    /// All layers, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Cargo, Self::Target, Self::Units, Self::Builds, Self::Paths, Self::Bins];

    /// The layers that a job has, in the order in which they are restored. Units belong to the target layer's work.
    pub const OF_JOBS: [Self; 5] = [Self::Cargo, Self::Target, Self::Builds, Self::Paths, Self::Bins];

    /// Whether small files of an entry lie in a pack, where they need no inode of their own.
    pub fn has_packs(self) -> bool {
        matches!(self, Self::Target | Self::Units)
    }

    /// The layer's name: in inputs, reports and as a directory below the root.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Target => "target",
            Self::Units => "units",
            Self::Builds => "builds",
            Self::Paths => "paths",
            Self::Bins => "bins",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
