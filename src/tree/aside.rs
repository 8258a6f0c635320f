//! A directory that is set aside while another one takes its place, and then put back.
//!
//! It waits in a directory of ours beside it. If the process dies meanwhile, the next restore there takes that for debris and
//! removes it: what stands in its place by then was made by the user's own command, from nothing.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::temporary::{Temporary, remove_debris};
use super::{Error, Result};
use crate::sys::{Dir, file};

/// Its name while it waits.
const KEPT: &[u8] = b"kept";

/// The name of what took its place, while that is being removed.
const MADE: &[u8] = b"made";

/// A directory that waits to be put back, or the note that there was none.
#[derive(Debug)]
pub struct Aside {
    parent: Dir,
    name: Vec<u8>,
    waiting: Temporary,
    was_there: bool,
}

impl Aside {
    /// Sets the directory at `path` aside; a symlink to one is followed and stays. Where nothing is, nothing is put back.
    pub fn set(path: &Path) -> Result<Self> {
        let was_there = file::is_dir(path);
        let real = if was_there { file::canonicalize(path)? } else { path.to_path_buf() };
        let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(Error::NoDirectory { path: real });
        };
        if !was_there && file::is_present(&real) {
            return Err(Error::NoDirectory { path: real });
        }
        file::make_dirs(parent)?;
        let (parent, name) = (Dir::open(parent)?, name.as_bytes().to_vec());
        remove_debris(&parent)?;
        let waiting = Temporary::make(&parent)?;
        if was_there {
            if let Err(error) = parent.rename(&name, waiting.dir(), KEPT) {
                // It is empty, and the next restore takes it away otherwise.
                let _ = waiting.remove(&parent);
                return Err(error.into());
            }
            // Cargo makes no directory behind a symlink that leads nowhere.
            if file::is_present(path) {
                file::make_dirs(&real)?;
            }
        }
        Ok(Self { parent, name, waiting, was_there })
    }

    /// Where the directory waits, for messages.
    pub fn path(&self) -> PathBuf {
        self.waiting.dir().join(KEPT)
    }

    /// Puts it back in the place of what is there by now, and removes that. Whether that could be removed is told; it lies in
    /// a directory of ours, so the next restore there tries again.
    pub fn put_back(self) -> Result<bool> {
        let Self { parent, name, waiting, was_there } = self;
        if parent.stat_if_present(&name)?.is_some() {
            parent.rename(&name, waiting.dir(), MADE)?;
        }
        if was_there {
            waiting.dir().rename(KEPT, &parent, &name)?;
        }
        Ok(waiting.remove(&parent).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let names = file::names(directory).unwrap().into_iter();
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn what_was_set_aside_comes_back_and_what_took_its_place_goes() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        file::make_dirs(&target.join("old")).unwrap();
        let before = Dir::open(&target).unwrap().stat_self().unwrap();
        let aside = Aside::set(&target).unwrap();
        assert!(!file::is_present(&target) && file::is_dir(&aside.path().join("old")));
        file::make_dirs(&target.join("new/deep")).unwrap();
        assert!(aside.put_back().unwrap());
        assert_eq!((names(directory.path()), names(&target)), (vec!["target".into()], vec!["old".into()]));
        let after = Dir::open(&target).unwrap().stat_self().unwrap();
        assert_eq!((after.mtime, after.inode, after.mode), (before.mtime, before.inode, before.mode));
    }

    #[test]
    fn where_nothing_was_nothing_is_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        let aside = Aside::set(&target).unwrap();
        file::make_dirs(&target).unwrap();
        assert!(aside.put_back().unwrap());
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_link_stays_and_leads_to_an_empty_directory_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        file::make_dirs(&directory.path().join("disk/target/old")).unwrap();
        let here = Dir::open(directory.path()).unwrap();
        here.make_symlink(b"target", b"disk/target").unwrap();
        let target = directory.path().join("target");
        let aside = Aside::set(&target).unwrap();
        assert!(names(&target).is_empty() && file::is_dir(&target));
        assert!(aside.put_back().unwrap());
        assert_eq!(names(&target), ["old"]);
        assert_eq!(here.read_symlink(b"target").unwrap(), b"disk/target");
    }

    #[test]
    fn a_file_is_not_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        file::write_new(&target, b"x").unwrap();
        assert!(matches!(Aside::set(&target), Err(Error::NoDirectory { .. })));
    }

    #[test]
    fn what_a_killed_process_set_aside_is_debris_for_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        file::make_dirs(&target.join("old")).unwrap();
        drop(Aside::set(&target).unwrap());
        file::make_dirs(&target.join("new")).unwrap();
        let aside = Aside::set(&target).unwrap();
        assert!(aside.put_back().unwrap());
        assert_eq!((names(directory.path()), names(&target)), (vec!["target".into()], vec!["new".into()]));
    }
}
