//! A root of the working tree against the same root of the entry from which the job started.

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::working_tree::WorkingTree;
use crate::store::{Lease, Root};
use crate::tree::{self, Files, NodeId, Tree};

/// What of a root of the working tree the base, the entry from which the job started, has as well.
pub(crate) struct BaseDiff {
    /// The number of the base's root.
    pub(crate) number: usize,
    /// For each node of the working tree whether the base has the same.
    pub(crate) same: Vec<bool>,
    /// Where the base's files lie, by nodes of the working tree.
    files: Files,
}

/// A root of the working tree, compared with the base.
pub(crate) struct ComparedRoot<'a> {
    pub(crate) working: WorkingTree<'a>,
    /// `None` where there is no base, or it has no such root.
    pub(crate) diff: Option<BaseDiff>,
}

impl<'a> ComparedRoot<'a> {
    /// Compares `working` with the same root of `base`. In a root that is immutable, equal names and sizes prove equal contents.
    pub(crate) fn with(
        base: Option<&Lease>,
        working: WorkingTree<'a>,
        is_immutable: bool,
        job: &Job,
    ) -> Result<Self, Trouble> {
        let diff = match base {
            Some(base) => BaseDiff::find(job, base, &working, is_immutable)?,
            None => None,
        };
        Ok(Self { working, diff })
    }

    /// Bytes that the base does not have, of all that is there.
    pub(crate) fn new_bytes(&self) -> u64 {
        let Self { working: WorkingTree { root, whole, .. }, diff } = self;
        let all = whole.as_ref().unwrap_or(&root.tree).bytes();
        all.saturating_sub(diff.as_ref().map_or(0, |diff| diff.bytes_of(&root.tree)))
    }
}

impl BaseDiff {
    fn find(
        job: &Job,
        base: &Lease,
        working: &WorkingTree,
        is_immutable: bool,
    ) -> Result<Option<Self>, Trouble> {
        let (root, roots) = (&working.root, &base.manifest().roots);
        let is_it = |other: &Root| other.name == root.name && other.is_partial == root.is_partial;
        let Some(number) = roots.iter().position(is_it) else { return Ok(None) };
        let mut same = root.tree.same_as(&roots[number].tree);
        let files = base.open_root(number)?.of_part(&roots[number].tree, &root.tree);
        if !is_immutable {
            tree::only_truly_same(&root.tree, &mut same, &working.dir, files.location(), &job.interrupt)?;
        }
        Ok(Some(Self { number, same, files }))
    }

    /// Bytes of what the base has as well, of the working tree `tree`.
    fn bytes_of(&self, tree: &Tree) -> u64 {
        tree.count(|id| self.same[id as usize]).1
    }

    /// Whether the base has the node `id` with an inode of its own, which can get a further name.
    pub(crate) fn is_linkable(&self, id: NodeId) -> bool {
        self.same[id as usize] && !self.files.location().is_packed(id)
    }
}
