//! What can go wrong with the store.

use std::path::PathBuf;

use crate::{sys, tree};

/// Result of a call in [`crate::store`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// The root is not a directory that only its owner can write to.
    #[error("cannot use the cache root {}: {why}", path.display())]
    UnsafeRoot {
        /// The root.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A manifest that cannot be read. The entry is damaged.
    #[error("damaged manifest {}: {why}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A pack that cannot be read.
    #[error(transparent)]
    Pack(#[from] tree::Error),
    /// An entry that another version of this program wrote.
    #[error("{} has format {format}; this version reads {}", path.display(), super::manifest::FORMAT)]
    OtherFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A store in which a newer version of this program works.
    #[error(
        "the cache root {} has format {format}, this version writes {own}: restoring only; hint: update \
         runner-cache",
        path.display()
    )]
    NewerStore {
        /// The root.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// What this version writes.
        own: u32,
    },
    /// Others read or replace the ledger all the time.
    #[error("{} is in use by other processes", path.display())]
    LedgerBusy {
        /// Its directory.
        path: PathBuf,
    },
    /// An entry that the host had not written out when it went down.
    #[error("the host crashed before {} was on the disk", path.display())]
    Unflushed {
        /// Its directory.
        path: PathBuf,
    },
    /// An entry of which nobody can tell whether the host wrote it out before it went down.
    #[error(
        "cannot tell whether {} reached the disk before its host went down; hint: run `runner-cache flush` \
         before a host shuts down",
        path.display()
    )]
    Uncertain {
        /// Its directory.
        path: PathBuf,
    },
    /// An entry that is being evicted, or was.
    #[error("the entry {} is gone", path.display())]
    Gone {
        /// Its directory.
        path: PathBuf,
    },
    /// An entry that another user of the root made.
    #[error("{} belongs to user {owner}; only that user can remove it", path.display())]
    OfOther {
        /// Its directory.
        path: PathBuf,
        /// Who made it.
        owner: u32,
    },
    /// Something among debris that nobody of ours made.
    #[error("{} is not a directory of runner-cache; hint: move it elsewhere", path.display())]
    Stray {
        /// Where it is.
        path: PathBuf,
    },
    /// A session that cannot be read.
    #[error("damaged session {}", path.display())]
    Session {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A session that another version of the program left.
    #[error(
        "the session {} was left by another version of runner-cache (format {format}); hint: use one version in a job",
        path.display()
    )]
    OtherSession {
        /// The file.
        path: PathBuf,
        /// Its format; 0 where it tells none.
        format: u32,
    },
    /// A session that JSON cannot hold.
    #[error("cannot write the session")]
    UnwritableSession(#[source] serde_json::Error),
}

impl Error {
    /// Whether the entry itself is at fault and should be taken out of the way.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Manifest { .. } | Self::Unflushed { .. })
    }
}
