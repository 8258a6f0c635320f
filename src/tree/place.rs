//! Makes parts of a tree in a folder where they are not yet.
//!
//! A folder is one job: it makes its subfolders (so that nothing touches it later), hands them on as jobs, transfers its
//! files in batches and, when the last batch is done, sets its own mode and time. Further names of a file come last.
//! Folders are opened relative to their parent and closed when their last job ends; jobs run depth first, so few are
//! open at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::Scope;

use super::failure::UntilFailure;
use super::index::{Kind, NodeId, Tree};
use super::link::{File, Used};
use super::tally::{Counts, Tally};
use super::{Engine, Error, Result};
use crate::sys::{self, Dir, Errno};

/// Files of one batch, at most. A batch is what one thread takes at a time.
const BATCH_FILES: usize = 128;

/// Placements of one batch. Some of them may be large, and there are often few.
const BATCH_TOPS: usize = 16;

/// Bytes of one batch: a larger file is a batch of its own.
const BATCH_BYTES: u64 = 4 << 20;

/// A tree, and the folder that holds its files.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// What is there.
    pub tree: &'a Tree,
    /// The root's folder.
    pub root: &'a Dir,
    /// For each node whether it may share its inode with the copy (see [`super::LinkMode::Hardlink`]).
    pub linkable: &'a [bool],
}

/// Trees that were placed before and hold some of the same files: these are hard-linked from there.
#[derive(Debug, Clone, Copy)]
pub struct Bases<'a> {
    /// The roots' folders.
    pub roots: &'a [Dir],
    /// For each node of the *source* the number of the tree that has the same at the same path.
    pub of: &'a [Option<u32>],
}

impl Bases<'_> {
    /// Whether the file `id` of the source can be linked.
    pub(super) fn have(&self, id: NodeId) -> bool {
        self.of[id as usize].is_some()
    }

    /// Links the file `id` of the source from where it is the same; `above` is what its folder is. `false` where it cannot be
    /// had.
    fn link(
        &self,
        tree: &Tree,
        id: NodeId,
        above: Option<&BaseFolder>,
        to: &Dir,
        to_name: &[u8],
    ) -> Result<bool> {
        let Some(number) = self.of[id as usize] else { return Ok(false) };
        if let Some(above) = above.filter(|above| above.number == number) {
            return linked_from_base(&above.dir, tree.name(id), to, to_name);
        }
        // Many trees have a part each of one folder.
        let folder = tree.path_below(0, tree.node(id).parent);
        match self.roots[number as usize].open_beneath(&folder) {
            Ok(dir) => linked_from_base(&dir, tree.name(id), to, to_name),
            Err(_) => Ok(false),
        }
    }

    /// The folder `id` of the source where it is the same; `above` is what its parent is. `None` where it cannot be had: the
    /// source has it as well.
    fn open(&self, tree: &Tree, id: NodeId, above: Option<&BaseFolder>) -> Option<BaseFolder> {
        let number = self.of[id as usize]?;
        let opened = match above {
            Some(above) if above.number == number => above.dir.open_dir(tree.name(id)),
            _ => self.roots[number as usize].open_beneath(&tree.path_below(0, id)),
        };
        Some(BaseFolder { number, dir: opened.ok()? })
    }
}

/// A folder of one of the bases.
struct BaseFolder {
    number: u32,
    dir: Dir,
}

/// A part of a tree, and the name it gets.
#[derive(Debug, Clone)]
pub struct Placement {
    /// A file, a symlink, or a folder with all that is in it.
    pub node: NodeId,
    /// Its new name in the target folder; also a path there, below folders that are there already.
    pub name: Vec<u8>,
}

/// Makes each placement in `into`. On an error what was made so far stays: the caller removes the folder.
pub fn place(
    source: Source<'_>,
    placements: &[Placement],
    into: &Dir,
    bases: Option<Bases<'_>>,
    engine: Engine<'_>,
) -> Result<Tally> {
    let groups = groups_of(source.tree, placements);
    let jobs = UntilFailure::new(engine.interrupt);
    let work = Work { source, bases, engine, jobs, groups: &groups, counts: Counts::default() };
    let mut tops = Vec::with_capacity(placements.len());
    let mut parents = Parents::default();
    for placement in placements {
        let parent = parents.open(source, bases, placement.node)?;
        tops.push((parent, placement));
    }
    let work_ref = &work;
    rayon::in_place_scope(|scope| {
        for batch in tops.chunks(BATCH_TOPS) {
            scope.spawn(move |scope| {
                for (parent, placement) in batch {
                    work_ref.jobs.run(|| work_ref.place_top(scope, parent, placement, into));
                }
            });
        }
    });
    work.jobs.finish()?;
    let mut tally = work.counts.tally();
    link_further_names(source.tree, placements, &groups, into)?;
    tally.files += groups.followers.len() as u64;
    Ok(tally)
}

/// The folders in which placed nodes lie, on the side of the source.
struct Origin {
    source: Dir,
    base: Option<BaseFolder>,
}

/// Opens each folder once for neighbouring placements.
#[derive(Default)]
struct Parents {
    last: Option<(NodeId, Arc<Origin>)>,
}

impl Parents {
    fn open(&mut self, source: Source<'_>, bases: Option<Bases<'_>>, node: NodeId) -> Result<Arc<Origin>> {
        let parent = source.tree.node(node).parent;
        if let Some((id, origin)) = &self.last
            && *id == parent
        {
            return Ok(Arc::clone(origin));
        }
        let path = source.tree.path_below(0, parent);
        let base = bases.and_then(|bases| bases.open(source.tree, parent, None));
        let origin = Arc::new(Origin { source: source.root.open_beneath(&path)?, base });
        self.last = Some((parent, Arc::clone(&origin)));
        Ok(origin)
    }
}

/// Names of one file among the placed nodes: the first gets the contents, the others are linked to it.
#[derive(Default)]
struct Groups {
    members: Vec<Vec<(usize, NodeId)>>,
    followers: HashSet<NodeId>,
}

fn groups_of(tree: &Tree, placements: &[Placement]) -> Groups {
    let mut by_number: HashMap<u32, Vec<(usize, NodeId)>> = HashMap::new();
    for (index, placement) in placements.iter().enumerate() {
        let mut pending = vec![placement.node];
        while let Some(id) = pending.pop() {
            match tree.node(id).kind {
                Kind::File { group, .. } if group != 0 => {
                    by_number.entry(group).or_default().push((index, id));
                }
                Kind::Folder { .. } => pending.extend(tree.children(id)),
                Kind::File { .. } | Kind::Symlink { .. } => {}
            }
        }
    }
    let members: Vec<_> = by_number.into_values().filter(|members| members.len() > 1).collect();
    let followers = members.iter().flat_map(|members| members[1..].iter().map(|(_, id)| *id)).collect();
    Groups { members, followers }
}

/// A folder that is being made.
struct Folder {
    node: NodeId,
    source: Dir,
    base: Option<BaseFolder>,
    target: Dir,
    /// Batches that are not done yet.
    pending: AtomicUsize,
}

struct Work<'a> {
    source: Source<'a>,
    bases: Option<Bases<'a>>,
    engine: Engine<'a>,
    jobs: UntilFailure<'a>,
    groups: &'a Groups,
    counts: Counts,
}

impl Work<'_> {
    fn place_top<'scope>(
        &'scope self,
        scope: &Scope<'scope>,
        origin: &Origin,
        placement: &Placement,
        into: &Dir,
    ) -> Result<()> {
        let node = self.tree().node(placement.node);
        if let Kind::Folder { .. } = node.kind {
            into.make_dir(&placement.name, node.mode | 0o700)?;
            let target = into.open_dir(&placement.name)?;
            // The root is in no folder of the tree, and so it is its own origin.
            let (source, above) = match placement.node {
                0 => (origin.source.open_beneath(b"")?, None),
                id => (origin.source.open_dir(self.tree().name(id))?, origin.base.as_ref()),
            };
            let base = self.open_base(placement.node, above);
            let folder = Folder { node: placement.node, source, base, target, pending: AtomicUsize::new(0) };
            scope.spawn(move |scope| self.jobs.run(|| self.place_folder(scope, folder)));
            Ok(())
        } else if self.groups.followers.contains(&placement.node) {
            Ok(())
        } else {
            self.place_file(placement.node, &origin.source, origin.base.as_ref(), into, &placement.name)
        }
    }

    fn place_folder<'scope>(&'scope self, scope: &Scope<'scope>, folder: Folder) -> Result<()> {
        let tree = self.tree();
        let mut files = Vec::new();
        let mut subfolders = Vec::new();
        for id in tree.children(folder.node) {
            let node = tree.node(id);
            if let Kind::Folder { .. } = node.kind {
                folder.target.make_dir(tree.name(id), node.mode | 0o700)?;
                subfolders.push(id);
            } else if !self.groups.followers.contains(&id) {
                files.push(id);
            }
        }
        let batches = self.batches(files);
        folder.pending.store(batches.len(), Ordering::Relaxed);
        if batches.is_empty() {
            self.finish(&folder)?;
        }
        let folder = Arc::new(folder);
        for id in subfolders {
            let parent = Arc::clone(&folder);
            scope.spawn(move |scope| {
                self.jobs.run(|| self.place_folder(scope, self.open_subfolder(&parent, id)?));
            });
        }
        for batch in batches {
            let folder = Arc::clone(&folder);
            scope.spawn(move |_| self.jobs.run(|| self.place_batch(&folder, &batch)));
        }
        Ok(())
    }

    fn open_subfolder(&self, parent: &Folder, id: NodeId) -> Result<Folder> {
        let name = self.tree().name(id);
        let base = self.open_base(id, parent.base.as_ref());
        let (source, target) = (parent.source.open_dir(name)?, parent.target.open_dir(name)?);
        Ok(Folder { node: id, source, base, target, pending: AtomicUsize::new(0) })
    }

    /// Cuts files into batches, the largest files first.
    fn batches(&self, mut files: Vec<NodeId>) -> Vec<Vec<NodeId>> {
        let size = |id: NodeId| match self.tree().node(id).kind {
            Kind::File { size, .. } => size,
            Kind::Folder { .. } | Kind::Symlink { .. } => 0,
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

    fn place_batch(&self, folder: &Folder, batch: &[NodeId]) -> Result<()> {
        for &id in batch {
            self.jobs.check()?;
            self.place_file(id, &folder.source, folder.base.as_ref(), &folder.target, self.tree().name(id))?;
        }
        // The last batch sees what the others did (release/acquire) and closes the folder.
        if folder.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish(folder)?;
        }
        Ok(())
    }

    fn finish(&self, folder: &Folder) -> Result<()> {
        let node = self.tree().node(folder.node);
        sys::copy_user_attributes(&folder.source, &folder.target).map_err(|errno| Error::Copy {
            from: folder.source.path().to_path_buf(),
            to: folder.target.path().to_path_buf(),
            source: errno.into(),
        })?;
        let is_kept = sys::is_mode_kept(node.mode) && node.mode & 0o700 == 0o700;
        Ok(folder.target.finish_self((!is_kept).then_some(node.mode), node.mtime)?)
    }

    fn place_file(
        &self,
        id: NodeId,
        from: &Dir,
        base: Option<&BaseFolder>,
        to: &Dir,
        to_name: &[u8],
    ) -> Result<()> {
        let tree = self.tree();
        let node = tree.node(id);
        match node.kind {
            Kind::Symlink { target } => {
                to.make_symlink(to_name, tree.text(target))?;
                to.set_mtime(to_name, node.mtime)?;
                self.engine.progress.add(0);
                self.counts.symlinks.fetch_add(1, Ordering::Relaxed);
            }
            Kind::File { size, .. } => {
                self.engine.progress.add(size);
                if let Some(bases) = self.bases
                    && bases.link(tree, id, base, to, to_name)?
                {
                    self.counts.add(Used::Hardlink, size);
                    return Ok(());
                }
                let linkable = self.source.linkable.get(id as usize).copied().unwrap_or(false);
                let file =
                    File { from, name: tree.name(id), size, mode: node.mode, mtime: node.mtime, linkable };
                self.counts.add(self.engine.linker.transfer(&file, to, to_name)?, size);
            }
            Kind::Folder { .. } => {}
        }
        Ok(())
    }

    fn open_base(&self, id: NodeId, above: Option<&BaseFolder>) -> Option<BaseFolder> {
        self.bases.and_then(|bases| bases.open(self.tree(), id, above))
    }

    fn tree(&self) -> &Tree {
        self.source.tree
    }
}

/// `false` where the base's file has all the names it can have, lies elsewhere, or is gone.
fn linked_from_base(base: &Dir, name: &[u8], to: &Dir, to_name: &[u8]) -> Result<bool> {
    match base.link(name, to, to_name) {
        Ok(()) => Ok(true),
        Err(error)
            if [Errno::MLINK, Errno::XDEV, Errno::PERM, Errno::OPNOTSUPP, Errno::NOENT]
                .iter()
                .any(|&e| error.is(e)) =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

fn link_further_names(tree: &Tree, placements: &[Placement], groups: &Groups, into: &Dir) -> Result<()> {
    // The placed name, split into the folder's path in `into` and the name there.
    let placed = |(index, id): (usize, NodeId)| {
        let placement = &placements[index];
        if id == placement.node {
            return (Vec::new(), placement.name.clone());
        }
        let above = tree.path_below(placement.node, tree.node(id).parent);
        let folder =
            if above.is_empty() { placement.name.clone() } else { [&placement.name[..], &above].join(&b'/') };
        (folder, tree.name(id).to_vec())
    };
    for members in &groups.members {
        let (leader_folder, leader_name) = placed(members[0]);
        let leader = into.open_beneath(&leader_folder)?;
        for &member in &members[1..] {
            let (folder, name) = placed(member);
            let to = into.open_beneath(&folder)?;
            if member.1 == placements[member.0].node {
                leader.link(&leader_name, &to, &name)?;
                continue;
            }
            // The folder is finished already: its time must be set again, and its mode may have to make way.
            let node = tree.node(tree.node(member.1).parent);
            let locked = (node.mode & 0o200 == 0).then_some(node.mode);
            if locked.is_some() {
                to.finish_self(Some(node.mode | 0o700), node.mtime)?;
            }
            leader.link(&leader_name, &to, &name)?;
            to.finish_self(locked, node.mtime)?;
        }
    }
    Ok(())
}
