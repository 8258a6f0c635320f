//! A part of a tree, as a tree.

use super::index::{NodeId, Tree};

/// Some nodes of a tree, and the directories around them.
#[derive(Debug)]
pub struct Subtree {
    /// They as a tree.
    pub tree: Tree,
    /// For each of its nodes that of the whole tree.
    pub ids: Vec<NodeId>,
}

impl Subtree {
    /// The nodes of which `is_in` holds. Of a directory that holds nothing without that it does.
    pub fn of(whole: &Tree, mut is_in: Vec<bool>) -> Self {
        whole.add_directories_around(&mut is_in);
        let tree = whole.without(|id| !is_in[id as usize]);
        let mut ids = vec![0; tree.len() as usize];
        tree.for_each_pair(whole, |id, of_whole| ids[id as usize] = of_whole);
        Self { tree, ids }
    }

    /// What is `said` of the whole tree's nodes, of these: nothing where nothing is said.
    pub fn of_these<T: Copy>(&self, said: &[T]) -> Vec<T> {
        self.ids.iter().map_while(|&id| said.get(id as usize)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Time;
    use crate::tree::Kind;

    #[test]
    fn directories_are_there_for_what_is_in_them() {
        let time = Time { seconds: 0, nanoseconds: 0 };
        let directory = Kind::Directory { first: 1, count: 0 };
        let file = Kind::File { size: 1, group: 0 };
        let mut whole = Tree::with_root(0o755, time);
        for (parent, name, kind) in [(0, "a", directory), (0, "b", directory), (1, "c", file), (2, "d", file)]
        {
            whole.push(parent, name.as_bytes(), 0o644, time, kind);
        }
        for (parent, children) in [(0, 1..3), (1, 3..4), (2, 4..5)] {
            whole.set_children(parent, children);
        }
        whole.validate().unwrap();
        let part = Subtree::of(&whole, vec![false, false, false, false, true]);
        part.tree.validate().unwrap();
        assert_eq!(part.ids, [0, 2, 4]);
        assert_eq!(part.of_these(b"vwxyz"), b"vxz");
        assert_eq!(part.of_these(b""), b"");
        assert_eq!(Subtree::of(&whole, vec![false; 5]).ids, [0]);
    }
}
