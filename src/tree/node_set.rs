//! Some nodes of a tree, kept as runs of neighbours.

use serde::{Deserialize, Serialize};

use super::index::{NodeId, Tree};

/// A set of nodes: what is packed, or what entries of other scopes have as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSet {
    /// In order, each the first node and how many.
    runs: Vec<(NodeId, u32)>,
}

impl NodeSet {
    /// Those of which `flags` is true, by node.
    pub fn of(flags: &[bool]) -> Self {
        let mut runs = Vec::new();
        let mut at = 0;
        for run in flags.chunk_by(|a, b| a == b) {
            let count = u32::try_from(run.len()).expect("a tree has no more nodes");
            if run[0] {
                runs.push((at, count));
            }
            at += count;
        }
        Self { runs }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether all of them are nodes of `tree`, each told once.
    pub fn is_within(&self, tree: &Tree) -> bool {
        let mut end = 0;
        self.runs.iter().all(|&(first, count)| {
            let is_next = first >= end && count > 0;
            let next = first.checked_add(count).filter(|next| *next <= tree.len());
            end = next.unwrap_or(end);
            is_next && next.is_some()
        })
    }

    /// The nodes, in order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.runs.iter().flat_map(|&(first, count)| first..first + count)
    }

    /// For each node of `tree`, in which all of them are, whether it is one.
    pub fn flags(&self, tree: &Tree) -> Vec<bool> {
        let mut flags = vec![false; tree.len() as usize];
        for &(first, count) in &self.runs {
            flags[first as usize..][..count as usize].fill(true);
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Time;
    use crate::tree::Kind;

    const TIME: Time = Time { seconds: 0, nanoseconds: 0 };

    fn tree(files: u8) -> Tree {
        let mut tree = Tree::with_root(0o755, TIME);
        for name in 0..files {
            tree.push(0, &[b'a' + name], 0o644, TIME, Kind::File { size: 1, group: 0 });
        }
        tree.set_children(0, 1..u32::from(files) + 1);
        tree
    }

    #[test]
    fn runs_lead_back_to_the_nodes_they_were_made_of() {
        for flags in [&[false][..], &[true], &[true, true, false, true], &[false, true, true, false]] {
            let tree = tree(u8::try_from(flags.len() - 1).unwrap());
            let set = NodeSet::of(flags);
            assert_eq!(set.flags(&tree), flags);
            let ids = flags.iter().enumerate().filter(|(_, flag)| **flag);
            assert!(set.iter().eq(ids.map(|(id, _)| u32::try_from(id).unwrap())));
        }
        assert!(NodeSet::of(&[]).is_empty() && NodeSet::of(&[false, false]).is_empty());
    }

    #[test]
    fn runs_outside_of_a_tree_are_refused() {
        let is_within = |runs: &[(u32, u32)]| NodeSet { runs: runs.into() }.is_within(&tree(0));
        assert!(is_within(&[]) && is_within(&[(0, 1)]));
        for runs in [&[(0, 2)][..], &[(1, 1)], &[(0, 0)], &[(0, 1), (0, 1)], &[(u32::MAX, u32::MAX)]] {
            assert!(!is_within(runs), "{runs:?}");
        }
    }
}
