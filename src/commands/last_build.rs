//! `explain --last-build`: which units cargo compiled in this job although the target directory came from the cache, and why.
//!
//! Nothing has to be noted for it while cargo works: the job's session tells the entry that the target directory began
//! with, and what came from the unit pool; cargo's fingerprints, in the entry and in the directory, tell the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::ended::Ended;
use crate::cargo::{Before, Cause, Compiled, Download, Evidence, FingerprintTimes, causes};
use crate::job::{Exit, Job};
use crate::layers::target_dir::fingerprints::{Checkout, TargetDirectory};
use crate::outcome::{Built, BuiltDirectory, Code, CompiledUnit, Done, LastBuild, RestoredEntry, Unusable};
use crate::pipeline::session;
use crate::plan::{LayerPlan, LeftOut, RootPlan, Session};
use crate::store::{self, Header, Layer, Lease, Store};
use crate::sys::{Dir, Time, file};
use crate::tree::{Selection, walk};

/// The command. That nothing is known is no failure of the job.
pub(super) fn run(job: &Job) -> Ended {
    match explain(job) {
        _ if job.interrupt.is_raised() => Ended::early(Exit::Interrupted),
        Ok(told) => Ended::with(Exit::Success, Done::LastBuild(told)),
        Err(error) => {
            job.warn(Code::Incomplete, format!("cannot tell what this job compiled: {error:#}"));
            Ended::early(Exit::Success)
        }
    }
}

fn explain(job: &Job) -> anyhow::Result<LastBuild> {
    let pointers = session::left(job)?;
    let mut sessions: Vec<(&Path, Session)> = Vec::new();
    for path in &pointers {
        sessions.extend(Store::read_session(path)?.map(|session| (path.as_path(), session)));
    }
    sessions.sort_by_key(|(_, session)| session.since);
    let directories = directories(&sessions);
    if directories.is_empty() {
        return Ok(match (pointers.is_empty(), sessions.is_empty()) {
            (true, _) => LastBuild::NoRestore,
            (false, true) => LastBuild::Saved,
            (false, false) => LastBuild::NoTarget,
        });
    }
    let told = directories.values().map(|directory| directory.explain(job));
    let mut told = told.collect::<anyhow::Result<Vec<_>>>()?;
    // With a `build-dir` there are no units in the target directory itself.
    let has_units = |directory: &BuiltDirectory| !matches!(directory.built, Built::Compared { total: 0, .. });
    if told.iter().any(has_units) {
        told.retain(has_units);
    }
    Ok(LastBuild::Directories(told))
}

/// A target directory of the job, and the restore that it comes from.
struct RestoredTarget<'s> {
    /// The session's file.
    path: &'s Path,
    session: &'s Session,
    layer: &'s LayerPlan,
    root: &'s RootPlan,
    /// The entry's directory, if any was restored.
    entry: Option<&'s Path>,
    /// What came from the unit pool, if anything did.
    pooled: Option<&'s FingerprintTimes>,
    /// What it did not get of the entry, by directories of units.
    left_out: Option<&'s BTreeMap<String, LeftOut>>,
}

/// The target directories of all sessions. Of several restores of one the last that found something counts.
fn directories<'s>(sessions: &'s [(&'s Path, Session)]) -> BTreeMap<&'s Path, RestoredTarget<'s>> {
    let mut directories: BTreeMap<&Path, RestoredTarget<'_>> = BTreeMap::new();
    for (path, session) in sessions {
        for layer in session.layers.iter().filter(|layer| layer.plan.layer() == Layer::Target) {
            let start = layer.start.as_ref().filter(|_| !session.is_lookup);
            let entry = start.map(|start| start.entry.as_path());
            let (layer, pooled, left_out) = (&layer.plan, &layer.pooled, &layer.left_out);
            for root in &layer.roots {
                let (pooled, left_out) = (pooled.get(&root.name), left_out.get(&root.name));
                let earlier = directories.get(&*root.path);
                let restored = RestoredTarget { path, session, layer, root, entry, pooled, left_out };
                if !restored.is_miss() || earlier.is_none_or(RestoredTarget::is_miss) {
                    directories.insert(&root.path, restored);
                }
            }
        }
    }
    directories
}

impl RestoredTarget<'_> {
    fn is_miss(&self) -> bool {
        self.entry.is_none() && self.pooled.is_none()
    }

    fn explain(&self, job: &Job) -> anyhow::Result<BuiltDirectory> {
        let built = match self.entry {
            _ if file::kind(&self.root.path)? != file::Kind::Directory => Built::NoDirectory,
            None if self.is_miss() => Built::Miss { key: self.layer.key.clone() },
            None => self.compare(job, None)?,
            Some(entry) => match self.lease(entry) {
                Ok(Some(lease)) => self.compare(job, Some(&lease))?,
                Ok(None) => Built::EntryGone { why: Unusable::Gone },
                Err(error) => Built::EntryGone { why: Unusable::from(&error) },
            },
        };
        Ok(BuiltDirectory { name: self.root.name.clone(), path: self.root.path.clone(), built })
    }

    fn lease(&self, entry: &Path) -> store::Result<Option<Lease>> {
        let root = Store::root_of_session(self.path);
        let Some(store) = Store::open_existing(root, self.session.maintenance.access)? else {
            return Ok(None);
        };
        store.entry_at(entry).map(|entry| store.lease(entry)).transpose()
    }

    fn compare(&self, job: &Job, lease: Option<&Lease>) -> anyhow::Result<Built> {
        let root = lease.and_then(|lease| {
            let number = lease.manifest().roots.iter().position(|root| root.name == self.root.name)?;
            Some((lease, number))
        });
        if root.is_none() && self.pooled.is_none() {
            return Ok(Built::NotInEntry);
        }
        let dir = Dir::open(&self.root.path)?;
        let tree = walk(&dir, &Selection::all(), &job.interrupt)?.tree;
        let now = TargetDirectory::new(dir.into(), &tree);
        let nothing = tree.without(|_| true);
        let then = match root {
            Some((lease, number)) => {
                TargetDirectory::new(lease.open_root(number)?, &lease.manifest().roots[number].tree)
            }
            None => TargetDirectory::new(Dir::open(&self.root.path)?.into(), &nothing),
        };
        let pooled = self.pooled.cloned().unwrap_or_default();
        let compiled = now.notes.compiled_since(&then.notes, &pooled);
        let hashes = compiled.iter().filter_map(|one| now.hash(one.now)).collect();
        let checkout = Checkout {
            target: &now,
            workspaces: workspaces(job, self.layer, self.root)?,
            since: Time::from(self.session.since),
            interrupt: &job.interrupt,
        };
        let judge = Judge { then: &then, now: &now, checkout, hashes, left_out: self.left_out };
        Ok(Built::Compared {
            entry: lease.map(|lease| {
                let Header { key, created, scope, .. } = lease.manifest().header.clone();
                RestoredEntry { key, created, reference: scope.reference }
            }),
            pooled: pooled.len(),
            total: now.notes.len(),
            compiled: compiled.iter().map(|one| judge.unit(one)).chain(judge.failed()).collect(),
        })
    }
}

/// The directories of workspaces from which a target directory of the layer may be built, the most probable one first.
pub(super) fn workspaces(job: &Job, layer: &LayerPlan, root: &RootPlan) -> anyhow::Result<Vec<PathBuf>> {
    let sources = layer.sources();
    let directory = match sources {
        Some(sources) => sources.directory.clone(),
        None => job.directory()?,
    };
    // A directory for intermediate files has the name of its workspace and a word.
    let name = root.name.strip_suffix(" (build)").unwrap_or(&root.name);
    let mut workspaces = vec![file::normal(&directory.join(name))];
    workspaces.extend(sources.into_iter().flat_map(|sources| sources.workspaces.iter().cloned()));
    Ok(workspaces)
}

/// Tells why units were compiled.
struct Judge<'a> {
    then: &'a TargetDirectory<'a>,
    now: &'a TargetDirectory<'a>,
    checkout: Checkout<'a>,
    /// Hashes of the fingerprints of all that was compiled.
    hashes: BTreeSet<u64>,
    left_out: Option<&'a BTreeMap<String, LeftOut>>,
}

impl Judge<'_> {
    fn unit(&self, compiled: &Compiled<'_, '_>) -> CompiledUnit {
        let note = compiled.now;
        let package = String::from_utf8_lossy(note.package).into_owned();
        let evidence = self.now.evidence(note);
        let source = evidence.as_ref().ok().and_then(|evidence| evidence.sources.first());
        let version =
            source.and_then(|source| Download::of(&package, source)).map(|download| download.version);
        let causes = evidence.and_then(|now| self.causes(&package, compiled, &now));
        CompiledUnit {
            version,
            part: String::from_utf8_lossy(note.part).into_owned(),
            profile: note.profile.clone(),
            causes: causes.unwrap_or_else(|error| vec![Cause::Unreadable(format!("{error:#}"))]),
            package,
        }
    }

    /// Units that were left out of what was restored, and of which a build came no further than to make their directories.
    fn failed(&self) -> Vec<CompiledUnit> {
        let tree = self.now.notes.tree();
        let is_begun = |directory: &str| {
            tree.at(directory.as_bytes()).is_some()
                && self.now.notes.all().iter().all(|note| self.now.notes.directory(note) != directory)
        };
        let left_out = self.left_out.into_iter().flatten().filter(|(directory, _)| is_begun(directory));
        let of_unit = |(directory, left_out): (&String, &LeftOut)| {
            let note =
                self.then.notes.all().iter().find(|note| self.then.notes.directory(note) == *directory)?;
            let cause = match left_out {
                LeftOut::Sources(paths) => {
                    Cause::Sources(paths.iter().map(|path| self.checkout.seen(path)).collect())
                }
                LeftOut::Dependency => Cause::Dependencies(Vec::new()),
                LeftOut::Other { why, what } => Cause::LeftOut { why: *why, what: what.clone() },
            };
            Some(CompiledUnit {
                version: None,
                part: String::from_utf8_lossy(note.part).into_owned(),
                profile: note.profile.clone(),
                causes: vec![cause],
                package: String::from_utf8_lossy(note.package).into_owned(),
            })
        };
        left_out.filter_map(of_unit).collect()
    }

    fn causes(
        &self,
        package: &str,
        compiled: &Compiled<'_, '_>,
        now: &Evidence,
    ) -> anyhow::Result<Vec<Cause>> {
        match &compiled.before {
            Before::Same(note) => {
                let then = self.then.evidence(note)?;
                let left_out =
                    self.left_out.and_then(|left_out| left_out.get(&self.then.notes.directory(note)));
                if let Some(LeftOut::Other { why, what }) = left_out {
                    return Ok(vec![Cause::LeftOut { why: *why, what: what.clone() }]);
                }
                let changed = || match left_out {
                    Some(LeftOut::Sources(paths)) => {
                        Ok(paths.iter().map(|path| self.checkout.seen(path)).collect())
                    }
                    Some(LeftOut::Dependency | LeftOut::Other { .. }) => Ok(Vec::new()),
                    None => self.checkout.changed(self.then, note, &then),
                };
                causes(package, (&then, now), true, &self.hashes, changed)
            }
            Before::Kin(notes) => {
                let kin = notes.iter().map(|note| self.then.evidence(note));
                let kin = kin.collect::<anyhow::Result<Vec<_>>>()?;
                let then = now.nearest(&kin).expect("kin are one at least");
                causes(package, (then, now), false, &self.hashes, || Ok(Vec::new()))
            }
            Before::Elsewhere(profiles) => {
                Ok(vec![Cause::New(profiles.iter().map(|profile| (*profile).to_owned()).collect())])
            }
            Before::Pooled => {
                let dependencies = now.fingerprint.dependencies_among(&self.hashes);
                let is_alone = dependencies.is_empty();
                Ok(vec![if is_alone { Cause::Rejected } else { Cause::Dependencies(dependencies) }])
            }
        }
    }
}
