//! Which parts of a file share their place on the disk with other files.

use std::os::fd::AsFd;

use fiemap::{Fiemap, FiemapExtentFlags};
use rustix::fs::{FsWord, fstatfs};

use super::Dir;
use super::error::{self, Named};

/// Magic number of btrfs (`linux/magic.h`).
const BTRFS: FsWord = 0x9123_683e;

/// Magic numbers of file systems that share extents and tell where they lie (`linux/magic.h`, `fs/bcachefs`).
const SHARING: [FsWord; 3] = [BTRFS, 0x5846_5342, 0xca45_1a4e];

/// A piece of a file on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it lies on the disk; shared pieces of several files have the same.
    pub start: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Whether files on the file system of `folder` can share extents and tell so.
pub fn tells_shared_extents(folder: &Dir) -> error::Result<bool> {
    let stat = fstatfs(folder).named("read the kind of the file system of", || folder.path().into())?;
    Ok(SHARING.contains(&stat.f_type))
}

/// Whether the file system of `folder` keeps what tells of its files in one tree, in whose leaves threads that make files wait
/// for each other.
pub fn has_one_tree(folder: &Dir) -> bool {
    fstatfs(folder).is_ok_and(|stat| stat.f_type == BTRFS)
}

/// The extents of `file` that other files share. Extents that cannot be told are none.
pub fn shared_extents(file: impl AsFd) -> Vec<Extent> {
    let shared = |extent: &fiemap::FiemapExtent| extent.fe_flags.contains(FiemapExtentFlags::SHARED);
    let extents = Fiemap::new(file).map_while(Result::ok).filter(shared);
    extents.map(|extent| Extent { start: extent.fe_physical, bytes: extent.fe_length }).collect()
}
