//! Where the ledger of what happened in a cache lies: its file has the permission bits of the root from the start, so that
//! all users of a root append to one.

use std::path::PathBuf;
use std::time::Duration;

use super::area::Area;
use super::{Error, Result, Store};
use crate::sys::{Dir, Errno, Lock, LockMode, file};

/// The database. SQLite puts others beside it, named after it and with its permission bits.
const FILE: &str = "events.db";

/// What SQLite puts beside it, of which a new database is to have nothing.
const BESIDE: [&str; 2] = ["events.db-wal", "events.db-shm"];

/// A damaged one that was set aside; an earlier one is replaced.
const ASIDE: &str = "events.db.damaged";

/// How long to wait until nobody has a damaged one open, or until it is aside: each needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// What tells a ledger's file from another one in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerId(u64);

/// A ledger's file. As long as somebody has this, nobody sets the file aside: SQLite's log of one database must never lie
/// beside another.
#[derive(Debug)]
pub struct LedgerFile {
    /// Where it is, without symlinks.
    pub path: PathBuf,
    /// Which it is.
    pub id: LedgerId,
    _in_use: Lock<Dir>,
}

impl Store {
    /// The file of the ledger, made if absent: empty then.
    pub fn make_ledger(&self) -> Result<LedgerFile> {
        self.check_writable()?;
        self.make_directory(&self.ledger_directory())?;
        let lock = self.lock_ledger(LockMode::Shared)?;
        let directory = lock.get();
        if directory.stat_if_present(FILE.as_bytes())?.is_none() {
            directory.make_file_with_mode(FILE.as_bytes(), self.access().file_mode())?;
        }
        let id = LedgerId(directory.stat(FILE.as_bytes())?.inode);
        Ok(LedgerFile { path: self.ledger_path()?, id, _in_use: lock })
    }

    /// The file of the ledger; `None` where there is none.
    pub fn ledger(&self) -> Result<Option<LedgerFile>> {
        let lock = match self.lock_ledger(LockMode::Shared) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Ok(None),
            lock => lock?,
        };
        let Some(stat) = lock.get().stat_if_present(FILE.as_bytes())? else { return Ok(None) };
        Ok(Some(LedgerFile { path: self.ledger_path()?, id: LedgerId(stat.inode), _in_use: lock }))
    }

    fn ledger_directory(&self) -> PathBuf {
        self.area(Area::Ledger)
    }

    fn ledger_path(&self) -> Result<PathBuf> {
        Ok(file::canonicalize(&self.ledger_directory())?.join(FILE))
    }

    fn lock_ledger(&self, mode: LockMode) -> Result<Lock<Dir>> {
        let path = self.ledger_directory();
        let directory = self.open_directory(&path)?;
        // An empty path opens it anew.
        let lock = Lock::wait_on(|| directory.open_beneath(b""), &path, mode, PATIENCE)?;
        lock.ok_or(Error::LedgerBusy { path })
    }

    /// Sets a damaged ledger aside, unless another process did so already. Returns where it is now.
    pub fn set_ledger_aside(&self, damaged: LedgerId) -> Result<Option<PathBuf>> {
        self.check_writable()?;
        let lock = self.lock_ledger(LockMode::Exclusive)?;
        let directory = lock.get();
        let there = directory.stat_if_present(FILE.as_bytes())?;
        if there.is_none_or(|stat| LedgerId(stat.inode) != damaged) {
            return Ok(None);
        }
        directory.rename(FILE.as_bytes(), directory, ASIDE.as_bytes())?;
        for name in BESIDE {
            match directory.remove_file(name.as_bytes()) {
                Err(error) if error.is(Errno::NOENT) => {}
                removed => removed?,
            }
        }
        Ok(Some(self.ledger_path()?.with_file_name(ASIDE)))
    }
}
