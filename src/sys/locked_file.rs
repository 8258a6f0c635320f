//! A file that programs lock while they read it, and then write anew in place.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{Named, Result};
use super::lock::{Lock, Mode};

/// The file, locked until this is dropped.
#[derive(Debug)]
pub struct LockedFile {
    lock: Lock,
    path: PathBuf,
}

impl LockedFile {
    /// Locks the file at `path`, made if absent, waiting up to `patience`. `None` when it was not to be had by then.
    pub fn wait(path: &Path, patience: Duration) -> Result<Option<Self>> {
        let lock = Lock::wait(path, Mode::Exclusive, patience)?;
        Ok(lock.map(|lock| Self { lock, path: path.to_path_buf() }))
    }

    /// Its path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all that is in it.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.file()?;
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).named("read", || self.path.clone())?;
        Ok(bytes)
    }

    /// Writes `new` over `old`, which is all that is in it.
    ///
    /// Nothing can be renamed to its place: those who wait for the lock have this very file open, and what they write
    /// then would be lost. So one call writes all of `new`, with newlines where `old` is longer: the file is never empty or
    /// short in between. A failure leaves the old.
    pub fn replace(&self, old: &[u8], new: &[u8]) -> Result<()> {
        let file = self.file()?;
        let mut bytes = new.to_vec();
        bytes.resize(new.len().max(old.len()), b'\n');
        let mut written = file.write_all_at(&bytes, 0);
        if written.is_ok() && new.is_empty() {
            written = file.set_len(0);
        }
        if written.is_err() {
            // There is room for what was there, and the failure itself is what is told.
            let _ = file.write_all_at(old, 0).and_then(|()| file.set_len(old.len() as u64));
        }
        written.named("write", || self.path.clone())
    }

    fn file(&self) -> Result<File> {
        let file = self.lock.get().try_clone().named("open", || self.path.clone())?;
        Ok(File::from(file))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn what_was_open_before_sees_what_was_written() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("f");
        let locked = LockedFile::wait(&path, Duration::ZERO).unwrap().unwrap();
        let mut waiting = file::open(&path).unwrap();
        let write = |old: &str, new: &str| locked.replace(old.as_bytes(), new.as_bytes()).unwrap();
        write("", "longer");
        write("longer", "new");
        let mut seen = String::new();
        waiting.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "new\n\n\n");
        assert_eq!(locked.read().unwrap(), seen.as_bytes());
        write(&seen, "");
        assert_eq!(locked.read().unwrap(), b"");
    }

    #[test]
    fn somebody_elses_lock_is_waited_for_and_no_longer() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("f");
        let first = LockedFile::wait(&path, Duration::ZERO).unwrap();
        assert!(LockedFile::wait(&path, Duration::ZERO).unwrap().is_none());
        drop(first);
        assert!(LockedFile::wait(&path, Duration::ZERO).unwrap().is_some());
    }
}
