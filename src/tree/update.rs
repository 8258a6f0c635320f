//! Brings a tree to a folder that holds something already, touching only what differs.
//!
//! Compare, then stage, then commit:
//! 1. the destination is compared with the tree ([`super::difference`]);
//! 2. what differs is placed in a temporary folder inside the destination, and so on its file system: all that can run
//!    out of space or be interrupted happens here, and removing that folder is all there is to undo;
//! 3. the staged files are exchanged with the old ones, one rename each, in parallel. A failure here is undone.
//!    A file is never written in place, so a running program or an open reader keeps its own. Where the file system
//!    cannot exchange, there are three renames.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::difference::{Change, Difference, compare};
use super::index::{Kind, NodeId, Tree};
use super::place::{KEPT_BY_FOLDERS, Placement, place};
use super::restore::Existing;
use super::source::Source;
use super::tally::Tally;
use super::temporary::{Temporary, remove_debris};
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, Errno, FileType, mounts_below};

/// Makes `destination` hold the tree of `source`.
pub(super) fn update(
    source: Source<'_>,
    destination: &Dir,
    existing: Existing,
    is_part: bool,
    engine: Engine<'_>,
) -> Result<Tally> {
    let left_behind = remove_debris(destination)?;
    let difference = compare(source, destination, existing, engine.interrupt)?;
    let mut tally = Tally::default();
    if !difference.changes.is_empty() {
        let before = destination.stat_self()?;
        let locked = difference.locked_with_changes();
        let unlocked = set_modes(source.tree, destination, &locked, 0o200);
        let result = unlocked.and_then(|()| stage_and_commit(source, destination, &difference, engine));
        // What comes now is not to hide what failed.
        let _ = set_modes(source.tree, destination, &locked, 0);
        match result {
            Ok(done) => tally = done,
            Err(error) => {
                // The staging came and went: only the folder's time tells.
                let _ = destination.finish_self(None, before.mtime);
                return Err(told_of_mounts(error, destination));
            }
        }
    }
    tally.left_behind += left_behind;
    // Folders that were there belong to others where only files are added, or where the tree is a part of a folder.
    let are_ours = existing == Existing::Mirror || (existing == Existing::Overwrite && !is_part);
    set_folder_times(source.tree, destination, &difference, are_ours);
    tally.kept = difference.kept;
    tally.files += difference.kept;
    tally.bytes += difference.kept_bytes;
    Ok(tally)
}

/// Names what is mounted in the destination, if that is why a file could not get there.
fn told_of_mounts(error: Error, destination: &Dir) -> Error {
    let Error::Sys(failed) = &error else { return error };
    let mounts = if failed.is(Errno::XDEV) { mounts_below(destination.path()) } else { Ok(Vec::new()) };
    match mounts.unwrap_or_default().into_iter().find(|mount| failed.path().starts_with(mount)) {
        Some(mount) => Error::MountBelow { path: destination.path().into(), mount },
        None => error,
    }
}

/// Gives folders of the destination their modes, and `more` besides.
fn set_modes(tree: &Tree, destination: &Dir, folders: &[(NodeId, u16)], more: u16) -> Result<()> {
    for &(folder, mode) in folders {
        destination.open_beneath(&tree.path_below(0, folder))?.set_own_mode(mode | more)?;
    }
    Ok(())
}

fn stage_and_commit(
    source: Source<'_>,
    destination: &Dir,
    difference: &Difference,
    engine: Engine<'_>,
) -> Result<Tally> {
    let staging = Temporary::make(destination)?;
    let result = stage_and_swap(source, destination, staging.dir(), difference, engine);
    let removed = staging.remove(destination);
    let mut tally = result?;
    // From here on the destination is as it should be, and nothing is a failure any more.
    tally.left_behind += u64::from(removed.is_err());
    Ok(tally)
}

fn stage_and_swap(
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
            let mut folders = LastFolder { tree, destination, last: None };
            for (number, change) in changes.iter().enumerate() {
                if has_failed.load(Ordering::Relaxed) {
                    return (number, None);
                }
                let index = lot * LOT + number;
                let applied = folders
                    .open(change.folder)
                    .map_err(Error::from)
                    .and_then(|folder| swap(folder, change, staging, index));
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
    let Some(failure) = failure else { return Ok(()) };
    let mut folders = LastFolder { tree, destination, last: None };
    for (lot, done) in done.into_iter().enumerate() {
        for (number, change) in lots[lot][..done].iter().enumerate() {
            let index = lot * LOT + number;
            let undone = folders
                .open(change.folder)
                .map_err(Error::from)
                .and_then(|folder| undo(folder, change, staging, index));
            if let Err(source) = undone {
                return Err(not_put_back(destination.path().to_path_buf(), failure, source));
            }
        }
    }
    Err(failure)
}

/// Puts the staged file of a change in place and the old one in the staging. A folder that its owner may not write to cannot
/// leave its parent.
fn swap(folder: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    match try_swap(folder, change, staging, index) {
        Err(Error::Sys(error)) if error.is(Errno::ACCESS) && change.replaces => {
            let stat = folder.stat(&change.name)?;
            if stat.kind != FileType::Directory || stat.mode & 0o200 != 0 {
                return Err(error.into());
            }
            folder.set_mode(&change.name, stat.mode | 0o200)?;
            try_swap(folder, change, staging, index)
        }
        swapped => swapped,
    }
}

fn try_swap(folder: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => exchange(folder, &change.name, staging, &staged),
        (Some(_), false) => Ok(staging.rename_new(&staged, folder, &change.name)?),
        (None, _) => Ok(folder.rename_new(&change.name, staging, &staged)?),
    }
}

/// The reverse of [`swap`].
fn undo(folder: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => exchange(folder, &change.name, staging, &staged),
        (Some(_), false) => Ok(folder.rename_new(&change.name, staging, &staged)?),
        (None, _) => Ok(staging.rename_new(&staged, folder, &change.name)?),
    }
}

fn exchange(folder: &Dir, name: &[u8], staging: &Dir, staged: &[u8]) -> Result<()> {
    match folder.exchange(name, staging, staged) {
        // NFS, OpenZFS before 2.2 and some of FUSE cannot.
        Err(error) if error.is(Errno::INVAL) => exchange_in_steps(folder, name, staging, staged),
        exchanged => Ok(exchanged?),
    }
}

/// A file is there all the time, as its old or its new self. Where a folder goes or comes, nothing is there for a moment.
fn exchange_in_steps(folder: &Dir, name: &[u8], staging: &Dir, staged: &[u8]) -> Result<()> {
    let fresh = [staged, b".new"].concat();
    staging.rename(staged, staging, &fresh)?;
    // A folder replaces no file.
    let is_linked =
        staging.stat(&fresh)?.kind != FileType::Directory && folder.link(name, staging, staged).is_ok();
    if !is_linked && let Err(error) = folder.rename(name, staging, staged) {
        // For another try.
        staging.rename(&fresh, staging, staged)?;
        return Err(error.into());
    }
    let Err(failure) = staging.rename(&fresh, folder, name) else { return Ok(()) };
    if !is_linked && let Err(source) = staging.rename(staged, folder, name) {
        return Err(not_put_back(folder.join(name), failure.into(), source.into()));
    }
    Err(failure.into())
}

fn not_put_back(path: PathBuf, failure: Error, source: Error) -> Error {
    Error::NotPutBack { path, failure: Box::new(failure), source: Box::new(source) }
}

/// Opens each folder of the destination once for neighbouring changes.
struct LastFolder<'a> {
    tree: &'a Tree,
    destination: &'a Dir,
    last: Option<(NodeId, Dir)>,
}

impl LastFolder<'_> {
    fn open(&mut self, folder: NodeId) -> sys::Result<&Dir> {
        if self.last.as_ref().is_none_or(|(id, _)| *id != folder) {
            let dir = self.destination.open_beneath(&self.tree.path_below(0, folder))?;
            self.last = Some((folder, dir));
        }
        Ok(&self.last.as_ref().expect("it was just set").1)
    }
}

/// Folders lose their time when something in them changes, so they come last: those that were just made, and where the
/// others are ours (`are_ours`), these as well. What cannot be set is somebody else's, and costs a look at it next time.
fn set_folder_times(tree: &Tree, destination: &Dir, difference: &Difference, are_ours: bool) {
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
        let _ = destination.open_beneath(&tree.path_below(0, id)).and_then(|folder| {
            let kept = folder.stat_self()?.mode & KEPT_BY_FOLDERS;
            folder.finish_self(Some(node.mode | kept), node.mtime)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LinkMode, Linker, Progress, Selection, walk};
    use super::*;
    use crate::sys::{Interrupt, file};

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
        let source = Source { tree: &tree, folders: (&entry).into(), linkable: &[], is_live: false };
        let mut difference = compare(source, &there, Existing::Mirror, &interrupt).unwrap();
        assert_eq!(difference.changes.len(), 3);
        // Somebody removes a file between the comparison and the commit.
        difference.changes.push(Change { folder: 0, name: b"vanished".to_vec(), node: None, replaces: true });
        let (linker, progress) = (Linker::new(LinkMode::Copy), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };

        let error = stage_and_commit(source, &there, &difference, engine).unwrap_err();

        assert!(matches!(&error, Error::Sys(error) if error.is(Errno::NOENT)), "{error}");
        assert_eq!(file::read(&to.join("changed")).unwrap(), b"old");
        assert_eq!(file::read(&to.join("extraneous")).unwrap(), b"old");
        assert!(!file::is_file(&to.join("added")));
    }
}
