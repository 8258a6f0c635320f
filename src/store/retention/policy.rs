//! What the user allows the store to take.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::store::Layer;
use crate::sys::Space;

/// How many entries of one family are kept. A layer that is not named is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep(BTreeMap<Layer, usize>);

impl Keep {
    /// Keeps all.
    pub fn all() -> Self {
        Self(BTreeMap::new())
    }

    /// Keeps `counts`; each is at least 1.
    pub fn new(counts: BTreeMap<Layer, usize>) -> Self {
        Self(counts)
    }

    /// This, with the numbers in `counts` instead of its own.
    #[must_use]
    pub fn with(mut self, counts: BTreeMap<Layer, usize>) -> Self {
        self.0.extend(counts);
        self
    }

    /// The number for `layer`.
    pub(super) fn of(&self, layer: Layer) -> Option<usize> {
        self.0.get(&layer).copied()
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self(BTreeMap::from([(Layer::Cargo, 5), (Layer::Target, 3), (Layer::Builds, 5), (Layer::Bins, 3)]))
    }
}

/// What may stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// How many entries of one family.
    pub keep: Keep,
    /// How long after its last use an entry stays.
    pub max_age: Option<SignedDuration>,
    /// Bytes of the whole store on the disk.
    pub max_size: Option<u64>,
    /// What is to be left free on the disk.
    pub min_free: MinFree,
    /// Whether entries of compilers that their repositories no longer use go.
    #[serde(default)]
    pub older_toolchains: bool,
}

/// What is to be left free on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum MinFree {
    /// So many bytes; and [`MinFree::DEFAULT_PERCENT`] of the inodes.
    Bytes(u64),
    /// So many percent of the bytes, and of the inodes.
    Percent(f64),
}

impl Eq for MinFree {}

impl MinFree {
    const DEFAULT_PERCENT: f64 = 5.0;
}

impl Default for MinFree {
    fn default() -> Self {
        Self::Percent(Self::DEFAULT_PERCENT)
    }
}

/// Room on a disk: that is needed, missing or was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Inodes.
    pub inodes: u64,
}

impl Room {
    /// Whether it is no room at all.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl MinFree {
    /// That of the two which leaves less free on a disk like `space`.
    #[must_use]
    pub fn laxer(self, other: Self, space: Space) -> Self {
        let full = Space { free_bytes: 0, free_inodes: 0, ..space };
        let asked = |one: Self| one.shortage(full, Room::default());
        if asked(self).bytes <= asked(other).bytes { self } else { other }
    }

    /// What is missing in `space` when `needed` is to be written there besides.
    pub fn shortage(self, space: Space, needed: Room) -> Room {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a whole is neither negative nor more than it"
        )]
        let share = |percent: f64, whole: u64| (whole as f64 * percent / 100.0) as u64;
        let (bytes, percent) = match self {
            Self::Bytes(bytes) => (bytes, Self::DEFAULT_PERCENT),
            Self::Percent(percent) => (share(percent, space.bytes), percent),
        };
        // A file system without a number makes inodes as they are needed.
        let inodes = if space.inodes == 0 { 0 } else { share(percent, space.inodes) + needed.inodes };
        Room {
            bytes: bytes.saturating_add(needed.bytes).saturating_sub(space.free_bytes),
            inodes: inodes.saturating_sub(space.free_inodes),
        }
    }
}
