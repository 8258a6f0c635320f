//! Reads the directories of a layer for a save.

use tracing::debug_span;

use crate::job::Job;
use crate::job::trouble::Trouble;
use crate::layers::rules::{Rules, Saving};
use crate::layers::working_tree::WorkingTree;
use crate::layers::worth::Worth;
use crate::outcome::Code;
use crate::plan::{LayerPlan, RootPlan, Shape};
use crate::store::{Layer, Root};
use crate::sys::{Dir, file};
use crate::tree::{self, NodeSet, Selection, Walked};

/// Reads the roots of the layer that are there, by its `rules`.
pub(crate) fn read<'r>(
    layer: &'r LayerPlan,
    rules: &dyn Rules,
    saving: Saving<'_>,
) -> Result<Vec<WorkingTree<'r>>, Trouble> {
    let _span = debug_span!("read").entered();
    let working = layer.roots.iter().map(|root| read_root(layer.layer(), root, rules, saving));
    let mut working = working.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    rules.leave_out(saving, &mut working);
    Ok(working)
}

/// `None`: there is nothing to save.
fn read_root<'r>(
    layer: Layer,
    plan: &'r RootPlan,
    rules: &dyn Rules,
    saving: Saving<'_>,
) -> Result<Option<WorkingTree<'r>>, Trouble> {
    let Saving { job, .. } = saving;
    let is_file = plan.shape == Shape::Unknown && file::kind(&plan.path)? == file::Kind::File;
    let is_partial = is_file || plan.shape == Shape::Part;
    let directory = plan.directory(is_partial);
    if file::kind(&directory)? != file::Kind::Directory {
        return Ok(None);
    }
    let selection = if is_file {
        Selection::of_file(&plan.path)
    } else {
        match rules.selection(saving, plan, &directory)? {
            Some(selection) => selection,
            None => return Ok(None),
        }
    };
    let dir = Dir::open(&directory)?;
    let walked = tree::walk(&dir, &selection, &job.interrupt)?;
    tell_of_losses(job, layer, &walked);
    let whole = walked.tree;
    let (tree, whole, left_out) = match rules.worth(saving, plan, &dir, &whole)? {
        Some(Worth { tree, left_out }) => (tree, Some(whole), left_out),
        None => (whole, None, Vec::new()),
    };
    let (packed, borrowed) = (NodeSet::default(), NodeSet::default());
    let root = Root { name: plan.name.clone(), is_partial, tree, packed, borrowed };
    Ok(Some(WorkingTree { plan, root, dir, whole, left_out }))
}

fn tell_of_losses(job: &Job, layer: Layer, walked: &Walked) {
    for path in &walked.left_out {
        let path = path.display();
        job.console.say(format!("{layer}: skipped {path}: not a file, directory or symlink"));
    }
    if let Some(first) = walked.without_rights.first() {
        let (count, first) = (walked.without_rights.len(), first.display());
        let what = format!("setuid and setgid bits are not saved ({count} files, such as {first})");
        job.warn(Code::NotCached, format!("{layer}: {what}"));
    }
}
