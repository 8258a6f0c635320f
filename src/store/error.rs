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
    #[error("the cache root {} cannot be used: {why}", path.display())]
    UnsafeRoot {
        /// The root.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A manifest that cannot be read. The entry is damaged.
    #[error("the manifest {} is damaged: {why}", path.display())]
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
    #[error("{} has format {format}, and this version reads {}", path.display(), super::manifest::FORMAT)]
    OtherFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A store in which a newer version of this program works.
    #[error(
        "the cache root {} has format {format}, and this version writes {own}: it reads there and changes nothing; hint: \
         update runner-cache",
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
    /// An entry that the host had not written out when it went down.
    #[error("the host went down before all of {} was on the disk", path.display())]
    Unflushed {
        /// Its directory.
        path: PathBuf,
    },
    /// An entry of which nobody can tell whether the host wrote it out before it went down.
    #[error(
        "nobody can tell whether all of {} was on the disk when the host went down, or another host has it still; hint: run `runner-cache \
         flush` before a host ends",
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
    #[error("{} belongs to user {owner}, who alone removes it", path.display())]
    OfOther {
        /// Its directory.
        path: PathBuf,
        /// Who made it.
        owner: u32,
    },
    /// Something among debris that nobody of ours made.
    #[error("{} is no directory, and nothing that runner-cache made; hint: put it elsewhere", path.display())]
    Stray {
        /// Where it is.
        path: PathBuf,
    },
    /// A session that cannot be read.
    #[error("the session {} is damaged", path.display())]
    Session {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A session that JSON cannot hold.
    #[error("the session cannot be written")]
    UnwritableSession(#[source] serde_json::Error),
}

impl Error {
    /// Whether the entry itself is at fault and should be taken out of the way.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Manifest { .. } | Self::Unflushed { .. })
    }
}
