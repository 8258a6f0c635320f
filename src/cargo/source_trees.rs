//! Finds what a path means in the trees of a job's sources: the file itself, and each link on the way to it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::store::SourceId;
use crate::sys::file::normal;
use crate::tree::{Kind, NodeId, Tree};

/// How many links may lead from one to the next, as in the kernel.
const MOST_LINKS: usize = 40;

/// The trees of the sources, each with the absolute path of its directory.
#[derive(Debug)]
pub struct SourceTrees<'t> {
    trees: Vec<(PathBuf, &'t Tree)>,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Led {
    /// The links on the way, and what is at its end if that is in the sources.
    pub(super) ids: Vec<SourceId>,
    /// Where it ends if that is outside of the sources.
    pub(super) outside: Option<PathBuf>,
    /// Whether it ends within the sources, where there is nothing.
    pub(super) is_absent: bool,
}

impl<'t> SourceTrees<'t> {
    /// Those of `trees`.
    pub fn new(trees: Vec<(PathBuf, &'t Tree)>) -> Self {
        Self { trees }
    }

    pub(super) fn tree(&self, sources: u32) -> &'t Tree {
        self.trees[sources as usize].1
    }

    /// The absolute path of `id`.
    pub(super) fn path(&self, id: SourceId) -> PathBuf {
        let (directory, tree) = &self.trees[id.sources as usize];
        directory.join(OsStr::from_bytes(&tree.path_below(0, id.node)))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Path, &'t Tree)> {
        (0..).zip(&self.trees).map(|(number, (directory, tree))| (number, directory.as_path(), *tree))
    }

    /// The files and links at and below `id`.
    pub(super) fn leaves_below(&self, id: SourceId) -> Vec<SourceId> {
        let nodes = self.tree(id.sources).leaves_below(id.node);
        nodes.into_iter().map(|node| SourceId { node, ..id }).collect()
    }

    /// Follows the absolute path `path`.
    pub(super) fn lead(&self, path: &Path) -> Led {
        let mut led = Led::default();
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            match self.step(&path, &mut led.ids) {
                Step::There => return led,
                Step::Absent => {
                    led.is_absent = true;
                    return led;
                }
                Step::Outside(outside) => {
                    led.outside = Some(outside);
                    return led;
                }
                Step::Link(next) => path = next,
            }
        }
        led.is_absent = true;
        led
    }

    /// As far as the first link.
    fn step(&self, path: &Path, ids: &mut Vec<SourceId>) -> Step {
        // The innermost: one may lie in another's directory.
        let around = (0..).zip(&self.trees).filter(|(_, (directory, _))| path.starts_with(directory));
        let Some((sources, (directory, tree))) =
            around.max_by_key(|(_, (directory, _))| directory.as_os_str().len())
        else {
            return Step::Outside(normal(path));
        };
        let mut nodes = vec![0];
        let below = path.strip_prefix(directory).unwrap_or(path);
        let mut components = below.components();
        while let Some(component) = components.next() {
            let node = *nodes.last().expect("the root is there");
            match component {
                Component::ParentDir if nodes.len() == 1 => {
                    return Step::Link(normal(path));
                }
                Component::ParentDir => {
                    nodes.pop();
                }
                Component::Normal(name) => {
                    let Some(child) = tree.child(node, name.as_bytes()) else {
                        return Step::Absent;
                    };
                    if let Kind::Symlink { target } = tree.node(child).kind {
                        ids.push(SourceId { sources, node: child });
                        let here = directory.join(OsStr::from_bytes(&tree.path_below(0, node)));
                        let to = here.join(OsStr::from_bytes(tree.text(target)));
                        return Step::Link(to.join(components.as_path()));
                    }
                    nodes.push(child);
                }
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        ids.push(SourceId { sources, node: *nodes.last().expect("the root is there") });
        Step::There
    }
}

/// What is in `directory` of a package, itself included, but for other packages: their directories `is_other`
/// tells.
pub(super) fn nodes_of_package(
    tree: &Tree,
    directory: NodeId,
    is_other: impl Fn(NodeId) -> bool,
) -> Vec<NodeId> {
    let (mut nodes, mut next) = (vec![directory], 0);
    while let Some(&node) = nodes.get(next) {
        nodes.extend(tree.children(node).filter(|&node| !is_other(node)));
        next += 1;
    }
    nodes
}

enum Step {
    There,
    Absent,
    Outside(PathBuf),
    Link(PathBuf),
}
