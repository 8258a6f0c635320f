//! A root of a layer as it is in the job now, and what of it is worth saving.

use crate::cargo::Why;
use crate::layers::worth::Worth;
use crate::outcome::LeftOut;
use crate::plan::RootPlan;
use crate::store::Root;
use crate::sys::Dir;
use crate::tree::{NodeId, Tree};

/// A root as it is in the job now.
pub(crate) struct WorkingTree<'a> {
    pub(crate) plan: &'a RootPlan,
    /// What is to be saved of it.
    pub(crate) root: Root,
    pub(crate) dir: Dir,
    /// All that is there, where that is more.
    pub(crate) whole: Option<Tree>,
    pub(crate) left_out: Vec<LeftOut>,
}

impl WorkingTree<'_> {
    /// Leaves out more of it.
    pub(crate) fn leave_out(&mut self, left_out: &[(NodeId, Why)]) {
        if left_out.is_empty() {
            return;
        }
        let swept = Worth::without(&self.root.tree, left_out);
        let whole = std::mem::replace(&mut self.root.tree, swept.tree);
        self.whole.get_or_insert(whole);
        for more in swept.left_out {
            match self.left_out.iter_mut().find(|known| known.why == more.why) {
                Some(known) => {
                    known.files += more.files;
                    known.bytes += more.bytes;
                }
                None => self.left_out.push(more),
            }
        }
    }
}
