//! Where the files of a tree lie: each at its path in a directory, or with other small ones in a pack.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::Result;
use super::index::{Kind, NodeId, Tree};
use super::pack::Pack;
use crate::sys::{self, Dir, Errno};

/// The open directory that holds the files of one tree, and the pack with some of them.
#[derive(Debug)]
pub struct Files {
    dir: Arc<Dir>,
    pack: Option<Pack>,
}

impl Files {
    /// What is not in `pack` lies in `dir`; a directory that is packed is nowhere.
    pub fn new(dir: Dir, pack: Option<Pack>) -> Self {
        Self { dir: Arc::new(dir), pack }
    }

    /// The same for `part`, in which there are some of the nodes of `tree`.
    #[must_use]
    pub fn of_part(&self, tree: &Tree, part: &Tree) -> Self {
        let pack = self.pack.as_ref().map(|pack| pack.of_part(tree, part));
        Self { dir: Arc::clone(&self.dir), pack }
    }

    /// For the tree engine.
    pub fn location(&self) -> Location<'_> {
        Location { dir: &self.dir, pack: self.pack.as_ref() }
    }
}

impl From<Dir> for Files {
    fn from(dir: Dir) -> Self {
        Self::new(dir, None)
    }
}

/// The directory that holds the files of one tree, and its pack, as [`Files`] has them.
#[derive(Debug, Clone, Copy)]
pub struct Location<'a> {
    dir: &'a Dir,
    pack: Option<&'a Pack>,
}

impl<'a> Location<'a> {
    /// Where the node `id` of `tree` is, for messages: its path, that of a packed one as if the pack were a directory.
    pub fn path(&self, tree: &Tree, id: NodeId) -> PathBuf {
        let path = tree.path_below(0, id);
        match self.pack_of(id) {
            Some(pack) => pack.path().join(OsStr::from_bytes(&path)),
            None => self.dir.join(&path),
        }
    }

    /// What the file `id` of `tree` holds; `None` where it is not there.
    pub fn read(&self, tree: &Tree, id: NodeId) -> Result<Option<Vec<u8>>> {
        if self.is_packed(id) {
            self.read_packed(tree, id)
        } else {
            Ok(self.dir.read_file_if_present(&tree.path_below(0, id))?)
        }
    }

    /// Opens the file `id` of `tree`; `None` where it is packed or not there.
    pub fn open(&self, tree: &Tree, id: NodeId) -> Result<Option<File>> {
        if self.is_packed(id) {
            return Ok(None);
        }
        match self.dir.open_file(&tree.path_below(0, id)) {
            Ok((file, _)) => Ok(Some(file.into())),
            Err(error) if error.is(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the file `id` of `tree` holds if it is packed.
    pub(super) fn read_packed(&self, tree: &Tree, id: NodeId) -> Result<Option<Vec<u8>>> {
        match (self.pack_of(id), tree.node(id).kind) {
            (Some(pack), Kind::File { size, .. }) => pack.read(id, size).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether `id` is packed.
    pub fn is_packed(&self, id: NodeId) -> bool {
        self.pack_of(id).is_some()
    }

    /// How many nodes are packed.
    pub(super) fn count_packed(&self) -> usize {
        self.pack.map_or(0, Pack::count)
    }

    /// The directory.
    pub fn dir(&self) -> &'a Dir {
        self.dir
    }

    fn pack_of(&self, id: NodeId) -> Option<&'a Pack> {
        self.pack.filter(|pack| pack.has(id))
    }
}

impl<'a> From<&'a Dir> for Location<'a> {
    fn from(dir: &'a Dir) -> Self {
        Self { dir, pack: None }
    }
}

/// One directory of a tree, opened once something in it is asked for.
#[derive(Debug)]
pub(super) struct OpenDirectory<'a> {
    tree: &'a Tree,
    location: Location<'a>,
    id: NodeId,
    opened: OnceLock<Dir>,
}

impl<'a> OpenDirectory<'a> {
    /// The directory `id` of `tree`.
    pub(super) fn new(tree: &'a Tree, location: Location<'a>, id: NodeId) -> Self {
        Self { tree, location, id, opened: OnceLock::new() }
    }

    /// Its directory `child`.
    pub(super) fn below(&self, child: NodeId) -> sys::Result<Self> {
        let below = Self::new(self.tree, self.location, child);
        if !self.location.is_packed(child) {
            let dir = self.dir()?.open_dir(self.tree.name(child))?;
            below.opened.get_or_init(|| dir);
        }
        Ok(below)
    }

    /// Where it lies itself; `None` where it is packed.
    pub(super) fn own(&self) -> sys::Result<Option<&Dir>> {
        (!self.location.is_packed(self.id)).then(|| self.dir()).transpose()
    }

    /// Where its children lie that are not packed.
    pub(super) fn dir(&self) -> sys::Result<&Dir> {
        if let Some(dir) = self.opened.get() {
            return Ok(dir);
        }
        let dir = self.location.dir.open_beneath(&self.tree.path_below(0, self.id))?;
        Ok(self.opened.get_or_init(|| dir))
    }

    /// What its child `id` holds if it is packed.
    pub(super) fn packed(&self, id: NodeId) -> Result<Option<Vec<u8>>> {
        self.location.read_packed(self.tree, id)
    }

    /// Whether its child `id` is packed.
    pub(super) fn is_packed(&self, id: NodeId) -> bool {
        self.location.is_packed(id)
    }
}
