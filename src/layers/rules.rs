//! What is particular to a layer, and asked at the same point of each restore and save.

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::plan::{LayerPlan, RootPlan};
use crate::store::{Candidate, Header};
use crate::sys::Lock;
use crate::tree::{self, NodeId, Tree};

/// How much of what a layer is about an entry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// It is of other paths, and does not serve.
    OtherPaths,
    /// It has none of the tools, and does not serve.
    OtherTools,
    /// It has something of it.
    Part,
    /// It has all of it.
    Whole,
}

impl Coverage {
    /// Whether `candidate`, an entry with this `header`, is an exact hit: its key is the one that was looked for, and it holds all
    /// that this promises.
    pub(crate) fn is_exact_hit(self, candidate: &Candidate, header: &Header) -> bool {
        candidate.is_exact && self == Self::Whole && header.finality.is_final()
    }

    /// Whether the entry can serve.
    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::Part | Self::Whole)
    }

    /// Of an entry that was saved from the same roots, or serves as well if they are others.
    pub(crate) fn by_contents(plan: &LayerPlan, entry: &Header) -> Self {
        if entry.contents == plan.contents { Self::Whole } else { Self::Part }
    }

    /// Of an entry that serves only if it was saved from the same roots: as with `actions/cache`, other paths under the same key
    /// are another thing.
    pub(crate) fn by_same_contents(plan: &LayerPlan, entry: &Header) -> Self {
        if entry.contents == plan.contents { Self::Whole } else { Self::OtherPaths }
    }
}

/// Tells of a file of a tree, by its node and its path, whether it is replaced when it changes, and never rewritten.
pub(crate) type Replaced<'t> = Box<dyn Fn(NodeId, &[u8]) -> bool + 't>;

/// A layer's own rules.
pub(crate) trait Rules {
    /// How much of it `entry` has.
    fn coverage(&self, entry: &Header) -> Coverage;

    /// What keeps other programs from the layer's directories while files come or go.
    fn lock(&self, _job: &Job) -> Result<Option<Lock>, Trouble> {
        Ok(None)
    }

    /// Which files of `tree`, what is or will be in `root`, are replaced and never rewritten; `None` where none is. `others`
    /// are the trees of the layer's other roots.
    fn replaced<'t>(
        &self,
        root: &'t RootPlan,
        tree: &'t Tree,
        others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>>;

    /// Whether a change of the file `id` alone is no reason for another entry.
    fn is_noise(&self, _tree: &Tree, _id: NodeId) -> bool {
        false
    }
}
