//! Makes parts of a tree in a directory where they are not yet.
//!
//! A directory is one job: it is made, hands on its subdirectories and batches of its files as jobs and, when the last of them is
//! there, gets its own mode and time. Further names of a file come last. Directories are opened relative to their parent and
//! closed when their last job ends; jobs run depth first, so few are open at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::Scope;

use tracing::debug_span;

use super::bases::{BaseDirectory, Bases, linked_from};
use super::failure::UntilFailure;
use super::index::{Kind, NodeId, Tree};
use super::location::OpenDirectory;
use super::maker::Maker;
use super::source::Source;
use super::threads::Threads;
use super::transfer_stats::TransferStats;
use super::{Engine, Error, Result};
use crate::sys::Dir;

/// Files of one batch, at most. A batch is what one thread takes at a time.
const BATCH_FILES: usize = 128;

/// Placements of one batch. Some of them may be large, and there are often few.
const BATCH_TOPS: usize = 16;

/// Bytes of one batch: a larger file is a batch of its own.
const BATCH_BYTES: u64 = 4 << 20;

/// Bits that no tree has (see [`super::walk`]): a directory has them from the one in which it was made, or from somebody who
/// wanted that, and they stay as they are.
pub(super) const KEPT_BY_DIRECTORIES: u16 = 0o6000;

/// A part of a tree, and the name it gets.
#[derive(Debug, Clone)]
pub struct Placement {
    /// A file, a symlink, or a directory with all that is in it.
    pub node: NodeId,
    /// Its new name in the target directory; also a path there, below directories that are there already.
    pub name: Vec<u8>,
}

/// Makes each placement in `into`. On an error what was made so far stays: the caller removes the directory. A directory that is
/// placed itself can be written to by its owner, for the caller may have to move it; those in it have their modes.
pub fn place(
    source: Source<'_>,
    placements: &[Placement],
    into: &Dir,
    bases: Option<Bases<'_>>,
    engine: Engine<'_>,
) -> Result<TransferStats> {
    let _span = debug_span!("place").entered();
    let groups = groups_of(source.tree, placements, bases);
    let jobs = UntilFailure::new(engine.interrupt);
    let work = Work { maker: Maker::new(source, bases, engine, into)?, jobs, groups: &groups };
    let all = Jobs { work: &work, contents: None };
    match Threads::suited(source.location, source.tree.len(), into)? {
        Threads::All => rayon::in_place_scope(|scope| all.begin(scope, placements, into)),
        Threads::Few(few) => few.in_place_scope(|scope| all.begin(scope, placements, into)),
        Threads::OneForNames(one) => rayon::in_place_scope(|contents| {
            let names = Jobs { contents: Some(contents), ..all };
            one.in_place_scope(|scope| names.begin(scope, placements, into));
        }),
    }
    work.jobs.finish()?;
    let linked = work.link_further_names(placements, into)?;
    Ok(work.maker.stats(linked))
}

/// The directories in which placed nodes lie, on the side of the source.
struct Origin<'a> {
    source: OpenDirectory<'a>,
    base: Option<BaseDirectory>,
}

/// Opens each directory once for neighbouring placements.
#[derive(Default)]
struct Parents<'a> {
    last: Option<(NodeId, Origin<'a>)>,
}

impl<'a> Parents<'a> {
    fn open(&mut self, source: Source<'a>, bases: Option<Bases<'_>>, node: NodeId) -> &Origin<'a> {
        let parent = source.tree.node(node).parent;
        if self.last.as_ref().is_none_or(|(id, _)| *id != parent) {
            let base = bases.and_then(|bases| bases.open(source.tree, parent, None));
            let source = OpenDirectory::new(source.tree, source.location, parent);
            self.last = Some((parent, Origin { source, base }));
        }
        &self.last.as_ref().expect("it was just set").1
    }
}

/// Names of one file among the placed nodes: the first gets the contents, the others are linked to it.
#[derive(Default)]
struct Groups {
    members: Vec<Vec<(usize, NodeId)>>,
    followers: HashSet<NodeId>,
}

fn groups_of(tree: &Tree, placements: &[Placement], bases: Option<Bases<'_>>) -> Groups {
    let mut by_number: HashMap<u32, Vec<(usize, NodeId)>> = HashMap::new();
    for (index, placement) in placements.iter().enumerate() {
        let mut pending = vec![placement.node];
        while let Some(id) = pending.pop() {
            match tree.node(id).kind {
                Kind::File { group, .. } if group != 0 => {
                    by_number.entry(group).or_default().push((index, id));
                }
                Kind::Directory { .. } => pending.extend(tree.children(id)),
                Kind::File { .. } | Kind::Symlink { .. } => {}
            }
        }
    }
    let mut members: Vec<_> = by_number.into_values().filter(|members| members.len() > 1).collect();
    for members in &mut members {
        // The first of them is not to be copied where a base has another one.
        members.sort_by_key(|(_, id)| !bases.is_some_and(|bases| bases.have(*id)));
    }
    let followers = members.iter().flat_map(|members| members[1..].iter().map(|(_, id)| *id)).collect();
    Groups { members, followers }
}

/// A directory that is being made.
struct Directory<'a> {
    node: NodeId,
    /// It is placed itself, and not only what it is in.
    is_top: bool,
    source: OpenDirectory<'a>,
    base: Option<BaseDirectory>,
    target: Dir,
    /// Subdirectories that are not made yet, and batches that are not done.
    pending: AtomicUsize,
}

struct Work<'a> {
    maker: Maker<'a>,
    jobs: UntilFailure<'a>,
    groups: &'a Groups,
}

/// The work as jobs.
#[derive(Clone, Copy)]
struct Jobs<'n, 'c, 'a> {
    work: &'c Work<'a>,
    /// Where packed files get their contents, unless whoever makes their names does that.
    contents: Option<&'n Scope<'c>>,
}

impl<'n, 'c: 'n, 'a: 'c> Jobs<'n, 'c, 'a> {
    fn begin(self, scope: &Scope<'n>, placements: &'n [Placement], into: &'n Dir) {
        let Maker { source, bases, .. } = self.work.maker;
        for batch in placements.chunks(BATCH_TOPS) {
            scope.spawn(move |scope| {
                let mut parents = Parents::default();
                for placement in batch {
                    self.work.jobs.run(|| {
                        let origin = parents.open(source, bases, placement.node);
                        self.place_top(scope, origin, placement, into)
                    });
                }
            });
        }
    }

    fn place_top(
        self,
        scope: &Scope<'n>,
        origin: &Origin<'a>,
        placement: &Placement,
        into: &Dir,
    ) -> Result<()> {
        let work = self.work;
        let node = work.maker.tree().node(placement.node);
        if let Kind::Directory { .. } = node.kind {
            into.make_dir(&placement.name, node.mode | 0o700)?;
            let target = into.open_dir(&placement.name)?;
            // The root is in no directory of the tree, and so it is its own origin.
            let (source, above) = match placement.node {
                0 => (OpenDirectory::new(work.maker.tree(), work.maker.source.location, 0), None),
                id => (origin.source.below(id)?, origin.base.as_ref()),
            };
            let base = work.maker.open_base(placement.node, above);
            let pending = AtomicUsize::new(0);
            let directory = Directory { node: placement.node, is_top: true, source, base, target, pending };
            scope.spawn(move |scope| work.jobs.run(|| self.place_directory(scope, directory)));
            Ok(())
        } else if work.groups.followers.contains(&placement.node) {
            Ok(())
        } else {
            let base = origin.base.as_ref();
            work.maker.make(placement.node, &origin.source, base, &mut None, into, &placement.name)
        }
    }

    fn place_directory(self, scope: &Scope<'n>, directory: Directory<'a>) -> Result<()> {
        let work = self.work;
        let children = work.maker.tree().children(directory.node);
        let (subdirectories, mut files): (Vec<_>, Vec<_>) =
            children.partition(|&id| work.maker.tree().node(id).kind.is_directory());
        files.retain(|id| !work.groups.followers.contains(id));
        let batches = work.batches(files);
        directory.pending.store(subdirectories.len() + batches.len(), Ordering::Relaxed);
        if subdirectories.is_empty() && batches.is_empty() {
            work.finish(&directory)?;
        }
        let directory = Arc::new(directory);
        for id in subdirectories {
            let parent = Arc::clone(&directory);
            scope.spawn(move |scope| {
                work.jobs.run(|| self.place_directory(scope, work.make_subdirectory(&parent, id)?));
            });
        }
        for batch in batches {
            let directory = Arc::clone(&directory);
            scope.spawn(move |_| work.jobs.run(|| self.place_batch(&directory, &batch)));
        }
        Ok(())
    }

    fn place_batch(self, directory: &Arc<Directory<'a>>, batch: &[NodeId]) -> Result<()> {
        let work = self.work;
        let (base, mut near) = (directory.base.as_ref(), None);
        let mut empty = Vec::new();
        for &id in batch {
            work.jobs.check()?;
            let name = work.maker.tree().name(id);
            let is_had = work.maker.bases.is_some_and(|bases| bases.have(id));
            if self.contents.is_some() && directory.source.is_packed(id) && !is_had {
                work.maker.make_empty(id, &directory.target)?;
                empty.push(id);
            } else {
                work.maker.make(id, &directory.source, base, &mut near, &directory.target, name)?;
            }
        }
        match self.contents {
            Some(contents) if !empty.is_empty() => {
                let directory = Arc::clone(directory);
                let fill = move || {
                    empty
                        .iter()
                        .try_for_each(|&id| work.maker.fill(id, &directory.source, &directory.target))?;
                    work.end_one(&directory)
                };
                contents.spawn(move |_| work.jobs.run(fill));
                Ok(())
            }
            _ => work.end_one(directory),
        }
    }
}

impl<'a> Work<'a> {
    fn make_subdirectory(&self, parent: &Directory<'a>, id: NodeId) -> Result<Directory<'a>> {
        let name = self.maker.tree().name(id);
        parent.target.make_dir(name, self.maker.tree().node(id).mode | 0o700)?;
        let base = self.maker.open_base(id, parent.base.as_ref());
        let (source, target) = (parent.source.below(id)?, parent.target.open_dir(name)?);
        self.end_one(parent)?;
        Ok(Directory { node: id, is_top: false, source, base, target, pending: AtomicUsize::new(0) })
    }

    /// Cuts files into batches, the largest files first.
    fn batches(&self, mut files: Vec<NodeId>) -> Vec<Vec<NodeId>> {
        let size = |id: NodeId| match self.maker.tree().node(id).kind {
            Kind::File { size, .. } => size,
            Kind::Directory { .. } | Kind::Symlink { .. } => 0,
        };
        files.sort_by_key(|&id| std::cmp::Reverse(size(id)));
        let mut batches: Vec<Vec<NodeId>> = Vec::new();
        let mut bytes = 0;
        for id in files {
            match batches.last_mut() {
                Some(batch) if batch.len() < BATCH_FILES && bytes + size(id) <= BATCH_BYTES => {
                    batch.push(id);
                    bytes += size(id);
                }
                _ => {
                    batches.push(vec![id]);
                    bytes = size(id);
                }
            }
        }
        batches
    }

    /// Ends one of those that the directory waits for.
    fn end_one(&self, directory: &Directory<'a>) -> Result<()> {
        // The last one sees what the others did (release/acquire) and closes the directory.
        if directory.pending.fetch_sub(1, Ordering::AcqRel) == 1 { self.finish(directory) } else { Ok(()) }
    }

    fn finish(&self, directory: &Directory<'a>) -> Result<()> {
        self.maker.finish_directory(directory.node, directory.is_top, &directory.source, &directory.target)
    }

    /// Gives files their further names, and returns how many there are. A file that cannot have as many, or here none at all,
    /// is there as often as needed.
    fn link_further_names(&self, placements: &[Placement], into: &Dir) -> Result<u64> {
        let tree = self.maker.tree();
        // The placed name, split into the directory in `into` and the name there.
        let placed = |(index, id): (usize, NodeId)| {
            let placement: &Placement = &placements[index];
            if id == placement.node {
                return Ok::<_, Error>((into.open_beneath(b"")?, placement.name.clone()));
            }
            let above = tree.path_below(placement.node, tree.node(id).parent);
            let mut directory = placement.name.clone();
            if !above.is_empty() {
                directory.extend([b"/", &above[..]].concat());
            }
            Ok((into.open_beneath(&directory)?, tree.name(id).to_vec()))
        };
        let mut linked = 0;
        for members in &self.groups.members {
            let (mut leader, mut leader_name) = placed(members[0])?;
            for &member in &members[1..] {
                let (to, name) = placed(member)?;
                // The directory is finished already: its time must be set again, and its mode may have to make way.
                let directory =
                    (member.1 != placements[member.0].node).then(|| tree.node(tree.node(member.1).parent));
                let locked = directory.map(|directory| directory.mode).filter(|mode| mode & 0o200 == 0);
                if let Some(mode) = locked {
                    to.set_own_mode(mode | 0o700)?;
                }
                let is_linked = linked_from(&leader, &leader_name, &to, &name)?;
                if is_linked {
                    linked += 1;
                } else {
                    let from =
                        OpenDirectory::new(tree, self.maker.source.location, tree.node(member.1).parent);
                    self.maker.make(member.1, &from, None, &mut None, &to, &name)?;
                }
                if let Some(directory) = directory {
                    to.finish_self(locked.map(|mode| self.maker.directory_mode(mode)), directory.mtime)?;
                }
                if !is_linked {
                    (leader, leader_name) = (to, name);
                }
            }
        }
        Ok(linked)
    }
}
