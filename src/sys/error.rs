//! One I/O error: what was tried, on which path, and the system's reason.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Result of a call in [`crate::sys`].
pub type Result<T> = std::result::Result<T, Error>;

/// A failed system call. Displays as `cannot <operation> <path>`; the reason is its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}", path.display())]
pub struct Error {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Error {
    /// An error of `operation` (a verb such as `open`) on `path`.
    pub fn new(operation: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self { operation, path: path.to_path_buf(), source: source.into() }
    }

    /// The path that the failed call was about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The system's reason alone.
    pub fn reason(&self) -> String {
        self.source.to_string()
    }

    /// Whether the system's reason was `errno`.
    pub fn is(&self, errno: Errno) -> bool {
        self.source.raw_os_error() == Some(errno.raw_os_error())
    }
}

/// Turns `result` into ours, naming the path lazily: the happy path of a hot loop builds no path.
pub(super) trait Named<T> {
    fn named(self, operation: &'static str, path: impl FnOnce() -> PathBuf) -> Result<T>;
}

impl<T, E: Into<io::Error>> Named<T> for std::result::Result<T, E> {
    fn named(self, operation: &'static str, path: impl FnOnce() -> PathBuf) -> Result<T> {
        self.map_err(|source| Error { operation, path: path(), source: source.into() })
    }
}
