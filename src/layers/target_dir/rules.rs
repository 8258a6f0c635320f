//! What is particular to target directories.

use std::collections::HashSet;
use std::path::Path;

use crate::cargo::{RUSTC_INFO, is_replaced_in_target, is_source_list, is_written_each_build};
use crate::layers::rules::{Coverage, Replaced, Rules};
use crate::plan::{LayerPlan, RootPlan};
use crate::store::Header;
use crate::sys::{Time, file};
use crate::tree::{self, Kind, Node, NodeId, Tree};

/// The rules of the layer `target`.
pub(crate) struct TargetDirs<'p>(pub(crate) &'p LayerPlan);

impl Rules for TargetDirs<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_contents(self.0, entry)
    }

    fn replaced<'t>(
        &self,
        _root: &'t RootPlan,
        tree: &'t Tree,
        others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        Ok(Some(replaced(tree, others)))
    }

    /// Cargo writes some files anew each time and never reads them, so that their contents, with the paths of one runner's
    /// workspace in them, do not matter; to others a restore gave another time.
    fn is_noise(&self, tree: &Tree, id: NodeId) -> bool {
        let path = tree.path_below(0, id);
        matches!(tree.node(id).kind, Kind::File { .. })
            && (is_written_each_build(&path) || is_source_list(&path))
    }
}

/// Which files of a target directory, or of a unit, are replaced. `others` are other target directories of the job.
pub(crate) fn replaced<'t>(tree: &'t Tree, others: &[&Tree]) -> Replaced<'t> {
    let elsewhere: HashSet<_> = others.iter().flat_map(|other| rewritten(other)).collect();
    Box::new(move |id, path| {
        let node = tree.node(id);
        // Since 1.100 a script's output lies where rustc's own does in other units.
        let is_scripts_output = || tree.child(tree.node(node.parent).parent, b"run").is_some();
        is_replaced_in_target(path)
            && !is_scripts_output()
            && !elsewhere.contains(&(node.mtime, size_of(node)))
    })
}

/// Times and sizes of the files in a target directory that may be rewritten. Cargo links final artifacts out of the directory of
/// intermediate files, which can be another one (`build-dir`), and no two other files were written in the same nanosecond.
fn rewritten(target: &Tree) -> impl Iterator<Item = (Time, u64)> {
    let is_rewritten = move |id: NodeId| !is_replaced_in_target(&target.path_below(0, id));
    let files = target.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
    files.filter(move |(id, _)| is_rewritten(*id)).map(|(_, node)| (node.mtime, size_of(node)))
}

fn size_of(node: &Node) -> u64 {
    if let Kind::File { size, .. } = node.kind { size } else { 0 }
}

/// Whether cargo made this directory for builds. Only then may a restore delete what it does not know.
pub(crate) fn is_target_directory(directory: &Path) -> bool {
    // Tools such as `cargo llvm-cov` let cargo build below a directory that they make themselves.
    let is_above = || {
        file::names(directory).is_ok_and(|names| names.iter().any(|name| is_marked(&directory.join(name))))
    };
    is_marked(directory) || is_above()
}

fn is_marked(directory: &Path) -> bool {
    let is_cargos = |tag: &[u8]| tag.windows(CARGOS_TAG.len()).any(|text| text == CARGOS_TAG);
    file::is_file(&directory.join(RUSTC_INFO))
        || file::read(&directory.join("CACHEDIR.TAG")).is_ok_and(|tag| is_cargos(&tag))
}

/// What cargo writes into the tag of a target directory that it makes; other caches have such tags, too.
const CARGOS_TAG: &[u8] = b"created by cargo";
