//! What a placement may take of the disk, told before it begins.

use std::collections::HashSet;
use std::path::Path;

use super::Result;
use super::bases::Bases;
use super::index::Kind;
use super::link::Linker;
use super::place::Source;
use crate::sys::{self, Dir};

/// What the smallest file takes on most disks, and folders and symlinks on some.
const BLOCK: u64 = 4096;

/// What a placement of a whole tree may take of the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// Bytes.
    pub bytes: u64,
    /// Inodes.
    pub inodes: u64,
}

/// What placing all of `source` on the file system of `target` may take at most, where `bases` have some of it.
pub fn needs(source: Source<'_>, bases: Option<Bases<'_>>, target: &Path, linker: &Linker) -> Result<Needs> {
    let target = Dir::open(target)?;
    let is_near = source.root.stat_self()?.device == target.stat_self()?.device;
    let mut needs = Needs::default();
    let mut groups = HashSet::new();
    for (id, node) in source.tree.iter() {
        if let Kind::File { size, group } = node.kind {
            if bases.is_some_and(|bases| bases.have(id)) {
                continue;
            }
            if group != 0 && !groups.insert(group) {
                continue;
            }
            let linkable = source.linkable.get(id as usize).copied().unwrap_or(false);
            if is_near && linkable && linker.may_hardlink() {
                continue;
            }
            needs.bytes += size.next_multiple_of(BLOCK);
        } else {
            needs.bytes += BLOCK;
        }
        needs.inodes += 1;
    }
    if is_near && linker.may_reflink() && sys::tells_shared_extents(&target)? {
        needs.bytes = 0;
    }
    Ok(needs)
}
