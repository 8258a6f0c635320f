//! Small files of a tree in one file, one after another in the order of their nodes.
//!
//! A file of a few hundred bytes costs its name, its inode and a block, each with calls of its own, and a target directory has
//! thousands of them. What must not be linked, since somebody writes into it, is not there for its inode's sake: its bytes
//! are enough, and the tree tells the rest.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::{Kind, NodeId, Tree};
use super::node_set::NodeSet;
use super::{Error, Result};
use crate::sys::{self, Dir, FileType};

/// An open pack of some tree's files.
#[derive(Debug)]
pub struct Pack {
    file: Arc<OwnedFd>,
    path: PathBuf,
    /// For each node whether it is packed.
    packed: Vec<bool>,
    /// And where its bytes begin then.
    starts: Vec<u64>,
}

impl Pack {
    /// Opens the pack `name` in `dir` with those nodes of `tree` that are `packed`.
    pub fn open(dir: &Dir, name: &[u8], tree: &Tree, packed: &NodeSet) -> Result<Self> {
        let (file, stat) = dir.open_file(name)?;
        let (path, packed) = (dir.join(name), packed.flags(tree));
        let mut length = 0;
        let starts = tree.iter().zip(&packed).map(|((_, node), &is_packed)| {
            let before = length;
            if let (Kind::File { size, .. }, true) = (node.kind, is_packed) {
                length = u64::saturating_add(length, size);
            }
            before
        });
        let starts = starts.collect();
        let what = if stat.kind != FileType::RegularFile {
            "not a regular file".to_owned()
        } else if stat.size != length {
            format!("{} bytes instead of {length}", stat.size)
        } else if stat.mtime != tree.node(0).mtime {
            "modification time differs".to_owned()
        } else {
            return Ok(Self { file: Arc::new(file), path, packed, starts });
        };
        Err(Error::Changed { path, what })
    }

    /// The same for `part`, in which there are some of the nodes of `tree`.
    pub(super) fn of_part(&self, tree: &Tree, part: &Tree) -> Self {
        let count = part.len() as usize;
        let (mut packed, mut starts) = (vec![false; count], vec![0; count]);
        part.for_each_pair(tree, |id, of_whole| {
            packed[id as usize] = self.packed[of_whole as usize];
            starts[id as usize] = self.starts[of_whole as usize];
        });
        Self { file: Arc::clone(&self.file), path: self.path.clone(), packed, starts }
    }

    /// Whether the node `id` is in it.
    pub(super) fn has(&self, id: NodeId) -> bool {
        self.packed[id as usize]
    }

    /// How many nodes are in it.
    pub(super) fn count(&self) -> usize {
        self.packed.iter().filter(|&&is_packed| is_packed).count()
    }

    /// Where it is, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the packed file `id` of `size` bytes holds.
    pub(super) fn read(&self, id: NodeId, size: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let read = sys::read_at(&*self.file, &mut bytes, self.starts[id as usize])
            .map_err(|errno| sys::Error::new("read", &self.path, errno))?;
        if read < bytes.len() {
            return Err(Error::Changed { path: self.path.clone(), what: "ends early".into() });
        }
        Ok(bytes)
    }
}
