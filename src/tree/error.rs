//! What can go wrong with a tree.

use std::path::PathBuf;

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
    #[error("{} is not as recorded: {what}", path.display())]
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
    /// The destination is there and is no folder.
    #[error("{} is no folder, nor a link to one; hint: remove it", path.display())]
    NoFolder {
        /// The destination.
        path: PathBuf,
    },
    /// Where the tree has a file there is a folder, and what is in it was not to be removed.
    #[error("{} is a folder with files that the cache does not know, where it has a file; hint: remove it", path.display())]
    FolderInTheWay {
        /// The folder.
        path: PathBuf,
    },
    /// Something is mounted below a folder in which files were to come or go.
    #[error("{} is mounted below {}; hint: unmount it", mount.display(), path.display())]
    MountBelow {
        /// The folder.
        path: PathBuf,
        /// What is mounted in it.
        mount: PathBuf,
    },
    /// The process was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// The destination was changed in part and could not be put back.
    #[error("{} could not be put back as it was after a failure ({failure})", path.display())]
    NotPutBack {
        /// The destination.
        path: PathBuf,
        /// What had failed first.
        failure: Box<Self>,
        /// What failed while putting back.
        source: Box<Self>,
    },
    /// Patterns that cannot be read.
    #[error("bad pattern")]
    Pattern(#[from] globset::Error),
}
