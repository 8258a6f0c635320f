//! Names that files have besides those in a tree.

use super::Result;
use super::index::{Kind, NodeId, Tree};
use crate::sys::{Dir, Errno};

/// For each node of `tree`, which lies in `dir`, whether it is a file that has names elsewhere; only of those of which `is_asked`
/// holds. What is gone by now has none.
pub fn with_names_elsewhere(tree: &Tree, dir: &Dir, is_asked: impl Fn(NodeId) -> bool) -> Result<Vec<bool>> {
    let members = tree.members();
    let mut found = vec![false; tree.len() as usize];
    let directories = tree.iter().filter(|(_, node)| node.kind.is_directory());
    for (directory, _) in directories {
        let mut asked = tree.children(directory).filter(|id| is_asked(*id)).peekable();
        if asked.peek().is_none() {
            continue;
        }
        let here = match dir.open_beneath(&tree.path_below(0, directory)) {
            Err(error) if error.is(Errno::NOENT) => continue,
            here => here?,
        };
        for id in asked {
            let Kind::File { group, .. } = tree.node(id).kind else { continue };
            let names = if group == 0 { 1 } else { members[&group] };
            let links = here.stat_if_present(tree.name(id))?.map_or(0, |stat| stat.links as usize);
            found[id as usize] = links > names;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::{Selection, walk};
    use super::*;
    use crate::sys::{Interrupt, file};

    #[test]
    fn a_name_outside_of_the_tree_is_told_and_one_in_it_is_not() {
        let place = tempfile::tempdir().unwrap();
        file::make_dirs(&place.path().join("tree/below")).unwrap();
        let (whole, dir) = (Dir::open(place.path()).unwrap(), Dir::open(&place.path().join("tree")).unwrap());
        for name in ["alone", "out", "twice"] {
            file::write_new(&place.path().join("tree").join(name), b"x").unwrap();
        }
        dir.link(b"out", &whole, b"other").unwrap();
        dir.link(b"twice", &dir.open_dir(b"below").unwrap(), b"twice").unwrap();
        let tree = walk(&dir, &Selection::all(), &Interrupt::default()).unwrap().tree;
        let found = with_names_elsewhere(&tree, &dir, |_| true).unwrap();
        let names: Vec<_> =
            tree.iter().filter(|(id, _)| found[*id as usize]).map(|(id, _)| tree.name(id).to_vec()).collect();
        assert_eq!(names, [b"out".to_vec()]);
        assert!(!with_names_elsewhere(&tree, &dir, |_| false).unwrap().contains(&true));
    }
}
