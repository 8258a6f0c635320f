//! What is particular to a layer, and asked at the same point of each restore and save.

use std::path::{Path, PathBuf};

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::base_diff::ComparedRoot;
use crate::layers::working_tree::WorkingTree;
use crate::layers::worth::Worth;
use crate::outcome::{LackingTool, NotSaved};
use crate::plan::{JobStatus, LayerPlan, Outset, RootPlan, SessionLayer};
use crate::store::{Candidate, Header, LayerData, Lease, Root};
use crate::sys::Dir;
use crate::tree::{self, Existing, NodeId, Selection, Tree};

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

/// A save under way, as the rules of a layer see it.
#[derive(Clone, Copy)]
pub(crate) struct Saving<'a> {
    pub(crate) job: &'a Job,
    /// The entry that the job started from.
    pub(crate) base: Option<&'a Lease>,
    /// How the job ended.
    pub(crate) status: JobStatus,
}

/// A layer's own rules. They live for one transfer or one save: what was found by one step is there for the next.
pub(crate) trait Rules {
    /// How much of it `entry` has.
    fn coverage(&self, entry: &Header) -> Coverage;

    /// Keeps other programs from the layer's directories, while files come or go, for as long as the rules are there.
    fn lock(&mut self, _job: &Job) -> Result<(), Trouble> {
        Ok(())
    }

    /// Which files of `tree`, what is or will be in `root`, are replaced and never rewritten; `None` where none is. `others`
    /// are the trees of the layer's other roots.
    fn replaced<'t>(
        &self,
        root: &'t RootPlan,
        tree: &'t Tree,
        others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>>;

    /// Before files of `entry` come.
    fn before_files(&mut self, _job: &Job, _entry: &Header) -> Result<(), Trouble> {
        Ok(())
    }

    /// What of `recorded`, a root of an entry, is wanted in `directory`, where that is not all.
    fn wanted(&self, _root: &RootPlan, _recorded: &Root, _directory: &Path) -> Option<Tree> {
        None
    }

    /// What becomes of files that are in `directory` when those of `root` come.
    fn existing(&self, root: &RootPlan, _directory: &Path) -> Result<Existing, Trouble> {
        Ok(root.existing)
    }

    /// After the files came, or not. Tells what was asked for and is not there, and why.
    fn after_files(&mut self, _job: &Job, _have_come: bool) -> Vec<LackingTool> {
        Vec::new()
    }

    /// After the restore, when nothing more comes: marks what is there, so that a save can tell what was used. `restored` has what an entry
    /// brought into which of them; nothing where that is not all that came.
    fn mark(&self, _job: &Job, _restored: Option<Vec<(PathBuf, &Tree)>>) {}

    /// What of the layer's files is known now that the restore is over, where the save has to know that.
    fn outset(&self, _job: &Job) -> Option<Outset> {
        None
    }

    /// Leaves that for a save without a session.
    fn leave_outset(&self, _job: &Job) {}

    /// What an earlier restore of this job left by [`Rules::leave_outset`].
    fn left_outset(&self, _job: &Job) -> Option<Outset> {
        None
    }

    /// Why nothing is kept of a job that ended so, whatever the user wants; `None` where that is the user's to say.
    fn reason_not_to_read(&self, _status: JobStatus) -> Option<NotSaved> {
        None
    }

    /// Before the layer's directories are read for a save.
    fn before_reading(&mut self, _job: &Job) -> Result<(), Trouble> {
        Ok(())
    }

    /// What of `directory` can be saved as `root`; `None` where nothing of it can.
    fn selection(
        &self,
        _saving: Saving<'_>,
        root: &RootPlan,
        _directory: &Path,
    ) -> Result<Option<Selection>, Trouble> {
        Ok(Some(Selection::new(&root.include, &root.exclude)?))
    }

    /// What of `whole`, which is in `dir`, is worth saving as `root`, where that is not all.
    fn worth(
        &self,
        _saving: Saving<'_>,
        _root: &RootPlan,
        _dir: &Dir,
        _whole: &Tree,
    ) -> Result<Option<Worth>, Trouble> {
        Ok(None)
    }

    /// Where there was no file, as far as people cannot know it.
    fn places_to_tell(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Looks once more at all roots together.
    fn leave_out(&self, _saving: Saving<'_>, _working: &mut [WorkingTree<'_>]) {}

    /// Why nothing of `roots` is kept; `None` where it is.
    fn reason_not_to_keep(
        &self,
        _saving: Saving<'_>,
        _layer: &SessionLayer,
        _roots: &[ComparedRoot<'_>],
    ) -> Option<NotSaved> {
        None
    }

    /// Whether what lies in `root` never changes: then nobody has to look whether a file is what it was.
    fn is_immutable(&self, _root: &RootPlan) -> bool {
        false
    }

    /// Whether a change of the file `id` alone is no reason for another entry.
    fn is_noise(&self, _tree: &Tree, _id: NodeId) -> bool {
        false
    }

    /// Whether the header of a new entry would tell nothing of this layer that `base` does not.
    fn is_told_by(&self, _base: &Header) -> bool {
        true
    }

    /// Whether an entry that has more than what is there is as good as a new one.
    fn may_have_more(&self) -> bool {
        false
    }

    /// What the header of a new entry tells of this layer alone.
    fn data(&self) -> LayerData;
}
