//! A directory as it is now: walked once, and each of its files read at most once, however many snapshots it is compared with.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::index::{NodeId, Tree};
use super::select::Selection;
use super::walk::{Walked, walk};
use super::{Error, Result};
use crate::sys::{Digest, Dir, Interrupt};

/// The chosen part of a directory.
#[derive(Debug)]
pub struct Live {
    pub(super) directory: Dir,
    pub(super) tree: Tree,
    pub(super) caches: Vec<PathBuf>,
    /// Of the files that were read; nothing for one that cannot be, or that changed meanwhile.
    digests: Mutex<HashMap<NodeId, Option<Digest>>>,
}

impl Live {
    /// Walks `directory`.
    pub fn walk(directory: Dir, selection: &Selection, interrupt: &Interrupt) -> Result<Self> {
        let Walked { tree, caches, .. } = walk(&directory, selection, interrupt)?;
        Ok(Self { directory, tree, caches, digests: Mutex::default() })
    }

    /// Digests of the files `ids`, in their order.
    pub(super) fn digests(&self, ids: &[NodeId], interrupt: &Interrupt) -> Result<Vec<Option<Digest>>> {
        let known = || self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unread = ids.to_vec();
        unread.retain(|id| !known().contains_key(id));
        // Neighbours have one directory open.
        unread.sort_unstable();
        let found = read(&self.tree, &self.directory, unread, interrupt)?;
        let mut known = known();
        known.extend(found);
        Ok(ids.iter().map(|id| known[id]).collect())
    }
}

/// Digests of the files `ids` of `tree`; `None` for one that cannot be read or changes meanwhile.
pub(super) fn read(
    tree: &Tree,
    root: &Dir,
    ids: Vec<NodeId>,
    interrupt: &Interrupt,
) -> Result<Vec<(NodeId, Option<Digest>)>> {
    by_directory(tree, ids)
        .into_par_iter()
        .map(|(directory, files)| {
            let directory = root.open_beneath(&tree.path_below(0, directory))?;
            let digests = files.into_par_iter().map(|id| {
                if interrupt.is_raised() {
                    return Err(Error::Interrupted);
                }
                Ok((id, digest(tree, &directory, id)))
            });
            digests.collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()
        .map(|found| found.into_iter().flatten().collect())
}

fn digest(tree: &Tree, directory: &Dir, id: NodeId) -> Option<Digest> {
    let node = tree.node(id);
    let (file, before) = directory.open_file(tree.name(id)).ok()?;
    let digest = Digest::of_file(file).ok()?;
    let after = directory.stat(tree.name(id)).ok()?;
    let is_still = before.mtime == node.mtime && after.mtime == node.mtime && after.inode == before.inode;
    is_still.then_some(digest)
}

/// Files with the directory that they lie in; neighbours stay together.
pub(super) fn by_directory(tree: &Tree, ids: Vec<NodeId>) -> Vec<(NodeId, Vec<NodeId>)> {
    let mut groups: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    for id in ids {
        let parent = tree.node(id).parent;
        match groups.last_mut() {
            Some((directory, files)) if *directory == parent => files.push(id),
            _ => groups.push((parent, vec![id])),
        }
    }
    groups
}
