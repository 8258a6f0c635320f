//! Which files of a tree may share their inode.

use std::collections::HashSet;

use crate::layers::rules::Replaced;
use crate::tree::{Kind, Tree};

/// For each node whether it may share its inode: it is `replaced` when it changes, never rewritten, and so are all files of its
/// hard-link group. What is `borrowed` shares none, by nodes of `tree`.
pub(crate) fn linkable(replaced: Option<&Replaced<'_>>, tree: &Tree, borrowed: &[bool]) -> Vec<bool> {
    let mut linkable = vec![false; tree.len() as usize];
    let Some(is_replaced) = replaced else { return linkable };
    let mut kept_apart = HashSet::new();
    let directories = tree.iter().filter(|(_, node)| node.kind.is_directory());
    for (directory, _) in directories {
        let files = tree.children(directory).filter(|&id| matches!(tree.node(id).kind, Kind::File { .. }));
        let mut path = tree.path_below(0, directory);
        path.push(b'/');
        let length = if directory == 0 { 0 } else { path.len() };
        for id in files {
            path.truncate(length);
            path.extend_from_slice(tree.name(id));
            let may = is_replaced(id, &path) && borrowed.get(id as usize) != Some(&true);
            linkable[id as usize] = may;
            if let Kind::File { group, .. } = tree.node(id).kind
                && group != 0
                && !may
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
    linkable
}
