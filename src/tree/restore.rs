//! Brings trees to their destinations, all of them or none.
//!
//! Where nothing is yet, a tree is placed beside its destination and renamed ([`super::beside`]). Where something is, what
//! differs is staged inside it and exchanged ([`super::update`]). First everything is staged: all that can run out of space
//! or be interrupted happens here, and there is nothing to undo. Then one tree after the other is put in place, and when that
//! fails or is interrupted, those that were are taken back. Only a tree that lies in another one's destination is staged when
//! that one is in place.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tracing::debug_span;

use super::beside::Beside;
use super::existing::Existing;
use super::source::Source;
use super::temporary::Swept;
use super::transfer_stats::TransferStats;
use super::update::Update;
use super::{Engine, Error, Result};
use crate::sys::{self, CrashPoint, Dir, Whole, file, mounts_below};

/// A tree, and where it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The tree.
    pub source: Source<'a>,
    /// A directory, made if absent; a symlink to a directory is followed.
    pub destination: &'a Path,
    /// What becomes of what is there.
    pub existing: Existing,
    /// Whether the tree is only a part of the directory: then the directory itself is neither replaced nor given another mode or
    /// time.
    pub is_part: bool,
    /// How it gets there.
    pub engine: Engine<'a>,
}

/// Brings all of the trees to their destinations, and returns what was done for each. On an error, or when interrupted, all
/// destinations are as they were; [`Error::NotPutBack`] names those that are not.
pub fn restore(deliveries: &[Delivery<'_>]) -> Result<Vec<TransferStats>> {
    let _span = debug_span!("bring trees").entered();
    let in_place = Vec::with_capacity(deliveries.len());
    let mut restore = Restore { in_place, swept: Swept::default(), whole: None };
    for wave in waves(deliveries) {
        if let Err(failure) = restore.bring(&wave) {
            return Err(restore.take_back(failure));
        }
    }
    Ok(restore.finish())
}

/// The trees that are in their places, each with its number.
struct Restore<'a> {
    in_place: Vec<(usize, Staged<'a>)>,
    swept: Swept,
    /// Held from the first change on: what begins is ended, or undone.
    whole: Option<Whole>,
}

impl<'a> Restore<'a> {
    /// Restores trees whose destinations do not overlap.
    fn bring(&mut self, wave: &[(usize, Delivery<'a>)]) -> Result<()> {
        let mut staged = Vec::with_capacity(wave.len());
        for (_, delivery) in wave {
            match Staged::make(delivery, &mut self.swept) {
                Ok(one) => staged.push(one),
                Err(error) => {
                    abandon_all(staged);
                    return Err(error);
                }
            }
        }
        let mut waiting = staged.into_iter();
        for (number, delivery) in wave {
            let Some(one) = waiting.next() else { break };
            self.whole.get_or_insert_with(|| delivery.engine.interrupt.whole());
            match one.put_in_place(delivery) {
                Ok(one) => self.in_place.push((*number, one)),
                Err(error) => {
                    abandon_all(waiting.collect());
                    return Err(error);
                }
            }
            sys::crash_at(CrashPoint::RestorePutInPlace);
        }
        Ok(())
    }

    /// Takes all trees out of their places again, the last one first.
    fn take_back(self, mut failure: Error) -> Error {
        for (_, one) in self.in_place.into_iter().rev() {
            if let Err((path, source)) = one.take_back() {
                failure = failure.nor_put_back(path, source);
            }
        }
        failure
    }

    fn finish(mut self) -> Vec<TransferStats> {
        self.in_place.sort_by_key(|(number, _)| *number);
        self.in_place.into_iter().map(|(_, one)| one.finish()).collect()
    }
}

/// A tree that is staged, or in its place, and what undoes that.
struct Staged<'a> {
    destination: PathBuf,
    how: How<'a>,
    made: MadeDirectories,
    left_behind: u64,
}

enum How<'a> {
    Beside(Beside),
    Inside(Update<'a>),
}

impl<'a> Staged<'a> {
    /// Stages a tree. On an error all is as it was.
    fn make(delivery: &Delivery<'a>, swept: &mut Swept) -> Result<Self> {
        let destination = settled(delivery.destination);
        let mut left_behind = swept.sweep(&destination);
        if let Some(parent) = destination.parent().filter(|_| !delivery.is_part) {
            left_behind += swept.sweep(parent);
        }
        if file::is_present(&destination) && !file::is_dir(&destination) {
            return Err(Error::NoDirectory { path: destination });
        }
        let mut made = MadeDirectories::default();
        let how = How::choose(delivery, &destination, &mut made).inspect_err(|_| made.remove())?;
        Ok(Self { destination, how, made, left_behind })
    }

    /// Puts the tree in its place. On an error it is not there, and nothing is staged.
    fn put_in_place(mut self, delivery: &Delivery<'a>) -> Result<Self> {
        if delivery.engine.interrupt.is_raised() {
            self.abandon(true);
            return Err(Error::Interrupted);
        }
        let done = match &mut self.how {
            How::Inside(update) => update.commit().map(|()| true),
            How::Beside(beside) => beside.commit(),
        };
        match done {
            Ok(true) => Ok(self),
            Ok(false) => self.stage_inside(delivery)?.put_in_place(delivery),
            Err(error) => {
                self.abandon(!matches!(error, Error::NotPutBack { .. }));
                Err(error)
            }
        }
    }

    /// Another way for a tree that cannot come to be by a rename.
    fn stage_inside(self, delivery: &Delivery<'a>) -> Result<Self> {
        let Self { destination, how, mut made, left_behind } = self;
        how.abandon(true);
        let how = How::inside(delivery, &destination, &mut made).inspect_err(|_| made.remove())?;
        Ok(Self { destination, how, made, left_behind })
    }

    /// Takes the tree out of its place again; where that fails, tells of which directory, and why.
    fn take_back(mut self) -> std::result::Result<(), (PathBuf, Error)> {
        let undone = match &mut self.how {
            How::Inside(update) => update.undo(),
            How::Beside(beside) => beside.undo(),
        };
        let path = self.destination.clone();
        self.abandon(undone.is_ok());
        undone.map_err(|error| (path, error))
    }

    fn abandon(self, is_put_back: bool) {
        self.how.abandon(is_put_back);
        self.made.remove();
    }

    fn finish(self) -> TransferStats {
        let mut stats = match self.how {
            How::Inside(update) => update.finish(),
            How::Beside(beside) => beside.finish(),
        };
        stats.left_behind += self.left_behind;
        stats
    }
}

impl<'a> How<'a> {
    fn choose(delivery: &Delivery<'a>, destination: &Path, made: &mut MadeDirectories) -> Result<Self> {
        if !delivery.is_part
            && let (Some(parent), Some(name)) = (destination.parent(), destination.file_name())
            && (!file::is_dir(destination) || Dir::open(destination)?.is_empty()?)
        {
            made.make(parent)?;
            if let Some(beside) = Beside::stage(delivery.source, parent, name.as_bytes(), delivery.engine)? {
                return Ok(Self::Beside(beside));
            }
        }
        Self::inside(delivery, destination, made)
    }

    fn inside(delivery: &Delivery<'a>, destination: &Path, made: &mut MadeDirectories) -> Result<Self> {
        let Delivery { source, existing, is_part, engine, .. } = *delivery;
        made.make(destination)?;
        let there = Dir::open(destination)?;
        if existing == Existing::Mirror
            && let Some(mount) = mounts_below(destination)?.pop()
        {
            return Err(Error::MountBelow { path: destination.into(), mount });
        }
        Ok(Self::Inside(Update::stage(source, there, existing, is_part, engine)?))
    }

    fn abandon(self, is_put_back: bool) {
        match self {
            Self::Inside(update) => update.abandon(is_put_back),
            Self::Beside(beside) => beside.abandon(),
        }
    }
}

/// Removes what is staged, the last one first: directories that one made may hold what another one did.
fn abandon_all(staged: Vec<Staged<'_>>) {
    staged.into_iter().rev().for_each(|one| one.abandon(true));
}

/// Directories that were not there before, the deepest first.
#[derive(Debug, Default)]
struct MadeDirectories(Vec<PathBuf>);

impl MadeDirectories {
    /// Makes `directory`, and what lacks above it.
    fn make(&mut self, directory: &Path) -> Result<()> {
        let absent = directory.ancestors().take_while(|path| !file::is_present(path));
        self.0.splice(0..0, absent.map(Path::to_path_buf));
        Ok(file::make_dirs(directory)?)
    }

    /// Removes them as far as they are empty.
    fn remove(&self) {
        for directory in &self.0 {
            // One that cannot be removed is empty all the same.
            let _ = file::remove_dir_if_empty(directory);
        }
    }
}

/// The path without symlinks, as far as it is there.
fn settled(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| Some((above, file::canonicalize(above).ok()?)));
    match there {
        // What is no directory is to be told of by its name.
        Some((above, there)) if file::is_dir(&there) => match path.strip_prefix(above) {
            Ok(rest) if rest.as_os_str().is_empty() => there,
            Ok(rest) => there.join(rest),
            Err(_) => path.into(),
        },
        _ => path.into(),
    }
}

/// The deliveries with their numbers, in waves: none in a wave lies in another one's destination. Those that overlap come in the
/// order in which they are listed.
fn waves<'a>(deliveries: &[Delivery<'a>]) -> Vec<Vec<(usize, Delivery<'a>)>> {
    let mut waves: Vec<Vec<(usize, Delivery<'a>)>> = Vec::new();
    let mut brought = Brought::default();
    for (number, delivery) in deliveries.iter().enumerate() {
        let wave = brought.add(delivery);
        if wave == waves.len() {
            waves.push(Vec::new());
        }
        waves[wave].push((number, *delivery));
    }
    waves
}

/// The paths that deliveries bring, each with the last wave that does.
#[derive(Default)]
struct Brought {
    at: HashMap<PathBuf, usize>,
    /// The same for all directories above.
    below: HashMap<PathBuf, usize>,
}

impl Brought {
    /// The wave of a delivery: the one behind all that bring what it brings, or something above or below.
    fn add(&mut self, delivery: &Delivery<'_>) -> usize {
        let destination = settled(delivery.destination);
        let Some((paths, above)) = paths_brought(&destination, delivery) else { return 0 };
        let of_paths = paths.iter().flat_map(|path| [self.at.get(path), self.below.get(path)]);
        let of_above = above.ancestors().map(|path| self.at.get(path));
        let wave = of_paths.chain(of_above).flatten().max().map_or(0, |last| last + 1);
        self.at.extend(paths.into_iter().map(|path| (path, wave)));
        for path in above.ancestors() {
            let last = self.below.entry(path.into()).or_default();
            *last = wave.max(*last);
        }
        wave
    }
}

/// What a delivery brings, and the directory in which all of that lies: of a part of a directory, which is not in the way of
/// parts with other names, what it has in it. `None` where it brings nothing.
fn paths_brought<'d>(destination: &'d Path, delivery: &Delivery<'_>) -> Option<(Vec<PathBuf>, &'d Path)> {
    if !delivery.is_part {
        return Some((vec![destination.into()], destination.parent().unwrap_or(destination)));
    }
    let tree = delivery.source.tree;
    let path = |id| destination.join(OsStr::from_bytes(tree.name(id)));
    let paths: Vec<_> = tree.children(0).map(path).collect();
    (!paths.is_empty()).then_some((paths, destination))
}

#[cfg(test)]
mod tests {
    use super::super::{LinkMode, Linker, Progress, Selection, walk};
    use super::*;
    use crate::sys::Interrupt;

    #[test]
    fn what_cannot_be_taken_back_is_named_and_the_rest_is() {
        let place = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = place.path().join(path);
            file::make_dirs(path.parent().unwrap()).unwrap();
            file::write_atomic(&path, text.as_bytes()).unwrap();
        };
        let read = |path: &str| file::read(&place.path().join(path)).unwrap();
        write("entry/file", "cached");
        let to = ["first", "second", "third"];
        for directory in to {
            write(&format!("{directory}/file"), "of the job");
        }
        let entry = Dir::open(&place.path().join("entry")).unwrap();
        let interrupt = Interrupt::default();
        let tree = walk(&entry, &Selection::all(), &interrupt).unwrap().tree;
        let (linker, progress) = (Linker::new(LinkMode::Copy), Progress::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };
        let source = Source { tree: &tree, location: (&entry).into(), linkable: &[], is_live: false };
        let to = to.map(|directory| place.path().join(directory));
        let existing = Existing::Overwrite;
        let delivery = |destination| Delivery { source, destination, existing, is_part: false, engine };
        let wave: Vec<_> = to.iter().map(|to| delivery(to.as_path())).enumerate().collect();
        let mut restore = Restore { in_place: Vec::new(), swept: Swept::default(), whole: None };
        restore.bring(&wave).unwrap();
        assert_eq!(read("second/file"), b"cached");
        // Somebody removes what is to be exchanged with the old file.
        file::remove_file(&to[1].join("file")).unwrap();

        let failure = restore.take_back(Error::Interrupted);

        let Error::NotPutBack { paths, .. } = &failure else { panic!("{failure}") };
        assert_eq!(paths, &[file::canonicalize(&to[1]).unwrap()]);
        assert_eq!(
            (read("first/file"), read("third/file")),
            (b"of the job".to_vec(), b"of the job".to_vec())
        );
        let left = file::names(&to[1]).unwrap();
        assert_eq!(left.len(), 1, "its old file is there still: {left:?}");
        assert_eq!(file::read(&to[1].join(&left[0]).join("0/0")).unwrap(), b"of the job");
    }

    #[test]
    fn what_overlaps_comes_in_order_and_all_else_at_once() {
        let place = tempfile::tempdir().unwrap();
        let tree_of = |names: &[&str]| {
            let entry = place.path().join(format!("of {}", names.concat()));
            file::make_dirs(&entry).unwrap();
            for name in names {
                file::write_new(&entry.join(name), b"").unwrap();
            }
            walk(&Dir::open(&entry).unwrap(), &Selection::all(), &Interrupt::default()).unwrap().tree
        };
        let entry = Dir::open(place.path()).unwrap();
        let (linker, progress, interrupt) =
            (Linker::new(LinkMode::Copy), Progress::default(), Interrupt::default());
        let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &progress };
        let [of_a, of_b, of_both, nothing] = [&["a"][..], &["b"], &["a", "b"], &[]].map(tree_of);
        let paths = ["w", "w/a", "w/c", "w/c/d", "v"].map(|path| place.path().join(path));
        let [whole, in_a, dir, in_dir, other] = paths.each_ref().map(PathBuf::as_path);
        // What comes, where to, whether it is a part of that directory, and the wave.
        let cases = [
            (&of_a, whole, true, 0),
            (&of_b, whole, true, 0),
            (&nothing, whole, true, 0),
            (&of_a, in_a, true, 1),
            (&of_b, in_a, true, 1),
            (&of_a, whole, true, 2),
            (&of_b, whole, true, 1),
            (&of_a, in_dir, false, 0),
            (&of_b, dir, true, 0),
            (&of_both, whole, true, 3),
            (&of_a, dir, false, 1),
            (&nothing, other, false, 0),
            (&of_a, whole, false, 4),
            (&of_a, place.path(), false, 5),
            (&of_a, in_dir, false, 6),
        ];
        let deliveries = cases.map(|(tree, destination, is_part, _)| {
            let source = Source { tree, location: (&entry).into(), linkable: &[], is_live: false };
            Delivery { source, destination, existing: Existing::Overwrite, is_part, engine }
        });
        let mut found = vec![usize::MAX; cases.len()];
        for (number, wave) in waves(&deliveries).iter().enumerate() {
            for (delivery, _) in wave {
                found[*delivery] = number;
            }
        }
        assert_eq!(found, cases.map(|(.., wave)| wave));
    }
}
