//! Whether two files of equal size and time hold the same.
//!
//! A time to the nanosecond is as good as a name: no two writes share it. But tools give files times of their own, whole
//! seconds, and one for all: npm's packages are of 1985, archives of whenever they were made. Such files can differ and
//! look alike (`"version": "1.2.3"` and `"1.2.4"`), so they are read.

use std::os::fd::OwnedFd;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::index::{Kind, Node, NodeId, Tree};
use super::location::{Location, OpenDirectory};
use super::{Error, Result};
use crate::sys::{self, Dir, Errno, Interrupt, Time};

/// Whether a file's time may have been given to it by a tool, and so tells nothing of its contents: archives have whole seconds
/// or microseconds, and the clock of the kernel has neither but by chance.
pub(super) fn is_given(mtime: Time) -> bool {
    mtime.nanoseconds.is_multiple_of(1000)
}

/// Whether the file `name` holds the same in both directories. What is gone is not the same.
pub(super) fn hold_the_same(one: &Dir, other: &Dir, name: &[u8]) -> Result<bool> {
    let (Some(a), Some(b)) = (one.stat_if_present(name)?, other.stat_if_present(name)?) else {
        return Ok(false);
    };
    if (a.inode, a.device) == (b.inode, b.device) {
        return Ok(true);
    }
    let open = |dir: &Dir| match dir.open_file(name) {
        Err(error) if [Errno::NOENT, Errno::LOOP].iter().any(|&errno| error.is(errno)) => Ok(None),
        opened => opened.map(|(file, _)| Some(file)),
    };
    let (Some(a), Some(b)) = (open(one)?, open(other)?) else { return Ok(false) };
    same_bytes(a, b, one, name)
}

fn same_bytes(a: OwnedFd, b: OwnedFd, dir: &Dir, name: &[u8]) -> Result<bool> {
    sys::same_contents(a, b).map_err(|errno| sys::Error::new("read", &dir.join(name), errno).into())
}

/// Takes from `same`, as [`Tree::same_as`] tells it of `tree`, what only looks alike in `live`
/// and in `base`, where the nodes of `tree` lie there.
pub fn only_truly_same(
    tree: &Tree,
    same: &mut [bool],
    live: &Dir,
    base: Location<'_>,
    interrupt: &Interrupt,
) -> Result<()> {
    let is_in_doubt = |(id, node): &(NodeId, &Node)| {
        same[*id as usize] && matches!(node.kind, Kind::File { .. }) && is_given(node.mtime)
    };
    let doubtful: Vec<_> = tree.iter().filter(is_in_doubt).collect();
    // The files of a directory are neighbours.
    let directories: Vec<_> = doubtful.chunk_by(|(_, one), (_, other)| one.parent == other.parent).collect();
    let differing = directories.into_par_iter().map(|files| {
        let directory = files[0].1.parent;
        let live = live.open_beneath(&tree.path_below(0, directory))?;
        let base = OpenDirectory::new(tree, base, directory);
        let mut differing = Vec::new();
        for &(id, _) in files {
            if interrupt.is_raised() {
                return Err(Error::Interrupted);
            }
            // What is packed has no such time.
            let is_same = !base.is_packed(id)
                && match base.dir() {
                    Err(error) if error.is(Errno::NOENT) => false,
                    opened => hold_the_same(&live, opened?, tree.name(id))?,
                };
            if !is_same {
                differing.push(id);
            }
        }
        Ok(differing)
    });
    for id in differing.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        same[id as usize] = false;
    }
    Ok(())
}
