//! Why a host is not set up.

use crate::sys;

/// Result of what is done to a host.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What was asked cannot be, or is not known. Nothing was touched.
    #[error("{0}")]
    Refused(String),
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// The record of what was made cannot be written.
    #[error("the record of what is set up")]
    Record(#[from] serde_yaml::Error),
    /// A program of the system did not do its work.
    #[error("`{0}` failed, or did not end within a minute; hint: run it yourself to see why")]
    Command(String),
}

pub(super) fn refused<T>(why: impl Into<String>) -> Result<T> {
    Err(Error::Refused(why.into()))
}
