//! Events, as values.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;

use crate::store::Layer;
use crate::sys::sha256_hex;

/// Where a process ran that appends events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// The host's name.
    pub host: String,
    /// The runner's name.
    pub runner: Option<String>,
    /// Number of the run and of its attempt.
    pub run: Option<String>,
    /// The ref of the run.
    pub reference: Option<String>,
}

/// Runs of one job that restore and save the same thing: their events are compared with each other. A changed lock file or
/// compiler changes keys, and not the family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Family {
    /// `owner/name`.
    pub repository: String,
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// The lane of the job.
    pub lane: String,
    /// The layer.
    pub layer: Layer,
    /// A digest of what is cached, in the user's words.
    pub contents: String,
}

/// What tells a key from others. Keys are users' words, of which nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub i64);

impl KeyDigest {
    /// That of a key.
    pub fn of(key: &str) -> Self {
        let digest = sha256_hex(key.as_bytes());
        Self(u64::from_str_radix(&digest[..16], 16).expect("it is hexadecimal").cast_signed())
    }
}

/// How well a layer was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// By an entry of the very key.
    Exact,
    /// By an entry of a restore key.
    Partial,
    /// By compiled dependencies of the unit pool alone.
    Composed,
    /// Not at all, and it was wanted.
    Miss,
    /// Not at all, and nothing was to be restored.
    Bypass,
}

impl Served {
    pub(super) const ALL: [Self; 5] = [Self::Exact, Self::Partial, Self::Composed, Self::Miss, Self::Bypass];

    /// The code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::Composed => "composed",
            Self::Miss => "miss",
            Self::Bypass => "bypass",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|served| served.name() == name)
    }

    /// Whether something was restored.
    pub fn is_hit(self) -> bool {
        matches!(self, Self::Exact | Self::Partial | Self::Composed)
    }
}

/// Files that were moved between cache and job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How most of them got there: `reflink`, `hardlink`, `copy` or `kept`; nothing where there are none.
    pub link: Option<&'static str>,
}

/// The restore of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// How well it was served.
    pub served: Served,
    /// Why not by its very key: the code of the miss, or of the bypass.
    pub cause: Option<String>,
    /// The parts of the key that differ from the nearest entry's, as `rustc,lock`.
    pub factors: Option<String>,
    /// What was restored.
    pub moved: Moved,
    /// To choose an entry; to bring its files; to complete them from the unit pool.
    pub steps: [Duration; 3],
}

/// What became of a layer that was to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// It is a new entry.
    Entry,
    /// Nothing, without any trouble.
    Not,
    /// Nothing, with a warning.
    Failed,
}

impl Kept {
    pub(super) const ALL: [Self; 3] = [Self::Entry, Self::Not, Self::Failed];

    /// The code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Not => "not",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kept| kept.name() == name)
    }
}

/// To read what is there; to place its files; to note and publish it; to add to the unit pool.
pub type SaveSteps = [Duration; 4];

/// How a job began that is now over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    /// How its restore was served.
    pub served: Served,
    /// How long it worked from its restore to its save; nothing where it did not succeed.
    pub worked: Option<Duration>,
    /// The time that the cache saved it, as an estimate; nothing where there is nothing to compare with. Negative where the
    /// job took longer.
    pub saved: Option<SignedDuration>,
}

/// The save of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// What became of it.
    pub kept: Kept,
    /// Why nothing was saved: the code.
    pub cause: Option<String>,
    /// What was saved.
    pub moved: Moved,
    /// How long each step took.
    pub steps: SaveSteps,
    /// How the job began, and how long it worked. Only one layer of a job has this, or it would count several times.
    pub began: Option<Began>,
}

/// Entries that went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evicted {
    /// Why: the code.
    pub reason: String,
    /// Their ref, where it is one entry.
    pub reference: Option<String>,
    /// Whether that is the default branch, which all other refs read.
    pub is_of_default_branch: bool,
    /// How many.
    pub entries: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
}

/// What the disk guard came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// There is enough now: entries went for it.
    Freed,
    /// There is too little all the same.
    Short,
}

impl Checked {
    pub(super) const ALL: [Self; 2] = [Self::Freed, Self::Short];

    /// The code.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freed => "freed",
            Self::Short => "short",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|checked| checked.name() == name)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A layer was restored, or not.
    Restore {
        /// Whose.
        family: Family,
        /// What was looked for.
        key: KeyDigest,
        /// How that went.
        restored: Restored,
    },
    /// A layer was saved, or not.
    Save {
        /// Whose.
        family: Family,
        /// Under which key.
        key: KeyDigest,
        /// How that went.
        saved: Saved,
    },
    /// Entries went.
    Eviction {
        /// Whose.
        family: Family,
        /// The key, where it is one entry.
        key: Option<KeyDigest>,
        /// What went, and why.
        evicted: Evicted,
    },
    /// Damaged entries or units were found and taken out of use.
    Damage {
        /// How many.
        entries: u64,
    },
    /// A disk had too little room.
    Guard {
        /// What came of it.
        checked: Checked,
        /// Entries that went for it.
        entries: u64,
        /// Bytes that were free before.
        free: u64,
    },
}

/// An event's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Restore,
    Save,
    Eviction,
    Damage,
    Guard,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Restore, Self::Save, Self::Eviction, Self::Damage, Self::Guard];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Eviction => "eviction",
            Self::Damage => "damage",
            Self::Guard => "guard",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
