//! What a placement may take of the disk, told before it begins.

use std::collections::HashSet;
use std::path::Path;

use super::Result;
use super::bases::Bases;
use super::index::{Kind, NodeId};
use super::link::Linker;
use super::location::OpenDirectory;
use super::source::Source;
use crate::sys::{self, Dir};

/// What the smallest file takes on most disks, and directories and symlinks on some.
const BLOCK: u64 = 4096;

/// Files from this size on are asked how much of them is on the disk: holes stay holes.
const LARGE: u64 = 16 << 20;

/// What a placement of a whole tree may take of the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpaceEstimate {
    /// Bytes.
    pub bytes: u64,
    /// Inodes.
    pub inodes: u64,
}

/// What placing all of `source` on the file system of `target` may take at most, where `bases` have some of it and what is
/// `packable` goes into a pack.
pub fn estimate_space(
    source: Source<'_>,
    packable: &[bool],
    bases: Option<Bases<'_>>,
    target: &Path,
    linker: &Linker,
) -> Result<SpaceEstimate> {
    let target = Dir::open(target)?;
    let is_near = source.location.dir().stat_self()?.device == target.stat_self()?.device;
    let mut needs = SpaceEstimate::default();
    let mut groups = HashSet::new();
    let mut packed = 0;
    for (id, node) in source.tree.iter() {
        if let Kind::File { size, group } = node.kind {
            if packable.get(id as usize).copied().unwrap_or(false) {
                packed += size;
                continue;
            }
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
            needs.bytes += room(source, id, size).next_multiple_of(BLOCK);
        } else {
            needs.bytes += BLOCK;
        }
        needs.inodes += 1;
    }
    if is_near && linker.may_reflink() && sys::tells_shared_extents(&target)? {
        needs.bytes = 0;
    }
    needs.bytes += packed.next_multiple_of(BLOCK);
    needs.inodes += u64::from(packable.contains(&true));
    Ok(needs)
}

/// What a file of `size` bytes takes without its holes.
fn room(source: Source<'_>, id: NodeId, size: u64) -> u64 {
    if size < LARGE || source.location.is_packed(id) {
        return size;
    }
    let directory = OpenDirectory::new(source.tree, source.location, source.tree.node(id).parent);
    let stat = directory.dir().and_then(|directory| directory.stat(source.tree.name(id)));
    // One that is gone meanwhile is told when its turn comes.
    stat.map_or(size, |stat| stat.room.min(size))
}

#[cfg(test)]
mod tests {
    use super::super::{LinkMode, Selection, walk};
    use super::*;
    use crate::sys::{Interrupt, file};

    #[test]
    fn holes_take_nothing() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        for directory in [&from, &to] {
            file::make_dirs(directory).unwrap();
        }
        file::write_new(&from.join("whole"), &[1; 5000]).unwrap();
        file::write_new(&from.join("sparse"), b"").unwrap();
        let sparse = rustix::fs::open(from.join("sparse"), rustix::fs::OFlags::WRONLY, 0.into()).unwrap();
        rustix::fs::ftruncate(&sparse, 1 << 30).unwrap();
        let root = Dir::open(&from).unwrap();
        let tree = walk(&root, &Selection::all(), &Interrupt::default()).unwrap().tree;
        let source = Source { tree: &tree, location: (&root).into(), linkable: &[], is_live: true };
        let needed = |packable: &[bool]| {
            estimate_space(source, packable, None, &to, &Linker::new(LinkMode::Copy)).unwrap()
        };
        assert_eq!(needed(&[]), SpaceEstimate { bytes: 3 * BLOCK, inodes: 3 });
        let whole = tree.at(b"whole").unwrap();
        let packable: Vec<_> = (0..tree.len()).map(|id| id == whole).collect();
        assert_eq!(needed(&packable), SpaceEstimate { bytes: 3 * BLOCK, inodes: 3 });
    }
}
