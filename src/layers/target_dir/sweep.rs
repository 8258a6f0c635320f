//! The sweep of a target directory: at a restore its units are marked, at a save those that still bear the mark are left out.
//!
//! Cargo reads the fingerprint of each unit that a build asks for, fresh or not. So a fingerprint's time of reading tells
//! whether any build of the job did, whatever it was called with. A restore sets that time to one that no reading sets.
//! Where the disk keeps no such times (`noatime`), nothing is marked and so nothing is swept.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cargo::{Kept, has_unfinished, sweep, units};
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::worth::Worth;
use crate::sys::{self, Dir, Time, file};
use crate::tree::{NodeId, Tree};

/// A time of reading that no reading sets.
pub(crate) const MARK: Time = Time { seconds: 1, nanoseconds: 0 };

/// Lists in `RUNNER_TEMP`, which is empty when a job begins, the directories that were marked in this job.
const MARKED: &str = "runner-cache-marked";

/// Marks the units of the target directory `dir`, in which there is `tree`.
pub(crate) fn mark(job: &Job, dir: &Dir, tree: &Tree) {
    match is_first(job, dir.path()).and_then(|is_first| if is_first { try_mark(dir, tree) } else { Ok(true) })
    {
        Ok(true) => {}
        Ok(false) => job.console.say(format!(
            "target: unused units will stay: the disk of {} records no access times (noatime); hint: mount \
             it with relatime",
            dir.path().display()
        )),
        Err(error) => job.console.say(format!("target: unused units will stay: {}", chain(&error))),
    }
}

/// Marks the units that came into `directory` with `tree`.
pub(crate) fn mark_restored(job: &Job, directory: &Path, tree: &Tree) -> Result<(), Trouble> {
    if file::is_dir(directory) {
        mark(job, &Dir::open(directory)?, tree);
        Ok(())
    } else {
        Ok(note_absent(job, directory)?)
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

/// Sweeps the target directory `dir`, in which there is `tree`. `base` is what the job started from.
pub(crate) fn swept(dir: &Dir, tree: &Tree, base: Option<&Tree>, kept: &Kept) -> Result<Worth, Trouble> {
    let all = units(tree);
    // After a build that failed others may have been left out, though the job went on. But where builds failed in the last
    // job already, the directory must not grow for as long as they do.
    let has_failed =
        has_unfinished(tree, &all) && !base.is_some_and(|base| has_unfinished(base, &units(base)));
    let is_used = all.iter().map(|unit| Ok(has_failed || is_used(dir, tree, &unit.fingerprints)?));
    let is_used = is_used.collect::<sys::Result<Vec<_>>>()?;
    let tops = sweep(tree, &all, &is_used, kept);
    Ok(Worth::without(tree, &tops))
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
