//! What is free on a file system.

use std::path::Path;

use rustix::fs::{StatVfs, statvfs};
use serde::Serialize;

use super::error::{Named, Result};
use super::file;

/// Bytes and inodes of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Space {
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that this user can still write.
    pub free_bytes: u64,
    /// Inodes in all; 0 where the file system makes them as needed.
    pub inodes: u64,
    /// Inodes that this user can still use.
    pub free_inodes: u64,
    /// Tells file systems apart.
    pub device: u64,
}

/// The space of the file system on which `path` is or, where it is absent, would be made.
pub fn space_at(path: &Path) -> Result<Space> {
    let there = path.ancestors().find(|above| file::is_dir(above)).unwrap_or(Path::new("/"));
    let StatVfs { f_frsize, f_blocks, f_bavail, f_files, f_favail, .. } =
        statvfs(there).named("read the free space of", || there.into())?;
    Ok(Space {
        bytes: f_blocks * f_frsize,
        free_bytes: f_bavail * f_frsize,
        inodes: f_files,
        free_inodes: f_favail,
        device: file::device(there)?,
    })
}

/// Writes out all that is pending on the file system of `directory`, and returns when it is on the disk.
pub fn flush(directory: &super::Dir) -> Result<()> {
    rustix::fs::syncfs(directory).named("flush the file system of", || directory.path().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_lies_where_it_would_be_made() {
        let directory = tempfile::tempdir().unwrap();
        let here = space_at(directory.path()).unwrap();
        assert_eq!(space_at(&directory.path().join("a/b")).unwrap().device, here.device);
        assert!(here.free_bytes > 0 && here.free_bytes <= here.bytes);
    }
}
