//! A directory tree as a value: names, kinds, sizes, modes, times.
//!
//! Nodes lie in one vector, breadth first: the children of a directory are neighbours, sorted by name, behind their parent.
//! A node takes 48 bytes and its name, so a million files fit into less than 100 MB; two trees are compared by
//! walking both in step.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::sys::Time;

/// Where one of two directories has so many times fewer children than the other, these are looked up there by halving; else
/// both are walked in step.
const FEW: usize = 16;

/// Index of a node in its tree. The root is 0.
pub type NodeId = u32;

/// A directory tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    nodes: Vec<Node>,
    /// Names and symlinks' targets, one after another.
    text: Vec<u8>,
}

/// A file, directory or symlink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The directory it lies in; the root is its own parent.
    pub parent: NodeId,
    name: Span,
    /// Permission bits: `0o1777` at most, setuid and setgid are never recorded.
    pub mode: u16,
    /// Last change.
    pub mtime: Time,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory and its children.
    Directory {
        /// First child.
        first: NodeId,
        /// Number of children.
        count: u32,
    },
    /// A regular file.
    File {
        /// Bytes.
        size: u64,
        /// Files of one tree with the same number, other than 0, are names of one file.
        group: u32,
    },
    /// A symlink.
    Symlink {
        /// What it holds, any bytes.
        target: Span,
    },
}

impl Kind {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

/// A piece of [`Tree::text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    start: u32,
    length: u16,
}

/// Why a tree that was read is not one.
#[derive(Debug, thiserror::Error)]
#[error("node {node}: {what}")]
pub struct Malformed {
    node: usize,
    what: &'static str,
}

impl Tree {
    /// A tree of one empty directory.
    pub fn with_root(mode: u16, mtime: Time) -> Self {
        let name = Span { start: 0, length: 0 };
        let root = Node { parent: 0, name, mode, mtime, kind: Kind::Directory { first: 1, count: 0 } };
        Self { nodes: vec![root], text: Vec::new() }
    }

    /// Adds a node behind all others and returns its index. The caller adds the children of a directory one after another,
    /// sorted, and then tells the directory by [`Tree::set_children`].
    pub(super) fn push(&mut self, parent: NodeId, name: &[u8], mode: u16, mtime: Time, kind: Kind) -> NodeId {
        let name = self.push_text(name);
        let id = self.len();
        self.nodes.push(Node { parent, name, mode, mtime, kind });
        id
    }

    /// Keeps `text` and returns where.
    pub(super) fn push_text(&mut self, text: &[u8]) -> Span {
        let start = u32::try_from(self.text.len()).expect("names of one tree take less than 4 GiB");
        let length = u16::try_from(text.len()).expect("names and targets are shorter than PATH_MAX");
        self.text.extend_from_slice(text);
        Span { start, length }
    }

    pub(super) fn set_children(&mut self, directory: NodeId, children: Range<NodeId>) {
        self.nodes[directory as usize].kind =
            Kind::Directory { first: children.start, count: children.end - children.start };
    }

    pub(super) fn set_group(&mut self, file: NodeId, number: u32) {
        if let Kind::File { group, .. } = &mut self.nodes[file as usize].kind {
            *group = number;
        }
    }

    /// The tree without some of its nodes and what is below them. The root stays.
    #[must_use]
    pub fn without(&self, is_left_out: impl Fn(NodeId) -> bool) -> Self {
        let root = self.node(0);
        let mut tree = Self::with_root(root.mode, root.mtime);
        let mut directories = std::collections::VecDeque::from([(0, 0)]);
        while let Some((ours, theirs)) = directories.pop_front() {
            let first = tree.len();
            for child in self.children(ours).filter(|&child| !is_left_out(child)) {
                let Node { mode, mtime, kind, .. } = *self.node(child);
                let kind = match kind {
                    Kind::Directory { .. } => Kind::Directory { first: 0, count: 0 },
                    Kind::Symlink { target } => Kind::Symlink { target: tree.push_text(self.text(target)) },
                    file @ Kind::File { .. } => file,
                };
                let id = tree.push(theirs, self.name(child), mode, mtime, kind);
                if let Kind::Directory { .. } = kind {
                    directories.push_back((child, id));
                }
            }
            tree.set_children(theirs, first..tree.len());
        }
        tree
    }

    /// Lets `is_in` hold also of the directories around the nodes of which it holds.
    pub fn add_directories_around(&self, is_in: &mut [bool]) {
        // What is in a directory comes behind it.
        for id in (1..self.len()).rev() {
            if is_in[id as usize] {
                is_in[self.node(id).parent as usize] = true;
            }
        }
    }

    /// Number of nodes, the root included.
    pub fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).expect("a tree has fewer than 2^32 nodes")
    }

    /// Whether there is nothing in the root directory.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// The node at an index of this tree.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The name of a node, without any directory. The root's is empty.
    pub fn name(&self, id: NodeId) -> &[u8] {
        self.text(self.node(id).name)
    }

    /// The bytes of a span, for example of a symlink's target.
    pub fn text(&self, span: Span) -> &[u8] {
        &self.text[span.start as usize..][..usize::from(span.length)]
    }

    /// The children of a directory, in the order of their names; of anything else, none.
    pub fn children(&self, id: NodeId) -> Range<NodeId> {
        match self.node(id).kind {
            Kind::Directory { first, count } => first..first + count,
            Kind::File { .. } | Kind::Symlink { .. } => 0..0,
        }
    }

    /// The child of a directory that has this name.
    pub fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let children = self.children(directory);
        let ids: Range<usize> = children.start as usize..children.end as usize;
        let found = self.nodes[ids].binary_search_by(|node| self.text(node.name).cmp(name)).ok()?;
        Some(children.start + u32::try_from(found).expect("a tree has fewer than 2^32 nodes"))
    }

    /// The node at a path below the root.
    pub fn at(&self, path: &[u8]) -> Option<NodeId> {
        path.split(|&byte| byte == b'/').try_fold(0, |directory, name| self.child(directory, name))
    }

    /// The path of a node below `top`, without a slash at either end; empty for `top` itself.
    pub fn path_below(&self, top: NodeId, id: NodeId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = id;
        while at != top {
            names.push(self.name(at));
            at = self.node(at).parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// A node and all that is in it, the nearest first.
    pub fn below(&self, top: NodeId) -> Vec<NodeId> {
        let (mut found, mut next) = (vec![top], 0);
        while let Some(&node) = found.get(next) {
            found.extend(self.children(node));
            next += 1;
        }
        found
    }

    /// The files and symlinks below a node, or the node itself.
    pub fn leaves_below(&self, top: NodeId) -> Vec<NodeId> {
        let is_leaf = |id: &NodeId| !self.node(*id).kind.is_directory();
        self.below(top).into_iter().filter(is_leaf).collect()
    }

    /// All nodes with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        (0..).zip(&self.nodes)
    }

    /// Number of regular files and symlinks.
    pub fn files(&self) -> u64 {
        self.nodes.iter().filter(|node| !node.kind.is_directory()).count() as u64
    }

    /// Bytes of all files, those with several names counted once.
    pub fn bytes(&self) -> u64 {
        self.bytes_of(|_| true)
    }

    /// Files and symlinks of which `is_meant` holds, and their bytes, those with several names counted once.
    pub fn count(&self, is_meant: impl Fn(NodeId) -> bool) -> (u64, u64) {
        let is_file = |node: &Node| !node.kind.is_directory();
        let files = self.iter().filter(|(id, node)| is_file(node) && is_meant(*id)).count();
        (files as u64, self.bytes_of(is_meant))
    }

    fn bytes_of(&self, is_meant: impl Fn(NodeId) -> bool) -> u64 {
        let mut seen = std::collections::HashSet::new();
        let size = |(id, node): (NodeId, &Node)| match node.kind {
            Kind::File { size, group } if is_meant(id) && (group == 0 || seen.insert(group)) => size,
            _ => 0,
        };
        self.iter().map(size).fold(0, u64::saturating_add)
    }

    /// For each node, whether `base` has the same at the same path: for files size, mode and time to the nanosecond; for
    /// symlinks the target and the time; for directories the mode. A directory's own time is no difference: it follows from
    /// its files and from temporary names that came and went. What is one file in one of the trees and two in the other
    /// is the same once at most.
    pub fn same_as(&self, base: &Self) -> Vec<bool> {
        let mut same = vec![false; self.nodes.len()];
        let mut files = FilePairs::default();
        self.for_each_pair(base, |ours, theirs| {
            same[ours as usize] = self.is_same(ours, base, theirs)
                && files.allow(FileIdentity::of(self, ours), FileIdentity::of(base, theirs));
        });
        same
    }

    /// How many names each file has that has several: by the number of its group.
    pub(super) fn members(&self) -> HashMap<u32, usize> {
        let mut members = HashMap::new();
        for node in &self.nodes {
            if let Kind::File { group, .. } = node.kind
                && group != 0
            {
                *members.entry(group).or_default() += 1;
            }
        }
        members
    }

    /// How many of the nodes have one at the same path in `other`.
    pub fn count_in(&self, other: &Self) -> u32 {
        let mut count = 0;
        self.for_each_pair(other, |_, _| count += 1);
        count
    }

    /// What is `said` of the nodes of `other`, of those of this tree at the same paths; false of all else.
    pub fn of_same_paths(&self, other: &Self, said: &[bool]) -> Vec<bool> {
        let mut own = vec![false; self.len() as usize];
        self.for_each_pair(other, |ours, theirs| own[ours as usize] = said[theirs as usize]);
        own
    }

    /// Calls `each` with each node that has one at the same path in `other`, and with that.
    pub fn for_each_pair(&self, other: &Self, mut each: impl FnMut(NodeId, NodeId)) {
        let mut pairs = vec![(0, 0)];
        while let Some((ours, theirs)) = pairs.pop() {
            each(ours, theirs);
            let (own, others) = (self.children(ours), other.children(theirs));
            if own.len() < others.len() / FEW {
                pairs.extend(own.filter_map(|id| Some((id, other.child(theirs, self.name(id))?))));
            } else if others.len() < own.len() / FEW {
                pairs.extend(others.filter_map(|id| Some((self.child(ours, other.name(id))?, id))));
            } else {
                let mut others = others.peekable();
                for child in own {
                    let name = self.name(child);
                    while others.next_if(|&id| other.name(id) < name).is_some() {}
                    if let Some(id) = others.next_if(|&id| other.name(id) == name) {
                        pairs.push((child, id));
                    }
                }
            }
        }
    }

    fn is_same(&self, ours: NodeId, base: &Self, theirs: NodeId) -> bool {
        let (a, b) = (self.node(ours), base.node(theirs));
        match (a.kind, b.kind) {
            (Kind::Directory { .. }, Kind::Directory { .. }) => a.mode == b.mode,
            (Kind::File { size: x, .. }, Kind::File { size: y, .. }) => {
                x == y && a.mode == b.mode && a.mtime == b.mtime
            }
            (Kind::Symlink { target: x }, Kind::Symlink { target: y }) => {
                self.text(x) == base.text(y) && a.mtime == b.mtime
            }
            _ => false,
        }
    }

    /// Checks all that the rest of this room relies on. To be called on a tree that was read from a disk: afterwards no
    /// name leads out of the tree and no index out of the vectors.
    pub fn validate(&self) -> Result<(), Malformed> {
        let malformed = |node, what| Err(Malformed { node, what });
        let total = self.nodes.len();
        let mut next_child = 1;
        let Some(root) = self.nodes.first() else { return malformed(0, "no root") };
        if !root.kind.is_directory() || root.name.length != 0 {
            return malformed(0, "the root is not an unnamed directory");
        }
        for (id, node) in self.nodes.iter().enumerate() {
            if node.mode & !0o1777 != 0 {
                return malformed(id, "unexpected mode bits");
            }
            if node.mtime.nanoseconds >= 1_000_000_000 {
                return malformed(id, "nanoseconds out of range");
            }
            let in_text = |span: Span| span.start as usize + usize::from(span.length) <= self.text.len();
            if !in_text(node.name) || matches!(node.kind, Kind::Symlink { target } if !in_text(target)) {
                return malformed(id, "name out of bounds");
            }
            if id > 0 && !is_plain_name(self.text(node.name)) {
                return malformed(id, "invalid file name");
            }
            let before = &self.nodes[id.saturating_sub(1)];
            if id > 1 && before.parent == node.parent && self.text(before.name) >= self.text(node.name) {
                return malformed(id, "unsorted directory");
            }
            if matches!(node.kind, Kind::Directory { first, .. } if first as usize > total) {
                return malformed(id, "misplaced children");
            }
            if let Kind::Directory { first, count } = node.kind
                && count > 0
            {
                // Breadth first means that the children of each directory follow those of the directory before.
                let (first, count) = (first as usize, count as usize);
                if first != next_child || first <= id || count > total - next_child.min(total) {
                    return malformed(id, "misplaced children");
                }
                let children = &self.nodes[first..first + count];
                if children.iter().any(|child| child.parent as usize != id) {
                    return malformed(id, "a child with another parent");
                }
                next_child = first + count;
            }
        }
        if next_child != total {
            return malformed(next_child, "orphaned node");
        }
        Ok(())
    }
}

fn is_plain_name(name: &[u8]) -> bool {
    !name.is_empty() && name != b"." && name != b".." && !name.contains(&b'/') && !name.contains(&0)
}

/// What the names of one file in a tree have in common, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum FileIdentity {
    Alone(NodeId),
    Group(u32),
}

impl FileIdentity {
    pub(super) fn of(tree: &Tree, id: NodeId) -> Self {
        match tree.node(id).kind {
            Kind::File { group, .. } if group != 0 => Self::Group(group),
            _ => Self::Alone(id),
        }
    }
}

/// Which file of one tree is which of another.
#[derive(Default)]
struct FilePairs {
    theirs: HashMap<FileIdentity, FileIdentity>,
    ours: HashMap<FileIdentity, FileIdentity>,
}

impl FilePairs {
    /// Whether two files can be one, as neither is one with a third.
    fn allow(&mut self, ours: FileIdentity, theirs: FileIdentity) -> bool {
        // Each path is asked about once.
        if let (FileIdentity::Alone(_), FileIdentity::Alone(_)) = (ours, theirs) {
            return true;
        }
        *self.theirs.entry(ours).or_insert(theirs) == theirs
            && *self.ours.entry(theirs).or_insert(ours) == ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time { seconds: 1, nanoseconds: 2 };

    fn file(size: u64) -> Kind {
        Kind::File { size, group: 0 }
    }

    /// `a/x`, `b`
    fn sample(size_of_x: u64) -> Tree {
        let mut tree = Tree::with_root(0o755, NOW);
        let a = tree.push(0, b"a", 0o755, NOW, Kind::Directory { first: 0, count: 0 });
        tree.push(0, b"b", 0o644, NOW, file(1));
        tree.set_children(0, 1..3);
        let x = tree.push(a, b"x", 0o644, NOW, file(size_of_x));
        tree.set_children(a, x..x + 1);
        tree
    }

    #[test]
    fn a_built_tree_is_valid_and_tells_its_paths() {
        let tree = sample(5);
        tree.validate().unwrap();
        assert_eq!(tree.path_below(0, 3), b"a/x");
        assert_eq!(tree.path_below(1, 3), b"x");
        assert_eq!((tree.at(b"a/x"), tree.at(b"b/x"), tree.at(b"a/")), (Some(3), None, None));
        assert_eq!((tree.files(), tree.bytes()), (2, 6));
    }

    #[test]
    fn names_that_lead_out_of_the_tree_are_malformed() {
        for name in [&b".."[..], b".", b"", b"a/b", b"a\0b"] {
            let mut tree = Tree::with_root(0o755, NOW);
            tree.push(0, name, 0o644, NOW, file(0));
            tree.set_children(0, 1..2);
            assert!(tree.validate().is_err(), "{name:?}");
        }
    }

    #[test]
    fn children_outside_the_tree_are_malformed() {
        let mut tree = sample(0);
        tree.set_children(1, 3..9);
        assert!(tree.validate().is_err());
        let mut cycle = sample(0);
        cycle.set_children(1, 0..1);
        assert!(cycle.validate().is_err());
    }

    #[test]
    fn an_empty_directory_whose_children_would_lie_outside_is_malformed() {
        let mut tree = Tree::with_root(0o755, NOW);
        tree.set_children(0, 9..9);
        assert!(tree.validate().is_err());
    }

    #[test]
    fn sizes_that_no_number_holds_are_as_many_bytes_as_there_can_be() {
        assert_eq!(sample(u64::MAX).bytes(), u64::MAX);
    }

    #[test]
    fn setuid_is_malformed() {
        let mut tree = sample(0);
        tree.nodes[2].mode = 0o4755;
        assert!(tree.validate().is_err());
    }

    #[test]
    fn a_changed_file_differs_and_its_neighbours_are_the_same() {
        assert_eq!(sample(5).same_as(&sample(6)), [true, true, true, false]);
        assert_eq!(sample(5).same_as(&sample(5)), [true; 4]);
        assert_eq!(sample(5).same_as(&Tree::with_root(0o755, NOW)), [true, false, false, false]);
    }

    /// `a`, `b` and `c` that are one file where they have the same number, unless that is 0.
    fn three(groups: [u32; 3]) -> Tree {
        let mut tree = Tree::with_root(0o755, NOW);
        for (name, group) in [b"a", b"b", b"c"].into_iter().zip(groups) {
            tree.push(0, name, 0o644, NOW, Kind::File { size: 1, group });
        }
        tree.set_children(0, 1..4);
        tree
    }

    #[test]
    fn what_is_one_file_in_one_tree_and_two_in_another_is_the_same_once() {
        for (ours, base, count) in [
            ([1, 1, 0], [5, 5, 0], 3),
            ([0, 0, 0], [5, 5, 0], 2),
            ([1, 1, 0], [0, 0, 0], 2),
            ([1, 1, 1], [5, 5, 5], 3),
            ([0, 0, 0], [5, 5, 5], 1),
        ] {
            let same = three(ours).same_as(&three(base));
            assert_eq!(same[1..].iter().filter(|same| **same).count(), count, "{ours:?} {base:?}");
        }
    }
}
