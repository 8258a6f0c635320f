//! Which threads make the files of a tree.

use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Result;
use super::location::Location;
use crate::sys::{self, Dir};

/// One of how many nodes is packed at least where one thread makes all names.
const PACKED_FOR_ONE: usize = 4;

/// Who makes files.
pub(super) enum Threads {
    /// As many threads as there are cores.
    All,
    /// Two, where more would only wait for each other.
    Few(&'static ThreadPool),
    /// One makes all names, and others give files their contents.
    OneForNames(&'static ThreadPool),
}

impl Threads {
    /// Those for a tree of so many `nodes`, from `source` to `into`.
    ///
    /// Where little is copied, since source and target are on one file system that can share extents, all work is the file
    /// system's own, and btrfs keeps all names and inodes in one tree, whose locks are slept for. By hand, a target directory on
    /// two cores, medians of nine in turn: 166 ms by one thread, 145 by two, 189 by three, 215 by four. What a file out of a
    /// pack costs after it has a name takes next to none of these locks: with one thread for names, medians of 31 in turn on
    /// another machine were 97 ms instead of 106.
    pub(super) fn suited(source: Location<'_>, nodes: u32, into: &Dir) -> Result<Self> {
        static ONE: LazyLock<Option<ThreadPool>> = LazyLock::new(|| pool(1));
        static FEW: LazyLock<Option<ThreadPool>> = LazyLock::new(|| pool(2));
        let is_near = source.dir().stat_self()?.device == into.stat_self()?.device;
        if !is_near || !sys::has_one_tree(into) {
            return Ok(Self::All);
        }
        let has_many_packed = source.count_packed() * PACKED_FOR_ONE >= nodes as usize;
        let threads =
            if has_many_packed { ONE.as_ref().map(Self::OneForNames) } else { FEW.as_ref().map(Self::Few) };
        Ok(threads.unwrap_or(Self::All))
    }
}

fn pool(threads: usize) -> Option<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().ok()
}
