//! Whether two files of equal size and time hold the same.
//!
//! A time to the nanosecond is as good as a name: no two writes share it. But tools give files times of their own, whole
//! seconds, and one for all: npm's packages are of 1985, archives of whenever they were made. Such files can differ and
//! look alike (`"version": "1.2.3"` and `"1.2.4"`), so they are read.

use std::os::fd::OwnedFd;

use super::Result;
use super::index::{Kind, Tree};
use crate::sys::{self, Dir, Errno, Time};

/// Whether a file's time may have been given to it by a tool, and so tells nothing of its contents.
pub(super) fn is_given(mtime: Time) -> bool {
    mtime.nanoseconds == 0
}

/// Whether the file `name` holds the same in both folders. What is gone is not the same.
pub(super) fn hold_the_same(one: &Dir, other: &Dir, name: &[u8]) -> Result<bool> {
    let open = |dir: &Dir| match dir.open_file(name) {
        Err(error) if [Errno::NOENT, Errno::LOOP].iter().any(|&errno| error.is(errno)) => Ok(None),
        opened => opened.map(|(file, stat)| Some((file, stat.inode, stat.device))),
    };
    let (Some((a, inode_a, device_a)), Some((b, inode_b, device_b))) = (open(one)?, open(other)?) else {
        return Ok(false);
    };
    Ok((inode_a, device_a) == (inode_b, device_b) || same_bytes(a, b, one, name)?)
}

fn same_bytes(a: OwnedFd, b: OwnedFd, dir: &Dir, name: &[u8]) -> Result<bool> {
    sys::same_contents(a, b).map_err(|errno| sys::Error::new("read", &dir.join(name), errno).into())
}

/// Takes from `same`, as [`Tree::same_as`] tells it of `tree`, what only looks alike in the folders `live` and `base`.
pub fn only_truly_same(tree: &Tree, same: &mut [bool], live: &Dir, base: &Dir) -> Result<()> {
    for (id, node) in tree.iter() {
        if !same[id as usize] || !matches!(node.kind, Kind::File { .. }) || !is_given(node.mtime) {
            continue;
        }
        let folder = tree.path_below(0, node.parent);
        let base = match base.open_beneath(&folder) {
            Err(error) if error.is(Errno::NOENT) => {
                same[id as usize] = false;
                continue;
            }
            opened => opened?,
        };
        same[id as usize] = hold_the_same(&live.open_beneath(&folder)?, &base, tree.name(id))?;
    }
    Ok(())
}
