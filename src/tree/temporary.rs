//! Directories of ours in somebody else's directory, for as long as a restore or an audit takes.
//!
//! Whoever works in one holds its kernel lock, so that what a killed process left behind is told from it and removed by the
//! next restore there.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::sys::{Dir, Errno, Lock, LockMode, Result, is_mode_kept, random};

/// What every name that this program puts into somebody's directory for a moment begins with.
pub const TEMPORARY_PREFIX: &str = ".runner-cache-";

/// Hexadecimal digits behind the prefix: nobody calls a directory so by hand, and whatever else has the prefix is not ours.
const DIGITS: usize = 16;

/// Whether a directory of this name is one that we put there for a moment. A walk leaves it out: it is in use, or what a
/// killed process left behind.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    let digits = name.strip_prefix(TEMPORARY_PREFIX.as_bytes()).unwrap_or_default();
    digits.len() == DIGITS && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// Nobody else has to look into it.
const MODE: u16 = 0o700;

/// A directory with a random name.
#[derive(Debug)]
pub(super) struct Temporary {
    name: Vec<u8>,
    dir: Dir,
    /// File systems without locks do without.
    _lock: Option<Lock<Dir>>,
}

impl Temporary {
    /// Makes one in `parent`.
    pub(super) fn make(parent: &Dir) -> Result<Self> {
        loop {
            let name = format!("{TEMPORARY_PREFIX}{:08x}{:08x}", random()?, random()?).into_bytes();
            match parent.make_dir(&name, MODE) {
                Err(error) if error.is(Errno::EXIST) => continue,
                made => made?,
            }
            if !is_mode_kept(MODE) {
                parent.set_mode(&name, MODE)?;
            }
            // Before it was locked, another restore here may have taken it for debris: then make another.
            let opened = parent.open_dir(&name).and_then(|dir| Ok((dir, parent.open_dir(&name)?)));
            let (dir, to_lock) = match opened {
                Err(error) if error.is(Errno::NOENT) => continue,
                opened => opened?,
            };
            let lock = match Lock::try_on(to_lock, &parent.join(&name), LockMode::Exclusive) {
                Ok(None) => continue,
                lock => lock.ok().flatten(),
            };
            if parent.open_dir(&name).is_ok() {
                return Ok(Self { name, dir, _lock: lock });
            }
        }
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Its name.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Removes it, and all that is in it, from `parent`.
    pub(super) fn remove(self, parent: &Dir) -> Result<()> {
        parent.remove_all(&self.name)
    }
}

/// The directories from which a restore removed what killed processes left there: each once, before the restore puts something
/// of its own there.
#[derive(Debug, Default)]
pub(super) struct Swept(HashSet<PathBuf>);

impl Swept {
    /// Does it for `directory` unless it was done, and returns how many things could not be removed.
    pub(super) fn sweep(&mut self, directory: &Path) -> u64 {
        if !self.0.insert(directory.into()) {
            return 0;
        }
        // What cannot be read is no directory in which we were at work.
        Dir::open(directory).and_then(|directory| remove_debris(&directory)).unwrap_or(0)
    }
}

/// Removes from `parent` what killed processes left there, and returns how many such directories could not be removed.
pub(super) fn remove_debris(parent: &Dir) -> Result<u64> {
    let mut names = Vec::new();
    parent.for_each_name(|name| {
        if is_temporary(name) {
            names.push(name.to_vec());
        }
    })?;
    let is_left = |name: &Vec<u8>| {
        // A file or a symlink of such a name is none of ours.
        let Ok(dir) = parent.open_dir(name) else { return false };
        let path = dir.path().to_path_buf();
        match Lock::try_on(dir, &path, LockMode::Exclusive) {
            Ok(Some(_)) => parent.remove_all(name).is_err(),
            // Somebody works there, or that cannot be told.
            Ok(None) | Err(_) => false,
        }
    };
    Ok(names.iter().filter(|name| is_left(name)).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    #[test]
    fn what_somebody_works_in_is_no_debris() {
        let directory = tempfile::tempdir().unwrap();
        let parent = Dir::open(directory.path()).unwrap();
        let alive = Temporary::make(&parent).unwrap();
        file::make_dirs(&directory.path().join(".runner-cache-0123456789abcdef/a/b")).unwrap();
        file::write_new(&directory.path().join(".runner-cache-fedcba9876543210"), b"somebody's").unwrap();
        assert_eq!(remove_debris(&parent).unwrap(), 0);
        let names = file::names(directory.path()).unwrap();
        assert_eq!(names.len(), 2, "{names:?}");
        alive.remove(&parent).unwrap();
        assert_eq!(file::names(directory.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_restore_removes_debris_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let leave = || file::make_dirs(&path.join(".runner-cache-0123456789abcdef/a")).unwrap();
        let mut swept = Swept::default();
        leave();
        assert_eq!((swept.sweep(path), file::names(path).unwrap().len()), (0, 0));
        leave();
        assert_eq!((swept.sweep(path), file::names(path).unwrap().len()), (0, 1));
        assert_eq!(swept.sweep(&path.join("absent")), 0);
    }

    #[test]
    fn a_directory_that_somebody_gave_a_name_is_no_debris() {
        let directory = tempfile::tempdir().unwrap();
        let theirs = [
            ".runner-cache-",
            ".runner-cache-store",
            ".runner-cache-0123456789abcde",
            ".runner-cache-0123456789ABCDEF",
            ".runner-cache-0123456789abcdef0",
        ];
        for name in theirs {
            file::make_dirs(&directory.path().join(name).join("a")).unwrap();
        }
        assert_eq!(remove_debris(&Dir::open(directory.path()).unwrap()).unwrap(), 0);
        assert_eq!(file::names(directory.path()).unwrap().len(), theirs.len());
    }

    #[test]
    fn many_at_once_do_not_take_each_others_for_debris() {
        let directory = tempfile::tempdir().unwrap();
        let work = || {
            let parent = Dir::open(directory.path()).unwrap();
            for _ in 0..200 {
                remove_debris(&parent).unwrap();
                let mine = Temporary::make(&parent).unwrap();
                mine.dir().make_dir(b"inside", 0o700).unwrap();
                mine.remove(&parent).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(work);
            }
        });
        assert!(file::names(directory.path()).unwrap().is_empty());
    }
}
