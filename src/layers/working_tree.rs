//! A layer as it is in the job now, and what of it is worth saving.

use std::collections::{BTreeSet, HashSet};

use crate::cargo::{Locked, SOURCES, Why, changed_in_place, strays, units};
use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::target_dir::rules::is_target_directory;
use crate::layers::target_dir::sweep;
use crate::layers::{bins, cargo_home};
use crate::plan::{JobStatus, LayerPlan, RootPlan, Shape, TargetPlan};
use crate::report::LeftOut;
use crate::store::{Install, Layer, Lease, Root};
use crate::sys::{Dir, file};
use crate::tree::{self, NodeId, NodeSet, Selection, Tree, Walked};

/// A root as it is in the job now.
pub(crate) struct WorkingTree<'a> {
    pub(crate) plan: &'a RootPlan,
    /// What is to be saved of it.
    pub(crate) root: Root,
    pub(crate) dir: Dir,
    /// All that is there, where that is more.
    pub(crate) whole: Option<Tree>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Reads the roots of the layer that are there. `base` is the entry that the job started from, `installs` are the packages
/// whose executables the layer is about, if it is about such.
pub(crate) fn read<'r>(
    job: &Job,
    layer: &'r LayerPlan,
    base: Option<&Lease>,
    status: JobStatus,
    installs: &[Install],
) -> Result<Vec<WorkingTree<'r>>, Trouble> {
    let locked = cargo_home::locked_with_submodules(layer)?;
    let mut reader = Reader { job, layer, base, status, installs, locked, wrong_crates: HashSet::new() };
    let working = layer.roots.iter().map(|root| reader.read(root));
    let mut working = working.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    if layer.layer() == Layer::Target {
        leave_out_strays(&mut working, layer, base);
    }
    Ok(working)
}

/// Leaves out of target directories what is none of their units', and units that are not as cargo made them.
fn leave_out_strays(working: &mut [WorkingTree<'_>], layer: &LayerPlan, base: Option<&Lease>) {
    for working in working.iter_mut() {
        let earlier = base.and_then(|base| base.root_called(&working.root.name));
        let tree = &working.root.tree;
        let changed = changed_in_place(tree, &units(tree), earlier);
        working.leave_out(&changed);
    }
    let units: Vec<_> = working.iter().map(|working| units(&working.root.tree)).collect();
    let outputs: Vec<_> =
        working.iter().zip(&units).map(|(working, units)| (&working.root.tree, &**units)).collect();
    let known = known_extras(working, base);
    let inode_times = |root: u32, id: NodeId| {
        let working = &working[root as usize];
        file::inode_times(&working.dir.join(&working.root.tree.path_below(0, id)))
    };
    let strays = strays(&outputs, layer.target().map(|target| &target.kept), &known, &inode_times);
    for (working, strays) in working.iter_mut().zip(strays) {
        working.leave_out(&strays);
    }
}

/// What scripts wrote into target directories in jobs before, by the numbers of roots and nodes there.
fn known_extras(working: &[WorkingTree<'_>], base: Option<&Lease>) -> BTreeSet<(u32, NodeId)> {
    let mut known = BTreeSet::new();
    let Some(manifest) = base.map(Lease::manifest) else { return known };
    let extras = manifest.provenance.roots.iter().flatten().flat_map(|made| &made.extras);
    for &(root, id) in extras {
        let root = &manifest.roots[root as usize];
        let path = root.tree.path_below(0, id);
        let there = (0..).zip(working).find(|(_, working)| working.root.name == root.name);
        known.extend(there.and_then(|(number, working)| Some((number, working.root.tree.at(&path)?))));
    }
    known
}

impl WorkingTree<'_> {
    fn leave_out(&mut self, left_out: &[(NodeId, Why)]) {
        if left_out.is_empty() {
            return;
        }
        let swept = sweep::without(&self.root.tree, left_out);
        let whole = std::mem::replace(&mut self.root.tree, swept.tree);
        self.whole.get_or_insert(whole);
        for more in swept.left_out {
            match self.left_out.iter_mut().find(|known| known.why == more.why) {
                Some(known) => {
                    known.files += more.files;
                    known.bytes += more.bytes;
                }
                None => self.left_out.push(more),
            }
        }
    }
}

struct Reader<'a> {
    job: &'a Job,
    layer: &'a LayerPlan,
    base: Option<&'a Lease>,
    status: JobStatus,
    installs: &'a [Install],
    /// What the lock files name.
    locked: Option<Locked>,
    /// Crates that are not what these say.
    wrong_crates: HashSet<Vec<u8>>,
}

impl Reader<'_> {
    /// `None`: there is nothing to save.
    fn read<'r>(&mut self, plan: &'r RootPlan) -> Result<Option<WorkingTree<'r>>, Trouble> {
        let is_file = plan.shape == Shape::Unknown && file::kind(&plan.path)? == file::Kind::File;
        let is_partial = is_file || plan.shape == Shape::Part;
        let directory = plan.directory(is_partial);
        if file::kind(&directory)? != file::Kind::Directory {
            return Ok(None);
        }
        if self.layer.layer() == Layer::Target && !is_target_directory(&directory) {
            let hint = "hint: check CARGO_TARGET_DIR or `workspaces`";
            self.job.console.warn(format!(
                "target: {} is no target directory of cargo: left out; {hint}",
                directory.display()
            ));
            return Ok(None);
        }
        let selection = match (&self.locked, is_file) {
            (_, true) => Selection::of_file(&plan.path)?,
            (locked, _) if plan.name == SOURCES => match locked.as_ref().map(Locked::sources) {
                Some(sources) if !sources.is_empty() => Selection::of_directories(sources),
                // A home has those of all projects of a user, and these are many.
                _ => return Ok(None),
            },
            _ if self.layer.layer() == Layer::Bins => match bins::patterns(self.installs) {
                // Without a pattern it would be all that is in the directory.
                patterns if patterns.is_empty() => return Ok(None),
                patterns => Selection::new(&patterns, &[])?,
            },
            _ => Selection::new(&plan.include, &plan.exclude)?,
        };
        let dir = Dir::open(&directory)?;
        let walked = tree::walk(&dir, &selection, &self.job.interrupt)?;
        self.tell_of_losses(&walked);
        let whole = walked.tree;
        let known = self.base.and_then(|base| base.root_called(&plan.name));
        let (tree, whole, left_out) = match (self.layer.target(), &self.locked) {
            // What was not asked for by a job that failed may be what it did not come to.
            (Some(TargetPlan { kept, .. }), _) if self.status == JobStatus::Success => {
                let sweep::Swept { tree, left_out } = sweep::swept(&dir, &whole, known, kept)?;
                (tree, Some(whole), left_out)
            }
            (_, Some(locked)) => {
                let wrong = &mut self.wrong_crates;
                let used = cargo_home::used(self.job, locked, wrong, &plan.name, &dir, &whole, known)?;
                (used, Some(whole), Vec::new())
            }
            _ => (whole, None, Vec::new()),
        };
        let (packed, borrowed) = (NodeSet::default(), NodeSet::default());
        let root = Root { name: plan.name.clone(), is_partial, tree, packed, borrowed };
        Ok(Some(WorkingTree { plan, root, dir, whole, left_out }))
    }

    fn tell_of_losses(&self, walked: &Walked) {
        let layer = self.layer.layer();
        for path in &walked.left_out {
            let path = path.display();
            self.job
                .console
                .say(format!("{layer}: left out, neither file nor directory nor symlink: {path}"));
        }
        if let Some(first) = walked.without_rights.first() {
            let (count, first) = (walked.without_rights.len(), first.display());
            let what = format!("setuid and setgid are not kept ({count} files, such as {first})");
            self.job.console.warn(format!("{layer}: {what}"));
        }
    }
}
