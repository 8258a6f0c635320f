//! One I/O error: what was tried, on which path, and the system's reason.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Result of a call in [`crate::sys`].
pub type Result<T> = std::result::Result<T, Error>;

/// A failed system call. Displays as `cannot <operation> <path>`; the reason is its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}", shortened(path))]
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

    /// Whether a file could have no further name: it has all that it can have, lies elsewhere, is somebody else's, or is gone, or
    /// its file system has no such names.
    pub fn is_of_unlinkable(&self) -> bool {
        let reasons = [
            Errno::MLINK,
            Errno::XDEV,
            Errno::PERM,
            Errno::ACCESS,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
            Errno::NOENT,
        ];
        reasons.iter().any(|&errno| self.is(errno))
    }

    /// Whether the system's reason was `errno`.
    pub fn is(&self, errno: Errno) -> bool {
        self.source.raw_os_error() == Some(errno.raw_os_error())
    }
}

/// Longest path that is told whole, in characters: in a deep tree it may have thousands.
const LONGEST_TOLD: usize = 600;

/// The path for messages, without its middle where it is very long.
fn shortened(path: &Path) -> String {
    let path = path.display().to_string();
    let length = path.chars().count();
    if length <= LONGEST_TOLD {
        return path;
    }
    let start: String = path.chars().take(LONGEST_TOLD / 2).collect();
    let end: String = path.chars().skip(length - LONGEST_TOLD / 2).collect();
    format!("{start}…{end}")
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

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_path_is_told_by_its_ends() {
        let told = |path: &str| Error::new("open", Path::new(path), Errno::NOENT).to_string();
        assert_eq!(told("/a/b"), "cannot open /a/b");
        let long = told(&format!("/start{}/end", "/é".repeat(5000)));
        assert!(long.len() < 1000 && long.starts_with("cannot open /start/é"), "{long}");
        assert!(long.contains('…') && long.ends_with("/é/end"), "{long}");
    }
}
