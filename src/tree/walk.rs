//! Reads a live directory into a [`Tree`]: directories in parallel, one `statx` a name.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::Scope;

use tracing::debug_span;

use super::Result;
use super::failure::UntilFailure;
use super::index::{Kind, NodeId, Tree};
use super::select::{Choice, Selection};
use crate::sys::{self, Dir, Errno, FileType, Interrupt, LOST_AND_FOUND, Stat, Time};

/// Permission bits that are kept. Setuid and setgid never are: an entry must not hand out somebody's rights.
const KEPT_MODE: u16 = 0o1777;

/// A live directory as it was read.
#[derive(Debug)]
pub struct Walked {
    /// What is in it.
    pub tree: Tree,
    /// Paths of sockets, pipes and devices: they cannot be kept.
    pub left_out: Vec<PathBuf>,
    /// Paths of files whose setuid or setgid bit is not kept.
    pub without_rights: Vec<PathBuf>,
    /// Directories that were left out since they are caches, where the selection wants that.
    pub caches: Vec<PathBuf>,
}

/// Reads the chosen part of `root`. Directories without anything chosen in them are left out unless chosen themselves.
pub fn walk(root: &Dir, selection: &Selection, interrupt: &Interrupt) -> Result<Walked> {
    let _span = debug_span!("walk").entered();
    let own = root.stat_self()?;
    let walk = Walk {
        selection,
        next: AtomicU32::new(1),
        found: Mutex::default(),
        jobs: UntilFailure::new(interrupt),
    };
    let start =
        Task { id: 0, dir: root.open_beneath(b"")?, path: Vec::new(), choice: selection.judge_root() };
    rayon::scope(|scope| walk.jobs.run(|| walk.read(scope, start)));
    walk.jobs.finish()?;
    let Found { mut listings, left_out, without_rights, caches } =
        walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    listings.sort_unstable_by_key(|(id, _)| *id);
    let listings: Vec<_> = listings.into_iter().map(|(_, listing)| listing).collect();
    Ok(Walked { tree: assemble(&own, listings), left_out, without_rights, caches })
}

/// A directory to read.
struct Task {
    /// Its place in the list of listings.
    id: u32,
    dir: Dir,
    /// Relative to the root; kept up only where the selection needs it.
    path: Vec<u8>,
    choice: Choice,
}

struct Walk<'a> {
    selection: &'a Selection,
    next: AtomicU32,
    found: Mutex<Found>,
    jobs: UntilFailure<'a>,
}

#[derive(Default)]
struct Found {
    listings: Vec<(u32, Listing)>,
    left_out: Vec<PathBuf>,
    without_rights: Vec<PathBuf>,
    caches: Vec<PathBuf>,
}

/// What is directly in one directory, sorted by name. All listings are there at once, so what is not needed is not kept.
#[derive(Default)]
struct Listing {
    children: Vec<Child>,
    /// The children's names, one after another.
    names: Vec<u8>,
    /// Neither the directory nor what is in it belongs to the tree.
    is_left_out: bool,
}

struct Child {
    /// Bytes of its name.
    length: u16,
    mode: u16,
    choice: Choice,
    mtime: Time,
    detail: Detail,
}

enum Detail {
    Directory { listing: u32 },
    File { size: u64 },
    Linked(Box<Linked>),
    Symlink(Box<[u8]>),
}

/// A file of several names.
struct Linked {
    size: u64,
    device: (u32, u32),
    inode: u64,
}

impl Listing {
    fn push(&mut self, name: &[u8], stat: &Stat, choice: Choice, detail: Detail) {
        let length = u16::try_from(name.len()).expect("names are of 255 bytes at most");
        self.names.extend_from_slice(name);
        self.children.push(Child { length, mode: stat.mode & KEPT_MODE, choice, mtime: stat.mtime, detail });
    }

    /// Each child and its name.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &Child)> {
        let mut rest = &self.names[..];
        self.children.iter().map(move |child| {
            let (name, after) = rest.split_at(child.length.into());
            rest = after;
            (name, child)
        })
    }
}

impl Walk<'_> {
    fn read<'scope>(&'scope self, scope: &Scope<'scope>, task: Task) -> Result<()> {
        let mut names: Vec<Box<[u8]>> = Vec::new();
        match self.selection.only_name().filter(|_| task.id == 0) {
            Some(name) => names.push(name.into()),
            None => task.dir.for_each_name(|name| names.push(name.into()))?,
        }
        names.sort_unstable();
        if task.id != 0 && self.selection.leaves_out_directory_of(&names) {
            let listing = Listing { is_left_out: true, ..Listing::default() };
            self.add(task.id, listing, Vec::new(), Vec::new());
            self.found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .caches
                .push(task.dir.path().to_path_buf());
            return Ok(());
        }

        let task = Arc::new(task);
        let mut listing = Listing {
            children: Vec::with_capacity(names.len()),
            names: Vec::with_capacity(names.iter().map(|name| name.len()).sum()),
            is_left_out: false,
        };
        let (mut left_out, mut without_rights) = (Vec::new(), Vec::new());
        for name in names {
            let path = if self.selection.is_all() { Vec::new() } else { joined(&task.path, &name) };
            let choice = self.selection.judge(task.choice, &path, &name);
            let is_of_volume = task.id == 0 && *name == *LOST_AND_FOUND.as_bytes();
            if choice == Choice::LeftOut || is_of_volume {
                continue;
            }
            // Gone between the two calls: it was not there.
            let Some(stat) = task.dir.stat_if_present(&name)? else { continue };
            let detail = match stat.kind {
                FileType::Directory => {
                    let listing = self.next.fetch_add(1, Ordering::Relaxed);
                    let (parent, name) = (Arc::clone(&task), name.clone());
                    scope.spawn(move |scope| {
                        self.jobs.run(|| match parent.dir.open_dir(&name) {
                            Ok(dir) => self.read(scope, Task { id: listing, dir, path, choice }),
                            Err(error) if self.is_passed_over(&error, choice) => {
                                self.add(listing, Listing::default(), Vec::new(), Vec::new());
                                Ok(())
                            }
                            Err(error) => Err(error.into()),
                        });
                    });
                    Detail::Directory { listing }
                }
                _ if choice == Choice::Perhaps => continue,
                FileType::RegularFile if stat.links > 1 => Detail::Linked(Box::new(Linked {
                    size: stat.size,
                    device: stat.device,
                    inode: stat.inode,
                })),
                FileType::RegularFile => Detail::File { size: stat.size },
                FileType::Symlink => Detail::Symlink(task.dir.read_symlink(&name)?.into()),
                _ => {
                    left_out.push(task.dir.join(&name));
                    continue;
                }
            };
            if stat.kind == FileType::RegularFile && stat.mode & !KEPT_MODE != 0 {
                without_rights.push(task.dir.join(&name));
            }
            listing.push(&name, &stat, choice, detail);
        }
        self.add(task.id, listing, left_out, without_rights);
        Ok(())
    }

    /// A directory that went meanwhile was not there, and one that nobody asked for may be somebody else's.
    fn is_passed_over(&self, error: &sys::Error, choice: Choice) -> bool {
        let is_asked_for = choice != Choice::Perhaps && !self.selection.passes_over_closed_directories();
        error.is(Errno::NOENT) || (!is_asked_for && error.is(Errno::ACCESS))
    }

    fn add(&self, id: u32, listing: Listing, left_out: Vec<PathBuf>, without_rights: Vec<PathBuf>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.listings.push((id, listing));
        found.left_out.extend(left_out);
        found.without_rights.extend(without_rights);
    }
}

/// Lays the listings out breadth first. `listings[0]` is the root's.
fn assemble(own: &Stat, mut listings: Vec<Listing>) -> Tree {
    let wanted = wanted_listings(&listings);
    let mut tree = Tree::with_root(own.mode & KEPT_MODE, own.mtime);
    let mut groups = Groups::default();
    let mut directories = std::collections::VecDeque::from([(0, 0)]);
    while let Some((directory, listing)) = directories.pop_front() {
        let first = tree.len();
        // What is laid out is let go.
        let listing = std::mem::take(&mut listings[listing as usize]);
        for (name, child) in listing.iter() {
            let kind = match child.detail {
                Detail::Directory { listing }
                    if listings[listing as usize].is_left_out
                        || !wanted[listing as usize] && child.choice == Choice::Perhaps =>
                {
                    continue;
                }
                Detail::Directory { .. } => Kind::Directory { first: 0, count: 0 },
                Detail::File { size } => Kind::File { size, group: 0 },
                Detail::Linked(ref linked) => Kind::File { size: linked.size, group: 0 },
                Detail::Symlink(ref target) => Kind::Symlink { target: tree.push_text(target) },
            };
            let id = tree.push(directory, name, child.mode, child.mtime, kind);
            match &child.detail {
                Detail::Directory { listing } => directories.push_back((id, *listing)),
                Detail::Linked(linked) => groups.add(&mut tree, id, linked),
                Detail::File { .. } | Detail::Symlink(_) => {}
            }
        }
        tree.set_children(directory, first..tree.len());
    }
    tree
}

/// For each listing whether something chosen is in it or below.
fn wanted_listings(listings: &[Listing]) -> Vec<bool> {
    let mut wanted = vec![false; listings.len()];
    // Subdirectories have higher numbers than their parents.
    for (id, listing) in listings.iter().enumerate().rev() {
        wanted[id] = listing.children.iter().any(|child| match child.detail {
            Detail::Directory { listing } => child.choice == Choice::Chosen || wanted[listing as usize],
            Detail::File { .. } | Detail::Linked(_) | Detail::Symlink(_) => true,
        });
    }
    wanted
}

/// Finds the names of one file. A file whose other names lie outside the tree stays without a group.
#[derive(Default)]
struct Groups {
    seen: HashMap<((u32, u32), u64), Seen>,
    last: u32,
}

enum Seen {
    Once(NodeId),
    Group(u32),
}

impl Groups {
    fn add(&mut self, tree: &mut Tree, id: NodeId, file: &Linked) {
        let seen = self.seen.entry((file.device, file.inode)).or_insert(Seen::Once(id));
        match *seen {
            Seen::Once(first) if first == id => {}
            Seen::Once(first) => {
                self.last += 1;
                tree.set_group(first, self.last);
                tree.set_group(id, self.last);
                *seen = Seen::Group(self.last);
            }
            Seen::Group(group) => tree.set_group(id, group),
        }
    }
}

fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, name].join(&b'/') }
}
