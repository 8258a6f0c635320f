//! Removes a directory with all that is in it, however deep it is.
//!
//! A directory is one job: it removes its files and hands its subdirectories on, and whichever of these is done last removes it.
//! Directories that lie deep are moved to the top, and their turn comes when all others are gone: so neither the stack nor the
//! files that this process may have open limit the depth.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::Scope;
use rustix::fs::{self, AtFlags, FileType};
use rustix::io::Errno;

use super::Dir;
use super::error::{Error, Named, Result};

/// Directories in each other that each thread holds open. Few trees are deeper, and 1,024 open files is the usual limit.
const LEVELS: usize = 16;

impl Dir {
    /// Removes `name` with all that is in it, following no symlink and entering nothing that is mounted there. What is
    /// absent, or goes meanwhile, is fine.
    pub fn remove_all(&self, name: &[u8]) -> Result<()> {
        if !self.is_directory_to_empty(name)? {
            return Ok(());
        }
        let Some((top, mut names)) = self.empty_of_files(name)? else { return Ok(()) };
        let removal =
            Removal { top, moved: AtomicU64::new(0), deep: Mutex::default(), failure: Mutex::default() };
        while !names.is_empty() {
            rayon::scope(|scope| {
                for name in &names {
                    let removal = &removal;
                    scope.spawn(move |scope| removal.remove(scope, None, name));
                }
            });
            names = std::mem::take(&mut locked(&removal.deep));
        }
        if let Some(error) = locked(&removal.failure).take() {
            return Err(error);
        }
        self.remove_dir(name).or_else(fine_if_absent)
    }

    /// Removes `name`, unless it is a directory: then it is made one that can be emptied.
    fn is_directory_to_empty(&self, name: &[u8]) -> Result<bool> {
        let Some(stat) = self.stat_if_present(name)? else { return Ok(false) };
        if stat.kind != FileType::Directory {
            self.remove_file(name).or_else(fine_if_absent)?;
            return Ok(false);
        }
        if stat.mode & 0o700 != 0o700 {
            self.set_mode(name, 0o700).or_else(fine_if_absent)?;
        }
        Ok(true)
    }

    /// Removes the files of the directory `name`, and returns it with the names of the directories in it.
    fn empty_of_files(&self, name: &[u8]) -> Result<Option<(Self, Vec<Vec<u8>>)>> {
        let dir = match self.open_dir_of_same_mount(name) {
            Err(error) if error.is(Errno::NOENT) => return Ok(None),
            dir => dir?,
        };
        let mut names = Vec::new();
        dir.for_each_name(|name| names.push(name.to_vec())).or_else(fine_if_absent)?;
        let mut directories = Vec::new();
        for child in names {
            // Files are the most: try to unlink before asking what it is.
            match fs::unlinkat(&dir, child.as_slice(), AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR | Errno::PERM) => directories.push(child),
                Err(error) => return Err(error).named("remove", || dir.join(&child)),
            }
        }
        Ok(Some((dir, directories)))
    }
}

/// A directory that is being emptied.
struct Directory {
    dir: Dir,
    name: Vec<u8>,
    /// The one that it is in; `None` for the top.
    above: Option<Arc<Directory>>,
    level: usize,
}

struct Removal {
    top: Dir,
    /// How many names were given to what was moved.
    moved: AtomicU64,
    /// What was moved to the top and waits.
    deep: Mutex<Vec<Vec<u8>>>,
    /// The first one. Nothing is begun after it.
    failure: Mutex<Option<Error>>,
}

impl Removal {
    fn remove<'scope>(&'scope self, scope: &Scope<'scope>, above: Option<Arc<Directory>>, name: &[u8]) {
        if let Some((directory, names)) = self.unless_failed(|| self.clear(above.as_ref(), name)).flatten() {
            let directory = Arc::new(directory);
            // The kernel lets one thread at a time change a directory, but several change several.
            for name in names {
                let directory = Arc::clone(&directory);
                scope.spawn(move |scope| self.remove(scope, Some(directory), &name));
            }
            self.leave(Some(directory));
        }
        self.leave(above);
    }

    /// Removes `name`, but of a directory only the files.
    fn clear(
        &self,
        above: Option<&Arc<Directory>>,
        name: &[u8],
    ) -> Result<Option<(Directory, Vec<Vec<u8>>)>> {
        let within = self.dir(above);
        if !within.is_directory_to_empty(name)? {
            return Ok(None);
        }
        let level = above.map_or(1, |above| above.level + 1);
        // Where it cannot be moved (a full disk), it is removed where it is, and more files are open.
        if level > LEVELS && self.move_to_top(within, name).is_ok() {
            return Ok(None);
        }
        let Some((dir, names)) = within.empty_of_files(name)? else { return Ok(None) };
        Ok(Some((Directory { dir, name: name.to_vec(), above: above.cloned(), level }, names)))
    }

    fn move_to_top(&self, within: &Dir, name: &[u8]) -> Result<()> {
        loop {
            let to = format!(".{}", self.moved.fetch_add(1, Ordering::Relaxed)).into_bytes();
            match within.rename_new(name, &self.top, &to) {
                Err(error) if error.is(Errno::EXIST) => {}
                moved => return moved.map(|()| locked(&self.deep).push(to)),
            }
        }
    }

    /// Lets go of a directory. Whoever is the last removes it, and may be the last of the one above. It is a loop, since to
    /// drop one within another takes stack.
    fn leave(&self, mut directory: Option<Arc<Directory>>) {
        while let Some(Directory { dir, name, above, .. }) = directory.and_then(Arc::into_inner) {
            drop(dir);
            self.unless_failed(|| self.dir(above.as_ref()).remove_dir(&name).or_else(fine_if_absent));
            directory = above;
        }
    }

    fn dir<'a>(&'a self, directory: Option<&'a Arc<Directory>>) -> &'a Dir {
        directory.map_or(&self.top, |directory| &directory.dir)
    }

    fn unless_failed<T>(&self, job: impl FnOnce() -> Result<T>) -> Option<T> {
        if locked(&self.failure).is_some() {
            return None;
        }
        job().map_err(|error| _ = locked(&self.failure).get_or_insert(error)).ok()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fine_if_absent(error: Error) -> Result<()> {
    if error.is(Errno::NOENT) { Ok(()) } else { Err(error) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Makes `depth` directories in each other, called `name`, each with another one beside it that holds a file.
    pub(in super::super) fn make_deep(top: &Dir, name: &[u8], beside: &[u8], depth: usize) {
        let mut here = top.open_beneath(b"").unwrap();
        for _ in 0..depth {
            here.make_dir(name, 0o755).unwrap();
            here.make_dir(beside, 0o755).unwrap();
            here.open_dir(beside).unwrap().create_file(b"file", 0o644).unwrap();
            here = here.open_dir(name).unwrap();
        }
    }

    #[test]
    fn what_is_very_deep_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let dir = Dir::open(directory.path()).unwrap();
        for (name, beside) in [(b"a", b"b"), (b"b", b"a")] {
            dir.make_dir(b"top", 0o755).unwrap();
            let top = dir.open_dir(b"top").unwrap();
            // A name that what is moved up might get.
            top.make_dir(b".0", 0o500).unwrap();
            make_deep(&top, name, beside, 3000);
            dir.remove_all(b"top").unwrap();
            assert!(dir.stat_if_present(b"top").unwrap().is_none());
        }
    }
}
