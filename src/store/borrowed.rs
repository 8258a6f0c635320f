//! Files of an entry that are not its scope's alone: a hard link into a job would let that job write what others restore.

use super::header::Scope;
use super::lease::Lease;

impl Lease {
    /// For each node of root `index` whether a job that writes to `own` may not have its inode, for entries of other scopes have
    /// it. Who writes nowhere may have none.
    pub fn borrowed(&self, index: usize, own: Option<&Scope>) -> Vec<bool> {
        let root = &self.manifest().roots[index];
        if own == Some(&self.manifest().header.scope) {
            root.borrowed.flags(&root.tree)
        } else {
            vec![true; root.tree.len() as usize]
        }
    }
}
