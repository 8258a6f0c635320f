//! What an entry holds.

use serde::{Deserialize, Serialize};

use crate::tree::{Kind, NodeSet, Snapshot, Tree};

/// One directory of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// What the job calls it: a path as the user wrote it, or a part of a layer such as `registry/index`.
    pub name: String,
    /// Where only a single file or a part of a directory was saved, the tree is that of the directory above or around it.
    pub is_partial: bool,
    /// What is in it.
    pub tree: Tree,
    /// What of it lies in the root's pack.
    pub packed: NodeSet,
    /// Its files that entries of other scopes have as well.
    pub borrowed: NodeSet,
}

impl Root {
    /// Whether the sets are of nodes that are there, and only files and directories are packed.
    pub(super) fn is_sound(&self) -> bool {
        let may_be_packed = |id| id != 0 && !matches!(self.tree.node(id).kind, Kind::Symlink { .. });
        self.borrowed.is_within(&self.tree)
            && self.packed.is_within(&self.tree)
            && self.packed.iter().all(may_be_packed)
    }
}

/// The sources from which an entry was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Their directory, relative to the job's.
    pub directory: String,
    /// What is in it.
    pub snapshot: Snapshot,
}
