//! What a new entry shares: files that the entry has from which the job started, or the unit pool. They get further names
//! and are not copied.

use super::job::Job;
use super::live::Live;
use super::pool::{Known, PoolUnit};
use super::trouble::Trouble;
use crate::store::Lease;
use crate::sys::{Dir, ManyOpenFiles};
use crate::tree::{self, Bases, NodeId};

/// For one root, where each of its files is already.
#[derive(Debug)]
pub(super) struct Shared {
    bases: Vec<Dir>,
    /// The number of the base that has the node.
    of: Vec<Option<u32>>,
}

impl Shared {
    /// With the entry from which the job started: `same` is the number of its root that is like `live`, and what of `live` is
    /// the same in it.
    pub(super) fn with_base(
        live: &Live,
        base: Option<&Lease>,
        same: Option<&(usize, Vec<bool>)>,
    ) -> Result<Self, Trouble> {
        let mut shared = Self { bases: Vec::new(), of: vec![None; live.root.tree.len() as usize] };
        if let (Some(base), Some((number, same))) = (base, same) {
            let ids = live.root.tree.iter().map(|(id, _)| id);
            shared.add(base.open_root(*number)?, ids.filter(|&id| same[id as usize]));
        }
        Ok(shared)
    }

    /// Adds what the unit pool has of the rest.
    pub(super) fn add_units(&mut self, job: &Job, live: &Live, known: &Known, files: &ManyOpenFiles) {
        let room = files.take(known.iter().count());
        for unit in known.iter().take(room) {
            self.add_unit(job, live, unit);
        }
    }

    /// For the tree engine.
    pub(super) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.bases, of: &self.of }
    }

    /// Adds a unit that is there, if the entry does not have it. One that cannot be read is copied.
    fn add_unit(&mut self, job: &Job, live: &Live, unit: &PoolUnit) {
        let (tree, own) = (&live.root.tree, unit.tree());
        let folder = tree.at(unit.unit.slot.as_bytes());
        if folder.is_none_or(|folder| self.of[folder as usize].is_some()) || !unit.is_in(tree) {
            return;
        }
        let Ok(root) = unit.lease.open_root(0) else { return };
        let mut same = own.same_as(tree);
        if tree::only_truly_same(own, &mut same, &live.dir, &root, &job.interrupt).is_ok() {
            let mut ids = Vec::new();
            own.for_each_pair(tree, |id, lives| ids.extend(same[id as usize].then_some(lives)));
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
