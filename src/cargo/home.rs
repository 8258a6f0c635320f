//! `CARGO_HOME`: where it is, what of it is worth keeping, and cargo's lock on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::github::Environment;
use crate::sys::{self, Lock, LockMode, file};

/// Cargo's lock on downloads. Adding to the registry needs it; deleting would need `.package-cache-mutate` before it.
/// Source: cargo's `cache_lock.rs`.
const DOWNLOAD_LOCK: &str = ".package-cache";

/// What registries have, as far as it was asked for.
pub(super) const INDEX: &str = "registry/index";

/// Crates as they were downloaded.
pub const CRATES: &str = "registry/cache";

/// Crates as they were extracted: cargo does it anew in each home, one after another, with a dozen times the work of
/// linking them (18,000 files of 376 crates: 3.8 s of processor time against 0.2 s).
pub const SOURCES: &str = "registry/src";

/// Git repositories.
pub const REPOSITORIES: &str = "git/db";

/// What is checked out of these.
pub(super) const CHECKOUTS: &str = "git/checkouts";

/// The file that cargo writes into the directory of a download when all of it is there.
pub(super) const DOWNLOADED: &str = ".cargo-ok";

/// A cargo home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoHome(PathBuf);

impl CargoHome {
    /// What is worth keeping: the rest is extracted from it (`git/checkouts`), belongs to somebody (credentials,
    /// configuration) or to running processes (locks).
    pub const PARTS: [&str; 4] = [INDEX, CRATES, SOURCES, REPOSITORIES];

    /// What is left out of these parts, the sources not among them: lock files, and a file that can hold a URL with a
    /// password.
    pub const LEFT_OUT: [&str; 3] = ["**/.cargo-index-lock", "**/*.lock", "**/FETCH_HEAD"];

    /// The home that cargo will use in `directory`: `CARGO_HOME`, which may be relative, else `~/.cargo`. `None` without
    /// either.
    pub fn find(env: &Environment, directory: &Path) -> Option<Self> {
        env.get("CARGO_HOME").map(|home| Self(directory.join(home))).or_else(|| Self::of_user(env))
    }

    /// `~/.cargo`. `None` without a home.
    pub fn of_user(env: &Environment) -> Option<Self> {
        Some(Self(Path::new(env.get("HOME")?).join(".cargo")))
    }

    /// The home in `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// The home that `part` lies in, the directory of one of its [`PARTS`](Self::PARTS).
    pub fn around(part: &Path) -> Self {
        Self::at(part.ancestors().nth(2).unwrap_or(part))
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What belongs to the user rather than to a job: configuration and credentials.
    pub const USERS: [&str; 4] = ["config.toml", "config", "credentials.toml", "credentials"];

    /// Takes cargo's download lock, waiting up to `patience`; `None` when another cargo held it all the time.
    pub fn lock_downloads(&self, patience: Duration) -> sys::Result<Option<Lock>> {
        file::make_dirs(&self.0)?;
        Lock::wait(&self.download_lock(), LockMode::Exclusive, patience)
    }

    /// The file of that lock.
    pub fn download_lock(&self) -> PathBuf {
        self.0.join(DOWNLOAD_LOCK)
    }
}
