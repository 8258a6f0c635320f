//! Where the ledger of what happened in a cache lies: its file has the permission bits of the root from the start, so that
//! all users of a root append to one.

use std::path::PathBuf;

use super::root::Area;
use super::{Error, Result, Store};
use crate::sys::{Errno, file};

/// The database. SQLite puts others beside it, named after it and with its permission bits.
const FILE: &str = "events.db";

/// What SQLite puts beside it, of which a new database is to have nothing.
const BESIDE: [&str; 2] = ["events.db-wal", "events.db-shm"];

/// A damaged one that was set aside; an earlier one is replaced.
const ASIDE: &str = "events.db.damaged";

/// A ledger's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFile {
    /// Where it is, without symlinks.
    pub path: PathBuf,
    /// What tells it from another one of this name.
    inode: u64,
}

impl Store {
    /// The file of the ledger, made if absent: empty then.
    pub fn make_ledger(&self) -> Result<LedgerFile> {
        self.check_writable()?;
        let directory = self.make_directory(&self.ledger_directory())?;
        if directory.stat_if_present(FILE.as_bytes())?.is_none() {
            directory.make_file_with_mode(FILE.as_bytes(), self.access().file_mode())?;
        }
        let inode = directory.stat(FILE.as_bytes())?.inode;
        Ok(LedgerFile { path: self.ledger_path()?, inode })
    }

    /// The file of the ledger; `None` where there is none.
    pub fn ledger(&self) -> Result<Option<LedgerFile>> {
        let stat = match self.open_directory(&self.ledger_directory()) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(None),
            directory => directory?.stat_if_present(FILE.as_bytes())?,
        };
        stat.map(|stat| Ok(LedgerFile { path: self.ledger_path()?, inode: stat.inode })).transpose()
    }

    fn ledger_directory(&self) -> PathBuf {
        self.area(Area::Ledger)
    }

    fn ledger_path(&self) -> Result<PathBuf> {
        Ok(file::canonicalize(&self.ledger_directory())?.join(FILE))
    }

    /// Sets a damaged ledger aside, unless another process did so already. Returns where it is now.
    pub fn set_ledger_aside(&self, damaged: &LedgerFile) -> Result<Option<PathBuf>> {
        self.check_writable()?;
        let directory = self.open_directory(&self.ledger_directory())?;
        let there = directory.stat_if_present(FILE.as_bytes())?;
        if there.is_none_or(|stat| stat.inode != damaged.inode) {
            return Ok(None);
        }
        directory.rename(FILE.as_bytes(), &directory, ASIDE.as_bytes())?;
        for name in BESIDE {
            match directory.remove_file(name.as_bytes()) {
                Err(error) if error.is(Errno::NOENT) => {}
                removed => removed?,
            }
        }
        Ok(Some(damaged.path.with_file_name(ASIDE)))
    }
}
