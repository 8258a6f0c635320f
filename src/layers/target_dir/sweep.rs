//! The sweep of a target directory: at a restore its units are marked, at a save those that still bear the mark are left out.
//!
//! Cargo reads the fingerprint of each unit that a build asks for, fresh or not. So a fingerprint's time of reading tells
//! whether any build of the job did, whatever it was called with. A restore sets that time to one that no reading sets.
//! Where the disk keeps no such times (`noatime`), nothing is marked and so nothing is swept.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cargo::{Kept, Why, has_unfinished, spread, sweep, units};
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::report::LeftOut;
use crate::sys::{self, Dir, Time, file};
use crate::tree::{Kind, NodeId, Tree};

/// A time of reading that no reading sets.
pub(crate) const MARK: Time = Time { seconds: 1, nanoseconds: 0 };

/// Lists in `RUNNER_TEMP`, which is empty when a job begins, the directories that were marked in this job.
const MARKED: &str = "runner-cache-marked";

/// Marks the units of the target directory `dir`, in which there is `tree`.
pub(crate) fn mark(job: &Job, dir: &Dir, tree: &Tree) {
    match is_first(job, dir.path()).and_then(|is_first| if is_first { try_mark(dir, tree) } else { Ok(true) }) {
        Ok(true) => {}
        Ok(false) => job.console.say(format!(
            "target: units that nobody uses any more will stay: the disk of {} keeps no times of reading (noatime)",
            dir.path().display()
        )),
        Err(error) => job.console.say(format!("target: units that nobody uses any more will stay: {}", chain(&error))),
    }
}

/// Takes note of a target directory that is not there yet: all that will be in it is of this job.
pub(crate) fn note_absent(job: &Job, directory: &Path) -> sys::Result<()> {
    is_first(job, directory).map(drop)
}

/// Whether no earlier restore of this job has marked the directory: what was read since must stay known. Outside of a job
/// nobody knows which commands belong together, and nothing is swept.
fn is_first(job: &Job, directory: &Path) -> sys::Result<bool> {
    let Some(temporary) = &job.context.temporary else { return Ok(false) };
    let (list, directory) = (temporary.join(MARKED), directory.as_os_str().as_bytes());
    let listed = file::read_if_present(&list)?.unwrap_or_default();
    if listed.split(|&byte| byte == 0).any(|other| other == directory) {
        return Ok(false);
    }
    file::write_atomic(&list, &[&listed, directory, &[0]].concat())?;
    Ok(true)
}

/// `false`: the disk keeps no times of reading.
pub(crate) fn try_mark(dir: &Dir, tree: &Tree) -> sys::Result<bool> {
    let mut is_first = true;
    for id in units(tree).into_iter().flat_map(|unit| unit.fingerprints) {
        let path = tree.path_below(0, id);
        dir.set_accessed(&path, MARK)?;
        if std::mem::take(&mut is_first) {
            dir.read_file_if_present(&path)?;
            if dir.accessed(&path)? == MARK {
                dir.set_accessed(&path, tree.node(id).mtime)?;
                return Ok(false);
            }
            dir.set_accessed(&path, MARK)?;
        }
    }
    Ok(true)
}

/// A target directory without what is not worth keeping.
pub(crate) struct Swept {
    pub(crate) tree: Tree,
    /// What is not in it, by reason.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Sweeps the target directory `dir`, in which there is `tree`. `base` is what the job started from.
pub(crate) fn swept(dir: &Dir, tree: &Tree, base: Option<&Tree>, kept: &Kept) -> Result<Swept, Trouble> {
    let all = units(tree);
    // After a build that failed others may have been left out, though the job went on. But where builds failed in the last
    // job already, the directory must not grow for as long as they do.
    let has_failed =
        has_unfinished(tree, &all) && !base.is_some_and(|base| has_unfinished(base, &units(base)));
    let is_used = all.iter().map(|unit| Ok(has_failed || is_used(dir, tree, &unit.fingerprints)?));
    let is_used = is_used.collect::<sys::Result<Vec<_>>>()?;
    let tops = sweep(tree, &all, &is_used, kept);
    Ok(without(tree, &tops))
}

/// The tree without what is in `left_out`.
pub(crate) fn without(tree: &Tree, left_out: &[(NodeId, Why)]) -> Swept {
    let why = spread(tree, left_out);
    // What cargo lays out anyway is nothing to tell of.
    let reasons = [Why::Unused, Why::Executable, Why::Incremental, Why::Extra, Why::Changed];
    let counted = reasons.into_iter().filter_map(|reason| {
        let of_reason = tree.without(|id| id != 0 && why[id as usize] != Some(reason) && is_leaf(tree, id));
        let (files, bytes) = (of_reason.files(), of_reason.bytes());
        (files > 0).then_some(LeftOut { why: reason, files, bytes })
    });
    Swept { left_out: counted.collect(), tree: tree.without(|id| why[id as usize].is_some()) }
}

fn is_leaf(tree: &Tree, id: NodeId) -> bool {
    !matches!(tree.node(id).kind, Kind::Directory { .. })
}

/// Whether any of a unit's fingerprints was read or made since the mark. One without any is none that cargo would read.
pub(crate) fn is_used(dir: &Dir, tree: &Tree, fingerprints: &[NodeId]) -> sys::Result<bool> {
    for &id in fingerprints {
        if dir.accessed(&tree.path_below(0, id))? != MARK {
            return Ok(true);
        }
    }
    Ok(false)
}
