//! What a build script wrote into the sources while it ran.

use std::ops::RangeInclusive;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::Noting;
use super::collected::Collected;
use crate::store::SourceId;
use crate::sys::{Time, file};
use crate::tree::{Kind, NodeId};

impl Noting<'_> {
    /// What a script wrote into the sources while it ran. `false` where something was taken away or cannot be told.
    pub(super) fn add_written(&mut self, inputs: &mut Collected, run: &RangeInclusive<Time>) -> bool {
        for (sources, _, tree) in self.making.sources.iter() {
            let born = self.born(sources);
            let is_directory = |node: NodeId| matches!(tree.node(node).kind, Kind::Directory { .. });
            // A directory changes with each file in it; it is a script's only if it was made meanwhile.
            let is_written = |node: NodeId| {
                let [changed, made] = born[node as usize];
                let is_changed = run.contains(&tree.node(node).mtime) || run.contains(&changed);
                run.contains(&made) || is_changed && !is_directory(node)
            };
            for node in 0..tree.len() {
                if node != 0 && is_written(node) {
                    inputs.read.insert(SourceId { sources, node });
                } else if is_directory(node)
                    && run.contains(&tree.node(node).mtime)
                    && !tree.children(node).any(is_written)
                {
                    return false;
                }
            }
        }
        true
    }

    /// When each node of the sources of this number came to be.
    pub(super) fn born(&self, sources: u32) -> &[[Time; 2]] {
        self.born[sources as usize].get_or_init(|| {
            let tree = self.making.sources.tree(sources);
            let epoch = Time { seconds: 0, nanoseconds: 0 };
            let of = |node| {
                let path = self.making.sources.path(SourceId { sources, node });
                file::inode_times(&path).unwrap_or([epoch; 2])
            };
            (0..tree.len()).into_par_iter().map(of).collect()
        })
    }
}
