//! The manifest reader on trees: a tree that is one is accepted; one with flaws is refused, or is a tree all the same.
#![no_main]

use std::collections::{BTreeMap, VecDeque};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use runner_cache_fuzz::manifest;
use serde::Serialize;

/// A tree to make, and what to change of it afterwards.
#[derive(Debug, Arbitrary)]
struct Input<'a> {
    plants: Vec<Plant<'a>>,
    flaws: Vec<Flaw>,
}

/// Something to make in one of the directories made so far.
#[derive(Debug, Arbitrary)]
struct Plant<'a> {
    directory: u8,
    name: &'a [u8],
    mode: u16,
    mtime: (i64, u32),
    what: What<'a>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum What<'a> {
    Directory,
    File { size: u32, group: u32 },
    Symlink(&'a [u8]),
}

/// A change to one of the nodes.
#[derive(Debug, Arbitrary)]
struct Flaw {
    node: u8,
    what: Change,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Change {
    Parent(u32),
    NameStart(u32),
    NameLength(u16),
    Mode(u16),
    Nanoseconds(u32),
    Directory { first: u32, count: u32 },
    File { size: u64, group: u32 },
    Symlink { start: u32, length: u16 },
    Swap(u8),
    Drop,
    Text(u8),
}

/// [`runner_cache::store::Root`] as it is written, and what is in it.
#[derive(Debug, Serialize)]
struct Root {
    name: &'static str,
    is_partial: bool,
    tree: Tree,
    packed: Vec<(u32, u32)>,
    borrowed: Vec<(u32, u32)>,
}

#[derive(Debug, Default, Serialize)]
struct Tree {
    nodes: Vec<Node>,
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Node {
    parent: u32,
    name: Span,
    mode: u16,
    mtime: (i64, u32),
    kind: Kind,
}

#[derive(Debug, Clone, Copy, Serialize)]
enum Kind {
    Directory { first: u32, count: u32 },
    File { size: u64, group: u32 },
    Symlink { target: Span },
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Span {
    start: u32,
    length: u16,
}

fuzz_target!(|input: Input<'_>| {
    let mut tree = made_of(&input.plants);
    input.flaws.iter().for_each(|flaw| tree.change(flaw));
    let roots = vec![Root { name: ".", is_partial: false, tree, packed: Vec::new(), borrowed: Vec::new() }];
    let roots = postcard::to_stdvec(&roots).expect("a tree has nothing that postcard lacks");
    let read = manifest::read(&manifest::with_roots(&roots));
    assert!(read.is_some() || !input.flaws.is_empty(), "a tree without a flaw is refused");
});

fn made_of(plants: &[Plant<'_>]) -> Tree {
    // The root is the first; a directory's children are known by their number.
    let mut plan = vec![(&[][..], 0o755, (0, 0), What::Directory)];
    let mut directories = vec![(0, BTreeMap::new())];
    for plant in plants {
        let number = plan.len();
        let among = directories.len();
        let (_, children) = &mut directories[usize::from(plant.directory) % among];
        let is_plain =
            !matches!(plant.name, b"" | b"." | b"..") && !plant.name.iter().any(|b| b"/\0".contains(b));
        if !is_plain || plant.name.len() > 255 || children.contains_key(plant.name) {
            continue;
        }
        children.insert(plant.name, number);
        let mtime = (plant.mtime.0, plant.mtime.1 % 1_000_000_000);
        plan.push((plant.name, plant.mode & 0o1777, mtime, plant.what));
        if matches!(plant.what, What::Directory) {
            directories.push((number, BTreeMap::new()));
        }
    }
    let children: BTreeMap<_, _> = directories.into_iter().collect();
    let mut tree = Tree::default();
    // Breadth first: each with its parent's place among the nodes.
    let mut waiting = VecDeque::from([(0, 0)]);
    let mut next = 1;
    while let Some((number, parent)) = waiting.pop_front() {
        let (name, mode, mtime, what) = plan[number];
        let place = length(tree.nodes.len());
        let name = tree.keep(name);
        let kind = match what {
            What::Directory => {
                let inside = &children[&number];
                waiting.extend(inside.values().map(|&child| (child, place)));
                let first = next;
                next += length(inside.len());
                Kind::Directory { first, count: next - first }
            }
            What::File { size, group } => Kind::File { size: size.into(), group },
            What::Symlink(target) => Kind::Symlink { target: tree.keep(target) },
        };
        tree.nodes.push(Node { parent, name, mode, mtime, kind });
    }
    tree
}

impl Tree {
    fn keep(&mut self, text: &[u8]) -> Span {
        let start = length(self.text.len());
        // An input is shorter than that.
        let text = &text[..text.len().min(u16::MAX.into())];
        self.text.extend_from_slice(text);
        Span { start, length: u16::try_from(text.len()).expect("it was cut") }
    }

    fn change(&mut self, flaw: &Flaw) {
        if self.nodes.is_empty() {
            return;
        }
        let at = |place: u8| usize::from(place) % self.nodes.len();
        let (here, there) = (at(flaw.node), if let Change::Swap(other) = flaw.what { at(other) } else { 0 });
        let node = &mut self.nodes[here];
        match flaw.what {
            Change::Parent(parent) => node.parent = parent,
            Change::NameStart(start) => node.name.start = start,
            Change::NameLength(length) => node.name.length = length,
            Change::Mode(mode) => node.mode = mode,
            Change::Nanoseconds(nanoseconds) => node.mtime.1 = nanoseconds,
            Change::Directory { first, count } => node.kind = Kind::Directory { first, count },
            Change::File { size, group } => node.kind = Kind::File { size, group },
            Change::Symlink { start, length } => node.kind = Kind::Symlink { target: Span { start, length } },
            Change::Swap(_) => self.nodes.swap(here, there),
            Change::Drop => {
                self.nodes.remove(here);
            }
            Change::Text(byte) => {
                let place = node.name.start as usize;
                if let Some(text) = self.text.get_mut(place) {
                    *text = byte;
                }
            }
        }
    }
}

fn length(count: usize) -> u32 {
    u32::try_from(count).expect("an input is small")
}
