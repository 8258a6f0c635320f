//! Files of an entry that are not its scope's alone: a hard link into a job would let that job write what others restore.

use serde::{Deserialize, Serialize};

use super::entry::Lease;
use super::manifest::{Part, Scope};
use super::name;
use crate::tree::{NodeId, Tree};

/// The nodes of a root that have their inode in common with entries of another scope than the job's that saved it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borrowed {
    /// In order, each the first node and how many.
    runs: Vec<(NodeId, u32)>,
}

impl Borrowed {
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

    /// Whether all of them are nodes of `tree`.
    pub(super) fn is_of(&self, tree: &Tree) -> bool {
        let mut end = 0;
        self.runs.iter().all(|&(first, count)| {
            let is_next = first >= end && count > 0;
            let next = first.checked_add(count).filter(|next| *next <= tree.len());
            end = next.unwrap_or(end);
            is_next && next.is_some()
        })
    }

    fn mark(&self, flags: &mut [bool]) {
        for &(first, count) in &self.runs {
            flags[first as usize..][..count as usize].fill(true);
        }
    }
}

impl Lease {
    /// For each node of root `index` whether a job that writes to `own` may not have its inode, for entries of other scopes have
    /// it. Who writes nowhere may have none.
    pub fn borrowed(&self, index: usize, own: Option<&Scope>) -> Vec<bool> {
        let root = &self.manifest().roots[index];
        let is_own = own == Some(&self.manifest().header.scope);
        let mut flags = vec![!is_own; root.tree.len() as usize];
        if is_own {
            root.borrowed.mark(&mut flags);
            let is_of_others = |part: &Part| !own.is_some_and(|scope| part.is_of(scope));
            let of_others: Vec<_> = root.elsewhere.parts.iter().map(is_of_others).collect();
            for (flag, &place) in flags.iter_mut().zip(&root.elsewhere.of) {
                *flag |=
                    usize::from(place).checked_sub(1).and_then(|part| of_others.get(part)) == Some(&true);
            }
        }
        flags
    }
}

impl Part {
    /// Whether the entry is one of `scope`.
    fn is_of(&self, scope: &Scope) -> bool {
        let mut names = self.entry.split('/').skip(1);
        let is_next = |name: Option<&str>, text: &str| name == Some(&name::encode(text));
        is_next(names.next(), &scope.repository) && is_next(names.next(), &scope.reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Time;

    #[test]
    fn runs_lead_back_to_the_nodes_they_were_made_of() {
        for flags in [&[][..], &[false], &[true], &[true, true, false, true], &[false, true, true, false]] {
            let mut back = vec![false; flags.len()];
            Borrowed::of(flags).mark(&mut back);
            assert_eq!(back, flags);
        }
        assert!(Borrowed::of(&[false, false]).is_empty());
    }

    #[test]
    fn runs_that_are_none_of_a_tree_are_told() {
        let tree = Tree::with_root(0o755, Time { seconds: 0, nanoseconds: 0 });
        let is_of = |runs: &[(u32, u32)]| Borrowed { runs: runs.into() }.is_of(&tree);
        assert!(is_of(&[]) && is_of(&[(0, 1)]));
        for runs in [&[(0, 2)][..], &[(1, 1)], &[(0, 0)], &[(0, 1), (0, 1)], &[(u32::MAX, u32::MAX)]] {
            assert!(!is_of(runs), "{runs:?}");
        }
    }

    #[test]
    fn a_part_is_of_the_scope_whose_names_it_has() {
        let scope = Scope { repository: "o/r".into(), reference: "refs/heads/main".into() };
        let entry = format!("target/{}/{}/k/g", name::encode("o/r"), name::encode("refs/heads/main"));
        let part = Part { entry, root: 0, files: 1, bytes: 2 };
        assert!(part.is_of(&scope));
        assert!(!part.is_of(&Scope { reference: "refs/pull/7/merge".into(), ..scope }));
    }
}
