//! Brings a tree to a folder that holds something already, touching only what differs.
//!
//! Compare, then stage, then commit:
//! 1. the destination is compared with the tree by kind, size, time and mode (one `statx` a file; in step with the tree,
//!    so that nothing outside of it is read unless it is to be removed);
//! 2. what differs is placed in a temporary folder inside the destination, and so on its file system: all that can run
//!    out of space or be interrupted happens here, and removing that folder is all there is to undo;
//! 3. the staged files are exchanged with the old ones, one rename each, in parallel. A failure here is undone.
//!    A file is never written in place, so a running program or an open reader keeps its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::alike::{hold_the_same, is_given};
use super::failure::UntilFailure;
use super::index::{Kind, NodeId, Tree};
use super::place::{Placement, Source, place};
use super::restore::Existing;
use super::tally::Tally;
use super::temporary::{TEMPORARY_PREFIX, Temporary, remove_debris};
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, FileType, Interrupt, Stat};

/// Makes `destination` hold the tree of `source`.
pub(super) fn update(
    source: Source<'_>,
    destination: &Dir,
    existing: Existing,
    is_part: bool,
    engine: Engine<'_>,
) -> Result<Tally> {
    let left_behind = remove_debris(destination)?;
    let mut difference = compare(source, destination, existing, engine.interrupt)?;
    difference.judge_groups(source.tree, existing);
    let mut tally = Tally::default();
    if !difference.changes.is_empty() {
        let before = destination.stat_self()?;
        let staging = Temporary::make(destination)?;
        let result = stage_and_commit(source, destination, staging.dir(), &difference, engine);
        let removed = staging.remove(destination);
        match result {
            Ok(done) => tally = done,
            Err(error) => {
                // The staging came and went: only the folder's time tells.
                destination.finish_self(None, before.mtime)?;
                return Err(error);
            }
        }
        // From here on the destination is as it should be, and nothing is a failure any more.
        tally.left_behind += u64::from(removed.is_err());
    }
    tally.left_behind += left_behind;
    // Folders that were there belong to others where only files are added, or where the tree is a part of a folder.
    let are_ours = existing == Existing::Mirror || (existing == Existing::Overwrite && !is_part);
    // A wrong time of a folder costs nothing but a look at it next time.
    let _ = set_folder_times(source.tree, destination, &difference, are_ours);
    tally.kept = difference.kept;
    tally.files += difference.kept;
    tally.bytes += difference.kept_bytes;
    Ok(tally)
}

/// One thing to do.
#[derive(Debug)]
struct Change {
    /// The folder it is in, as a node of the tree.
    folder: NodeId,
    name: Vec<u8>,
    /// What is to be there; `None` for nothing.
    node: Option<NodeId>,
    /// Whether something is there now.
    replaces: bool,
}

#[derive(Debug, Default)]
struct Difference {
    changes: Vec<Change>,
    /// Folders whose mode or time is not the tree's. Where a change happens in a folder, its time will be off as well.
    stale_folders: Vec<NodeId>,
    /// Files that are as they should be and have several names in the tree: by group, with the inode of each.
    linked: HashMap<u32, Vec<(NodeId, u64)>>,
    kept: u64,
    kept_bytes: u64,
}

/// Finds what differs, folders in parallel.
fn compare(
    source: Source<'_>,
    destination: &Dir,
    existing: Existing,
    interrupt: &Interrupt,
) -> Result<Difference> {
    let (tree, root) = (source.tree, source.root);
    let comparison =
        Comparison { tree, root, existing, found: Mutex::default(), jobs: UntilFailure::new(interrupt) };
    let root = destination.open_beneath(b"")?;
    rayon::scope(|scope| comparison.jobs.run(|| comparison.compare(scope, 0, root)));
    comparison.jobs.finish()?;
    let mut found = comparison.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Neighbours together, whichever thread found them.
    found.changes.sort_unstable_by(|a, b| (a.folder, &a.name).cmp(&(b.folder, &b.name)));
    Ok(found)
}

struct Comparison<'a> {
    tree: &'a Tree,
    /// The folder with the tree's own files.
    root: &'a Dir,
    existing: Existing,
    found: Mutex<Difference>,
    jobs: UntilFailure<'a>,
}

impl Comparison<'_> {
    /// Compares the folder `here` with that of the tree and hands its subfolders on.
    fn compare<'scope>(&'scope self, scope: &Scope<'scope>, folder: NodeId, here: Dir) -> Result<()> {
        let tree = self.tree;
        let mut found = Difference::default();
        let node = tree.node(folder);
        let stat = here.stat_self()?;
        if stat.mode != node.mode || stat.mtime != node.mtime {
            found.stale_folders.push(folder);
        }
        if self.existing == Existing::Mirror {
            here.for_each_name(|name| {
                // Another process may just now restore something in there.
                let is_temporary = folder == 0 && name.starts_with(TEMPORARY_PREFIX.as_bytes());
                if !is_temporary && tree.child(folder, name).is_none() {
                    found.changes.push(Change { folder, name: name.to_vec(), node: None, replaces: true });
                }
            })?;
        }
        let here = Arc::new(here);
        for child in tree.children(folder) {
            let name = tree.name(child);
            let stat = here.stat_if_present(name)?;
            match (tree.node(child).kind, stat) {
                (Kind::Folder { .. }, Some(stat)) if stat.kind == FileType::Directory => {
                    let here = Arc::clone(&here);
                    scope.spawn(move |scope| {
                        self.jobs.run(|| self.compare(scope, child, here.open_dir(self.tree.name(child))?));
                    });
                }
                (_, Some(stat))
                    if self.existing == Existing::Keep || self.is_same(child, &here, &stat)? =>
                {
                    found.keep(tree, child, stat);
                }
                (_, stat) => {
                    let replaces = stat.is_some();
                    found.changes.push(Change { folder, name: name.to_vec(), node: Some(child), replaces });
                }
            }
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
        match self.root.open_beneath(&self.tree.path_below(0, node.parent)) {
            Ok(folder) => hold_the_same(&folder, here, self.tree.name(id)),
            // The entry is damaged, as will be found when the file is to come from there.
            Err(_) => Ok(false),
        }
    }
}

impl Difference {
    fn merge(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.stale_folders.extend(other.stale_folders);
        for (group, members) in other.linked {
            self.linked.entry(group).or_default().extend(members);
        }
        self.kept += other.kept;
        self.kept_bytes += other.kept_bytes;
    }

    fn keep(&mut self, tree: &Tree, id: NodeId, stat: Stat) {
        match tree.node(id).kind {
            // Judged when all names of the file are known.
            Kind::File { group, .. } if group != 0 => {
                self.linked.entry(group).or_default().push((id, stat.inode));
            }
            Kind::File { size, .. } => {
                self.kept += 1;
                self.kept_bytes += size;
            }
            Kind::Folder { .. } | Kind::Symlink { .. } => self.kept += 1,
        }
    }

    /// Names of one file must become names of one file: where only some of them are as they should be, or are
    /// different files, all are made anew, unless what is there stays in any case.
    fn judge_groups(&mut self, tree: &Tree, existing: Existing) {
        if self.linked.is_empty() {
            return;
        }
        let mut members: HashMap<u32, usize> = HashMap::new();
        for (_, node) in tree.iter() {
            if let Kind::File { group, .. } = node.kind {
                *members.entry(group).or_default() += 1;
            }
        }
        for (group, found) in std::mem::take(&mut self.linked) {
            let (first, inode) = found[0];
            let is_one_file =
                || found.len() == members[&group] && found.iter().all(|(_, other)| *other == inode);
            if existing == Existing::Keep || is_one_file() {
                self.kept += found.len() as u64;
                if let Kind::File { size, .. } = tree.node(first).kind {
                    self.kept_bytes += size;
                }
                continue;
            }
            self.changes.extend(found.into_iter().map(|(id, _)| Change {
                folder: tree.node(id).parent,
                name: tree.name(id).to_vec(),
                node: Some(id),
                replaces: true,
            }));
        }
    }
}

fn looks_same(tree: &Tree, id: NodeId, here: &Dir, stat: &Stat) -> Result<bool> {
    let node = tree.node(id);
    Ok(match node.kind {
        Kind::Folder { .. } => false,
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

fn stage_and_commit(
    source: Source<'_>,
    destination: &Dir,
    staging: &Dir,
    difference: &Difference,
    engine: Engine<'_>,
) -> Result<Tally> {
    staging.spread_folders();
    for lot in 0..difference.changes.len().div_ceil(LOT) {
        staging.make_dir(lot.to_string().as_bytes(), 0o700)?;
    }
    let placements: Vec<_> = difference
        .changes
        .iter()
        .enumerate()
        .filter_map(|(index, change)| Some(Placement { node: change.node?, name: staged_name(index) }))
        .collect();
    let mut tally = place(source, &placements, staging, None, engine)?;
    if engine.interrupt.is_raised() {
        return Err(Error::Interrupted);
    }
    sys::crash_at(CrashPoint::UpdateStaged);
    commit(source.tree, destination, staging, &difference.changes)?;
    sys::crash_at(CrashPoint::UpdateSwapped);
    tally.removed += difference.changes.iter().filter(|change| change.node.is_none()).count() as u64;
    Ok(tally)
}

/// Changes that are staged in one folder and committed by one thread: the kernel lets one thread at a time change a
/// folder.
const LOT: usize = 32;

/// Where the new file of a change waits, and afterwards the old one lies.
fn staged_name(index: usize) -> Vec<u8> {
    format!("{}/{index}", index / LOT).into_bytes()
}

/// Carries all changes out, or none. They do not depend on each other: none is inside of what another one brings or
/// takes away.
fn commit(tree: &Tree, destination: &Dir, staging: &Dir, changes: &[Change]) -> Result<()> {
    let has_failed = AtomicBool::new(false);
    let lots: Vec<_> = changes.chunks(LOT).collect();
    let outcomes: Vec<_> = lots
        .par_iter()
        .enumerate()
        .map(|(lot, changes)| {
            let mut folders = Folders { tree, destination, last: None };
            for (number, change) in changes.iter().enumerate() {
                if has_failed.load(Ordering::Relaxed) {
                    return (number, None);
                }
                let index = lot * LOT + number;
                let applied =
                    folders.open(change.folder).and_then(|folder| swap(folder, change, staging, index));
                sys::crash_at(CrashPoint::UpdateSwapping);
                if let Err(error) = applied {
                    has_failed.store(true, Ordering::Relaxed);
                    return (number, Some(error));
                }
            }
            (changes.len(), None)
        })
        .collect();
    let mut done = Vec::with_capacity(lots.len());
    let mut failure = None;
    for (count, error) in outcomes {
        done.push(count);
        failure = failure.or(error);
    }
    let Some(failure) = failure.map(Error::from) else { return Ok(()) };
    let mut folders = Folders { tree, destination, last: None };
    for (lot, done) in done.into_iter().enumerate() {
        for (number, change) in lots[lot][..done].iter().enumerate() {
            let index = lot * LOT + number;
            let undone = folders.open(change.folder).and_then(|folder| undo(folder, change, staging, index));
            if let Err(source) = undone {
                let path = destination.path().to_path_buf();
                return Err(Error::NotPutBack { path, failure: Box::new(failure), source });
            }
        }
    }
    Err(failure)
}

/// Puts the staged file of a change in place and the old one in the staging.
fn swap(folder: &Dir, change: &Change, staging: &Dir, index: usize) -> sys::Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => folder.exchange(&change.name, staging, &staged),
        (Some(_), false) => staging.rename_new(&staged, folder, &change.name),
        (None, _) => folder.rename_new(&change.name, staging, &staged),
    }
}

/// The reverse of [`swap`].
fn undo(folder: &Dir, change: &Change, staging: &Dir, index: usize) -> sys::Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => folder.exchange(&change.name, staging, &staged),
        (Some(_), false) => folder.rename_new(&change.name, staging, &staged),
        (None, _) => staging.rename_new(&staged, folder, &change.name),
    }
}

/// Opens each folder of the destination once for neighbouring changes.
struct Folders<'a> {
    tree: &'a Tree,
    destination: &'a Dir,
    last: Option<(NodeId, Dir)>,
}

impl Folders<'_> {
    fn open(&mut self, folder: NodeId) -> sys::Result<&Dir> {
        if self.last.as_ref().is_none_or(|(id, _)| *id != folder) {
            let dir = self.destination.open_beneath(&self.tree.path_below(0, folder))?;
            self.last = Some((folder, dir));
        }
        Ok(&self.last.as_ref().expect("it was just set").1)
    }
}

/// Folders lose their time when something in them changes, so they come last: those that were just made, and where the
/// others are ours (`are_ours`), these as well.
fn set_folder_times(tree: &Tree, destination: &Dir, difference: &Difference, are_ours: bool) -> Result<()> {
    // Xfs gives a folder that is exchanged the time of that.
    let is_folder = |&id: &NodeId| matches!(tree.node(id).kind, Kind::Folder { .. });
    let mut stale: Vec<_> =
        difference.changes.iter().filter_map(|change| change.node).filter(is_folder).collect();
    if are_ours {
        stale.extend(difference.changes.iter().map(|change| change.folder));
        stale.extend(&difference.stale_folders);
        if !difference.changes.is_empty() {
            // Something came and went in the root.
            stale.push(0);
        }
    }
    stale.sort_unstable();
    stale.dedup();
    for id in stale {
        let node = tree.node(id);
        destination.open_beneath(&tree.path_below(0, id))?.finish_self(Some(node.mode), node.mtime)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{LinkMode, Linker, Progress, Selection, walk};
    use super::*;
    use crate::sys::file;

    #[test]
    fn a_commit_that_fails_is_undone() {
        let place = tempfile::tempdir().unwrap();
        let (entry, to) = (place.path().join("entry"), place.path().join("to"));
        for (folder, contents) in [(&entry, "newer"), (&to, "old")] {
            file::make_dirs(folder).unwrap();
            file::write_new(&folder.join("changed"), contents.as_bytes()).unwrap();
        }
        file::write_new(&entry.join("added"), b"new").unwrap();
        file::write_new(&to.join("extraneous"), b"old").unwrap();
        let entry = Dir::open(&entry).unwrap();
        let interrupt = Interrupt::default();
        let tree = walk(&entry, &Selection::all(), &interrupt).unwrap().tree;
        let there = Dir::open(&to).unwrap();
        let source = Source { tree: &tree, root: &entry, linkable: &[] };
        let mut difference = compare(source, &there, Existing::Mirror, &interrupt).unwrap();
        assert_eq!(difference.changes.len(), 3);
        // Somebody removes a file between the comparison and the commit.
        difference.changes.push(Change { folder: 0, name: b"vanished".to_vec(), node: None, replaces: true });
        let staging = Temporary::make(&there).unwrap();
        let (linker, progress) = (Linker::new(LinkMode::Copy), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };

        let error = stage_and_commit(source, &there, staging.dir(), &difference, engine).unwrap_err();

        assert!(matches!(&error, Error::Sys(error) if error.is(sys::Errno::NOENT)), "{error}");
        assert_eq!(file::read(&to.join("changed")).unwrap(), b"old");
        assert_eq!(file::read(&to.join("extraneous")).unwrap(), b"old");
        assert!(!file::is_file(&to.join("added")));
    }
}
