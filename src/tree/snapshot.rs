//! What the files of a folder hold, so that they are known again when other files with the same names take their place.
//!
//! A checkout gives every file the time of the checkout. Who takes a later time for a change, as cargo does, then does
//! all work again. A snapshot tells which files hold the same as before: these get back the times that they had.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::alike::is_given;
use super::index::{Kind, NodeId, Tree};
use super::select::Selection;
use super::walk::{Walked, walk};
use super::{Error, Result};
use crate::sys::{Digest, Dir, Interrupt, Time, file};

/// Larger files are not read: they are data, and to read them each time would cost more than it can spare.
const LARGEST: u64 = 64 << 20;

/// What is read of one folder at most, in bytes, for the same reason. What comes behind counts as changed each time.
const MOST: u64 = 4 << 30;

/// A folder's files and what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    tree: Tree,
    /// For each regular file, in the order of the nodes, a digest of its contents; nothing where it was not read.
    digests: Vec<Option<Digest>>,
}

/// What [`Compared::bring_back_times`] found and did.
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
        let mut room = MOST;
        unknown.retain(|&id| match tree.node(id).kind {
            Kind::File { size, .. } if size <= room => {
                room -= size;
                true
            }
            _ => false,
        });
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

    /// A snapshot of a folder of which nothing is known.
    pub fn of_nothing() -> Self {
        Self { tree: Tree::with_root(0, Time { seconds: 0, nanoseconds: 0 }), digests: Vec::new() }
    }

    /// Tells what of `folder` is as it was. `made` is when whatever goes by times was made from what was there then.
    pub fn compare(
        &self,
        folder: Dir,
        selection: &Selection,
        made: Time,
        interrupt: &Interrupt,
    ) -> Result<Compared> {
        let Walked { tree: live, caches, .. } = walk(&folder, selection, interrupt)?;
        let known = self.by_pair(&live);
        let mut unread = Vec::new();
        let mut steps = vec![Step::Leave; live.len() as usize];
        for (id, node) in live.iter() {
            match (node.kind, known[id as usize]) {
                (Kind::Folder { .. } | Kind::Symlink { .. }, _) => {}
                (Kind::File { size, .. }, Some(was)) if size == was.size => {
                    if was.mtime == node.mtime && !is_given(was.mtime) {
                        steps[id as usize] = Step::Same;
                    } else if was.digest.is_some() {
                        unread.push(id);
                    } else {
                        steps[id as usize] = Step::changed(node.mtime, made);
                    }
                }
                // A file that was not there counts as well: cargo looks at the newest file of a package.
                (Kind::File { .. }, _) => steps[id as usize] = Step::changed(node.mtime, made),
            }
        }
        for (id, digest) in read(&live, &folder, unread, interrupt)? {
            let was = known[id as usize].expect("only known files are read");
            let now = live.node(id).mtime;
            steps[id as usize] = match digest {
                Some(_) if digest == was.digest && was.mtime == now => Step::Same,
                Some(_) if digest == was.digest => Step::Set(was.mtime),
                _ => Step::changed(now, made),
            };
        }
        self.judge_folders(&live, made, &mut steps);
        self.judge_links(&live, made, &mut steps);
        let gone = self.gone_from(&live);
        Ok(Compared { folder, live, steps, gone, made, caches })
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

    /// Paths of files and links in whose place there is none.
    fn gone_from(&self, live: &Tree) -> Vec<PathBuf> {
        let mut is_there = vec![false; self.tree.len() as usize];
        live.for_each_pair(&self.tree, |ours, theirs| is_there[theirs as usize] = !is_folder(live, ours));
        let gone = (0..self.tree.len()).filter(|&id| !is_there[id as usize] && !is_folder(&self.tree, id));
        gone.map(|id| path_of(&self.tree, id)).collect()
    }

    /// A link that leads elsewhere changes what is read by its name, although neither end has changed: neither what it
    /// leads to nor what it led to may look old. Cargo notes what is behind a link, and not the link (seen with 1.95).
    fn judge_links(&self, live: &Tree, made: Time, steps: &mut [Step]) {
        let mut is_same = vec![false; self.tree.len() as usize];
        let mut behind = Vec::new();
        live.for_each_pair(&self.tree, |ours, theirs| {
            if let (Kind::Symlink { target: now }, Kind::Symlink { target: then }) =
                (live.node(ours).kind, self.tree.node(theirs).kind)
                && live.text(now) == self.tree.text(then)
            {
                let (now, then) = (live.node(ours).mtime, self.tree.node(theirs).mtime);
                steps[ours as usize] = if now == then { Step::Same } else { Step::Set(then) };
                is_same[theirs as usize] = true;
            }
        });
        for (id, node) in live.iter() {
            if let (Kind::Symlink { target }, Step::Leave) = (node.kind, steps[id as usize]) {
                steps[id as usize] = Step::changed(node.mtime, made);
                behind.push(led_to(live, id, live.text(target)));
            }
        }
        for (id, node) in self.tree.iter().filter(|(id, _)| !is_same[*id as usize]) {
            if let Kind::Symlink { target } = node.kind {
                behind.push(led_to(&self.tree, id, self.tree.text(target)));
            }
        }
        for id in behind.into_iter().flat_map(|path| found_at(live, &path)) {
            steps[id as usize] = Step::changed(live.node(id).mtime, made);
        }
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

/// A folder beside a snapshot: what is as it was, and what is not.
#[derive(Debug)]
pub struct Compared {
    folder: Dir,
    live: Tree,
    steps: Vec<Step>,
    gone: Vec<PathBuf>,
    made: Time,
    caches: Vec<PathBuf>,
}

impl Compared {
    /// Folders that were not looked into, since their tag tells that they can be made again.
    pub fn caches(&self) -> &[PathBuf] {
        &self.caches
    }

    /// What is in the folder now.
    pub fn tree(&self) -> &Tree {
        &self.live
    }

    /// Paths of files and links that are not as they were, or are new.
    pub fn changed(&self) -> impl Iterator<Item = PathBuf> {
        let is_changed = |id: &NodeId| matches!(self.steps[*id as usize], Step::Leave | Step::Touch);
        let files = (0..self.live.len()).filter(|&id| !is_folder(&self.live, id));
        files.filter(is_changed).map(|id| path_of(&self.live, id))
    }

    /// Paths of files and links that were there.
    pub fn gone(&self) -> &[PathBuf] {
        &self.gone
    }

    /// Takes the files and links whose paths are `meant` for changed, and with a link what it leads to: whoever goes by times
    /// sees only that.
    pub fn take_for_changed(&mut self, meant: impl Fn(&Path) -> bool) {
        let files = (0..self.live.len()).filter(|&id| !is_folder(&self.live, id));
        for id in files.filter(|&id| meant(&path_of(&self.live, id))) {
            let behind = match self.live.node(id).kind {
                Kind::Symlink { target } => {
                    found_at(&self.live, &led_to(&self.live, id, self.live.text(target)))
                }
                Kind::File { .. } | Kind::Folder { .. } => Vec::new(),
            };
            for id in [id].into_iter().chain(behind) {
                self.steps[id as usize] = Step::changed(self.live.node(id).mtime, self.made);
            }
        }
    }

    /// Lets what has changed look so: what differs and yet is older than whatever was made from the snapshot gets the time
    /// `now`. A file that cannot be given it is an error: whoever goes by times would take it for what was there then.
    pub fn touch_changed(&self, now: Time) -> Result<()> {
        for (id, folder) in self.steps_in_folders(|step| *step == Step::Touch)? {
            folder.set_mtime(self.live.name(id), now)?;
        }
        if self.steps[0] == Step::Touch {
            self.folder.finish_self(None, now)?;
        }
        Ok(())
    }

    /// Gives back its time to each file that holds the same as in the snapshot, to each link that leads to the same, and to
    /// each folder in which there are the same names. What belongs to somebody else keeps its own.
    pub fn bring_back_times(&self) -> Result<TimesBrought> {
        for (id, folder) in self.steps_in_folders(|step| matches!(step, Step::Set(_)))? {
            if let Step::Set(mtime) = self.steps[id as usize] {
                let _ = folder.set_mtime(self.live.name(id), mtime);
            }
        }
        if let Step::Set(mtime) = self.steps[0] {
            let _ = self.folder.finish_self(None, mtime);
        }
        let mut brought = TimesBrought::default();
        for (id, _) in self.live.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. })) {
            match self.steps[id as usize] {
                Step::Same => brought.same += 1,
                Step::Set(_) => (brought.same, brought.set) = (brought.same + 1, brought.set + 1),
                Step::Leave | Step::Touch => brought.changed += 1,
            }
        }
        Ok(brought)
    }

    /// Nodes below the root of certain steps, each with the open folder that it lies in.
    fn steps_in_folders(&self, is_wanted: impl Fn(&Step) -> bool) -> Result<Vec<(NodeId, Arc<Dir>)>> {
        let wanted = (1..self.live.len()).filter(|&id| is_wanted(&self.steps[id as usize])).collect();
        let mut found = Vec::new();
        for (folder, ids) in by_folder(&self.live, wanted) {
            let folder = Arc::new(self.folder.open_beneath(&self.live.path_below(0, folder))?);
            found.extend(ids.into_iter().map(|id| (id, Arc::clone(&folder))));
        }
        Ok(found)
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

fn is_folder(tree: &Tree, id: NodeId) -> bool {
    matches!(tree.node(id).kind, Kind::Folder { .. })
}

fn path_of(tree: &Tree, id: NodeId) -> PathBuf {
    PathBuf::from(OsString::from_vec(tree.path_below(0, id)))
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

/// Where the link `id`, which holds `text`, leads: a path from the root of its tree. What is outside is not found there.
fn led_to(tree: &Tree, id: NodeId, text: &[u8]) -> PathBuf {
    let folder = tree.path_below(0, tree.node(id).parent);
    file::normal(&Path::new(OsStr::from_bytes(&folder)).join(OsStr::from_bytes(text)))
}

/// What is at a path, with all that is in it.
fn found_at(tree: &Tree, path: &Path) -> Vec<NodeId> {
    let mut names = path.components().map(|name| name.as_os_str().as_bytes());
    let Some(first) = names.try_fold(0, |folder, name| tree.child(folder, name)) else { return Vec::new() };
    let mut found = vec![first];
    let mut next = 0;
    while let Some(&node) = found.get(next) {
        found.extend(tree.children(node));
        next += 1;
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_for_changed_looks_so_and_so_does_what_a_link_leads_to() {
        let place = tempfile::tempdir().unwrap();
        let lay = |path: &str| {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_atomic(&path, b"1").unwrap();
        };
        ["a/x", "b/behind", "b/y", "gone/z"].into_iter().for_each(lay);
        std::os::unix::fs::symlink("../b/behind", place.path().join("a/link")).unwrap();
        let folder = || Dir::open(place.path()).unwrap();
        let (all, interrupt) = (Selection::all(), Interrupt::default());
        let snapshot = Snapshot::take(&folder(), &all, None, &interrupt).unwrap();
        file::remove_file(&place.path().join("gone/z")).unwrap();
        lay("new");

        let [made, now] = [1, 2].map(|more| Time { seconds: (1 << 33) + more, nanoseconds: 0 });
        let mut compared = snapshot.compare(folder(), &all, made, &interrupt).unwrap();
        assert_eq!(compared.changed().collect::<Vec<_>>(), [Path::new("new")]);
        assert_eq!(compared.gone(), [Path::new("gone/z")]);
        compared.take_for_changed(|path| path.starts_with("a"));
        compared.touch_changed(now).unwrap();
        let tree = walk(&folder(), &all, &interrupt).unwrap().tree;
        let is_touched = |path: &&&str| tree.node(tree.at(path.as_bytes()).unwrap()).mtime == now;
        let touched: Vec<_> = ["a/x", "a/link", "b/behind", "b/y", "new"].iter().filter(is_touched).collect();
        assert_eq!(touched, [&"a/x", &"a/link", &"b/behind", &"new"]);
    }
}
