//! Folders of ours in somebody else's folder, for as long as a restore takes.
//!
//! Whoever works in one holds its kernel lock, so that what a killed process left behind is told from it and removed by the
//! next restore there.

use std::os::unix::ffi::OsStrExt;

use crate::sys::{Dir, Errno, Lock, LockMode, Result, file};

/// What every name that this program puts into somebody's folder for a moment begins with. A walk leaves such names out:
/// they are what a killed process left behind.
pub const TEMPORARY_PREFIX: &str = ".runner-cache-";

/// A folder with a random name.
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
            let path = file::make_unique_dir(parent.path(), TEMPORARY_PREFIX)?;
            let name = path.file_name().unwrap_or_default().as_bytes().to_vec();
            // Before it was locked, another restore here may have taken it for debris: then make another.
            let opened = parent.open_dir(&name).and_then(|dir| Ok((dir, parent.open_dir(&name)?)));
            let (dir, to_lock) = match opened {
                Err(error) if error.is(Errno::NOENT) => continue,
                opened => opened?,
            };
            let lock = match Lock::try_on(to_lock, &path, LockMode::Exclusive) {
                Ok(None) => continue,
                lock => lock.ok().flatten(),
            };
            if parent.open_dir(&name).is_ok() {
                return Ok(Self { name, dir, _lock: lock });
            }
        }
    }

    /// The folder.
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

/// Removes from `parent` what killed processes left there, and returns how many such folders could not be removed.
pub(super) fn remove_debris(parent: &Dir) -> Result<u64> {
    let mut names = Vec::new();
    parent.for_each_name(|name| {
        if name.starts_with(TEMPORARY_PREFIX.as_bytes()) {
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

    #[test]
    fn what_somebody_works_in_is_no_debris() {
        let folder = tempfile::tempdir().unwrap();
        let parent = Dir::open(folder.path()).unwrap();
        let alive = Temporary::make(&parent).unwrap();
        file::make_dirs(&folder.path().join(".runner-cache-dead/a/b")).unwrap();
        file::write_new(&folder.path().join(".runner-cache-file"), b"somebody's").unwrap();
        assert_eq!(remove_debris(&parent).unwrap(), 0);
        let names = file::names(folder.path()).unwrap();
        assert_eq!(names.len(), 2, "{names:?}");
        alive.remove(&parent).unwrap();
        assert_eq!(file::names(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn many_at_once_do_not_take_each_others_for_debris() {
        let folder = tempfile::tempdir().unwrap();
        let work = || {
            let parent = Dir::open(folder.path()).unwrap();
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
        assert!(file::names(folder.path()).unwrap().is_empty());
    }
}
