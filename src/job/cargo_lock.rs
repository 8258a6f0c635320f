//! Takes cargo's own locks, and tells when that takes long.

use std::path::Path;
use std::time::Duration;

use crate::cargo::{CargoHome, InstallRoot, Installs};
use crate::job::Job;
use crate::store::WorkLock;
use crate::sys::{self, Lock};

/// How long to wait for another cargo that downloads or installs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CargoBusy {
    /// Another cargo had it all the time.
    #[error(
        "another cargo process held its lock on {path} for {} s; hint: give each runner its own CARGO_HOME",
        PATIENCE.as_secs()
    )]
    Kept {
        /// The home.
        path: String,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Sys(#[from] sys::Error),
}

/// Takes the download lock of the home that `part` (such as `registry/index`) lies in.
pub(crate) fn lock_cargo_home(job: &Job, part: &Path) -> Result<Lock, CargoBusy> {
    let home = CargoHome::around(part);
    wait(job, home.path(), &home.download_lock(), |patience| home.lock_downloads(patience))
}

/// Takes the lock on what is installed in `root`.
pub(crate) fn lock_installs(job: &Job, root: &InstallRoot) -> Result<Installs, CargoBusy> {
    wait(job, root.path(), &root.listing(), |patience| root.lock(patience))
}

fn wait<L>(
    job: &Job,
    path: &Path,
    lock_file: &Path,
    lock: impl Fn(Duration) -> sys::Result<Option<L>>,
) -> Result<L, CargoBusy> {
    if let Some(lock) = lock(Duration::ZERO)? {
        return Ok(lock);
    }
    let (path, patience) = (path.display(), PATIENCE.as_secs());
    job.console.say(format!("cargo: waiting up to {patience} s for another cargo process in {path}"));
    let _waiting = job.work.waits(WorkLock::Cargo, Some(lock_file));
    lock(PATIENCE)?.ok_or_else(|| CargoBusy::Kept { path: path.to_string() })
}
