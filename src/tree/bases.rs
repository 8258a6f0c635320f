//! Where a file that was placed before is linked from.

use super::Result;
use super::index::{NodeId, Tree};
use crate::sys::Dir;

/// Trees that were placed before and hold some of the same files: these are hard-linked from there.
#[derive(Debug, Clone, Copy)]
pub struct Bases<'a> {
    /// The roots' directories.
    pub roots: &'a [Dir],
    /// For each node of the *source* the number of the tree that has the same at the same path.
    pub of: &'a [Option<u32>],
}

impl Bases<'_> {
    /// Whether the file `id` of the source can be linked.
    pub(super) fn have(&self, id: NodeId) -> bool {
        self.of[id as usize].is_some()
    }

    /// Links the file `id` of the source from where it is the same; `above` is what its directory is, `near` where another
    /// file of that directory was. `false` where it cannot be had.
    pub(super) fn link(
        &self,
        tree: &Tree,
        id: NodeId,
        above: Option<&BaseDirectory>,
        near: &mut Option<BaseDirectory>,
        to: &Dir,
        to_name: &[u8],
    ) -> Result<bool> {
        let Some(number) = self.of[id as usize] else { return Ok(false) };
        let is_it = |directory: &&BaseDirectory| directory.number == number;
        if above.filter(is_it).or(near.as_ref().filter(is_it)).is_none() {
            // Many trees have a part each of one directory.
            let directory = tree.path_below(0, tree.node(id).parent);
            let Ok(dir) = self.roots[number as usize].open_beneath(&directory) else { return Ok(false) };
            *near = Some(BaseDirectory { number, dir });
        }
        match above.filter(is_it).or(near.as_ref()) {
            Some(directory) => linked_from(&directory.dir, tree.name(id), to, to_name),
            None => Ok(false),
        }
    }

    /// The directory `id` of the source where it is the same; `above` is what its parent is. `None` where it cannot be had: the
    /// source has it as well.
    pub(super) fn open(
        &self,
        tree: &Tree,
        id: NodeId,
        above: Option<&BaseDirectory>,
    ) -> Option<BaseDirectory> {
        let number = self.of[id as usize]?;
        let opened = match above {
            Some(above) if above.number == number => above.dir.open_dir(tree.name(id)),
            _ => self.roots[number as usize].open_beneath(&tree.path_below(0, id)),
        };
        Some(BaseDirectory { number, dir: opened.ok()? })
    }
}

/// A directory of one of the bases.
pub(super) struct BaseDirectory {
    number: u32,
    dir: Dir,
}

/// `false` where the file cannot have a further name there.
pub(super) fn linked_from(directory: &Dir, name: &[u8], to: &Dir, to_name: &[u8]) -> Result<bool> {
    match directory.link(name, to, to_name) {
        Ok(()) => Ok(true),
        Err(error) if error.is_of_unlinkable() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
