//! Brings a tree to a directory that holds something already, touching only what differs.
//!
//! Compare, then stage, then commit:
//! 1. the destination is compared with the tree ([`super::difference`]);
//! 2. what differs is placed in a temporary directory inside the destination, and so on its file system: all that can run
//!    out of space or be interrupted happens here, and removing that directory is all there is to undo;
//! 3. the staged files are exchanged with the old ones, one rename each, in parallel. A failure here is undone, and so is
//!    all of it when another tree of the same restore cannot be put in place.
//!    A file is never written in place, so a running program or an open reader keeps its own. Where the file system
//!    cannot exchange, there are three renames.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::difference::{Change, Difference, compare};
use super::existing::Existing;
use super::index::{NodeId, Tree};
use super::place::{KEPT_BY_DIRECTORIES, Placement, place};
use super::source::Source;
use super::temporary::Temporary;
use super::transfer_stats::TransferStats;
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, Errno, FileType, Stat, Time, mounts_below};

/// A directory that is to hold a tree, or holds it already, and what undoes that.
#[derive(Debug)]
pub(super) struct Update<'a> {
    tree: &'a Tree,
    destination: Dir,
    existing: Existing,
    is_part: bool,
    difference: Difference,
    /// Nothing where nothing differs.
    staged: Option<Staged>,
}

/// What differs, in a temporary directory inside the destination.
#[derive(Debug)]
struct Staged {
    staging: Temporary,
    /// The destination before it was there.
    before: Stat,
    /// Directories that can be written to just now, with their modes.
    unlocked: Vec<(NodeId, u16)>,
    stats: TransferStats,
}

impl<'a> Update<'a> {
    /// Compares `destination` with the tree of `source` and stages what differs. On an error all is as it was.
    pub(super) fn stage(
        source: Source<'a>,
        destination: Dir,
        existing: Existing,
        is_part: bool,
        engine: Engine<'_>,
    ) -> Result<Self> {
        let difference = compare(source, &destination, existing, engine.interrupt)?;
        let staged = if difference.changes.is_empty() {
            None
        } else {
            let staged = Staged::make(source, &destination, &difference, engine);
            Some(staged.map_err(|error| told_of_mounts(error, &destination))?)
        };
        Ok(Self { tree: source.tree, destination, existing, is_part, difference, staged })
    }

    /// Puts what is staged in place, all or nothing of it.
    pub(super) fn commit(&self) -> Result<()> {
        let Some(staged) = &self.staged else { return Ok(()) };
        sys::crash_at(CrashPoint::UpdateStaged);
        commit(self.tree, &self.destination, staged.staging.dir(), &self.difference.changes)
            .map_err(|error| told_of_mounts(error, &self.destination))?;
        sys::crash_at(CrashPoint::UpdateSwapped);
        Ok(())
    }

    /// The reverse of [`Update::commit`], as far as it can be done.
    pub(super) fn undo(&self) -> Result<()> {
        let Some(staged) = &self.staged else { return Ok(()) };
        let lots = self.difference.changes.chunks(LOT);
        undo_all(self.tree, &self.destination, staged.staging.dir(), lots)
    }

    /// Removes what was staged. Where the old files could not be put back, they stay there.
    pub(super) fn abandon(self, is_put_back: bool) {
        if let Some(staged) = self.staged {
            staged.abandon(self.tree, &self.destination, is_put_back);
            // A directory has another time where something came and went.
            set_times(self.tree, &self.destination, &self.difference.times);
        }
    }

    /// Ends it: the destination is as it should be, and nothing is a failure any more.
    pub(super) fn finish(self) -> TransferStats {
        let Self { tree, destination, existing, is_part, difference, staged } = self;
        let mut stats = TransferStats::default();
        if let Some(staged) = staged {
            stats = staged.stats;
            stats.removed += difference.changes.iter().filter(|change| change.node.is_none()).count() as u64;
            stats.left_behind += u64::from(staged.staging.remove(&destination).is_err());
            // Modes of directories that are not the entry's are set again with the times.
            let _ = set_modes(tree, &destination, &staged.unlocked, 0);
        }
        // Directories that were there belong to others where only files are added, or where the tree is a part of a directory.
        let are_ours = existing == Existing::Mirror || (existing == Existing::Overwrite && !is_part);
        set_directory_times(tree, &destination, &difference, are_ours);
        stats.kept = difference.kept;
        stats.files += difference.kept;
        stats.bytes += difference.kept_bytes;
        stats
    }
}

impl Staged {
    fn make(
        source: Source<'_>,
        destination: &Dir,
        difference: &Difference,
        engine: Engine<'_>,
    ) -> Result<Self> {
        let before = destination.stat_self()?;
        let unlocked = difference.locked_with_changes();
        let made = set_modes(source.tree, destination, &unlocked, 0o200)
            .and_then(|()| Ok(Temporary::make(destination)?));
        let staging = match made {
            Ok(staging) => staging,
            Err(error) => {
                put_back_attributes(source.tree, destination, &unlocked, &before);
                return Err(error);
            }
        };
        let mut staged = Self { staging, before, unlocked, stats: TransferStats::default() };
        match staged.fill(source, &difference.changes, engine) {
            Ok(stats) => staged.stats = stats,
            Err(error) => {
                staged.abandon(source.tree, destination, true);
                return Err(error);
            }
        }
        Ok(staged)
    }

    fn fill(&self, source: Source<'_>, changes: &[Change], engine: Engine<'_>) -> Result<TransferStats> {
        let staging = self.staging.dir();
        staging.spread_directories();
        for lot in 0..changes.len().div_ceil(LOT) {
            staging.make_dir(lot.to_string().as_bytes(), 0o700)?;
        }
        let placements: Vec<_> = changes
            .iter()
            .enumerate()
            .filter_map(|(index, change)| Some(Placement { node: change.node?, name: staged_name(index) }))
            .collect();
        place(source, &placements, staging, None, engine)
    }

    fn abandon(self, tree: &Tree, destination: &Dir, is_put_back: bool) {
        if is_put_back {
            // What cannot be removed now, the next restore will find.
            let _ = self.staging.remove(destination);
        }
        put_back_attributes(tree, destination, &self.unlocked, &self.before);
    }
}

/// Gives directories their modes again, and the destination its time: the staging came and went. What comes now is not to hide
/// what failed.
fn put_back_attributes(tree: &Tree, destination: &Dir, unlocked: &[(NodeId, u16)], before: &Stat) {
    let _ = set_modes(tree, destination, unlocked, 0);
    let _ = destination.finish_self(None, before.mtime);
}

/// Gives directories the times that they had, where they are there.
fn set_times(tree: &Tree, destination: &Dir, times: &[(NodeId, Time)]) {
    for &(directory, time) in times {
        let _ = destination
            .open_beneath(&tree.path_below(0, directory))
            .and_then(|directory| directory.finish_self(None, time));
    }
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

/// Gives directories of the destination their modes, and `more` besides.
fn set_modes(tree: &Tree, destination: &Dir, directories: &[(NodeId, u16)], more: u16) -> Result<()> {
    for &(directory, mode) in directories {
        destination.open_beneath(&tree.path_below(0, directory))?.set_own_mode(mode | more)?;
    }
    Ok(())
}

/// Changes that are staged in one directory and committed by one thread: the kernel lets one thread at a time change a
/// directory.
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
            let mut directories = LastDirectory { tree, destination, last: None };
            for (number, change) in changes.iter().enumerate() {
                if has_failed.load(Ordering::Relaxed) {
                    return (number, None);
                }
                let index = lot * LOT + number;
                let applied = directories
                    .open(change.directory)
                    .map_err(Error::from)
                    .and_then(|directory| swap(directory, change, staging, index));
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
    let undone = undo_all(tree, destination, staging, lots.iter().zip(done).map(|(lot, done)| &lot[..done]));
    Err(match undone {
        Ok(()) => failure,
        Err(source) => Error::not_put_back(destination.path().into(), failure, source),
    })
}

/// Takes back the first changes of each lot. What cannot be taken back keeps nothing else from it.
fn undo_all<'c>(
    tree: &Tree,
    destination: &Dir,
    staging: &Dir,
    lots: impl Iterator<Item = &'c [Change]>,
) -> Result<()> {
    let mut directories = LastDirectory { tree, destination, last: None };
    let mut failure = None;
    for (lot, changes) in lots.enumerate() {
        for (number, change) in changes.iter().enumerate() {
            let index = lot * LOT + number;
            let undone = directories
                .open(change.directory)
                .map_err(Error::from)
                .and_then(|directory| undo(directory, change, staging, index));
            failure = failure.or(undone.err());
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Puts the staged file of a change in place and the old one in the staging. A directory that its owner may not write to cannot
/// leave its parent.
fn swap(directory: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    match try_swap(directory, change, staging, index) {
        Err(Error::Sys(error)) if error.is(Errno::ACCESS) && change.replaces => {
            let stat = directory.stat(&change.name)?;
            if stat.kind != FileType::Directory || stat.mode & 0o200 != 0 {
                return Err(error.into());
            }
            directory.set_mode(&change.name, stat.mode | 0o200)?;
            try_swap(directory, change, staging, index)
        }
        swapped => swapped,
    }
}

fn try_swap(directory: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => exchange(directory, &change.name, staging, &staged),
        (Some(_), false) => Ok(staging.rename_new(&staged, directory, &change.name)?),
        (None, _) => Ok(directory.rename_new(&change.name, staging, &staged)?),
    }
}

/// The reverse of [`swap`].
fn undo(directory: &Dir, change: &Change, staging: &Dir, index: usize) -> Result<()> {
    let staged = staged_name(index);
    match (change.node, change.replaces) {
        (Some(_), true) => exchange(directory, &change.name, staging, &staged),
        (Some(_), false) => Ok(directory.rename_new(&change.name, staging, &staged)?),
        (None, _) => Ok(staging.rename_new(&staged, directory, &change.name)?),
    }
}

fn exchange(directory: &Dir, name: &[u8], staging: &Dir, staged: &[u8]) -> Result<()> {
    match directory.exchange(name, staging, staged) {
        // NFS, OpenZFS before 2.2 and some of FUSE cannot.
        Err(error) if error.is(Errno::INVAL) => exchange_in_steps(directory, name, staging, staged),
        exchanged => Ok(exchanged?),
    }
}

/// A file is there all the time, as its old or its new self. Where a directory goes or comes, nothing is there for a moment.
fn exchange_in_steps(directory: &Dir, name: &[u8], staging: &Dir, staged: &[u8]) -> Result<()> {
    let fresh = [staged, b".new"].concat();
    staging.rename(staged, staging, &fresh)?;
    // A directory replaces no file.
    let is_linked =
        staging.stat(&fresh)?.kind != FileType::Directory && directory.link(name, staging, staged).is_ok();
    if !is_linked && let Err(error) = directory.rename(name, staging, staged) {
        // For another try.
        staging.rename(&fresh, staging, staged)?;
        return Err(error.into());
    }
    let Err(failure) = staging.rename(&fresh, directory, name) else { return Ok(()) };
    if !is_linked && let Err(source) = staging.rename(staged, directory, name) {
        return Err(Error::not_put_back(directory.join(name), failure.into(), source.into()));
    }
    Err(failure.into())
}

/// Opens each directory of the destination once for neighbouring changes.
struct LastDirectory<'a> {
    tree: &'a Tree,
    destination: &'a Dir,
    last: Option<(NodeId, Dir)>,
}

impl LastDirectory<'_> {
    fn open(&mut self, directory: NodeId) -> sys::Result<&Dir> {
        if self.last.as_ref().is_none_or(|(id, _)| *id != directory) {
            let dir = self.destination.open_beneath(&self.tree.path_below(0, directory))?;
            self.last = Some((directory, dir));
        }
        Ok(&self.last.as_ref().expect("it was just set").1)
    }
}

/// Directories lose their time when something in them changes, so they come last: those that were just made, and where the
/// others are ours (`are_ours`), these as well. What cannot be set is somebody else's, and costs a look at it next time.
fn set_directory_times(tree: &Tree, destination: &Dir, difference: &Difference, are_ours: bool) {
    // Xfs gives a directory that is exchanged the time of that.
    let is_directory = |&id: &NodeId| tree.node(id).kind.is_directory();
    let mut stale: Vec<_> =
        difference.changes.iter().filter_map(|change| change.node).filter(is_directory).collect();
    if are_ours {
        stale.extend(difference.changes.iter().map(|change| change.directory));
        stale.extend(&difference.stale_directories);
        if !difference.changes.is_empty() {
            // Something came and went in the root.
            stale.push(0);
        }
    }
    stale.sort_unstable();
    stale.dedup();
    for id in stale {
        let node = tree.node(id);
        let _ = destination.open_beneath(&tree.path_below(0, id)).and_then(|directory| {
            let kept = directory.stat_self()?.mode & KEPT_BY_DIRECTORIES;
            directory.finish_self(Some(node.mode | kept), node.mtime)
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
        for (directory, contents) in [(&entry, "newer"), (&to, "old")] {
            file::make_dirs(directory).unwrap();
            file::write_new(&directory.join("changed"), contents.as_bytes()).unwrap();
        }
        file::write_new(&entry.join("added"), b"new").unwrap();
        file::write_new(&to.join("extraneous"), b"old").unwrap();
        let entry = Dir::open(&entry).unwrap();
        let interrupt = Interrupt::default();
        let tree = walk(&entry, &Selection::all(), &interrupt).unwrap().tree;
        let there = Dir::open(&to).unwrap();
        let source = Source { tree: &tree, location: (&entry).into(), linkable: &[], is_live: false };
        let (linker, progress) = (Linker::new(LinkMode::Copy), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };
        let mut update = Update::stage(source, there, Existing::Mirror, false, engine).unwrap();
        assert_eq!(update.difference.changes.len(), 3);
        // Somebody removes a file between the comparison and the commit.
        let vanished = Change { directory: 0, name: b"vanished".to_vec(), node: None, replaces: true };
        update.difference.changes.push(vanished);

        let error = update.commit().unwrap_err();

        update.abandon(true);
        assert!(matches!(&error, Error::Sys(error) if error.is(Errno::NOENT)), "{error}");
        assert_eq!(file::names(&to).unwrap(), ["changed", "extraneous"]);
        assert_eq!(file::read(&to.join("changed")).unwrap(), b"old");
        assert_eq!(file::read(&to.join("extraneous")).unwrap(), b"old");
        assert!(!file::is_file(&to.join("added")));
    }
}
