//! Source times: noted at a save, brought back at a restore, so that cargo compiles what has changed and nothing else.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::job::{Job, chain};
use super::trouble::Trouble;
use super::unwatched::{Anew, compile_anew, tell};
use crate::cargo::{NO_SOURCES, OUTPUT_MARKS, RUSTC_INFO, config_files, path_packages, source_folder};
use crate::plan::SourcesPlan;
use crate::store::{Lease, Sources};
use crate::sys::{self, Dir, Interrupt, Time, file};
use crate::tree::{Compared, Kind, Selection, Snapshot, TimesBrought, Tree};

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
    for config in plan.workspaces.iter().flat_map(|workspace| config_files(workspace, None)) {
        // Its paths are relative to the folder in which `.cargo` is.
        let folder = config.ancestors().nth(2).unwrap_or(&config);
        pending.extend(packages_of(&config, folder)?);
    }
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
            pending.extend(packages_of(&manifest, manifest.parent().unwrap_or(&path))?);
        }
        found.retain(|(other, _)| !other.starts_with(&path));
        found.push((path, Sources { folder: name, snapshot }));
    }
    Ok(found.into_iter().map(|(_, sources)| sources).collect())
}

/// The packages that a manifest or a configuration file names by paths relative to `folder`.
fn packages_of(list: &Path, folder: &Path) -> sys::Result<Vec<PathBuf>> {
    let text = file::read_if_present(list)?.unwrap_or_default();
    Ok(path_packages(&String::from_utf8_lossy(&text), folder))
}

/// Sources that were compared with those of an entry.
pub(super) struct Prepared {
    compared: Vec<(PathBuf, Compared)>,
    anew: Vec<Anew>,
}

/// Compares the sources with those from which an entry was built, and lets what has changed look so. To be called before
/// the entry's target folder is in place: without it cargo could take wrong contents for built. `outputs` are the target
/// folders of the job.
pub(super) fn prepare(
    job: &Job,
    plan: &SourcesPlan,
    lease: &Lease,
    outputs: &[PathBuf],
) -> Result<Prepared, Trouble> {
    let manifest = lease.manifest();
    let made = time(manifest.header.created);
    let compare = |folder: PathBuf, snapshot: &Snapshot| {
        let compared = snapshot.compare(Dir::open(&folder)?, &selection()?, made, &job.interrupt)?;
        Ok::<_, Trouble>((folder, compared))
    };
    let mut compared = Vec::new();
    if manifest.sources.is_empty() {
        // Nothing was noted: whatever is older than the entry may have changed.
        for workspace in &plan.workspaces {
            compared.push(compare(source_folder(workspace, &plan.folder), &Snapshot::of_nothing())?);
        }
    }
    for sources in &manifest.sources {
        let folder = plan.folder.join(&sources.folder);
        if file::is_dir(&folder) {
            compared.push(compare(folder, &sources.snapshot)?);
        }
    }
    let is_noted = !manifest.sources.is_empty();
    let anew = if is_noted { compile_anew(&mut compared, lease, outputs)? } else { Vec::new() };
    // The clock may have been set back since.
    let later = Time { nanoseconds: (made.nanoseconds + 1).min(999_999_999), ..made };
    let now = time(Timestamp::now()).max(later);
    for (_, compared) in &compared {
        compared.touch_changed(now)?;
    }
    Ok(Prepared { compared, anew })
}

impl Prepared {
    /// Gives sources that hold what they held the times that they had. `ours` are the target folders that are of the entry
    /// now, `others` further ones that are not. Cargo goes by times in these as well, and an old time would let it take
    /// what was built there from other contents for built from these: then all keep the time of the checkout.
    pub(super) fn finish(self, job: &Job, ours: &[PathBuf], others: &[PathBuf]) -> Option<TimesBrought> {
        let met = self.compared.iter().flat_map(|(_, compared)| compared.caches());
        // Cargo's tag alone also stands in its home.
        let is_other = |folder: &&PathBuf| !ours.contains(folder) && file::is_file(&folder.join(RUSTC_INFO));
        if let Some(other) = met.chain(others).find(is_other) {
            let why = "the restored build does not know what was built there";
            job.console.say(format!(
                "target: sources keep their times, and cargo compiles the workspace, because of {}: {why}; hint: remove it, or \
                 name its workspace in `workspaces`",
                other.display()
            ));
            return None;
        }
        let mut brought = TimesBrought::default();
        for (_, compared) in &self.compared {
            match compared.bring_back_times() {
                Ok(one) => brought += one,
                Err(error) => {
                    let what = "cargo will compile more than has changed, since times could not be set";
                    job.console.warn(format!("target: {what}: {}", chain(&error)));
                    return None;
                }
            }
        }
        tell(job, &self.anew);
        Some(brought)
    }
}

pub(super) fn time(moment: Timestamp) -> Time {
    Time { seconds: moment.as_second(), nanoseconds: moment.subsec_nanosecond().unsigned_abs() }
}

fn selection() -> Result<Selection, Trouble> {
    Ok(Selection::new(&[], &NO_SOURCES.map(str::to_owned))?.of_sources(&OUTPUT_MARKS))
}

/// Paths of all manifests in a folder.
pub(super) fn manifests(tree: &Tree) -> Vec<PathBuf> {
    let is_manifest = |id| tree.name(id) == b"Cargo.toml" && matches!(tree.node(id).kind, Kind::File { .. });
    let ids = tree.iter().map(|(id, _)| id).filter(|id| is_manifest(*id));
    ids.map(|id| PathBuf::from(OsStr::from_bytes(&tree.path_below(0, id)))).collect()
}
