//! Source times: noted at a save, brought back at a restore, so that cargo compiles what has changed and nothing else.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::job::{Job, chain};
use super::trouble::Trouble;
use crate::cargo::{NO_SOURCES, path_packages, source_folder};
use crate::plan::SourcesPlan;
use crate::store::{Header, Sources};
use crate::sys::{Dir, Interrupt, Time, file};
use crate::tree::{Kind, Selection, Snapshot, TimesBrought, Tree};

/// Reads the sources of the plan's workspaces. `earlier` is what the job started from. Without them a save is still a
/// save: trouble is a warning.
pub(super) fn note(job: &Job, plan: &SourcesPlan, earlier: &[Sources]) -> Vec<Sources> {
    read_all(plan, earlier, &job.interrupt).unwrap_or_else(|error| {
        let what = "the next job will compile the workspace again, since its sources could not be read";
        job.console.warn(format!("target: {what}: {}", chain(&error)));
        Vec::new()
    })
}

fn read_all(plan: &SourcesPlan, earlier: &[Sources], interrupt: &Interrupt) -> Result<Vec<Sources>, Trouble> {
    let mut found: Vec<(PathBuf, Sources)> = Vec::new();
    let mut pending: Vec<_> =
        plan.workspaces.iter().map(|workspace| source_folder(workspace, &plan.folder)).collect();
    while let Some(path) = pending.pop() {
        if found.iter().any(|(other, _)| path.starts_with(other)) {
            continue;
        }
        // Names are relative: another runner's job lies elsewhere.
        let Some(name) = pathdiff::diff_paths(&path, &plan.folder) else { continue };
        let name = name.to_string_lossy().into_owned();
        let earlier = earlier.iter().find(|sources| sources.folder == name).map(|sources| &sources.snapshot);
        let snapshot = Snapshot::take(&Dir::open(&path)?, &selection()?, earlier, interrupt)?;
        for manifest in manifests(snapshot.tree()) {
            let manifest = path.join(manifest);
            let text = file::read_if_present(&manifest)?.unwrap_or_default();
            let folder = manifest.parent().unwrap_or(&path);
            pending.extend(path_packages(&String::from_utf8_lossy(&text), folder));
        }
        found.retain(|(other, _)| !other.starts_with(&path));
        found.push((path, Sources { folder: name, snapshot }));
    }
    Ok(found.into_iter().map(|(_, sources)| sources).collect())
}

/// Gives sources that hold what they held when the entry was made the times that they had then.
pub(super) fn bring_back_times(
    job: &Job,
    plan: &SourcesPlan,
    header: &Header,
    recorded: &[Sources],
) -> Option<TimesBrought> {
    if recorded.is_empty() {
        return None;
    }
    let mut brought = TimesBrought::default();
    for sources in recorded {
        match bring_back(job, &plan.folder, header, sources) {
            Ok(one) => brought += one,
            Err(error) => {
                let what = "cargo will compile more than has changed, since times could not be set";
                job.console.warn(format!("target: {what}: {}", chain(&error)));
                return None;
            }
        }
    }
    Some(brought)
}

fn bring_back(job: &Job, base: &Path, header: &Header, sources: &Sources) -> Result<TimesBrought, Trouble> {
    let folder = base.join(&sources.folder);
    if !file::is_dir(&folder) {
        return Ok(TimesBrought::default());
    }
    let made = header.created;
    let made = Time { seconds: made.as_second(), nanoseconds: made.subsec_nanosecond().unsigned_abs() };
    Ok(sources.snapshot.bring_back_times(&Dir::open(&folder)?, &selection()?, made, &job.interrupt)?)
}

fn selection() -> Result<Selection, Trouble> {
    Ok(Selection::new(&[], &NO_SOURCES.map(str::to_owned))?.without_caches())
}

/// Paths of all manifests in a folder.
fn manifests(tree: &Tree) -> Vec<PathBuf> {
    let is_manifest = |id| tree.name(id) == b"Cargo.toml" && matches!(tree.node(id).kind, Kind::File { .. });
    let ids = tree.iter().map(|(id, _)| id).filter(|id| is_manifest(*id));
    ids.map(|id| PathBuf::from(OsStr::from_bytes(&tree.path_below(0, id)))).collect()
}
