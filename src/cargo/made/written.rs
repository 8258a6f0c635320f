//! What was written into the sources while a build script ran or a unit was compiled: by the script, a macro, the linker.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::super::strays::is_profile_of_coverage;
use super::super::verdict::LOCK;
use super::Noting;
use super::collected::{Collected, Noted, Unknowable, known_if};
use crate::store::SourceId;
use crate::sys::Time;
use crate::sys::file::{self, InodeTimes};
use crate::tree::{Kind, Node, NodeId};

/// The longest tick of the kernel's clock (`CONFIG_HZ=100`), in nanoseconds.
const TICK: i128 = 10_000_000;

/// The time in which something was made.
pub(super) enum Window<'w> {
    /// While a script ran.
    Run(&'w RangeInclusive<Time>),
    /// While a unit was compiled. What comes in the first of these times is of the script that ran then.
    Compiled(&'w RangeInclusive<Time>, &'w [RangeInclusive<Time>]),
}

impl Window<'_> {
    fn range(&self) -> &RangeInclusive<Time> {
        match self {
            Self::Run(range) | Self::Compiled(range, _) => range,
        }
    }

    fn is_of_compiler(&self) -> bool {
        matches!(self, Self::Compiled(..))
    }

    fn has(&self, time: Time) -> bool {
        match self {
            Self::Run(run) => run.contains(&time),
            Self::Compiled(compiled, runs) => {
                compiled.contains(&time) && !runs.iter().any(|run| run.contains(&time))
            }
        }
    }
}

impl Noting<'_> {
    /// What came into the sources during `window`. What was taken away cannot be known.
    pub(super) fn add_written(&mut self, inputs: &mut Collected, window: &Window<'_>) -> Noted {
        for (sources, _, tree) in self.making.sources.iter() {
            let times = self.inode_times(sources);
            let is_directory = |node: NodeId| tree.node(node).kind.is_directory();
            // A directory changes with each file in it; it was written only if it was made meanwhile.
            let is_written = |node: NodeId| {
                let InodeTimes { changed, made } = times[node as usize];
                let is_changed = || window.has(tree.node(node).mtime) || window.has(changed);
                window.has(made) || !is_directory(node) && is_changed()
            };
            // What came last into a directory has the directory's time: it was made then, or moved there, which leaves its own
            // time of writing as it is.
            let came_at = |node: NodeId, time: Time| {
                let InodeTimes { changed, made } = times[node as usize];
                is_at(made, time)
                    || is_at(changed, time) && (window.has(made) || !is_at(tree.node(node).mtime, time))
            };
            for node in self.changed_in(sources, window.range()) {
                let mtime = tree.node(node).mtime;
                if node != 0 && is_written(node) {
                    let id = SourceId { sources, node };
                    // Cargo's own, just before it calls the compiler, and products that somebody moved into the sources.
                    let is_of_cargo = || {
                        tree.name(node) == LOCK.as_bytes()
                            || is_profile_of_coverage(tree.name(node))
                            || self.is_product(tree.node(node))
                            || is_directory(node) && self.is_around_output(&self.making.sources.path(id))
                    };
                    if !(window.is_of_compiler() && is_of_cargo()) {
                        inputs.read.insert(id);
                    }
                } else if is_directory(node)
                    && window.has(mtime)
                    && !tree.children(node).any(|child| came_at(child, mtime))
                    && !self.is_of_output(SourceId { sources, node }, mtime)
                {
                    return Err(Unknowable);
                }
            }
        }
        // Nobody knows what came into these.
        let is_changed =
            |hole: &PathBuf| file::inode_times(hole).is_some_and(|times| times.any(|time| window.has(time)));
        known_if(!self.holes().iter().any(is_changed))
    }

    /// Whether it was a target directory, or one that leads to it, that came into a directory at `time`: cargo makes it under
    /// another name, and moves it there.
    fn is_of_output(&self, directory: SourceId, time: Time) -> bool {
        let directory = self.making.sources.path(directory);
        let leading = self.outputs.iter().flat_map(|output| output.ancestors());
        let mut own = leading.filter(|leading| leading.parent() == Some(&directory));
        own.any(|leading| {
            let times = file::inode_times(leading);
            times.is_some_and(|InodeTimes { made, .. }| made <= time && time.seconds - made.seconds <= 1)
        })
    }

    /// Whether a file of the sources is one that a unit has.
    fn is_product(&self, node: &Node) -> bool {
        let Kind::File { size, .. } = node.kind else { return false };
        self.products.contains(&(size, node.mtime))
    }

    fn is_around_output(&self, path: &Path) -> bool {
        self.outputs.iter().any(|output| output.starts_with(path))
    }

    /// The nodes of the sources of this number to which something happened in `range`.
    fn changed_in(&self, sources: u32, range: &RangeInclusive<Time>) -> BTreeSet<NodeId> {
        let times = self.times[sources as usize].get_or_init(|| {
            let tree = self.making.sources.tree(sources);
            let inodes = self.inode_times(sources).iter().zip(tree.iter());
            let all = inodes.flat_map(|(InodeTimes { changed, made }, (id, node))| {
                [*changed, *made, node.mtime].map(|time| (time, id))
            });
            let mut times: Vec<_> = all.collect();
            times.sort_unstable();
            times
        });
        let first = times.partition_point(|(time, _)| time < range.start());
        let within = times[first..].iter().take_while(|(time, _)| time <= range.end());
        within.map(|(_, node)| *node).collect()
    }

    /// When each node of the sources of this number came to be; long ago where that cannot be read.
    pub(super) fn inode_times(&self, sources: u32) -> &[InodeTimes] {
        self.inode_times[sources as usize].get_or_init(|| {
            let tree = self.making.sources.tree(sources);
            let epoch = Time { seconds: 0, nanoseconds: 0 };
            let of = |node| {
                let path = self.making.sources.path(SourceId { sources, node });
                file::inode_times(&path).unwrap_or(InodeTimes { changed: epoch, made: epoch })
            };
            (0..tree.len()).into_par_iter().map(of).collect()
        })
    }
}

/// Whether two times are those of one step: kernels tell some of them by the last tick of the clock, and some as they are.
fn is_at(one: Time, other: Time) -> bool {
    let nanoseconds = |time: Time| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
    (nanoseconds(one) - nanoseconds(other)).abs() <= TICK
}
