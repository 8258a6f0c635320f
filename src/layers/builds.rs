//! Which build outputs may be kept: only what this job built for this commit, and only all of it.
//!
//! What is there when the restore is over may be of another commit, and a job that builds nothing leaves it there. So an output
//! must have come or changed since. Cargo lays programs out anew in each build: also one that it found fresh has come since.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use crate::facts;
use crate::job::{Job, chain};
use crate::layers::base_diff::ComparedRoot;
use crate::layers::reading;
use crate::layers::rules::{Coverage, Replaced, Rules, Saving};
use crate::layers::working_tree::WorkingTree;
use crate::outcome::{Code, NotOwn, NotSaved, UnknownOutputs};
use crate::plan::{Checkout, JobStatus, LayerPlan, Outset, RootPlan, SessionLayer, There};
use crate::store::{Header, LayerData};
use crate::sys::{Time, file, sha256_hex};
use crate::tree::{self, NodeId, Tree};

/// What the names of notes in `RUNNER_TEMP` begin with that a restore without a session leaves.
const NOTE: &str = "runner-cache-outputs-";

/// How many files are named.
const NAMED: usize = 3;

/// The rules of the layer `builds`.
pub(crate) struct Builds<'p>(pub(crate) &'p LayerPlan);

impl Rules for Builds<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_same_contents(self.0, entry)
    }

    fn outset(&self, job: &Job) -> Option<Outset> {
        let saving = Saving { job, base: None, status: JobStatus::default() };
        reading::read(self.0, self, saving)
            .map(|working| Outset { there: working.iter().flat_map(there).collect(), revisions: Vec::new() })
            .inspect_err(|error| tell_unknown(job, error))
            .ok()
    }

    fn leave_outset(&self, job: &Job) {
        let (Some(note), Some(outset)) = (note(job, self.0), self.outset(job)) else { return };
        let bytes = serde_json::to_vec(&outset).expect("times and texts are all there is");
        if let Err(error) = file::write_atomic(&note, &bytes) {
            tell_unknown(job, &error);
        }
    }

    fn left_outset(&self, job: &Job) -> Option<Outset> {
        let bytes = file::read_if_present(&note(job, self.0)?).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// What a job leaves that did not succeed may be half-made.
    fn reason_not_to_read(&self, status: JobStatus) -> Option<NotSaved> {
        (status != JobStatus::Success).then_some(NotSaved::OutputsOfFailure)
    }

    /// Nothing where not all outputs are known to be this job's.
    fn reason_not_to_keep(
        &self,
        saving: Saving<'_>,
        layer: &SessionLayer,
        roots: &[ComparedRoot<'_>],
    ) -> Option<NotSaved> {
        reason_not_to_keep(saving.job, layer, roots)
    }

    fn data(&self) -> LayerData {
        LayerData::Builds
    }

    /// People change outputs in place.
    fn replaced<'t>(
        &self,
        _root: &'t RootPlan,
        _tree: &'t Tree,
        _others: &[&Tree],
    ) -> tree::Result<Option<Replaced<'t>>> {
        Ok(None)
    }
}

fn tell_unknown(job: &Job, error: &(dyn Error + 'static)) {
    job.warn(Code::OutputsNotKept, format!("builds: cannot keep outputs: {}", chain(error)));
}

/// The files of a root that are there.
fn there(working: &WorkingTree) -> Vec<There> {
    let (directory, tree) = (working.plan.directory(working.root.is_partial), &working.root.tree);
    files(tree).map(|(id, mtime)| There { path: path_of(&directory, tree, id), mtime }).collect()
}

fn note(job: &Job, layer: &LayerPlan) -> Option<PathBuf> {
    let about = sha256_hex(format!("{} {}", layer.key, layer.contents).as_bytes());
    Some(job.context.temporary.as_ref()?.join(format!("{NOTE}{}", &about[..16])))
}

/// Why nothing of the outputs in `roots` is kept; `None` where all of them are.
fn reason_not_to_keep(job: &Job, layer: &SessionLayer, roots: &[ComparedRoot<'_>]) -> Option<NotSaved> {
    for Checkout { directory, commit } in layer.plan.checkouts() {
        if facts::head(job, directory).as_ref() != Some(commit) {
            return Some(NotSaved::OtherCommit(directory.clone()));
        }
    }
    let is_of_commit = layer.start.as_ref().is_some_and(|start| start.is_exact);
    let work = job.directory().unwrap_or_default();
    let absent: Vec<_> = absent(&layer.plan.roots, roots).map(|root| root.name.clone()).collect();
    let there = layer
        .outset
        .as_ref()
        .map(|outset| outset.there.iter().map(|there| (&*there.path, there.mtime)).collect::<HashSet<_>>());
    // Not there when the restore was over.
    let is_written = |path: &Path, mtime| there.as_ref().is_some_and(|there| !there.contains(&(path, mtime)));
    let mut others = Vec::new();
    for ComparedRoot { working: WorkingTree { plan, root, .. }, diff } in roots {
        let directory = plan.directory(root.is_partial);
        let own = diff.as_ref().filter(|_| is_of_commit);
        for (id, mtime) in files(&root.tree) {
            let is_own = own.is_some_and(|diff| diff.same[id as usize]);
            let path = path_of(&directory, &root.tree, id);
            if !is_own && !is_written(&path, mtime) {
                others.push(path.strip_prefix(&work).map_or_else(|_| path.clone(), Path::to_path_buf));
            }
        }
    }
    if absent.is_empty() && others.is_empty() {
        return None;
    }
    let not_own = match layer.outset {
        _ if others.is_empty() => None,
        Some(_) => {
            let files = others.len();
            others.truncate(NAMED);
            Some(NotOwn::Unwritten { files, first: others })
        }
        None => Some(NotOwn::NothingNoted),
    };
    Some(NotSaved::Outputs(UnknownOutputs { absent, not_own }))
}

/// What is listed of which there is nothing.
fn absent<'p>(listed: &'p [RootPlan], roots: &[ComparedRoot<'_>]) -> impl Iterator<Item = &'p RootPlan> {
    let is_there = |root: &RootPlan| {
        let is_it = |working: &WorkingTree| working.plan.name == root.name && working.root.tree.files() > 0;
        roots.iter().any(|root| is_it(&root.working))
    };
    listed.iter().filter(move |root| !is_there(root))
}

/// Files and symlinks, with their times.
fn files(tree: &Tree) -> impl Iterator<Item = (NodeId, Time)> {
    let files = tree.iter().filter(|(_, node)| !node.kind.is_directory());
    files.map(|(id, node)| (id, node.mtime))
}

fn path_of(directory: &Path, tree: &Tree, id: NodeId) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    directory.join(std::ffi::OsStr::from_bytes(&tree.path_below(0, id)))
}
