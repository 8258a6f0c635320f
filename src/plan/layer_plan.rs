//! What one layer restores and saves.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job_layer::JobLayer;
use super::pool::PoolPlan;
use super::roots::RootPlan;
use crate::cargo::{Kept, Tool};
use crate::store::{Factor, Lanes, Layer, Query, Scope};

/// What one layer restores and saves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerPlan {
    /// Its key.
    pub key: String,
    /// Prefixes of keys that will do, best first.
    pub restore_keys: Vec<String>,
    /// What the key was made from; nothing for a key that the user gave.
    pub factors: Vec<Factor>,
    /// What the keys of versions of one thing have in common.
    pub family: String,
    /// A digest of what it is about: an entry that is about something else does not serve, or not exactly.
    pub contents: String,
    /// What it is about.
    pub roots: Vec<RootPlan>,
    /// What is planned for layers of its kind alone.
    pub spec: LayerSpec,
}

impl LayerPlan {
    /// The layer.
    pub fn layer(&self) -> Layer {
        self.spec.layer().into()
    }

    /// Whose entries will do. Another lane's build of this commit may be for another target triple.
    pub fn lanes(&self) -> Lanes {
        if matches!(self.spec, LayerSpec::Builds { .. }) { Lanes::Own } else { Lanes::Any }
    }

    /// The question for its entries in `scopes`, by a job of `lane`.
    pub fn query<'p>(&'p self, scopes: &'p [Scope], lane: &'p str, now: Timestamp) -> Query<'p> {
        Query {
            layer: self.layer(),
            scopes,
            key: &self.key,
            restore_keys: &self.restore_keys,
            lane,
            lanes: self.lanes(),
            may_be_partial: self.promise() != Promise::Nothing,
            now,
        }
    }

    /// What is planned for target directories, where it is about these.
    pub fn target(&self) -> Option<&TargetPlan> {
        if let LayerSpec::Target(target) = &self.spec { Some(target) } else { None }
    }

    /// The sources that it is built from.
    pub fn sources(&self) -> Option<&SourcesPlan> {
        Some(&self.target()?.sources)
    }

    /// The packages whose executables it is about.
    pub fn tools(&self) -> &[Tool] {
        if let LayerSpec::Bins { tools } = &self.spec { tools } else { &[] }
    }

    /// What is built, where the key tells the commits.
    pub fn checkouts(&self) -> &[Checkout] {
        if let LayerSpec::Builds { checkouts } = &self.spec { checkouts } else { &[] }
    }

    /// The lock files that name what of it is used; nothing where all is.
    pub fn locks(&self) -> &[PathBuf] {
        if let LayerSpec::Cargo { locks } = &self.spec { locks } else { &[] }
    }

    /// The pool from which it is completed, and to which it adds.
    pub fn pool(&self) -> Option<&PoolPlan> {
        self.target()?.pool.as_ref()
    }

    /// What its key promises of an entry.
    pub fn promise(&self) -> Promise {
        match self.spec {
            // Cargo judges these itself.
            LayerSpec::Cargo { .. } | LayerSpec::Target(_) => Promise::Nothing,
            // Tools may lack, or be of any version.
            LayerSpec::Bins { .. } => Promise::Parts,
            LayerSpec::Builds { .. } => Promise::Settled,
            LayerSpec::Paths { promise } => promise,
        }
    }
}

/// What is planned for one layer, by its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layer", rename_all = "lowercase")]
pub enum LayerSpec {
    /// Downloads of cargo.
    Cargo {
        /// The lock files that name what of it is used; nothing where all is.
        #[serde(with = "super::paths::several")]
        locks: Vec<PathBuf>,
    },
    /// Target directories.
    Target(Box<TargetPlan>),
    /// Build outputs.
    Builds {
        /// What is built: the key tells the commits.
        checkouts: Vec<Checkout>,
    },
    /// Paths of the user and of presets.
    Paths {
        /// What the key promises.
        promise: Promise,
    },
    /// Installed tools.
    Bins {
        /// The packages whose executables it is about.
        tools: Vec<Tool>,
    },
}

impl LayerSpec {
    /// The layer.
    pub fn layer(&self) -> JobLayer {
        match self {
            Self::Cargo { .. } => JobLayer::Cargo,
            Self::Target(_) => JobLayer::Target,
            Self::Builds { .. } => JobLayer::Builds,
            Self::Paths { .. } => JobLayer::Paths,
            Self::Bins { .. } => JobLayer::Bins,
        }
    }
}

/// What an exact hit promises to whoever skips a step by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// Nothing: what is there is looked at by whoever uses it.
    Nothing,
    /// That nothing of it is half-made; all of it need not be there.
    Parts,
    /// As [`Promise::Parts`], and builds only add to it.
    Growing,
    /// That all of it is there: then there is nothing to save after an exact hit.
    Settled,
}

/// What is planned for target directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlan {
    /// The sources that they are built from.
    pub sources: SourcesPlan,
    /// What is saved besides what the job's builds used.
    pub kept: Kept,
    /// The pool from which they are completed, and to which they add.
    pub pool: Option<PoolPlan>,
}

/// A checkout, and its commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Its directory, or one in it.
    #[serde(with = "super::paths::one")]
    pub directory: PathBuf,
    /// What is checked out.
    pub commit: String,
}

/// Where the sources of a layer are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcesPlan {
    /// The job's directory.
    #[serde(with = "super::paths::one")]
    pub directory: PathBuf,
    /// The workspaces that are built.
    #[serde(with = "super::paths::several")]
    pub workspaces: Vec<PathBuf>,
    /// Where cargo puts units, each with the workspaces that are built there.
    pub outputs: Vec<OutputPlan>,
    /// Directories that what is built can be bound to.
    #[serde(with = "super::paths::several")]
    pub places: Vec<PathBuf>,
    /// The cargo home of the builds.
    #[serde(default, with = "super::paths::optional")]
    pub home: Option<PathBuf>,
    /// Whether units may serve that were made of sources which are as they were.
    pub is_compared: bool,
}

/// A root in which there are units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputPlan {
    /// The root's name.
    pub root: String,
    /// The workspaces that are built there.
    #[serde(with = "super::paths::several")]
    pub workspaces: Vec<PathBuf>,
}
