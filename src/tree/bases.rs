//! Where a file that was placed before is linked from.

use super::Result;
use super::index::{NodeId, Tree};
use crate::sys::{Dir, Errno};

/// Trees that were placed before and hold some of the same files: these are hard-linked from there.
#[derive(Debug, Clone, Copy)]
pub struct Bases<'a> {
    /// The roots' folders.
    pub roots: &'a [Dir],
    /// For each node of the *source* the number of the tree that has the same at the same path.
    pub of: &'a [Option<u32>],
}

impl Bases<'_> {
    /// Whether the file `id` of the source can be linked.
    pub(super) fn have(&self, id: NodeId) -> bool {
        self.of[id as usize].is_some()
    }

    /// Links the file `id` of the source from where it is the same; `above` is what its folder is. `false` where it cannot be
    /// had.
    pub(super) fn link(
        &self,
        tree: &Tree,
        id: NodeId,
        above: Option<&BaseFolder>,
        to: &Dir,
        to_name: &[u8],
    ) -> Result<bool> {
        let Some(number) = self.of[id as usize] else { return Ok(false) };
        if let Some(above) = above.filter(|above| above.number == number) {
            return linked_from(&above.dir, tree.name(id), to, to_name);
        }
        // Many trees have a part each of one folder.
        let folder = tree.path_below(0, tree.node(id).parent);
        match self.roots[number as usize].open_beneath(&folder) {
            Ok(dir) => linked_from(&dir, tree.name(id), to, to_name),
            Err(_) => Ok(false),
        }
    }

    /// The folder `id` of the source where it is the same; `above` is what its parent is. `None` where it cannot be had: the
    /// source has it as well.
    pub(super) fn open(&self, tree: &Tree, id: NodeId, above: Option<&BaseFolder>) -> Option<BaseFolder> {
        let number = self.of[id as usize]?;
        let opened = match above {
            Some(above) if above.number == number => above.dir.open_dir(tree.name(id)),
            _ => self.roots[number as usize].open_beneath(&tree.path_below(0, id)),
        };
        Some(BaseFolder { number, dir: opened.ok()? })
    }
}

/// A folder of one of the bases.
pub(super) struct BaseFolder {
    number: u32,
    dir: Dir,
}

/// Why a file cannot have a further name: it has all that it can have, lies elsewhere, is somebody else's, or is gone.
const UNLINKABLE: [Errno; 6] =
    [Errno::MLINK, Errno::XDEV, Errno::PERM, Errno::ACCESS, Errno::OPNOTSUPP, Errno::NOENT];

/// `false` where the file cannot have a further name there.
pub(super) fn linked_from(folder: &Dir, name: &[u8], to: &Dir, to_name: &[u8]) -> Result<bool> {
    match folder.link(name, to, to_name) {
        Ok(()) => Ok(true),
        Err(error) if UNLINKABLE.iter().any(|&errno| error.is(errno)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
