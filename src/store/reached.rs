//! Whether an entry of an earlier boot, which nobody noted as flushed, has reached the disk all the same: a virtual machine whose
//! disk goes to the next one ends with its last job, and another host may be at work on the same disk.
//!
//! The file system is asked. After a power cut, one with a journal of what is written where has a file short, or with holes or
//! extents that were never written, but not whole and full of something else. Holes and such extents may also be meant.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::lease::Lease;
use super::{Error, Result};
use crate::sys::{self, Errno, Interrupt, Keeping};
use crate::tree::{self, Kind, NodeId};

/// The file in an entry that tells that it was looked at.
const REACHED: &[u8] = b"reached";

/// What there is of a root.
enum Found {
    All,
    /// Something may be lost.
    Unclear,
    Lost,
}

impl Lease {
    /// Looks at all files, unless that was done. [`Error::Unflushed`] where something of them is lost, [`Error::Uncertain`] where
    /// nothing can tell.
    pub(super) fn check_that_it_reached_the_disk(&self) -> Result<()> {
        if self.dir().stat_if_present(REACHED)?.is_some() {
            return Ok(());
        }
        let path = self.id().path();
        let keeping = sys::keeping(self.dir())?;
        if keeping == Keeping::Unknown {
            return Err(Error::Uncertain { path });
        }
        for index in 0..self.manifest().roots.len() {
            match self.find(index, keeping)? {
                Found::All => {}
                Found::Unclear => return Err(Error::Uncertain { path }),
                Found::Lost => return Err(Error::Unflushed { path }),
            }
        }
        // Without the note it is looked at again. It is no use of the entry.
        let stat = self.dir().stat_self()?;
        let noted = self.dir().make_file(REACHED, 0o644);
        let _ = noted.and_then(|()| self.dir().finish_self(None, stat.mtime));
        Ok(())
    }

    /// How much of the root `index` is there.
    fn find(&self, index: usize, keeping: Keeping) -> Result<Found> {
        let root = &self.manifest().roots[index];
        let files = match self.open_root(index) {
            // A pack that is short, or a directory that was never written out.
            Err(Error::Pack(tree::Error::Changed { .. })) => return Ok(Found::Lost),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(Found::Lost),
            files => files?,
        };
        let interrupt = Interrupt::default();
        if !tree::verify(&root.tree, files.location(), false, None, &interrupt)?.damages.is_empty() {
            return Ok(Found::Lost);
        }
        if keeping == Keeping::Elsewhere {
            return Ok(Found::All);
        }
        let is_written = |id: NodeId| -> Result<bool> {
            let Kind::File { size, .. } = root.tree.node(id).kind else { return Ok(true) };
            // What is packed is no file.
            let file = files.location().open(&root.tree, id)?;
            Ok(file.is_none_or(|file| sys::is_written(&file, size)))
        };
        let of_files = (0..root.tree.len()).into_par_iter().map(is_written);
        let are_written = of_files.try_reduce(|| true, |one, other| Ok(one && other))?;
        Ok(if are_written && self.is_pack_written(index)? { Found::All } else { Found::Unclear })
    }

    fn is_pack_written(&self, index: usize) -> Result<bool> {
        match self.open_pack(index) {
            Ok((file, stat)) => Ok(sys::is_written(&file, stat.size)),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
