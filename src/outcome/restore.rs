//! What a restore did.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::in_seconds;
use super::miss::Miss;
use crate::cargo::{Misfit, WhyLeftOut};
use crate::ledger::Run;
use crate::store::Layer;
use crate::tree::TransferStats;

/// How well a key was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hit {
    /// By an entry of that very key.
    Exact,
    /// By one of a restore key.
    Partial,
    /// By no entry, but by compiled dependencies of the unit pool.
    Composed,
    /// Not at all.
    Miss,
}

impl Hit {
    /// The word for outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Partial => "partial",
            Self::Composed => "composed",
            Self::Miss => "miss",
        }
    }
}

/// Files that were brought into the job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// What was done.
    pub stats: TransferStats,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
    /// The parts of the layer in which there are files now.
    pub parts: Vec<String>,
    /// How the sources were compared with those of the entry; nothing where that plays no part.
    pub sources: Option<SourcesKept>,
    /// Which units serve; nothing where there are none.
    pub units: Option<UnitsKept>,
    /// Tools that were asked for and did not come.
    pub lacking: Vec<LackingTool>,
}

/// A tool that did not come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LackingTool {
    /// Which, as the user named it.
    pub tool: String,
    /// Why.
    #[serde(flatten)]
    pub why: Misfit,
}

/// What of the sources is as it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SourcesKept {
    /// Files that hold the same.
    pub same: u64,
    /// Files that hold something else, or are gone.
    pub changed: u64,
}

/// Which units of an entry serve.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnitsKept {
    /// How many do.
    pub served: u64,
    /// Others, by reason.
    pub left_out: Vec<UnitsLeftOut>,
}

/// Units that do not serve, of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitsLeftOut {
    /// The reason.
    pub code: WhyLeftOut,
    /// How many they are.
    pub units: u64,
    /// What the first of them is about, such as a source's path.
    pub first: String,
}

impl UnitsKept {
    /// Counts a unit that does not serve.
    pub fn leave_out(&mut self, code: WhyLeftOut, what: String) {
        match self.left_out.iter_mut().find(|left_out| left_out.code == code) {
            Some(left_out) => left_out.units += 1,
            None => self.left_out.push(UnitsLeftOut { code, units: 1, first: what }),
        }
    }
}

/// What the unit pool gave to a target directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Composed {
    /// Units.
    pub units: u64,
    /// Packages of which they are.
    pub packages: u64,
    /// Packages that the lock files name.
    pub locked: u64,
}

/// What a restore did for one layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerRestore {
    /// The layer.
    pub layer: Layer,
    /// The key that was looked for.
    pub key: String,
    /// How well it was served.
    pub hit: Hit,
    /// The entry that served it.
    pub matched: Option<Matched>,
    /// What was brought; nothing on a miss and when only looking.
    pub transfer: Option<Transfer>,
    /// What the unit pool gave.
    pub composed: Option<Composed>,
    /// Why it was not served by its very key.
    pub reason: Option<Miss>,
    /// The directory of the key's entries.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub directory: PathBuf,
    /// How long each step took.
    pub times: RestoreTimes,
}

/// The entry that served a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// Its key.
    pub key: String,
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its lane, if that is not the job's own.
    pub lane: Option<String>,
}

/// How long the steps of a layer's restore took, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RestoreTimes {
    /// To choose an entry, and to compare sources with it.
    #[serde(serialize_with = "in_seconds")]
    pub lookup: Duration,
    /// To bring its files.
    #[serde(serialize_with = "in_seconds")]
    pub files: Duration,
    /// To complete them from the unit pool.
    #[serde(serialize_with = "in_seconds")]
    pub pool: Duration,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestoreOutcome {
    /// The layers that took part.
    pub layers: Vec<LayerRestore>,
    /// The key of the cargo layer, for other jobs.
    pub cargo_key: Option<String>,
    /// The key of the target layer, for other jobs.
    pub target_key: Option<String>,
    /// The root of the cache.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub cache_root: PathBuf,
    /// The cargo home that the job has for itself.
    #[serde(serialize_with = "crate::sys::lossy::some")]
    pub own_cargo_home: Option<PathBuf>,
    /// Whether the job's cargo is to compile incrementally, where the user has said it.
    pub incremental: Option<bool>,
    /// How long it took, from the start of the process.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
    /// What the layers did in earlier runs of the same job; empty where that is unknown.
    pub history: Vec<LayerHistory>,
}

/// The last runs of a layer's family, the oldest first, this one last.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerHistory {
    /// The layer.
    pub layer: Layer,
    /// The runs.
    pub runs: Vec<Run>,
}

impl LayerRestore {
    /// Adds what the unit pool gave.
    pub fn complete(&mut self, composed: Composed, more: Transfer) {
        if self.hit == Hit::Miss {
            self.hit = Hit::Composed;
        }
        self.composed = Some(composed);
        match &mut self.transfer {
            Some(transfer) => {
                transfer.stats += more.stats;
                transfer.took += more.took;
            }
            None => self.transfer = Some(more),
        }
    }
}

impl RestoreOutcome {
    /// One without any layer.
    pub fn of_nothing(cache_root: &Path, took: Duration) -> Self {
        Self {
            layers: Vec::new(),
            cargo_key: None,
            target_key: None,
            cache_root: cache_root.to_path_buf(),
            own_cargo_home: None,
            incremental: None,
            took,
            history: Vec::new(),
        }
    }

    /// The layer that `cache-hit` and `cache-primary-key` are about: what the user listed, else the target directory, else
    /// what there is.
    pub fn primary(&self) -> Option<&LayerRestore> {
        let rank = |layer: Layer| match layer {
            Layer::Paths => 0,
            Layer::Target => 1,
            Layer::Cargo => 2,
            Layer::Builds => 3,
            Layer::Bins => 4,
            Layer::Units => 5,
        };
        self.layers.iter().min_by_key(|layer| rank(layer.layer))
    }
}
