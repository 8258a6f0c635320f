//! Where the files of a tree lie: each at its path in one of several folders, or with others in a pack.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::Result;
use super::index::{Kind, NodeId, Tree};
use super::pack::{PACKED, Pack};
use crate::sys::{self, Dir, Errno};

/// The open folders that together hold the files of one tree, and its pack.
#[derive(Debug)]
pub struct Files {
    dirs: Arc<[Dir]>,
    of: Vec<u8>,
    pack: Option<Pack>,
}

impl Files {
    /// The node `id` lies in `dirs[of[id]]`, where `of` ends before it in `dirs[0]`, and where that says [`PACKED`] in `pack`. A
    /// folder is also there where something below it lies, but for its own attributes; one that is packed is nowhere.
    pub fn new(dirs: Vec<Dir>, of: Vec<u8>, pack: Option<Pack>) -> Self {
        Self { dirs: dirs.into(), of, pack }
    }

    /// The same for `part`, in which there are some of the nodes of `tree`.
    #[must_use]
    pub fn of_part(&self, tree: &Tree, part: &Tree) -> Self {
        let mut of = Vec::new();
        if !self.of.is_empty() {
            of.resize(part.len() as usize, 0);
            part.for_each_pair(tree, |id, of_whole| of[id as usize] = self.of[of_whole as usize]);
        }
        let pack = self.pack.as_ref().map(|pack| pack.of_part(tree, part));
        Self { dirs: Arc::clone(&self.dirs), of, pack }
    }

    /// The folders.
    pub fn dirs(&self) -> &[Dir] {
        &self.dirs
    }

    /// In which of the folders the node `id` lies, or [`PACKED`].
    pub fn place(&self, id: NodeId) -> u8 {
        self.folders().place(id)
    }

    /// For the tree engine.
    pub fn folders(&self) -> Folders<'_> {
        Folders { dirs: &self.dirs, of: &self.of, pack: self.pack.as_ref() }
    }
}

impl From<Dir> for Files {
    fn from(dir: Dir) -> Self {
        Self::new(vec![dir], Vec::new(), None)
    }
}

/// The folders that together hold the files of one tree, and its pack, as [`Files`] has them.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    dirs: &'a [Dir],
    of: &'a [u8],
    pack: Option<&'a Pack>,
}

impl<'a> Folders<'a> {
    /// Where the node `id` of `tree` is, for messages: its path, that of a packed one as if the pack were a folder.
    pub fn path(&self, tree: &Tree, id: NodeId) -> PathBuf {
        let path = tree.path_below(0, id);
        match (self.number(id), self.pack) {
            (None, Some(pack)) => pack.path().join(OsStr::from_bytes(&path)),
            (number, _) => self.dirs[number.unwrap_or(0)].join(&path),
        }
    }

    /// What the file `id` of `tree` holds; `None` where it is not there.
    pub fn read(&self, tree: &Tree, id: NodeId) -> Result<Option<Vec<u8>>> {
        match self.number(id) {
            None => self.read_packed(tree, id),
            Some(number) => Ok(self.dirs[number].read_file_if_present(&tree.path_below(0, id))?),
        }
    }

    /// Opens the file `id` of `tree`; `None` where it is packed or not there.
    pub fn open(&self, tree: &Tree, id: NodeId) -> Result<Option<File>> {
        let Some(number) = self.number(id) else { return Ok(None) };
        match self.dirs[number].open_file(&tree.path_below(0, id)) {
            Ok((file, _)) => Ok(Some(file.into())),
            Err(error) if error.is(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the file `id` of `tree` holds if it is packed.
    pub(super) fn read_packed(&self, tree: &Tree, id: NodeId) -> Result<Option<Vec<u8>>> {
        match (self.number(id), self.pack, tree.node(id).kind) {
            (None, Some(pack), Kind::File { size, .. }) => pack.read(id, size).map(Some),
            _ => Ok(None),
        }
    }

    /// Whether `id` is packed.
    pub fn is_packed(&self, id: NodeId) -> bool {
        self.number(id).is_none()
    }

    /// How many nodes are packed.
    pub(super) fn count_packed(&self) -> usize {
        memchr::memchr_iter(PACKED, self.of).count()
    }

    /// The first of the folders.
    pub(super) fn first(&self) -> &'a Dir {
        &self.dirs[0]
    }

    /// In which of the folders `id` lies; `None` for what is packed.
    fn number(&self, id: NodeId) -> Option<usize> {
        let place = self.place(id);
        (place != PACKED).then_some(place.into())
    }

    fn place(&self, id: NodeId) -> u8 {
        self.of.get(id as usize).copied().unwrap_or(0)
    }
}

impl<'a> From<&'a Dir> for Folders<'a> {
    fn from(dir: &'a Dir) -> Self {
        Self { dirs: std::slice::from_ref(dir), of: &[], pack: None }
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
    pub(super) fn below(&self, child: NodeId) -> sys::Result<Self> {
        let below = Self::new(self.tree, self.folders, child);
        if let Some(number) = self.folders.number(child) {
            let dir = self.at(number)?.open_dir(self.tree.name(child))?;
            below.opened[number].get_or_init(|| dir);
        }
        Ok(below)
    }

    /// Where it lies itself; `None` where it is packed.
    pub(super) fn own(&self) -> sys::Result<Option<&Dir>> {
        self.folders.number(self.id).map(|number| self.at(number)).transpose()
    }

    /// Where its child `id` lies, which is not packed.
    pub(super) fn with(&self, id: NodeId) -> sys::Result<&Dir> {
        self.at(self.folders.number(id).unwrap_or(0))
    }

    /// What its child `id` holds if it is packed.
    pub(super) fn packed(&self, id: NodeId) -> Result<Option<Vec<u8>>> {
        self.folders.read_packed(self.tree, id)
    }

    /// Whether its child `id` is packed.
    pub(super) fn is_packed(&self, id: NodeId) -> bool {
        self.folders.is_packed(id)
    }

    fn at(&self, number: usize) -> sys::Result<&Dir> {
        if let Some(dir) = self.opened[number].get() {
            return Ok(dir);
        }
        let dir = self.folders.dirs[number].open_beneath(&self.tree.path_below(0, self.id))?;
        Ok(self.opened[number].get_or_init(|| dir))
    }
}
