//! What the files of a directory hold, so that they are known again when other files with the same names take their place.
//!
//! A checkout gives every file the time of the checkout. Who takes a later time for a change, as cargo does, then does
//! all work again. A snapshot tells which files hold the same as before, and gives such of them the time that they had.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Result;
use super::alike::is_given;
use super::index::{Kind, Node, NodeId, Tree};
use super::live::{Live, by_directory, read};
use super::select::Selection;
use super::walk::walk;
use crate::sys::{Digest, Dir, Interrupt, Time};

/// What is read of one directory at most, in bytes: to read more each time would cost more than it can spare. What comes behind
/// counts as changed each time.
const MOST: u64 = 4 << 30;

/// A directory's files and what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    tree: Tree,
    /// For each regular file, in the order of the nodes, a digest of its contents; nothing where it was not read.
    digests: Vec<Option<Digest>>,
}

impl Snapshot {
    /// Reads the chosen part of `directory`. A file that has size and time of `earlier` holds what it held then and is not
    /// read again.
    pub fn take(
        directory: &Dir,
        selection: &Selection,
        earlier: Option<&Self>,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let tree = walk(directory, selection, interrupt)?.tree;
        let known = earlier.map(|earlier| earlier.by_pair(&tree)).unwrap_or_default();
        let mut found = vec![None; tree.len() as usize];
        let mut unknown = Vec::new();
        for (id, node) in tree.iter() {
            let Kind::File { size, .. } = node.kind else { continue };
            match known.get(id as usize).copied().flatten() {
                Some(Known { size: old, mtime, digest: Some(digest) })
                    if (old, mtime) == (size, node.mtime) && !is_given(mtime) =>
                {
                    found[id as usize] = Some(digest);
                }
                _ => unknown.push(id),
            }
        }
        let mut room = MOST;
        unknown.retain(|&id| match tree.node(id).kind {
            Kind::File { size, .. } if size <= room => {
                room -= size;
                true
            }
            _ => false,
        });
        for (id, digest) in read(&tree, directory, unknown, interrupt)? {
            found[id as usize] = digest;
        }
        let digests = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
        let digests = digests.map(|(id, _)| found[id as usize]).collect();
        Ok(Self { tree, digests })
    }

    /// What is in the directory.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Tells what of a directory is as it was.
    pub fn compare(&self, live: Arc<Live>, interrupt: &Interrupt) -> Result<Compared> {
        let digests = self.digests_by_node();
        let mut found = vec![None; self.tree.len() as usize];
        let mut unread = Vec::new();
        live.tree.for_each_pair(&self.tree, |ours, theirs| {
            let (now, then) = (live.tree.node(ours), self.tree.node(theirs));
            let likeness = likeness((&live.tree, ours), (&self.tree, theirs));
            found[theirs as usize] = Some(Found {
                mtime: now.mtime,
                is_same: likeness == Likeness::Same,
                other_names: other_names(&live.tree, ours, &self.tree, theirs),
            });
            if likeness == Likeness::AsFarAsKnown {
                let is_same_time = now.mtime == then.mtime && !is_given(then.mtime);
                match digests[theirs as usize] {
                    _ if is_same_time => {
                        found[theirs as usize] =
                            Some(Found { mtime: now.mtime, is_same: true, other_names: Vec::new() });
                    }
                    Some(digest) => unread.push((ours, (theirs, digest))),
                    None => {}
                }
            }
        });
        let ids: Vec<_> = unread.iter().map(|(id, _)| *id).collect();
        for (now, (_, (id, then))) in live.digests(&ids, interrupt)?.into_iter().zip(unread) {
            if let Some(found) = &mut found[id as usize] {
                found.is_same = now == Some(then);
            }
        }
        Ok(Compared { live, found })
    }

    /// For each node of an earlier snapshot of the directory the one that is in its place now, and whether that is as it was.
    pub fn since(&self, earlier: &Self) -> Vec<Option<(NodeId, bool)>> {
        let (now, then) = (self.digests_by_node(), earlier.digests_by_node());
        let mut found = vec![None; earlier.tree.len() as usize];
        self.tree.for_each_pair(&earlier.tree, |ours, theirs| {
            let is_same = match likeness((&self.tree, ours), (&earlier.tree, theirs)) {
                Likeness::Same => true,
                Likeness::AsFarAsKnown => {
                    let digest = now[ours as usize];
                    digest.is_some() && digest == then[theirs as usize]
                }
                Likeness::Other => false,
            };
            found[theirs as usize] = Some((ours, is_same));
        });
        found
    }

    /// Checks all that the rest relies on, for one that was read from a disk.
    pub fn is_sound(&self) -> bool {
        let is_file = |kind: Kind| matches!(kind, Kind::File { .. });
        self.tree.validate().is_ok()
            && self.digests.len() == self.tree.iter().filter(|(_, node)| is_file(node.kind)).count()
    }

    /// For each node of `other` what this snapshot knows of the file at the same path.
    fn by_pair(&self, other: &Tree) -> Vec<Option<Known>> {
        let digests = self.digests_by_node();
        let mut known = vec![None; other.len() as usize];
        other.for_each_pair(&self.tree, |theirs, ours| {
            let node = self.tree.node(ours);
            if let Kind::File { size, .. } = node.kind {
                known[theirs as usize] =
                    Some(Known { size, mtime: node.mtime, digest: digests[ours as usize] });
            }
        });
        known
    }

    fn digests_by_node(&self) -> Vec<Option<Digest>> {
        let mut digests = vec![None; self.tree.len() as usize];
        let files = self.tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
        for ((id, _), digest) in files.zip(&self.digests) {
            digests[id as usize] = *digest;
        }
        digests
    }
}

/// A directory beside a snapshot of it: what is as it was, and what is not.
#[derive(Debug)]
pub struct Compared {
    live: Arc<Live>,
    /// For each node of the snapshot what is in its place.
    found: Vec<Option<Found>>,
}

impl Compared {
    /// Directories that were not looked into, since their tag tells that they can be made again.
    pub fn caches(&self) -> &[PathBuf] {
        &self.live.caches
    }

    /// Whether the snapshot's node `id` is as it was: a file by what it holds and whether it can be run, a link by where it
    /// leads, a directory by the names in it and what they are names of.
    pub fn is_same(&self, id: NodeId) -> bool {
        self.found[id as usize].as_ref().is_some_and(|found| found.is_same)
    }

    /// The same, where names that `is_nothing` came or went are no difference: of files, links and empty directories.
    pub fn is_same_but(&self, snapshot: &Snapshot, id: NodeId, is_nothing: impl Fn(&[u8]) -> bool) -> bool {
        let name = snapshot.tree.name(id);
        match &self.found[id as usize] {
            None => is_nothing(name),
            Some(found) if found.is_same => true,
            Some(found) => {
                is_directory(&snapshot.tree, id)
                    && !found.other_names.is_empty()
                    && found.other_names.iter().all(|name| is_nothing(name))
            }
        }
    }

    /// Whether `name` is in the place of the snapshot's directory `id` and was not in that.
    pub fn has_new(&self, snapshot: &Snapshot, id: NodeId, name: &[u8]) -> bool {
        let found = self.found[id as usize].as_ref();
        let is_other = found.is_some_and(|found| found.other_names.iter().any(|other| **other == *name));
        is_other && snapshot.tree.child(id, name).is_none()
    }

    /// When what is in the place of the snapshot's node `id` last changed; `None` where nothing is.
    pub fn mtime(&self, id: NodeId) -> Option<Time> {
        self.found[id as usize].as_ref().map(|found| found.mtime)
    }

    /// How many files and links of the snapshot are as they were, and how many are not, or gone.
    pub fn count(&self, snapshot: &Snapshot) -> (u64, u64) {
        let is_leaf = |(_, node): &(NodeId, &Node)| !node.kind.is_directory();
        let leaves = snapshot.tree.iter().filter(is_leaf);
        leaves.fold(
            (0, 0),
            |(same, other), (id, _)| {
                if self.is_same(id) { (same + 1, other) } else { (same, other + 1) }
            },
        )
    }

    /// Gives the nodes `ids` of `snapshot`, of which this is the comparison and which are as they were, the times that they
    /// had, and tells how many had others.
    pub fn set_times(&self, snapshot: &Snapshot, ids: &[NodeId]) -> Result<u64> {
        let tree = &snapshot.tree;
        // What is gone needs no time.
        let is_other = |id: &NodeId| self.mtime(*id).is_some_and(|mtime| mtime != tree.node(*id).mtime);
        let (root, others): (Vec<_>, Vec<_>) = ids.iter().copied().filter(is_other).partition(|id| *id == 0);
        let count = (root.len() + others.len()) as u64;
        for (directory, ids) in by_directory(tree, others) {
            let directory = self.live.directory.open_beneath(&tree.path_below(0, directory))?;
            for id in ids {
                directory.set_mtime(tree.name(id), tree.node(id).mtime)?;
            }
        }
        if !root.is_empty() {
            self.live.directory.finish_self(None, tree.node(0).mtime)?;
        }
        Ok(count)
    }
}

/// What is in the place of a node of a snapshot.
#[derive(Debug, Clone)]
struct Found {
    mtime: Time,
    is_same: bool,
    /// Names in a directory that come or went.
    other_names: Vec<Box<[u8]>>,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
struct Known {
    size: u64,
    mtime: Time,
    digest: Option<Digest>,
}

/// How alike two nodes are that have the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Same,
    /// Files whose contents decide.
    AsFarAsKnown,
    Other,
}

fn likeness((one, a): (&Tree, NodeId), (other, b): (&Tree, NodeId)) -> Likeness {
    let (now, then) = (one.node(a), other.node(b));
    let same_if = |is_same: bool| if is_same { Likeness::Same } else { Likeness::Other };
    match (now.kind, then.kind) {
        (Kind::File { size: now_size, .. }, Kind::File { size: then_size, .. })
            // Of the mode git knows no more.
            if now_size == then_size && now.mode & 0o100 == then.mode & 0o100 =>
        {
            Likeness::AsFarAsKnown
        }
        (Kind::Symlink { target: now }, Kind::Symlink { target: then }) => {
            same_if(one.text(now) == other.text(then))
        }
        (Kind::Directory { .. }, Kind::Directory { .. }) => same_if(has_same_names(one, a, other, b)),
        _ => Likeness::Other,
    }
}

fn is_directory(tree: &Tree, id: NodeId) -> bool {
    tree.node(id).kind.is_directory()
}

/// Names that are in only one of two directories; none where one is no directory.
fn other_names(one: &Tree, directory: NodeId, other: &Tree, other_directory: NodeId) -> Vec<Box<[u8]>> {
    if !is_directory(one, directory) || !is_directory(other, other_directory) {
        return Vec::new();
    }
    let lacks = |tree: &Tree, directory: NodeId, name: &[u8]| tree.child(directory, name).is_none();
    let new =
        one.children(directory).map(|id| one.name(id)).filter(|name| lacks(other, other_directory, name));
    let gone =
        other.children(other_directory).map(|id| other.name(id)).filter(|name| lacks(one, directory, name));
    new.chain(gone).map(Into::into).collect()
}

fn has_same_names(one: &Tree, directory: NodeId, other: &Tree, other_directory: NodeId) -> bool {
    let (ours, theirs) = (one.children(directory), other.children(other_directory));
    let kind = |tree: &Tree, id| std::mem::discriminant(&tree.node(id).kind);
    ours.len() == theirs.len()
        && ours.zip(theirs).all(|(a, b)| one.name(a) == other.name(b) && kind(one, a) == kind(other, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    #[test]
    fn files_are_known_by_contents_links_by_where_they_lead_and_directories_by_their_names() {
        let place = tempfile::tempdir().unwrap();
        let lay = |path: &str, contents: &str| {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_atomic(&path, contents.as_bytes()).unwrap();
        };
        for path in ["a/same", "a/other", "a/run", "b/gone", "c/same", "d/x"] {
            lay(path, "1");
        }
        let link = |to: &str| std::os::unix::fs::symlink(to, place.path().join("d/link")).unwrap();
        link("x");
        let directory = || Dir::open(place.path()).unwrap();
        let (all, interrupt) = (Selection::all(), Interrupt::default());
        let snapshot = Snapshot::take(&directory(), &all, None, &interrupt).unwrap();
        let live = || Arc::new(Live::walk(directory(), &all, &interrupt).unwrap());
        let id = |path: &str| snapshot.tree().at(path.as_bytes()).unwrap();

        lay("a/same", "1");
        lay("a/other", "2");
        directory().open_dir(b"a").unwrap().set_mode(b"run", 0o755).unwrap();
        file::remove_file(&place.path().join("b/gone")).unwrap();
        lay("c/new", "1");
        file::remove_file(&place.path().join("d/link")).unwrap();
        link("y");
        let compared = snapshot.compare(live(), &interrupt).unwrap();
        let same: Vec<_> = ["a", "a/same", "a/other", "a/run", "b", "b/gone", "c", "c/same", "d", "d/link"]
            .into_iter()
            .filter(|path| compared.is_same(id(path)))
            .collect();
        assert_eq!(same, ["a", "a/same", "c/same", "d"]);
        assert_eq!(compared.count(&snapshot), (3, 4));
        assert_eq!(compared.mtime(id("b/gone")), None);

        let then = snapshot.tree().node(id("a/same")).mtime;
        assert_ne!(compared.mtime(id("a/same")), Some(then));
        assert_eq!(compared.set_times(&snapshot, &[id("a/same"), id("c/same"), 0]).unwrap(), 1);
        let again = snapshot.compare(live(), &interrupt).unwrap();
        assert_eq!(again.mtime(id("a/same")), Some(then));
    }

    #[test]
    fn a_large_file_is_known_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("large");
        let make = |last: &[u8]| {
            let mut contents = vec![0; (65 << 20) - 1];
            contents.extend_from_slice(last);
            file::write_atomic(&path, &contents).unwrap();
        };
        let directory = || Dir::open(place.path()).unwrap();
        let (all, interrupt) = (Selection::all(), Interrupt::default());
        let live = || Arc::new(Live::walk(directory(), &all, &interrupt).unwrap());
        make(b"1");
        let snapshot = Snapshot::take(&directory(), &all, None, &interrupt).unwrap();
        make(b"1");
        assert!(snapshot.compare(live(), &interrupt).unwrap().is_same(1));
        make(b"2");
        assert!(!snapshot.compare(live(), &interrupt).unwrap().is_same(1));
    }
}
