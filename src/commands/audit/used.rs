//! Which units a command asks for, told by the times of reading of their fingerprints, as with the sweep.
//!
//! An earlier step of the job may have used units already, and its save goes by the same times: what the command does not
//! read gets its time back.

use crate::cargo::{Unit, units};
use crate::layers::target_dir::sweep::{self, MARK};
use crate::sys::{self, Dir, Time};
use crate::tree::Tree;

/// The marks on the units of a target directory.
pub(super) struct Marks {
    /// Each fingerprint with its time of reading before; nothing where the disk keeps no such times.
    before: Option<Vec<(Vec<u8>, Time)>>,
}

impl Marks {
    /// Marks the units of `dir`, in which there is `tree`.
    pub(super) fn set(dir: &Dir, tree: &Tree) -> sys::Result<Self> {
        let fingerprints = units(tree).into_iter().flat_map(|unit| unit.fingerprints);
        let before = fingerprints.map(|id| {
            let path = tree.path_below(0, id);
            let time = dir.accessed(&path)?;
            Ok((path, time))
        });
        let before = before.collect::<sys::Result<_>>()?;
        Ok(Self { before: sweep::try_mark(dir, tree)?.then_some(before) })
    }

    /// Of each of the `units` that are in `dir` now, as `tree`, whether it was asked for; nothing where that is not known.
    pub(super) fn used(&self, dir: &Dir, tree: &Tree, units: &[Unit]) -> sys::Result<Option<Vec<bool>>> {
        if self.before.is_none() {
            return Ok(None);
        }
        units
            .iter()
            .map(|unit| sweep::is_used(dir, tree, &unit.fingerprints))
            .collect::<sys::Result<_>>()
            .map(Some)
    }

    /// Takes the marks away.
    pub(super) fn take_away(self, dir: &Dir, tree: &Tree) -> sys::Result<()> {
        for (path, time) in self.before.unwrap_or_default() {
            if tree.at(&path).is_some() && dir.accessed(&path)? == MARK {
                dir.set_accessed(&path, time)?;
            }
        }
        Ok(())
    }
}
