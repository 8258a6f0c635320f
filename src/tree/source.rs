//! Where a tree comes from.

use super::folders::Folders;
use super::index::Tree;

/// A tree, and the folders that hold its files.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What is there.
    pub tree: &'a Tree,
    /// Where that lies.
    pub folders: Folders<'a>,
    /// For each node whether it may share its inode with the copy (see [`super::LinkMode::Hardlink`]).
    pub linkable: &'a [bool],
    /// Whether others may write there meanwhile.
    pub is_live: bool,
}
