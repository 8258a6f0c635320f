//! What differs between a tree and a directory that holds something already.
//!
//! They are compared by kind, size, time and mode (one `statx` a file; in step with the tree, so that nothing outside of it is
//! read unless it is to be removed).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use super::alike::{hold_the_same, is_given};
use super::existing::Existing;
use super::failure::UntilFailure;
use super::index::{FileIdentity, Kind, NodeId, Tree};
use super::location::OpenDirectory;
use super::place::KEPT_BY_DIRECTORIES;
use super::source::Source;
use super::temporary::is_temporary;
use super::{Error, Result};
use crate::sys::{Dir, FileType, Interrupt, LOST_AND_FOUND, Stat, Time};

/// One thing to do.
#[derive(Debug)]
pub(super) struct Change {
    /// The directory it is in, as a node of the tree.
    pub(super) directory: NodeId,
    pub(super) name: Vec<u8>,
    /// What is to be there; `None` for nothing.
    pub(super) node: Option<NodeId>,
    /// Whether something is there now.
    pub(super) replaces: bool,
}

#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) changes: Vec<Change>,
    /// Directories whose mode or time is not the tree's. Where a change happens in a directory, its time will be off as well.
    pub(super) stale_directories: Vec<NodeId>,
    /// Directories in which their owner may not write, each with its mode.
    pub(super) locked: Vec<(NodeId, u16)>,
    /// Times of the directories in which something may change, as they are now.
    pub(super) times: Vec<(NodeId, Time)>,
    /// Files that are as they should be and have several names, in the tree or here, with what tells here which it is.
    linked: Vec<(NodeId, Inode)>,
    /// Files that stay, and their bytes.
    pub(super) kept: u64,
    pub(super) kept_bytes: u64,
}

/// A file on this host: device and number.
type Inode = ((u32, u32), u64);

/// Finds what differs, directories in parallel.
pub(super) fn compare(
    source: Source<'_>,
    destination: &Dir,
    existing: Existing,
    interrupt: &Interrupt,
) -> Result<Difference> {
    let (found, jobs) = (Mutex::default(), UntilFailure::new(interrupt));
    let comparison = Comparison { source, tree: source.tree, existing, found, jobs };
    let root = destination.open_beneath(b"")?;
    rayon::scope(|scope| comparison.jobs.run(|| comparison.compare(scope, 0, root)));
    comparison.jobs.finish()?;
    let mut found = comparison.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.judge_links(source.tree);
    // Neighbours together, whichever thread found them.
    found.changes.sort_unstable_by(|a, b| (a.directory, &a.name).cmp(&(b.directory, &b.name)));
    Ok(found)
}

struct Comparison<'a> {
    source: Source<'a>,
    tree: &'a Tree,
    existing: Existing,
    found: Mutex<Difference>,
    jobs: UntilFailure<'a>,
}

impl Comparison<'_> {
    /// Compares the directory `here` with that of the tree and hands its subdirectories on.
    fn compare<'scope>(&'scope self, scope: &Scope<'scope>, directory: NodeId, here: Dir) -> Result<()> {
        let tree = self.tree;
        let mut found = Difference::default();
        let node = tree.node(directory);
        let before = here.stat_self()?;
        if before.mode & !KEPT_BY_DIRECTORIES != node.mode || before.mtime != node.mtime {
            found.stale_directories.push(directory);
        }
        if before.mode & 0o200 == 0 {
            found.locked.push((directory, before.mode));
        }
        if self.existing == Existing::Mirror {
            here.for_each_name(|name| {
                // Another process may just now restore something in there, and a volume has something of its own.
                let stays = directory == 0 && (is_temporary(name) || name == LOST_AND_FOUND.as_bytes());
                if !stays && tree.child(directory, name).is_none() {
                    found.changes.push(Change { directory, name: name.to_vec(), node: None, replaces: true });
                }
            })?;
        }
        let here = Arc::new(here);
        for child in tree.children(directory) {
            let name = tree.name(child);
            let stat = here.stat_if_present(name)?;
            match (tree.node(child).kind, stat) {
                (Kind::Directory { .. }, Some(stat)) if stat.kind == FileType::Directory => {
                    let here = Arc::clone(&here);
                    scope.spawn(move |scope| {
                        self.jobs.run(|| self.compare(scope, child, here.open_dir(self.tree.name(child))?));
                    });
                }
                (_, Some(stat)) if self.existing == Existing::Keep && !self.is_shared_amiss(child, &stat) => {
                    found.keep(tree, child);
                }
                (_, Some(stat))
                    if self.is_same(child, &here, &stat)? && !self.is_shared_amiss(child, &stat) =>
                {
                    if stat.links > 1 || FileIdentity::of(tree, child) != FileIdentity::Alone(child) {
                        found.linked.push((child, (stat.device, stat.inode)));
                    } else {
                        found.keep(tree, child);
                    }
                }
                (_, stat) => {
                    let is_directory = stat.is_some_and(|stat| stat.kind == FileType::Directory);
                    if is_directory
                        && self.existing == Existing::Overwrite
                        && !here.open_dir(name)?.is_empty()?
                    {
                        return Err(Error::DirectoryInTheWay { path: here.join(name) });
                    }
                    let replaces = stat.is_some();
                    found.changes.push(Change {
                        directory,
                        name: name.to_vec(),
                        node: Some(child),
                        replaces,
                    });
                }
            }
        }
        if !found.changes.is_empty() || !found.linked.is_empty() {
            found.times.push((directory, before.mtime));
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).merge(found);
        Ok(())
    }

    fn is_same(&self, id: NodeId, here: &Dir, stat: &Stat) -> Result<bool> {
        let node = self.tree.node(id);
        if !looks_same(self.tree, id, here, stat)? {
            return Ok(false);
        }
        if !matches!(node.kind, Kind::File { .. }) || !is_given(node.mtime) {
            return Ok(true);
        }
        if self.source.location.is_packed(id) {
            // It has no such time, and to make it anew is never wrong.
            return Ok(false);
        }
        match self.directory_of(id).dir() {
            Ok(directory) => hold_the_same(directory, here, self.tree.name(id)),
            // The entry is damaged, as will be found when the file is to come from there.
            Err(_) => Ok(false),
        }
    }

    /// Whether the file here is that of the tree itself, and not to be: a job of another scope left it, or another version.
    fn is_shared_amiss(&self, id: NodeId, stat: &Stat) -> bool {
        let may_be_shared = self.source.linkable.get(id as usize) == Some(&true);
        if stat.links < 2 || may_be_shared || self.source.location.is_packed(id) {
            return false;
        }
        let directory = self.directory_of(id);
        let of_tree = directory.dir().and_then(|directory| directory.stat(self.tree.name(id)));
        of_tree.is_ok_and(|of_tree| (of_tree.device, of_tree.inode) == (stat.device, stat.inode))
    }

    /// The tree's own directory of the node `id`.
    fn directory_of(&self, id: NodeId) -> OpenDirectory<'_> {
        OpenDirectory::new(self.tree, self.source.location, self.tree.node(id).parent)
    }
}

impl Difference {
    /// Of the locked directories those in which something changes.
    pub(super) fn locked_with_changes(&self) -> Vec<(NodeId, u16)> {
        let changed: HashSet<_> = self.changes.iter().map(|change| change.directory).collect();
        // In the root there will be the staging.
        let is_open = |directory: NodeId| directory == 0 || changed.contains(&directory);
        self.locked.iter().copied().filter(|(directory, _)| is_open(*directory)).collect()
    }

    fn merge(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.stale_directories.extend(other.stale_directories);
        self.locked.extend(other.locked);
        self.times.extend(other.times);
        self.linked.extend(other.linked);
        self.kept += other.kept;
        self.kept_bytes += other.kept_bytes;
    }

    fn keep(&mut self, tree: &Tree, id: NodeId) {
        self.kept += 1;
        if let Kind::File { size, .. } = tree.node(id).kind {
            self.kept_bytes += size;
        }
    }

    /// Names of one file must become names of one file, and of two files of two: where only some of them are as they should
    /// be, or are different files, or another's, all are made anew.
    fn judge_links(&mut self, tree: &Tree) {
        let mut linked = std::mem::take(&mut self.linked);
        linked.sort_unstable();
        let mut files: BTreeMap<FileIdentity, Vec<(NodeId, Inode)>> = BTreeMap::new();
        for (id, inode) in linked {
            files.entry(FileIdentity::of(tree, id)).or_default().push((id, inode));
        }
        let members = tree.members();
        let mut owners = HashMap::new();
        for (file, found) in files {
            let (first, inode) = found[0];
            let is_whole = match file {
                FileIdentity::Alone(_) => true,
                FileIdentity::Group(group) => found.len() == members[&group],
            };
            let is_one = is_whole && found.iter().all(|(_, other)| *other == inode);
            if is_one && *owners.entry(inode).or_insert(file) == file {
                self.keep(tree, first);
                self.kept += found.len() as u64 - 1;
            } else {
                self.changes.extend(found.into_iter().map(|(id, _)| Change {
                    directory: tree.node(id).parent,
                    name: tree.name(id).to_vec(),
                    node: Some(id),
                    replaces: true,
                }));
            }
        }
    }
}

fn looks_same(tree: &Tree, id: NodeId, here: &Dir, stat: &Stat) -> Result<bool> {
    let node = tree.node(id);
    Ok(match node.kind {
        Kind::Directory { .. } => false,
        Kind::File { size, .. } => {
            stat.kind == FileType::RegularFile
                && (stat.size, stat.mtime, stat.mode) == (size, node.mtime, node.mode)
        }
        Kind::Symlink { target } => {
            stat.kind == FileType::Symlink
                && stat.mtime == node.mtime
                && here.read_symlink(tree.name(id))? == tree.text(target)
        }
    })
}
