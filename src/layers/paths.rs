//! Paths of the user and of presets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::layers::rules::{Coverage, Replaced, Rules};
use crate::plan::{LayerPlan, RootPlan};
use crate::store::{Header, LayerData, Root};
use crate::sys::file;
use crate::tree::{self, NodeId, Selection, Tree};

/// The rules of the layer `paths`.
pub(crate) struct Paths<'p>(pub(crate) &'p LayerPlan);

impl Rules for Paths<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_same_contents(self.0, entry)
    }

    /// The user chose them.
    fn places_to_tell(&self) -> Vec<PathBuf> {
        self.0.roots.iter().map(|root| root.path.clone()).collect()
    }

    /// Of what comes in whole directories only those that are not there yet.
    fn wanted(&self, root: &RootPlan, recorded: &Root, directory: &Path) -> Option<Tree> {
        if !root.is_of_wholes {
            return None;
        }
        let tree = &recorded.tree;
        let is_there = |id: &NodeId| file::is_present(&directory.join(OsStr::from_bytes(tree.name(*id))));
        let there: Vec<NodeId> = tree.children(0).filter(is_there).collect();
        Some(tree.without(|id| there.contains(&id)))
    }

    fn data(&self) -> LayerData {
        LayerData::Paths
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
