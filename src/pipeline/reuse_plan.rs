//! What a new entry shares: files that the base, the entry from which the job started, or the unit pool has. They are not
//! copied, and get further names.

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::base_diff::BaseDiff;
use crate::layers::units::pool::{PoolUnit, PooledUnits};
use crate::layers::working_tree::WorkingTree;
use crate::store::{Lease, Scope};
use crate::sys::{Dir, ManyOpenFiles};
use crate::tree::{
    self, Bases, Engine, NewPack, NodeId, NodeSet, Packed, Source, Subtree, TransferStats, Tree,
};

/// Of a root what is packed, and what is borrowed.
pub(crate) struct Sets {
    pub(crate) packed: NodeSet,
    pub(crate) borrowed: NodeSet,
}

/// For one root, where each of its files is already. Nothing of it is packed yet.
pub(crate) struct ReusePlan {
    bases: Vec<Dir>,
    /// For each node of the working tree the number of the base that has it.
    of: Vec<Option<u32>>,
    /// For each node of the working tree whether the entry from which the job started has it, in whatever way.
    is_known: Vec<bool>,
    /// For each node of the working tree whether a base has it.
    is_based: Vec<bool>,
    /// For each node of the working tree whether what has it is of a scope that the job does not write to.
    borrowed: Vec<bool>,
}

impl ReusePlan {
    /// Nothing is shared: all is new.
    pub(crate) fn of_nothing(working: &WorkingTree) -> Self {
        let count = working.root.tree.len() as usize;
        let flags = vec![false; count];
        Self {
            bases: Vec::new(),
            of: vec![None; count],
            is_known: flags.clone(),
            is_based: flags.clone(),
            borrowed: flags,
        }
    }

    /// With the entry from which the job started, of a job that writes to `own`.
    pub(crate) fn with_base(
        working: &WorkingTree,
        base: &Lease,
        diff: &BaseDiff,
        own: &Scope,
    ) -> Result<Self, Trouble> {
        let tree = &working.root.tree;
        let is_based: Vec<_> = tree.iter().map(|(id, _)| diff.is_linkable(id)).collect();
        let of_base = &base.manifest().roots[diff.number].tree;
        let mut borrowed = tree.of_same_paths(of_base, &base.borrowed(diff.number, Some(own)));
        for (borrowed, is_based) in borrowed.iter_mut().zip(&is_based) {
            *borrowed &= is_based;
        }
        Ok(Self {
            bases: vec![base.open_directory(diff.number)?],
            of: is_based.iter().map(|&is_based| is_based.then_some(0)).collect(),
            is_known: diff.same.clone(),
            is_based,
            borrowed,
        })
    }

    /// Adds what the unit pool has, in a job that writes to `own`.
    pub(crate) fn add_units(
        &mut self,
        job: &Job,
        working: &WorkingTree,
        known: &PooledUnits,
        files: &ManyOpenFiles,
        own: &Scope,
    ) {
        let room = files.take(known.iter().count());
        for unit in known.iter().take(room) {
            self.add_unit(job, working, unit, own);
        }
    }

    /// Packs what is small of `source`, the working tree. The rest is to be placed.
    pub(crate) fn pack(
        self,
        source: Source<'_>,
        new: &NewPack<'_>,
        engine: Engine<'_>,
    ) -> Result<(PlacePlan, TransferStats), Trouble> {
        let Some(Packed { packed, rest, stats }) = tree::pack(source, new, engine)? else {
            return Ok((self.pack_nothing(), TransferStats::default()));
        };
        let of = rest.of_these(&self.of);
        Ok((PlacePlan { packed, rest: Some(rest), of, ..self.pack_nothing() }, stats))
    }

    /// All is to be placed.
    pub(crate) fn pack_nothing(self) -> PlacePlan {
        let Self { bases, of, borrowed, .. } = self;
        PlacePlan { packed: NodeSet::default(), rest: None, bases, of, borrowed }
    }

    /// Whether a base has the node `id` of the working tree.
    pub(crate) fn is_based(&self, id: NodeId) -> bool {
        self.is_based[id as usize]
    }

    /// For the tree engine, where all is to be placed.
    pub(crate) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.bases, of: &self.of }
    }

    /// Adds a unit that is there, if the entry does not have it. One that cannot be read is copied.
    fn add_unit(&mut self, job: &Job, working: &WorkingTree, unit: &PoolUnit, own: &Scope) {
        let (tree, of_unit) = (&working.root.tree, unit.tree());
        let directory = tree.at(unit.unit.slot.as_bytes());
        if directory.is_none_or(|directory| self.is_known[directory as usize]) || !unit.is_in(tree) {
            return;
        }
        let Ok(root) = unit.lease.open_directory(0) else { return };
        let is_packed = unit.lease.manifest().roots[0].packed.flags(of_unit);
        let borrowed = unit.lease.borrowed(0, Some(own));
        let mut same = of_unit.same_as(tree);
        if tree::only_truly_same(of_unit, &mut same, &working.dir, (&root).into(), &job.interrupt).is_ok() {
            let mut ids = Vec::new();
            of_unit.for_each_pair(tree, |id, in_tree| {
                if same[id as usize] && !is_packed[id as usize] {
                    ids.push(in_tree);
                    self.is_based[in_tree as usize] = true;
                    self.borrowed[in_tree as usize] |= borrowed[id as usize];
                }
            });
            self.add(root, ids);
        }
    }

    fn add(&mut self, base: Dir, ids: impl IntoIterator<Item = NodeId>) {
        let number = u32::try_from(self.bases.len()).ok();
        self.bases.push(base);
        for id in ids {
            let of = &mut self.of[id as usize];
            *of = of.or(number);
        }
    }
}

/// A [`ReusePlan`] once its pack is made: what is left to be placed. Units can be added no more.
pub(crate) struct PlacePlan {
    /// What lies in the root's pack.
    packed: NodeSet,
    /// What is to be placed, where that is not all.
    rest: Option<Subtree>,
    bases: Vec<Dir>,
    /// For each node that is to be placed the number of the base that has it.
    of: Vec<Option<u32>>,
    /// For each node of the working tree whether what has it is of a scope that the job does not write to.
    borrowed: Vec<bool>,
}

impl PlacePlan {
    /// What is to be placed of `working`.
    pub(crate) fn tree<'t>(&'t self, working: &'t WorkingTree) -> &'t Tree {
        self.rest.as_ref().map_or(&working.root.tree, |rest| &rest.tree)
    }

    /// What is said of nodes of the working tree, of those that are to be placed.
    pub(crate) fn of_placed(&self, said: Vec<bool>) -> Vec<bool> {
        match &self.rest {
            Some(rest) => rest.of_these(&said),
            None => said,
        }
    }

    /// For the tree engine.
    pub(crate) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.bases, of: &self.of }
    }

    /// For the manifest.
    pub(crate) fn into_sets(self) -> Sets {
        Sets { packed: self.packed, borrowed: NodeSet::of(&self.borrowed) }
    }
}
