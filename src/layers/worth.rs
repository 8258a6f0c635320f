//! What of a directory is worth saving, and why the rest is not.

use crate::cargo::{Why, spread};
use crate::outcome::LeftOut;
use crate::tree::{NodeId, Tree};

/// What of a root is worth saving.
pub(crate) struct Worth {
    pub(crate) tree: Tree,
    /// What is not in it, as far as people are told, by reason.
    pub(crate) left_out: Vec<LeftOut>,
}

impl Worth {
    /// The tree without what is in `left_out`.
    pub(crate) fn without(tree: &Tree, left_out: &[(NodeId, Why)]) -> Self {
        let why = spread(tree, left_out);
        // What cargo lays out anyway is nothing to tell of.
        let reasons = [Why::Unused, Why::Executable, Why::Incremental, Why::Extra, Why::Changed];
        let counted = reasons.into_iter().filter_map(|reason| {
            let of_reason =
                tree.without(|id| id != 0 && why[id as usize] != Some(reason) && is_leaf(tree, id));
            let (files, bytes) = (of_reason.files(), of_reason.bytes());
            (files > 0).then_some(LeftOut { why: reason, files, bytes })
        });
        Self { left_out: counted.collect(), tree: tree.without(|id| why[id as usize].is_some()) }
    }
}

fn is_leaf(tree: &Tree, id: NodeId) -> bool {
    !tree.node(id).kind.is_directory()
}
