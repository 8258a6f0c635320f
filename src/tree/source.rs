//! Where a tree comes from.

use super::index::Tree;
use super::location::Location;

/// A tree, and the directory that holds its files.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What is there.
    pub tree: &'a Tree,
    /// Where that lies.
    pub location: Location<'a>,
    /// For each node whether it may share its inode with the copy (see [`super::LinkMode::Hardlink`]).
    pub linkable: &'a [bool],
    /// Whether others may write there meanwhile.
    pub is_live: bool,
}
