//! Which build outputs may be kept: only what this job built for this commit, and only all of it.
//!
//! What is there when the restore is over may be of another commit, and a job that builds nothing leaves it there. So an output
//! must have come or changed since. Cargo lays programs out anew in each build: also one that it found fresh has come since.

use std::path::{Path, PathBuf};

use crate::facts;
use crate::job::{Job, chain};
use crate::layers::base_diff::BaseDiff;
use crate::layers::rules::{Coverage, Replaced, Rules};
use crate::layers::working_tree::{self, WorkingTree};
use crate::plan::{Checkout, JobStatus, LayerPlan, Outset, RootPlan, SessionLayer, There};
use crate::store::{Header, Layer};
use crate::sys::{Time, file, sha256_hex};
use crate::tree::{self, Kind, NodeId, Tree};

/// What the names of notes in `RUNNER_TEMP` begin with that a restore without a session leaves.
const NOTE: &str = "runner-cache-outputs-";

/// How many files are told by name.
const TOLD: usize = 3;

/// The rules of the layer `builds`.
pub(crate) struct Builds<'p>(pub(crate) &'p LayerPlan);

impl Rules for Builds<'_> {
    fn coverage(&self, entry: &Header) -> Coverage {
        Coverage::by_same_contents(self.0, entry)
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

/// What is known of the outputs of `layer` now that the restore is over; `None` for other layers, and where nothing is known.
pub(crate) fn outset(job: &Job, layer: &LayerPlan) -> Option<Outset> {
    if layer.layer() != Layer::Builds {
        return None;
    }
    let working = working_tree::read(job, layer, None, JobStatus::default(), &[]);
    working
        .map(|working| Outset { there: working.iter().flat_map(there).collect() })
        .inspect_err(|error| job.console.warn(format!("builds: nothing will be kept: {}", chain(error))))
        .ok()
}

/// The files of a root that are there.
fn there(working: &WorkingTree) -> Vec<There> {
    let (directory, tree) = (working.plan.directory(working.root.is_partial), &working.root.tree);
    files(tree).map(|(id, mtime)| There { path: path_of(&directory, tree, id), mtime }).collect()
}

/// Leaves what is known for a save that has no session.
pub(crate) fn leave(job: &Job, layers: &[LayerPlan]) {
    for layer in layers {
        let (Some(note), Some(outset)) = (note(job, layer), outset(job, layer)) else { continue };
        let bytes = serde_json::to_vec(&outset).expect("times and texts are all there is");
        if let Err(error) = file::write_atomic(&note, &bytes) {
            job.console.warn(format!("builds: nothing will be kept: {}", chain(&error)));
        }
    }
}

/// What a restore of this job left for the same outputs.
pub(crate) fn left(job: &Job, layer: &LayerPlan) -> Option<Outset> {
    let bytes = file::read_if_present(&note(job, layer)?).ok()??;
    serde_json::from_slice(&bytes).ok()
}

fn note(job: &Job, layer: &LayerPlan) -> Option<PathBuf> {
    let about = sha256_hex(format!("{} {}", layer.key, layer.contents).as_bytes());
    Some(job.context.temporary.as_ref()?.join(format!("{NOTE}{}", &about[..16])))
}

/// Why nothing of the outputs `working` is kept, in words; `None` where all of them are. `diffs` tells what of them is in the
/// entry that the job started from.
pub(crate) fn reason_not_to_keep(
    job: &Job,
    layer: &SessionLayer,
    working: &[WorkingTree],
    diffs: &[Option<BaseDiff>],
) -> Option<String> {
    for Checkout { directory, commit } in layer.plan.checkouts() {
        if facts::head(job, directory).as_ref() != Some(commit) {
            let hint = "hint: restore after the checkout";
            return Some(format!(
                "{} has another commit now than at the restore; {hint}",
                directory.display()
            ));
        }
    }
    let is_of_commit = layer.start.as_ref().is_some_and(|start| start.is_exact);
    let work = job.directory().unwrap_or_default();
    let absent: Vec<_> = absent(&layer.plan.roots, working).map(|root| root.name.clone()).collect();
    let mut others = Vec::new();
    for (WorkingTree { plan, root, .. }, diffs) in working.iter().zip(diffs) {
        let directory = plan.directory(root.is_partial);
        let own = diffs.as_ref().filter(|_| is_of_commit);
        for (id, mtime) in files(&root.tree) {
            let is_own = own.is_some_and(|diffs| diffs.same[id as usize]);
            let path = path_of(&directory, &root.tree, id);
            if !is_own && !layer.outset.as_ref().is_some_and(|outset| is_written(outset, &path, mtime)) {
                others.push(path.strip_prefix(&work).unwrap_or(&path).display().to_string());
            }
        }
    }
    let mut why = Vec::new();
    if !absent.is_empty() {
        why.push(format!("not there: {}", told(&absent)));
    }
    if !others.is_empty() {
        why.push(match &layer.outset {
            Some(_) => {
                format!("not written since the restore, and so perhaps of another commit: {}", told(&others))
            }
            None => {
                "it is not known what this job wrote; hint: restore with the same `builds` before the build"
                    .to_owned()
            }
        });
    }
    (!why.is_empty()).then(|| why.join("; "))
}

/// What is listed of which there is nothing.
fn absent<'p>(listed: &'p [RootPlan], working: &[WorkingTree]) -> impl Iterator<Item = &'p RootPlan> {
    let is_there = |root: &RootPlan| {
        working.iter().any(|working| working.plan.name == root.name && working.root.tree.files() > 0)
    };
    listed.iter().filter(move |root| !is_there(root))
}

/// Whether a file of that time at that path was not there when the restore was over.
fn is_written(outset: &Outset, path: &Path, mtime: Time) -> bool {
    !outset.there.iter().any(|there| there.path == path && there.mtime == mtime)
}

/// Files and symlinks, with their times.
fn files(tree: &Tree) -> impl Iterator<Item = (NodeId, Time)> {
    let files = tree.iter().filter(|(_, node)| !matches!(node.kind, Kind::Directory { .. }));
    files.map(|(id, node)| (id, node.mtime))
}

fn path_of(directory: &Path, tree: &Tree, id: NodeId) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    directory.join(std::ffi::OsStr::from_bytes(&tree.path_below(0, id)))
}

fn told(names: &[String]) -> String {
    let more = names.len().saturating_sub(TOLD);
    let first = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}
