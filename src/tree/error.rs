//! What can go wrong with a tree.

use std::path::PathBuf;

use super::temporary::TEMPORARY_PREFIX;
use crate::sys;

/// Result of a call in [`crate::tree`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why a tree could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// A file is not what the tree says: somebody changed it meanwhile, or tampered with an entry.
    #[error("{} differs from its record: {what}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The difference, in words.
        what: String,
    },
    /// The contents of a file could not be transferred.
    #[error("cannot copy {} to {}", from.display(), to.display())]
    Copy {
        /// The file that was read.
        from: PathBuf,
        /// The file that was written.
        to: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The destination is there and is no directory.
    #[error("{} is not a directory or a link to one; hint: remove it", path.display())]
    NoDirectory {
        /// The destination.
        path: PathBuf,
    },
    /// Where the tree has a file there is a directory, and what is in it was not to be removed.
    #[error("{} is a directory with unknown files, and the entry has a file there; hint: remove it", path.display())]
    DirectoryInTheWay {
        /// The directory.
        path: PathBuf,
    },
    /// Something is mounted below a directory in which files were to come or go.
    #[error("{} is mounted below {}; hint: unmount it", mount.display(), path.display())]
    MountBelow {
        /// The directory.
        path: PathBuf,
        /// What is mounted in it.
        mount: PathBuf,
    },
    /// The process was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// Destinations were changed in part and could not be put back.
    #[error(
        "{} could not be put back after a failure ({failure}); missing files are in {TEMPORARY_PREFIX}* \
         below it until the next restore",
        joined(paths)
    )]
    NotPutBack {
        /// The destinations; what else was to be restored is as it was.
        paths: Vec<PathBuf>,
        /// What had failed first.
        failure: Box<Self>,
        /// What failed while putting back.
        source: Box<Self>,
    },
    /// Patterns that cannot be read.
    #[error("bad pattern")]
    Pattern(#[from] globset::Error),
}

impl Error {
    /// `failure`, after which `path` could not be put back because of `source`.
    pub(super) fn not_put_back(path: PathBuf, failure: Self, source: Self) -> Self {
        Self::NotPutBack { paths: vec![path], failure: Box::new(failure), source: Box::new(source) }
    }

    /// The same after which neither could `path`.
    pub(super) fn nor_put_back(self, path: PathBuf, source: Self) -> Self {
        match self {
            Self::NotPutBack { mut paths, failure, source } => {
                paths.push(path);
                Self::NotPutBack { paths, failure, source }
            }
            failure => Self::not_put_back(path, failure, source),
        }
    }
}

fn joined(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(" and ")
}
