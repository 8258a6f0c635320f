//! Why units differ from those of a clean build: where they come from, and why cargo took them for fresh.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::builds::OnRestored;
use super::left::Left;
use crate::cargo::{Changed, Comparison, Differing, Download, Evidence, FingerprintTimes, Slot};
use crate::commands::last_build::workspaces;
use crate::job::{Job, chain};
use crate::layers::target_dir::fingerprints::{Checkout, TargetDirectory};
use crate::layers::target_dir::provenance;
use crate::outcome::{
    Audited, CameFrom, ComparedBuilds, DifferingUnit, ExitCodes, HowMade, NotComparable, RestoredEntry,
    UnitName, WhyFresh,
};
use crate::plan::{LayerPlan, Settings, SourcesPlan, Start};
use crate::store::{self, Header, Lease, Sources, Store};
use crate::sys::{Dir, Interrupt, Time, file};
use crate::tree::Live;

/// The entry that the target directory began with. Without it less can be told.
pub(super) fn lease(job: &Job, settings: &Settings, start: Option<&Start>) -> Option<Lease> {
    let start = start?;
    let lease = || -> store::Result<Option<Lease>> {
        let Some(store) = Store::open_existing(&settings.cache_root, settings.maintenance.access)? else {
            return Ok(None);
        };
        store.entry_at(&start.entry).map(|entry| store.lease(entry)).transpose()
    };
    lease().unwrap_or_else(|error| {
        job.console.say(format!("audit: cannot read the entry's details: {}", chain(&error)));
        None
    })
}

/// What tells the reasons.
pub(super) struct Reasons<'a> {
    pub(super) job: &'a Job,
    pub(super) layer: &'a LayerPlan,
    /// The entry.
    pub(super) lease: Option<Lease>,
    /// What came from the unit pool, by the names of the layer's roots.
    pub(super) pooled: &'a BTreeMap<String, FingerprintTimes>,
    pub(super) on_restored: &'a OnRestored<'a>,
    pub(super) warm: &'a Left,
    pub(super) clean: &'a Left,
}

impl Reasons<'_> {
    /// What was found, in the report's values.
    pub(super) fn told(&self, found: Comparison, again: Option<u8>) -> anyhow::Result<Audited> {
        let changed = match (&self.lease, self.layer.sources()) {
            (Some(lease), Some(plan)) if !found.differing.is_empty() => {
                changed_since(plan, lease, &self.job.interrupt)?
            }
            _ => BTreeSet::new(),
        };
        let is_difference = found.is_difference();
        let Comparison {
            same,
            differing,
            only_restored,
            only_clean,
            finals,
            not_reproducible,
            not_comparable,
            ..
        } = found;
        let differing = differing.into_iter().map(|one| self.differing(one, &changed));
        let names = |slots: Vec<Slot>| slots.iter().map(|slot| self.name(slot)).collect();
        let header = self.lease.as_ref().map(|lease| &lease.manifest().header);
        let not_comparable = not_comparable.into_iter();
        let compared = Box::new(ComparedBuilds {
            entry: header.map(|Header { key, created, scope, .. }| RestoredEntry {
                key: key.clone(),
                created: *created,
                reference: scope.reference.clone(),
            }),
            commit: header.and_then(|header| header.origin.commit.clone()),
            pooled: self.pooled.values().map(BTreeMap::len).sum(),
            exit_codes: ExitCodes {
                restored: self.warm.build.code,
                clean: self.clean.build.code,
                clean_again: again,
            },
            same,
            differing: differing.collect::<anyhow::Result<_>>()?,
            only_restored: names(only_restored),
            only_clean: names(only_clean),
            finals: finals.iter().map(|(root, path)| self.directory(root).join(path)).collect(),
            not_reproducible: names(not_reproducible),
            not_comparable: not_comparable
                .map(|(slot, why)| NotComparable { unit: self.name(&slot), why })
                .collect(),
        });
        Ok(if is_difference { Audited::Different(compared) } else { Audited::Same(compared) })
    }

    fn directory(&self, root: &str) -> &Path {
        let root = self.layer.roots.iter().find(|other| other.name == root);
        &root.expect("all units are of the layer's roots").path
    }

    fn name(&self, slot: &Slot) -> UnitName {
        let builds = [&self.clean, &self.warm];
        let part = builds.iter().find_map(|left| left.build.units.get(slot)?.parts.first().cloned());
        let version = builds.iter().find_map(|left| {
            let evidence = left.evidence.get(slot)?.values().next()?;
            Download::of(&slot.package, evidence.sources.first()?).map(|download| download.version)
        });
        UnitName {
            package: slot.package.clone(),
            version,
            part: part.unwrap_or_default(),
            profile: slot.profile.clone(),
        }
    }

    fn differing(&self, one: Differing, changed: &BTreeSet<PathBuf>) -> anyhow::Result<DifferingUnit> {
        let Differing { slot, files, follows } = one;
        let made = if self.on_restored.compiled.contains(&slot) {
            HowMade::Compiled
        } else {
            HowMade::Fresh { from: self.came_from(&slot), why: self.why_fresh(&slot, changed)? }
        };
        Ok(DifferingUnit { unit: self.name(&slot), files, follows, made })
    }

    fn came_from(&self, slot: &Slot) -> CameFrom {
        let hash = format!("-{}/", slot.hash);
        let new_layout = format!("/{}/", slot.hash);
        let is_of_unit = |path: &String| path.contains(&hash) || path.contains(&new_layout);
        match self.pooled.get(&slot.root) {
            Some(times) if times.keys().any(is_of_unit) => CameFrom::Pool,
            _ if self.lease.is_some() => CameFrom::Entry,
            _ => CameFrom::Directory,
        }
    }

    fn why_fresh(&self, slot: &Slot, changed: &BTreeSet<PathBuf>) -> anyhow::Result<WhyFresh> {
        let Some((part, warm)) = self.warm.evidence.get(slot).and_then(|parts| parts.first_key_value())
        else {
            return Ok(WhyFresh::default());
        };
        let clean = self.clean.evidence.get(slot).and_then(|parts| parts.get(part));
        let sources = sources(warm);
        let unlisted = clean.map(self::sources).unwrap_or_default();
        let root = self.layer.roots.iter().find(|root| root.name == slot.root);
        let workspaces =
            root.map_or_else(|| Ok(Vec::new()), |root| workspaces(self.job, self.layer, root))?;
        let is_changed = |source: &PathBuf| {
            workspaces.iter().any(|workspace| changed.contains(&file::normal(&workspace.join(source))))
        };
        Ok(WhyFresh {
            noted: clean.map(|clean| clean.fingerprint.differences(&warm.fingerprint)).unwrap_or_default(),
            newer: self.newer(slot, part, warm, workspaces.clone())?,
            changed: sources.iter().filter(|source| is_changed(source)).cloned().collect(),
            unlisted: unlisted.into_iter().filter(|source| !sources.contains(source)).collect(),
            sources,
        })
    }

    /// Sources that are newer than the unit.
    fn newer(
        &self,
        slot: &Slot,
        part: &str,
        evidence: &Evidence,
        workspaces: Vec<PathBuf>,
    ) -> anyhow::Result<Vec<Changed>> {
        let directories = &self.on_restored.directories;
        let Some(directory) = directories.iter().find(|directory| directory.root.name == slot.root) else {
            return Ok(Vec::new());
        };
        let target = TargetDirectory::new(Dir::open(&directory.root.path)?.into(), &directory.tree);
        let is_it = |file| {
            let path = String::from_utf8_lossy(&directory.tree.path_below(0, file)).into_owned();
            path.starts_with(&slot.profile) && path.contains(&slot.hash)
        };
        let mut notes = target.notes.of_package(slot.package.as_bytes());
        let Some(note) = notes.find(|note| note.part == part.as_bytes() && is_it(note.file)) else {
            return Ok(Vec::new());
        };
        // The directory is as the restore dated it.
        let since = Time { seconds: 0, nanoseconds: 0 };
        Checkout { target: &target, workspaces, since, interrupt: &self.job.interrupt }
            .changed(&target, note, evidence)
    }
}

/// What a unit is made from: rustc's list, or what a build script named.
fn sources(evidence: &Evidence) -> Vec<PathBuf> {
    match evidence.fingerprint.watched() {
        Some(watched) => watched.paths().map(PathBuf::from).collect(),
        None => evidence.sources.clone(),
    }
}

/// Absolute paths of the sources that do not hold what they held when the entry was saved, or are gone.
fn changed_since(
    plan: &SourcesPlan,
    lease: &Lease,
    interrupt: &Interrupt,
) -> anyhow::Result<BTreeSet<PathBuf>> {
    let manifest = lease.manifest();
    let mut changed = BTreeSet::new();
    for Sources { directory, snapshot } in &manifest.sources {
        let directory = file::normal(&plan.directory.join(directory));
        if file::is_dir(&directory) {
            let live = Live::walk(Dir::open(&directory)?, &provenance::selection()?, interrupt)?;
            let compared = snapshot.compare(live.into(), interrupt)?;
            let tree = snapshot.tree();
            let others = tree.iter().map(|(id, _)| id).filter(|id| !compared.is_same(*id));
            changed.extend(others.map(|id| directory.join(OsStr::from_bytes(&tree.path_below(0, id)))));
        }
    }
    Ok(changed)
}
