//! Where the files of a tree lie: all in one folder, or some here and some there, each at its path.

use std::sync::OnceLock;

use super::index::{NodeId, Tree};
use crate::sys::{Dir, Result};

/// The folders that together hold the files of one tree.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    dirs: &'a [Dir],
    of: &'a [u8],
}

impl<'a> Folders<'a> {
    /// The node `id` lies in `dirs[of[id]]`, and where `of` ends before it in `dirs[0]`. A folder is also there where
    /// something below it lies, but for its own attributes.
    pub fn new(dirs: &'a [Dir], of: &'a [u8]) -> Self {
        Self { dirs, of }
    }

    /// The one in which `id` lies.
    pub fn with(&self, id: NodeId) -> &'a Dir {
        &self.dirs[self.number(id)]
    }

    /// The first of them.
    pub(super) fn first(&self) -> &'a Dir {
        &self.dirs[0]
    }

    fn number(&self, id: NodeId) -> usize {
        self.of.get(id as usize).copied().unwrap_or(0).into()
    }
}

impl<'a> From<&'a Dir> for Folders<'a> {
    fn from(dir: &'a Dir) -> Self {
        Self { dirs: std::slice::from_ref(dir), of: &[] }
    }
}

/// One folder of a tree, opened wherever something of it lies, once that is asked for.
#[derive(Debug)]
pub(super) struct OpenFolder<'a> {
    tree: &'a Tree,
    folders: Folders<'a>,
    id: NodeId,
    opened: Box<[OnceLock<Dir>]>,
}

impl<'a> OpenFolder<'a> {
    /// The folder `id` of `tree`.
    pub(super) fn new(tree: &'a Tree, folders: Folders<'a>, id: NodeId) -> Self {
        Self { tree, folders, id, opened: folders.dirs.iter().map(|_| OnceLock::new()).collect() }
    }

    /// Its folder `child`.
    pub(super) fn below(&self, child: NodeId) -> Result<Self> {
        let below = Self::new(self.tree, self.folders, child);
        let dir = self.with(child)?.open_dir(self.tree.name(child))?;
        below.opened[self.folders.number(child)].get_or_init(|| dir);
        Ok(below)
    }

    /// Where it lies itself.
    pub(super) fn own(&self) -> Result<&Dir> {
        self.at(self.folders.number(self.id))
    }

    /// Where its child `id` lies.
    pub(super) fn with(&self, id: NodeId) -> Result<&Dir> {
        self.at(self.folders.number(id))
    }

    fn at(&self, number: usize) -> Result<&Dir> {
        if let Some(dir) = self.opened[number].get() {
            return Ok(dir);
        }
        let dir = self.folders.dirs[number].open_beneath(&self.tree.path_below(0, self.id))?;
        Ok(self.opened[number].get_or_init(|| dir))
    }
}
