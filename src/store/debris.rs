//! What killed processes and users of another kind left below a root: counted for whoever looks after the host. What a sweep
//! removes of it is for `clean` to say.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::area::Area;
use super::clean::LONGEST_JOB;
use super::{Access, Error, Layer, Result, Store};
use crate::sys::{Errno, FileType, Lock, LockMode, Stat};

/// What is in a root and no entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debris {
    /// Entries in the making at which nobody is, and what was not deleted to the end.
    pub left: usize,
    /// Damaged entries that are kept for somebody to look at.
    pub quarantined: usize,
    /// When the last of them was found.
    pub last_quarantined: Option<Timestamp>,
    /// Sessions of jobs that are over and never saved.
    pub sessions: usize,
}

/// Directories of a root that are not as this program makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// This user's, with permission bits that let in others, or keep out those who share the root.
    pub wrong_modes: Vec<PathBuf>,
    /// Entries and directories of root's, in a root that is somebody else's.
    pub of_root: Vec<PathBuf>,
}

impl Store {
    /// What is in the root and no entry. Nothing is touched.
    pub fn debris(&self, now: Timestamp) -> Result<Debris> {
        let mut debris = Debris::default();
        for directory in [self.area(Area::Staging), self.area(Area::Trash), self.area(Area::Retired)] {
            for path in self.below(&directory)? {
                debris.left += usize::from(self.is_left(&path)?);
            }
        }
        for path in self.below(&self.area(Area::Quarantine))? {
            if let Some(stat) = self.stat_at(&path)? {
                debris.quarantined += 1;
                debris.last_quarantined = debris.last_quarantined.max(Some(stat.mtime.timestamp()));
            }
        }
        for path in self.below(&self.area(Area::Sessions))? {
            debris.sessions += usize::from(self.goes_at_sweep(&path, LONGEST_JOB, now)?);
        }
        Ok(debris)
    }

    /// Who owns what, down to the entries. What is in entries belongs to who made them.
    pub fn ownership(&self) -> Result<Ownership> {
        let owner = self.dir().stat_self()?.owner;
        let mut found = Ownership::default();
        let mut look = |path: &Path, is_entry: bool| -> Result<()> {
            let Some(stat) = self.stat_at(path)?.filter(|stat| stat.kind == FileType::Directory) else {
                return Ok(());
            };
            if stat.owner == 0 && owner != 0 && self.access() == Access::Private {
                found.of_root.push(path.into());
            } else if !is_entry && self.is_wrong(&stat) {
                found.wrong_modes.push(path.into());
            }
            Ok(())
        };
        for area in Area::ALL {
            look(&self.area(area), false)?;
        }
        let mut directories: Vec<_> = Layer::ALL.iter().map(|layer| self.root().join(layer.name())).collect();
        for _ in ["layer", "repository", "ref", "key"] {
            let mut below = Vec::new();
            for directory in directories {
                look(&directory, false)?;
                below.extend(self.below(&directory)?);
            }
            directories = below;
        }
        directories.iter().try_for_each(|entry| look(entry, true))?;
        Ok(found)
    }

    /// Gives a directory of this user's the permission bits that it was made with.
    pub fn correct_mode(&self, path: &Path) -> Result<()> {
        self.check_writable()?;
        Ok(self.open_directory(path)?.set_own_mode(self.access().mode())?)
    }

    fn is_wrong(&self, stat: &Stat) -> bool {
        let is_own = stat.owner == rustix::process::geteuid().as_raw();
        is_own
            && match self.access() {
                Access::Private => stat.mode & 0o022 != 0,
                Access::Group => stat.mode & 0o002 != 0 || stat.mode & 0o2070 != 0o2070,
            }
    }

    /// Whether nobody is at the directory `path`, and it is this user's to remove.
    fn is_left(&self, path: &Path) -> Result<bool> {
        let is_ours = |stat: &Stat| stat.kind == FileType::Directory && self.may_remove(stat.owner);
        if !self.stat_at(path)?.as_ref().is_some_and(is_ours) {
            return Ok(false);
        }
        match self.open_directory(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(false),
            dir => Ok(Lock::try_on(dir?, path, LockMode::Shared)?.is_some()),
        }
    }

    fn below(&self, directory: &Path) -> Result<Vec<PathBuf>> {
        Ok(self.names(directory)?.into_iter().map(|name| directory.join(name)).collect())
    }

    fn stat_at(&self, path: &Path) -> Result<Option<Stat>> {
        match self.open_parent(path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(None),
            opened => {
                let (directory, name) = opened?;
                Ok(directory.stat_if_present(name)?)
            }
        }
    }
}
