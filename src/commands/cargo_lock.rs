//! Takes cargo's own lock on its home, and tells when that takes long.

use std::path::Path;
use std::time::Duration;

use super::job::Job;
use crate::cargo::CargoHome;
use crate::sys::{self, Lock};

/// How long to wait for another cargo that downloads.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub(super) enum CargoBusy {
    /// Another cargo had it all the time.
    #[error(
        "another cargo kept its lock on {path} for {} s; hint: give each runner its own CARGO_HOME",
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
pub(super) fn lock_cargo_home(job: &Job, part: &Path) -> Result<Lock, CargoBusy> {
    let home = CargoHome::at(part.ancestors().nth(2).unwrap_or(part));
    if let Some(lock) = home.lock_downloads(Duration::ZERO)? {
        return Ok(lock);
    }
    let (path, patience) = (home.path().display(), PATIENCE.as_secs());
    job.console.say(format!("cargo: waiting up to {patience} s for another cargo that uses {path}"));
    home.lock_downloads(PATIENCE)?.ok_or_else(|| CargoBusy::Kept { path: path.to_string() })
}
