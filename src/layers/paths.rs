//! Paths of the user and of presets.

use crate::layers::rules::{Coverage, Replaced, Rules};
use crate::plan::{LayerPlan, RootPlan};
use crate::store::Header;
use crate::tree::{self, Selection, Tree};

/// The rules of the layer `paths`.
pub(crate) struct Paths<'p>(pub(crate) &'p LayerPlan);

impl Rules for Paths<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_same_contents(self.0, entry)
    }

    /// As the presets say.
    fn replaced<'t>(
        &self,
        root: &'t RootPlan,
        _tree: &'t Tree,
        _others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        if root.replaced.is_empty() {
            return Ok(None);
        }
        let replaced = Selection::new(&root.replaced, &[])?;
        Ok(Some(Box::new(move |_, path| replaced.names(path))))
    }
}
