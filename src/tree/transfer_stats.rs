//! What was done with the files of a tree, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::link::{Obstacle, Used};

/// What was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TransferStats {
    /// Files and symlinks that are at the destination now, those included that were there already.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
    /// Files whose extents are shared with the source.
    pub reflinked: u64,
    /// Files that share their inode with the source or the base.
    pub hardlinked: u64,
    /// Files whose contents were copied.
    pub copied: u64,
    /// Files that were at the destination already, and were left alone.
    pub kept: u64,
    /// Files and directories that were removed from the destination.
    pub removed: u64,
    /// Temporary directories of ours that could not be removed from the destination.
    pub left_behind: u64,
    /// Why files were copied that could have been shared.
    pub obstacle: Option<Obstacle>,
}

impl TransferStats {
    /// The ways by which files came, each with how many came by it; those by which none did are left out.
    pub fn ways(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let Self { reflinked, hardlinked, copied, kept, .. } = *self;
        let all = [("reflink", reflinked), ("hardlink", hardlinked), ("copy", copied), ("kept", kept)];
        all.into_iter().filter(|(_, files)| *files > 0)
    }
}

impl std::ops::AddAssign for TransferStats {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.reflinked += other.reflinked;
        self.hardlinked += other.hardlinked;
        self.copied += other.copied;
        self.kept += other.kept;
        self.removed += other.removed;
        self.left_behind += other.left_behind;
        self.obstacle = self.obstacle.max(other.obstacle);
    }
}

/// Counters that threads add to.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) symlinks: AtomicU64,
    reflinked: AtomicU64,
    hardlinked: AtomicU64,
    copied: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, used: Used, size: u64) {
        let count = match used {
            Used::Reflink => &self.reflinked,
            Used::Hardlink => &self.hardlinked,
            Used::Copy => &self.copied,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
    }

    pub(super) fn stats(self) -> TransferStats {
        let (reflinked, hardlinked, copied) =
            (self.reflinked.into_inner(), self.hardlinked.into_inner(), self.copied.into_inner());
        TransferStats {
            files: self.symlinks.into_inner() + reflinked + hardlinked + copied,
            bytes: self.bytes.into_inner(),
            reflinked,
            hardlinked,
            copied,
            ..TransferStats::default()
        }
    }
}
