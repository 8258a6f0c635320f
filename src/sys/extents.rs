//! Which parts of a file share their place on the disk with other files.

use std::os::fd::AsFd;
use std::path::Path;

use fiemap::{Fiemap, FiemapExtentFlags};
use rustix::fs::{FsWord, fstatfs, statfs};

use super::error::{self, Named};
use super::mounts::has_mount_option;
use super::{Dir, file};

/// Magic number of btrfs (`linux/magic.h`).
const BTRFS: FsWord = 0x9123_683e;

/// Magic numbers of file systems that share extents and tell where they lie (`linux/magic.h`, `fs/bcachefs`).
const SHARING: [FsWord; 3] = [BTRFS, XFS, 0xca45_1a4e];

/// Magic number of ext4 (`linux/magic.h`).
const EXT4: FsWord = 0xef53;

/// Magic number of xfs (`linux/magic.h`).
const XFS: FsWord = 0x5846_5342;

/// Magic numbers of tmpfs and ramfs (`linux/magic.h`).
const MEMORY: [FsWord; 2] = [0x0102_1994, 0x8584_58f6];

/// Magic number of NFS (`linux/magic.h`).
const NFS: FsWord = 0x6969;

/// How a file system keeps what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// On a disk, and the extents of a file tell what has reached it.
    Told,
    /// Not on a disk of this host, whose end takes nothing.
    Elsewhere,
    /// Nobody tells.
    Unknown,
}

/// Whether what lies at `path`, or would be made there, is in memory.
pub fn is_in_memory(path: &Path) -> bool {
    let there = path.ancestors().find(|above| file::is_dir(above)).unwrap_or(Path::new("/"));
    statfs(there).is_ok_and(|stat| MEMORY.contains(&stat.f_type))
}

/// How the file system of `directory` keeps what is written.
pub fn keeping(directory: &Dir) -> error::Result<Keeping> {
    let stat = fstatfs(directory).named("read the kind of the file system of", || directory.path().into())?;
    Ok(match stat.f_type {
        // There extents are told as written before they are.
        EXT4 if has_mount_option(directory, "data=writeback")? => Keeping::Unknown,
        EXT4 | XFS | BTRFS => Keeping::Told,
        // A server has what was closed, and memory ends with its kernel.
        NFS => Keeping::Elsewhere,
        kind if MEMORY.contains(&kind) => Keeping::Elsewhere,
        _ => Keeping::Unknown,
    })
}

/// Whether all `size` bytes of `file` lie on the disk and were written there, without holes.
pub fn is_written(file: impl AsFd, size: u64) -> bool {
    const NOT_THERE: FiemapExtentFlags =
        FiemapExtentFlags::UNWRITTEN.union(FiemapExtentFlags::DELALLOC).union(FiemapExtentFlags::UNKNOWN);
    let mut end = 0;
    for extent in Fiemap::new(file) {
        let Ok(extent) = extent else { return false };
        // What lies behind the end holds nothing of it.
        if extent.fe_logical >= size {
            break;
        }
        if extent.fe_logical > end || extent.fe_flags.intersects(NOT_THERE) {
            return false;
        }
        end = extent.fe_logical + extent.fe_length;
    }
    end >= size
}

/// A piece of a file on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Where it lies on the disk; shared pieces of several files have the same.
    pub start: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// Whether files on the file system of `directory` can share extents and tell so.
pub fn tells_shared_extents(directory: &Dir) -> error::Result<bool> {
    let stat = fstatfs(directory).named("read the kind of the file system of", || directory.path().into())?;
    Ok(SHARING.contains(&stat.f_type))
}

/// Whether the file system of `directory` keeps what tells of its files in one tree, in whose leaves threads that make files wait
/// for each other.
pub fn has_one_tree(directory: &Dir) -> bool {
    fstatfs(directory).is_ok_and(|stat| stat.f_type == BTRFS)
}

/// The extents of `file` that other files share. Extents that cannot be told are none.
pub fn shared_extents(file: impl AsFd) -> Vec<Extent> {
    let shared = |extent: &fiemap::FiemapExtent| extent.fe_flags.contains(FiemapExtentFlags::SHARED);
    let extents = Fiemap::new(file).map_while(Result::ok).filter(shared);
    extents.map(|extent| Extent { start: extent.fe_physical, bytes: extent.fe_length }).collect()
}
