//! Kernel locks (`flock`) on files and directories. They end with the process that holds them, however it ends.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{self, FlockOperation, OFlags};
use rustix::io::Errno;

use tracing::debug;

use super::error::{Named, Result};

/// How long to sleep between two tries of a lock that is taken. `flock` has no time-out of its own.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Who may hold the lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Any number of readers.
    Shared,
    /// One.
    Exclusive,
}

/// A lock that is held until the guard is dropped.
#[derive(Debug)]
pub struct Lock<F: AsFd = OwnedFd> {
    /// Closing the descriptor ends the lock.
    file: F,
}

impl<F: AsFd> Lock<F> {
    /// Locks the open `file` at once, or returns `None` when somebody else holds it. `path` is for messages.
    pub fn try_on(file: F, path: &Path, mode: Mode) -> Result<Option<Self>> {
        let operation = match mode {
            Mode::Shared => FlockOperation::NonBlockingLockShared,
            Mode::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        match fs::flock(&file, operation) {
            Ok(()) => Ok(Some(Self { file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).named("lock", || path.to_path_buf()),
        }
    }

    /// The same, waiting up to `patience`: `open` opens the file anew for each try.
    pub fn wait_on(
        open: impl Fn() -> Result<F>,
        path: &Path,
        mode: Mode,
        patience: Duration,
    ) -> Result<Option<Self>> {
        let started = Instant::now();
        loop {
            if let Some(lock) = Self::try_on(open()?, path, mode)? {
                return Ok(Some(lock));
            }
            debug!(path = %path.display(), ?mode, waited = ?started.elapsed(), "held by another process");
            if started.elapsed() >= patience {
                return Ok(None);
            }
            std::thread::sleep(TRY_AGAIN_AFTER);
        }
    }

    /// What is locked, and stays so as long as somebody has it open.
    pub fn into_inner(self) -> F {
        self.file
    }

    /// What is locked.
    pub fn get(&self) -> &F {
        &self.file
    }
}

impl Lock {
    /// Locks the file at `path`, made if absent, waiting up to `patience`. `None` when it was not to be had by then.
    pub fn wait(path: &Path, mode: Mode, patience: Duration) -> Result<Option<Self>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let open = || {
            fs::open(path, flags, fs::Mode::from_raw_mode(0o644))
                .named("open lock file", || PathBuf::from(path))
        };
        Self::wait_on(open, path, mode, patience)
    }
}
