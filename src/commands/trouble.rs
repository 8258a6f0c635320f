//! Why a layer was not restored or not saved.

use std::path::Path;

use super::cargo_lock::CargoBusy;
use crate::cargo::UnreadableNotes;
use crate::sys::{Errno, file};
use crate::{store, sys, tree};

/// Trouble with one layer: a warning, and the job goes on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
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
        "{path} holds files, but none that tell cargo's target folder; hint: check CARGO_TARGET_DIR or `workspaces`"
    )]
    NoTargetFolder { path: String },
}

impl Trouble {
    /// Whether the entry in the folder `entry` itself is at fault, rather than the destination.
    pub(super) fn is_damage_of(&self, entry: &Path) -> bool {
        match self {
            Self::Tree(tree::Error::Changed { path, .. }) => path.starts_with(entry),
            Self::Tree(tree::Error::Sys(error)) | Self::Store(store::Error::Sys(error)) => {
                let gone = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::IO];
                // A link names its source also where its destination went away.
                let is_there = error.is(Errno::NOENT) && file::is_present(error.path());
                error.path().starts_with(entry) && gone.iter().any(|&errno| error.is(errno)) && !is_there
            }
            _ => false,
        }
    }
}
