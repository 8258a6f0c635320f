//! Between plan, store and tree: which files of a layer may share an inode, and where a root's files are.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::cargo::{
    RUSTC_INFO, is_replaced_in_home, is_replaced_in_target, is_source_list, is_written_each_build,
};
use crate::plan::{RootPlan, Shape};
use crate::store::Layer;
use crate::sys::{Time, file};
use crate::tree::{self, Kind, Node, NodeId, Selection, Tree};

/// For each node whether it may share its inode: it is replaced when it changes, never rewritten, and so are all files
/// of its hard-link group. `others` are the trees of the layer's other roots, in which there may be names of the same
/// files. What is `borrowed` shares none, by nodes of `tree`.
pub(crate) fn linkable<'t>(
    layer: Layer,
    root: &RootPlan,
    tree: &Tree,
    others: impl Iterator<Item = &'t Tree>,
    borrowed: &[bool],
) -> tree::Result<Vec<bool>> {
    let mut linkable = vec![false; tree.len() as usize];
    if matches!(layer, Layer::Builds | Layer::Paths) && root.replaced.is_empty() {
        return Ok(linkable);
    }
    let replaced = Selection::new(&root.replaced, &[])?;
    let elsewhere: HashSet<_> =
        if layer == Layer::Target { others.flat_map(rewritten).collect() } else { HashSet::new() };
    let mut kept_apart = HashSet::new();
    let folders = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::Folder { .. }));
    for (folder, _) in folders {
        let files = tree.children(folder).filter(|&id| matches!(tree.node(id).kind, Kind::File { .. }));
        let mut path = tree.path_below(0, folder);
        path.push(b'/');
        let length = if folder == 0 { 0 } else { path.len() };
        // Since 1.100 a script's output lies where rustc's own does in other units.
        let is_scripts_output = tree.child(tree.node(folder).parent, b"run").is_some();
        for id in files {
            path.truncate(length);
            path.extend_from_slice(tree.name(id));
            let node = tree.node(id);
            let is_replaced = match layer {
                Layer::Cargo => is_replaced_in_home(&root.name, &path),
                Layer::Target | Layer::Units => {
                    is_replaced_in_target(&path)
                        && !is_scripts_output
                        && !elsewhere.contains(&(node.mtime, size_of(node)))
                }
                // Cargo installs by renames.
                Layer::Bins => true,
                Layer::Builds | Layer::Paths => replaced.names(&path),
            };
            let is_replaced = is_replaced && borrowed.get(id as usize) != Some(&true);
            linkable[id as usize] = is_replaced;
            if let Kind::File { group, .. } = node.kind
                && group != 0
                && !is_replaced
            {
                kept_apart.insert(group);
            }
        }
    }
    for (id, node) in tree.iter() {
        if matches!(node.kind, Kind::File { group, .. } if kept_apart.contains(&group)) {
            linkable[id as usize] = false;
        }
    }
    Ok(linkable)
}

/// Times and sizes of the files in a target folder that may be rewritten. Cargo links final artifacts out of the folder of
/// intermediate files, which can be another one (`build-dir`), and no two other files were written in the same nanosecond.
fn rewritten(target: &Tree) -> impl Iterator<Item = (Time, u64)> {
    let is_rewritten = move |id: NodeId| !is_replaced_in_target(&target.path_below(0, id));
    let files = target.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
    files.filter(move |(id, _)| is_rewritten(*id)).map(|(_, node)| (node.mtime, size_of(node)))
}

fn size_of(node: &Node) -> u64 {
    if let Kind::File { size, .. } = node.kind { size } else { 0 }
}

/// Whether a file that has changed is no reason for another entry: cargo writes it anew each time and never reads it, so that
/// its contents, with the paths of one runner's workspace in them, do not matter; or a restore gave it another time.
pub(crate) fn is_no_reason(layer: Layer, tree: &Tree, id: NodeId) -> bool {
    let is_none = |path: &[u8]| is_written_each_build(path) || is_source_list(path);
    layer == Layer::Target
        && matches!(tree.node(id).kind, Kind::File { .. })
        && is_none(&tree.path_below(0, id))
}

/// The folder in which the tree of a root lies in the job. For a single file it is the folder above.
pub(crate) fn folder_of(root: &RootPlan, is_partial: bool) -> PathBuf {
    match (root.shape, root.path.parent()) {
        (Shape::Unknown, Some(parent)) if is_partial => parent.to_path_buf(),
        _ => root.path.clone(),
    }
}

/// Whether cargo made this folder for builds. Only then may a restore delete what it does not know.
pub(crate) fn is_target_folder(folder: &Path) -> bool {
    // Tools such as `cargo llvm-cov` let cargo build below a folder that they make themselves.
    let is_above =
        || file::names(folder).is_ok_and(|names| names.iter().any(|name| is_marked(&folder.join(name))));
    is_marked(folder) || is_above()
}

fn is_marked(folder: &Path) -> bool {
    let is_cargos = |tag: &[u8]| tag.windows(CARGOS_TAG.len()).any(|text| text == CARGOS_TAG);
    file::is_file(&folder.join(RUSTC_INFO))
        || file::read(&folder.join("CACHEDIR.TAG")).is_ok_and(|tag| is_cargos(&tag))
}

/// What cargo writes into the tag of a target folder that it makes; other caches have such tags, too.
const CARGOS_TAG: &[u8] = b"created by cargo";
