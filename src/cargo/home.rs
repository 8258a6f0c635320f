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
pub(super) const REPOSITORIES: &str = "git/db";

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

    /// The home that cargo will use: `CARGO_HOME`, else `~/.cargo`. `None` without either.
    pub fn find(env: &Environment) -> Option<Self> {
        let path = env.get("CARGO_HOME").map(PathBuf::from);
        path.or_else(|| Some(Path::new(env.get("HOME")?).join(".cargo"))).map(Self)
    }

    /// The home in `folder`.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What belongs to the user rather than to a job: configuration and credentials.
    pub const USERS: [&str; 4] = ["config.toml", "config", "credentials.toml", "credentials"];

    /// Takes cargo's download lock, waiting up to `patience`; `None` when another cargo held it all the time.
    pub fn lock_downloads(&self, patience: Duration) -> sys::Result<Option<Lock>> {
        file::make_dirs(&self.0)?;
        Lock::wait(&self.0.join(DOWNLOAD_LOCK), LockMode::Exclusive, patience)
    }
}
