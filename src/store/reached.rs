//! Whether an entry of an earlier boot, which nobody noted as flushed, has reached the disk all the same: a virtual machine whose
//! disk goes to the next one ends with its last job, and another host may be at work on the same disk.
//!
//! The file system is asked. After a power cut, one with a journal of what is written where has a file short, or with extents
//! that were never written, but not whole and full of something else.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::entry::Lease;
use super::{Error, Result};
use crate::sys::{self, Errno, Interrupt, Keeping, Written};
use crate::tree::{self, Kind, NodeId};

/// The file in an entry that tells that it was looked at.
const REACHED: &[u8] = b"reached";

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
            match self.written(index, keeping)? {
                Written::All => {}
                Written::AllButHoles => return Err(Error::Uncertain { path }),
                Written::Less => return Err(Error::Unflushed { path }),
            }
        }
        // Without the note it is looked at again. It is no use of the entry.
        let stat = self.dir().stat_self()?;
        let noted = self.dir().make_file(REACHED, 0o644);
        let _ = noted.and_then(|()| self.dir().finish_self(None, stat.mtime));
        Ok(())
    }

    /// How much of the root `index` is there.
    fn written(&self, index: usize, keeping: Keeping) -> Result<Written> {
        let root = &self.manifest().roots[index];
        // What lies in another entry was there before this one, whose maker looked at that.
        let own: Vec<bool> = (0..root.tree.len()).map(|id| root.elsewhere.is_own(id)).collect();
        let files = match self.open_root(index) {
            // A pack that is short, or a folder that was never written out.
            Err(Error::Pack(tree::Error::Changed { .. })) => return Ok(Written::Less),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(Written::Less),
            files => files?,
        };
        let mut chosen = own.clone();
        root.tree.add_folders_around(&mut chosen);
        let interrupt = Interrupt::default();
        if !tree::verify(&root.tree, files.folders(), false, Some(&chosen), &interrupt)?.damages.is_empty() {
            return Ok(Written::Less);
        }
        if keeping == Keeping::Elsewhere {
            return Ok(Written::All);
        }
        let of_file = |id: NodeId| -> Result<Written> {
            let Kind::File { size, .. } = root.tree.node(id).kind else { return Ok(Written::All) };
            // What is packed is no file.
            let file = if own[id as usize] { files.folders().open(&root.tree, id)? } else { None };
            Ok(file.map_or(Written::All, |file| sys::written(&file, size)))
        };
        let of_files = (0..root.tree.len()).into_par_iter().map(of_file);
        let of_files = of_files.try_reduce(|| Written::All, |one, other| Ok(one.max(other)))?;
        Ok(of_files.max(self.pack_written(index)?))
    }

    fn pack_written(&self, index: usize) -> Result<Written> {
        match self.open_pack(index) {
            Ok((file, stat)) => Ok(sys::written(&file, stat.size)),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(Written::All),
            Err(error) => Err(error),
        }
    }
}
