//! What a new entry shares: files that the entry has from which the job started, or the unit pool. They get further names
//! and are not copied.

use super::live::Live;
use super::pool::{self, Known, PoolUnit};
use super::trouble::Trouble;
use crate::store::Lease;
use crate::sys::{Dir, ManyOpenFiles};
use crate::tree::{self, Bases};

/// For one root, where each of its files is already.
#[derive(Debug, Default)]
pub(super) struct Shared {
    roots: Vec<Dir>,
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
        let mut shared = Self { roots: Vec::new(), of: vec![None; live.root.tree.len() as usize] };
        if let (Some(base), Some((number, same))) = (base, same) {
            shared.add(base.open_root(*number)?, same);
        }
        Ok(shared)
    }

    /// Adds what the unit pool has of the rest.
    pub(super) fn add_units(&mut self, live: &Live, known: &Known, files: &ManyOpenFiles) {
        let room = pool::room(files, known.count());
        for unit in known.iter() {
            if self.roots.len() < room {
                self.add_unit(live, unit);
            }
        }
    }

    /// For the tree engine.
    pub(super) fn bases(&self) -> Bases<'_> {
        Bases { roots: &self.roots, of: &self.of }
    }

    /// Adds a unit that is there, if the entry does not have it. One that cannot be read is copied.
    fn add_unit(&mut self, live: &Live, unit: &PoolUnit) {
        let tree = &live.root.tree;
        let folder = tree.at(unit.unit.slot.as_bytes());
        if folder.is_none_or(|folder| self.of[folder as usize].is_some()) || !unit.is_in(tree) {
            return;
        }
        let Ok(root) = unit.lease.open_root(0) else { return };
        let mut same = tree.same_as(unit.tree());
        if tree::only_truly_same(tree, &mut same, &live.dir, &root).is_ok() {
            self.add(root, &same);
        }
    }

    fn add(&mut self, root: Dir, same: &[bool]) {
        let number = u32::try_from(self.roots.len()).ok();
        self.roots.push(root);
        for (of, _) in self.of.iter_mut().zip(same).filter(|(of, same)| of.is_none() && **same) {
            *of = number;
        }
    }
}
