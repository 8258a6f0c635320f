//! What the files of a folder hold, so that they are known again when other files with the same names take their place.
//!
//! A checkout gives every file the time of the checkout. Who takes a later time for a change, as cargo does, then does
//! all work again. A snapshot tells which files hold the same as before: these get back the times that they had.

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::alike::is_given;
use super::index::{Kind, NodeId, Tree};
use super::select::Selection;
use super::walk::walk;
use super::{Error, Result};
use crate::sys::{Digest, Dir, Interrupt, Time};

/// Larger files are not read: they are data, and to read them each time would cost more than it can spare.
const LARGEST: u64 = 64 << 20;

/// A folder's files and what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    tree: Tree,
    /// For each regular file, in the order of the nodes, a digest of its contents; nothing where it was not read.
    digests: Vec<Option<Digest>>,
}

/// What [`Snapshot::bring_back_times`] found and did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TimesBrought {
    /// Files that hold the same as in the snapshot.
    pub same: u64,
    /// Those of them whose time was another and was set.
    pub set: u64,
    /// Files that hold something else, and those that the snapshot does not know.
    pub changed: u64,
}

impl std::ops::AddAssign for TimesBrought {
    fn add_assign(&mut self, other: Self) {
        self.same += other.same;
        self.set += other.set;
        self.changed += other.changed;
    }
}

impl Snapshot {
    /// Reads the chosen part of `folder`. A file that has size and time of `earlier` holds what it held then and is not
    /// read again.
    pub fn take(
        folder: &Dir,
        selection: &Selection,
        earlier: Option<&Self>,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let tree = walk(folder, selection, interrupt)?.tree;
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
        for (id, digest) in read(&tree, folder, unknown, interrupt)? {
            found[id as usize] = digest;
        }
        let digests = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
        let digests = digests.map(|(id, _)| found[id as usize]).collect();
        Ok(Self { tree, digests })
    }

    /// What is in the folder.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Gives back its time to each file of `folder` that holds the same as in this snapshot, and to each subfolder in
    /// which there are the same names. Nothing else is touched, with one exception: what differs must not look older
    /// than `made`, or whoever goes by times would take it for what was there then. It gets the present time.
    pub fn bring_back_times(
        &self,
        folder: &Dir,
        selection: &Selection,
        made: Time,
        interrupt: &Interrupt,
    ) -> Result<TimesBrought> {
        let live = walk(folder, selection, interrupt)?.tree;
        let known = self.by_pair(&live);
        let mut unread = Vec::new();
        let mut steps = vec![Step::Leave; live.len() as usize];
        for (id, node) in live.iter() {
            let step = &mut steps[id as usize];
            match (node.kind, known[id as usize]) {
                (Kind::File { size, .. }, Some(Known { size: old, mtime, digest: Some(_) }))
                    if size == old =>
                {
                    if mtime == node.mtime && !is_given(mtime) {
                        *step = Step::Same;
                    } else {
                        unread.push(id);
                    }
                }
                // What was not read then can be anything now.
                (Kind::File { .. }, Some(Known { digest: None, .. }))
                | (Kind::Folder { .. } | Kind::Symlink { .. }, _) => {}
                // A file that was not there counts as well: cargo looks at the newest file of a package.
                (Kind::File { .. }, _) => *step = Step::changed(node.mtime, made),
            }
        }
        for (id, digest) in read(&live, folder, unread, interrupt)? {
            let was = known[id as usize].expect("only known files are read");
            let now = live.node(id).mtime;
            steps[id as usize] = match digest {
                Some(_) if digest == was.digest && was.mtime == now => Step::Same,
                Some(_) if digest == was.digest => Step::Set(was.mtime),
                _ => Step::changed(now, made),
            };
        }
        self.judge_folders(&live, made, &mut steps);
        apply(&live, folder, &steps, interrupt)?;
        let files = live.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
        let mut brought = TimesBrought::default();
        for (id, _) in files {
            match steps[id as usize] {
                Step::Same => brought.same += 1,
                Step::Set(_) => (brought.same, brought.set) = (brought.same + 1, brought.set + 1),
                Step::Leave | Step::Touch => brought.changed += 1,
            }
        }
        Ok(brought)
    }

    /// Checks all that the rest relies on, for one that was read from a disk.
    pub fn is_sound(&self) -> bool {
        let is_file = |kind: Kind| matches!(kind, Kind::File { .. });
        self.tree.validate().is_ok()
            && self.digests.len() == self.tree.iter().filter(|(_, node)| is_file(node.kind)).count()
    }

    /// For each node of `other` what this snapshot knows of the file at the same path.
    fn by_pair(&self, other: &Tree) -> Vec<Option<Known>> {
        let mut digests = vec![None; self.tree.len() as usize];
        let files = self.tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
        for ((id, _), digest) in files.zip(&self.digests) {
            digests[id as usize] = *digest;
        }
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

    fn judge_folders(&self, live: &Tree, made: Time, steps: &mut [Step]) {
        live.for_each_pair(&self.tree, |folder, recorded| {
            let (now, then) = (live.node(folder), self.tree.node(recorded));
            if let (Kind::Folder { .. }, Kind::Folder { .. }) = (now.kind, then.kind) {
                steps[folder as usize] = if !has_same_names(live, folder, &self.tree, recorded) {
                    Step::changed(now.mtime, made)
                } else if now.mtime == then.mtime {
                    Step::Same
                } else {
                    Step::Set(then.mtime)
                };
            }
        });
    }
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
struct Known {
    size: u64,
    mtime: Time,
    digest: Option<Digest>,
}

/// What is to be done with a file's or folder's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It holds the same and has the time it had.
    Same,
    /// It holds the same.
    Set(Time),
    /// It has changed, and its time tells; or nothing is known.
    Leave,
    /// It has changed, and its time hides it.
    Touch,
}

impl Step {
    fn changed(mtime: Time, made: Time) -> Self {
        if mtime <= made { Self::Touch } else { Self::Leave }
    }
}

fn has_same_names(one: &Tree, folder: NodeId, other: &Tree, other_folder: NodeId) -> bool {
    let (ours, theirs) = (one.children(folder), other.children(other_folder));
    let kind = |tree: &Tree, id| std::mem::discriminant(&tree.node(id).kind);
    ours.len() == theirs.len()
        && ours.zip(theirs).all(|(a, b)| one.name(a) == other.name(b) && kind(one, a) == kind(other, b))
}

/// Digests of the files `ids` of `tree`; `None` for one that is too large, cannot be read or changes meanwhile.
fn read(
    tree: &Tree,
    root: &Dir,
    ids: Vec<NodeId>,
    interrupt: &Interrupt,
) -> Result<Vec<(NodeId, Option<Digest>)>> {
    by_folder(tree, ids)
        .into_par_iter()
        .map(|(folder, files)| {
            let folder = root.open_beneath(&tree.path_below(0, folder))?;
            let digests = files.into_par_iter().map(|id| {
                if interrupt.is_raised() {
                    return Err(Error::Interrupted);
                }
                Ok((id, digest(tree, &folder, id)))
            });
            digests.collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()
        .map(|found| found.into_iter().flatten().collect())
}

fn digest(tree: &Tree, folder: &Dir, id: NodeId) -> Option<Digest> {
    let node = tree.node(id);
    if !matches!(node.kind, Kind::File { size, .. } if size <= LARGEST) {
        return None;
    }
    let (file, before) = folder.open_file(tree.name(id)).ok()?;
    let digest = Digest::of_file(file).ok()?;
    let after = folder.stat(tree.name(id)).ok()?;
    let is_still = before.mtime == node.mtime && after.mtime == node.mtime && after.inode == before.inode;
    is_still.then_some(digest)
}

/// Sets times. What is gone or belongs to somebody else keeps its own: it is then taken for changed.
fn apply(tree: &Tree, root: &Dir, steps: &[Step], interrupt: &Interrupt) -> Result<()> {
    let wanted = |id: &NodeId| matches!(steps[*id as usize], Step::Set(_) | Step::Touch);
    let is_folder = |id: &NodeId| matches!(tree.node(*id).kind, Kind::Folder { .. });
    let (folders, files): (Vec<_>, Vec<_>) =
        tree.iter().map(|(id, _)| id).filter(wanted).partition(is_folder);
    by_folder(tree, files).into_par_iter().try_for_each(|(folder, files)| {
        if interrupt.is_raised() {
            return Err(Error::Interrupted);
        }
        let folder = root.open_beneath(&tree.path_below(0, folder))?;
        for id in files {
            let _ = match steps[id as usize] {
                Step::Set(mtime) => folder.set_mtime(tree.name(id), mtime),
                _ => folder.touch(tree.name(id)),
            };
        }
        Ok(())
    })?;
    for id in folders {
        let folder = root.open_beneath(&tree.path_below(0, id))?;
        let _ = match steps[id as usize] {
            Step::Set(mtime) => folder.finish_self(None, mtime),
            _ => folder.touch_self(),
        };
    }
    Ok(())
}

/// Files with the folder that they lie in; neighbours stay together.
fn by_folder(tree: &Tree, ids: Vec<NodeId>) -> Vec<(NodeId, Vec<NodeId>)> {
    let mut groups: Vec<(NodeId, Vec<NodeId>)> = Vec::new();
    for id in ids {
        let parent = tree.node(id).parent;
        match groups.last_mut() {
            Some((folder, files)) if *folder == parent => files.push(id),
            _ => groups.push((parent, vec![id])),
        }
    }
    groups
}
