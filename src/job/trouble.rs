//! Why a layer was not restored or not saved.

use crate::cargo::UnreadableNotes;
use crate::job::cargo_lock::CargoBusy;
use crate::store::{self, Lease};
use crate::sys::{self, Errno, file};
use crate::tree;

/// Trouble with one layer: a warning, and the job goes on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Tree(#[from] tree::Error),
    #[error(transparent)]
    Sys(#[from] sys::Error),
    #[error(transparent)]
    Cargo(#[from] CargoBusy),
    #[error(transparent)]
    Notes(#[from] UnreadableNotes),
    #[error(
        "{path} is not a Cargo target directory; refusing to overwrite it; hint: check CARGO_TARGET_DIR or \
         `workspaces`"
    )]
    NoTargetDirectory { path: String },
}

impl Trouble {
    /// Whether `entry` itself is at fault, rather than the destination.
    pub(crate) fn is_damage_of(&self, entry: &Lease) -> bool {
        match self {
            Self::Tree(tree::Error::Changed { path, .. })
            | Self::Store(store::Error::Pack(tree::Error::Changed { path, .. })) => entry.has(path),
            Self::Tree(tree::Error::Sys(error))
            | Self::Store(store::Error::Sys(error) | store::Error::Pack(tree::Error::Sys(error))) => {
                let gone = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::IO];
                // A link names its source also where its destination went away.
                let is_there = error.is(Errno::NOENT) && file::is_present(error.path());
                entry.has(error.path()) && gone.iter().any(|&errno| error.is(errno)) && !is_there
            }
            _ => false,
        }
    }
}
