//! Which units of an entry serve in a job, and what has to be done for cargo to take them.
//!
//! Cargo goes by times. A unit that serves gets the time of the restore for cargo's list of its sources, so that these, which
//! hold the same, are older, whatever times a checkout gave them. Only what a build script watches gets back the time that it
//! had: what is built with the script is compared with the time of its run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tracing::debug_span;

use crate::cargo::{
    Checkout, Host, LOCK, RUSTC_INFO, Reason, Unit, has_unfinished, is_code, is_nothing_to_reader,
    leave_out_dependents, profile_settings, units, verdicts, watched_sources,
};
use crate::facts::git;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::cargo_home::locked;
use crate::layers::target_dir::live_sources::LiveSources;
use crate::layers::target_dir::provenance::{checkouts_in, directory_of, revisions, workspaces_of};
use crate::outcome::{Code, SourcesKept, UnitsKept};
use crate::plan::SourcesPlan;
use crate::store::{Inputs, Lease, Manifest, Root, SourceId, Sources};
use crate::sys::{Dir, Time, file};
use crate::tree::{Compared, Kind, NodeId, Tree};

/// A judgement of an entry's units, to be carried out when those that serve are in place.
pub(crate) struct Judged<'l> {
    pub(crate) manifest: &'l Manifest,
    pub(crate) compared: Vec<Option<Compared>>,
    /// For each root its units.
    pub(crate) units: Vec<Vec<Unit>>,
    /// For each root and unit why it is left out.
    pub(crate) reasons: Vec<Vec<Option<Reason>>>,
    /// Whether nothing serves, since no unit was recognised in what cargo built.
    pub(crate) is_unrecognised: bool,
    /// The time before which all sources were as they were compared.
    before: Time,
}

/// Compares the job's sources, which are `live`, with those from which the entry of `lease` was built. `outputs` are the
/// target directories of the job, of which `ours` will be the entry's.
pub(crate) fn judge<'l>(
    job: &Job,
    plan: &SourcesPlan,
    live: &LiveSources,
    lease: &'l Lease,
    ours: &[PathBuf],
    outputs: &[PathBuf],
) -> Result<Judged<'l>, Trouble> {
    let _span = debug_span!("judge").entered();
    let manifest = lease.manifest();
    let compared = manifest.sources.iter().map(|sources| {
        let there = if plan.is_compared { live.of(job, &directory_of(plan, sources))? } else { None };
        let compared = there.map(|there| sources.snapshot.compare(there, &job.interrupt));
        Ok::<_, Trouble>(compared.transpose()?)
    });
    let compared = compared.collect::<Result<Vec<_>, _>>()?;
    let units: Vec<_> = manifest.roots.iter().map(|root| units(&root.tree)).collect();
    let mut judged = Judged {
        manifest,
        compared,
        units,
        reasons: Vec::new(),
        is_unrecognised: false,
        before: live.before,
    };
    judged.reasons = judged.verdicts(plan, Host::new(&job.env), live);
    judged.is_unrecognised = judged.is_of_unknown_layout() && !judged.is_for_cargo(plan);
    if judged.has_other_outputs(ours, outputs) {
        judged.leave_out_watchers();
    }
    judged.leave_out_documentation();
    Ok(judged)
}

/// A unit: the name of its root, and the path of its own directory there.
pub(crate) type UnitPath = (String, Vec<u8>);

/// The units of an entry, each with the bytes of its files.
pub(crate) fn unit_sizes(lease: &Lease) -> HashMap<UnitPath, u64> {
    let manifest = lease.manifest();
    let units: Vec<_> = manifest.roots.iter().map(|root| units(&root.tree)).collect();
    let sized = unit_paths(manifest, &units).map(|(root, unit, path)| {
        let tree = &manifest.roots[root].tree;
        let size = |id: NodeId| if let Kind::File { size, .. } = tree.node(id).kind { size } else { 0 };
        (path, units[root][unit].files(tree).into_iter().map(size).sum())
    });
    sized.collect()
}

fn unit_paths(manifest: &Manifest, units: &[Vec<Unit>]) -> impl Iterator<Item = (usize, usize, UnitPath)> {
    let of_root = |(number, units): (usize, &Vec<Unit>)| {
        let root = &manifest.roots[number];
        let paths = units.iter().map(|unit| (root.name.clone(), root.tree.path_below(0, unit.directory())));
        paths.enumerate().map(|(unit, path)| (number, unit, path)).collect::<Vec<_>>()
    };
    units.iter().enumerate().flat_map(of_root).collect::<Vec<_>>().into_iter()
}

impl Judged<'_> {
    fn verdicts(&self, plan: &SourcesPlan, host: Host<'_>, live: &LiveSources) -> Vec<Vec<Option<Reason>>> {
        let provenance = &self.manifest.provenance;
        let is_same = |id: SourceId| {
            self.compared[id.sources as usize].as_ref().is_some_and(|compared| compared.is_same(id.node))
        };
        let directories: Vec<_> =
            self.manifest.sources.iter().map(|sources| directory_of(plan, sources)).collect();
        let locks: Vec<_> = plan.workspaces.iter().map(|workspace| workspace.join(LOCK)).collect();
        // Cargo makes an absent one, and may take any versions then.
        let are_there = locks.iter().all(|lock| file::is_file(lock));
        let locked = if are_there { locked(&locks).ok().flatten() } else { None };
        let is_same_version = |package: &crate::store::Package| {
            let limit = &directories[package.directory.sources as usize];
            let tree = self.manifest.sources[package.directory.sources as usize].snapshot.tree();
            let path = tree.path_below(0, package.directory.node);
            live.manifests.version(&limit.join(OsStr::from_bytes(&path)), limit) == package.version
        };
        let checkout = Checkout {
            trees: self.trees(),
            is_same: plan.is_compared.then_some(&is_same),
            is_same_to_package: &|id| self.is_same_but(id, |name| name == LOCK.as_bytes()),
            is_same_to_reader: &|id| is_code(self.name_of(id)) || self.is_same_but(id, is_nothing_to_reader),
            is_new: &|directory, name| {
                let snapshot = &self.manifest.sources[directory.sources as usize].snapshot;
                let compared = self.compared[directory.sources as usize].as_ref();
                compared.is_some_and(|compared| compared.has_new(snapshot, directory.node, name))
            },
            places: self.are_same_places(plan),
            outside: provenance.outside.iter().map(|outside| live.outside.has(host, outside)).collect(),
            versions: provenance.packages.iter().map(is_same_version).collect(),
            is_superseded: &|package| locked.as_ref().is_some_and(|locked| locked.is_superseded(package)),
            is_same_commit: !provenance.roots.iter().flatten().any(|made| made.is_of_commit)
                || revisions(plan, &self.manifest.sources, |directory| live.revision(host, directory))
                    == provenance.revisions,
            is_all_newer: self.is_all_newer(),
        };
        let of_root = |(root, units): (usize, &Vec<Unit>)| {
            let Root { tree, name, .. } = &self.manifest.roots[root];
            let is_same = |(profile, settings): &(&String, &String)| {
                profile_settings(workspaces_of(plan, name), profile) == **settings
            };
            let same_profiles = provenance.profiles.get(root).into_iter().flatten().filter(is_same);
            let same_profiles: HashSet<_> = same_profiles.map(|(profile, _)| profile.as_bytes()).collect();
            let is_same_profile = |unit: &Unit| same_profiles.contains(tree.name(unit.profile));
            let is_future =
                |unit: &Unit| unit.files(tree).into_iter().any(|id| tree.node(id).mtime > self.before);
            let known = |unit: &Unit| {
                if is_same_profile(unit) {
                    is_future(unit).then_some(Reason::Future)
                } else {
                    Some(Reason::Profile)
                }
            };
            verdicts(provenance, root, &checkout, &units.iter().map(known).collect::<Vec<_>>())
        };
        self.units.iter().enumerate().map(of_root).collect()
    }

    /// For each place whether it is one of the job's.
    fn are_same_places(&self, plan: &SourcesPlan) -> Vec<bool> {
        let directories: Vec<_> =
            self.manifest.sources.iter().map(|sources| directory_of(plan, sources)).collect();
        let is_same = |place: &Vec<u8>| {
            let place = Path::new(OsStr::from_bytes(place));
            plan.places.iter().chain(&directories).any(|other| other == place)
        };
        self.manifest.provenance.places.iter().map(is_same).collect()
    }

    /// Whether cargo built in the target directories, and no unit is known: the layout is another one.
    fn is_of_unknown_layout(&self) -> bool {
        let has_built = |root: &Root| {
            let is_output = root.tree.child(0, RUSTC_INFO.as_bytes()).is_some();
            is_output && root.tree.children(0).any(|id| root.tree.node(id).kind.is_directory())
        };
        self.units.iter().all(Vec::is_empty) && self.manifest.roots.iter().any(has_built)
    }

    /// Whether cargo judges by itself what nobody else knows: each source is newer, and in its place.
    fn is_for_cargo(&self, plan: &SourcesPlan) -> bool {
        self.is_all_newer() && self.are_same_places(plan).into_iter().all(|is_same| is_same)
    }

    fn name_of(&self, id: SourceId) -> &[u8] {
        self.manifest.sources[id.sources as usize].snapshot.tree().name(id.node)
    }

    fn is_same_but(&self, id: SourceId, is_nothing: impl Fn(&[u8]) -> bool) -> bool {
        let snapshot = &self.manifest.sources[id.sources as usize].snapshot;
        self.compared[id.sources as usize]
            .as_ref()
            .is_some_and(|compared| compared.is_same_but(snapshot, id.node, is_nothing))
    }

    fn trees(&self) -> Vec<&Tree> {
        self.manifest.sources.iter().map(|sources| sources.snapshot.tree()).collect()
    }

    /// Whether all sources changed after the entry was made, as far as times tell.
    fn is_all_newer(&self) -> bool {
        let made = Time::from(self.manifest.header.created);
        let is_newer = |(sources, compared): (&Sources, &Option<Compared>)| {
            let tree = sources.snapshot.tree();
            let mut files = tree.iter().filter(|(_, node)| !node.kind.is_directory());
            compared.as_ref().is_some_and(|compared| {
                files.all(|(id, _)| compared.mtime(id).is_none_or(|mtime| mtime > made))
            })
        };
        !self.compared.is_empty() && self.manifest.sources.iter().zip(&self.compared).all(is_newer)
    }

    /// Whether cargo has built in a target directory that the entry does not know: it goes by times there as well, and takes
    /// what was built from other contents for built from these where they have an old time.
    fn has_other_outputs(&self, ours: &[PathBuf], outputs: &[PathBuf]) -> bool {
        let met = self.compared.iter().flatten().flat_map(Compared::caches);
        // Cargo's tag alone also stands in its home.
        { met.chain(outputs) }
            .any(|directory| !ours.contains(directory) && file::is_file(&directory.join(RUSTC_INFO)))
    }

    /// Leaves out all documentation where some of it is left out: its pages tell of each other, and a build writes only some.
    fn leave_out_documentation(&mut self) {
        for ((units, reasons), root) in self.units.iter().zip(&mut self.reasons).zip(&self.manifest.roots) {
            let is_documentation =
                |unit: &Unit| unit.fingerprints.iter().any(|id| root.tree.name(*id).starts_with(b"doc-"));
            let of: Vec<_> = (0..units.len()).filter(|&unit| is_documentation(&units[unit])).collect();
            if let Some(&first) = of.iter().find(|&&unit| reasons[unit].is_some()) {
                for unit in of {
                    reasons[unit].get_or_insert(Reason::Needs(first));
                }
            }
        }
    }

    /// Leaves out what needs old times for sources.
    fn leave_out_watchers(&mut self) {
        let provenance = &self.manifest.provenance;
        for (units, reasons) in provenance.roots.iter().zip(&mut self.reasons) {
            // Of units that are not those of the tree nothing is known.
            if units.len() != reasons.len() {
                continue;
            }
            for (made, reason) in units.iter().zip(reasons.iter_mut()) {
                if let Inputs::Known(known) = &made.inputs
                    && !(known.watched.is_empty() && known.watched_packages.is_empty())
                {
                    reason.get_or_insert(Reason::OtherOutputs);
                }
            }
            leave_out_dependents(units, reasons);
        }
    }

    /// The units that serve.
    pub(crate) fn served(&self) -> impl Iterator<Item = UnitPath> {
        unit_paths(self.manifest, &self.units)
            .filter(|(root, unit, _)| self.serves(*root, *unit))
            .map(|(_, _, path)| path)
    }

    /// Whether another entry may have what this one lacks: a unit is left out, or its build did not come to its end.
    pub(crate) fn lacks_units(&self) -> bool {
        let roots = self.units.iter().zip(&self.manifest.roots);
        self.reasons.iter().flatten().any(Option::is_some) || { roots }
            .any(|(units, root)| has_unfinished(&root.tree, units))
    }

    /// Whether the unit of that number serves; one that the tree does not have serves nobody.
    pub(crate) fn serves(&self, root: usize, unit: usize) -> bool {
        self.reasons[root].get(unit).is_some_and(Option::is_none)
    }

    /// What units that serve wrote in the root number `root` beside their own directories, and the directories around that.
    fn written(&self, root: usize) -> HashSet<NodeId> {
        let tree = &self.manifest.roots[root].tree;
        let made = self.manifest.provenance.roots.iter().enumerate();
        let made = made.flat_map(|(number, units)| {
            units.iter().enumerate().filter(move |(unit, _)| self.serves(number, *unit)).map(|(_, made)| made)
        });
        let extras = made.flat_map(|made| &made.extras).filter(|(of, _)| *of as usize == root);
        let around =
            |id: NodeId| std::iter::successors(Some(id), |&id| (id != 0).then(|| tree.node(id).parent));
        extras.flat_map(|(_, id)| around(*id)).collect()
    }

    /// For each node of the root number `root` whether it is left out.
    pub(crate) fn left_out(&self, root: usize) -> Vec<bool> {
        let tree = &self.manifest.roots[root].tree;
        let mut left_out = vec![self.is_unrecognised; tree.len() as usize];
        left_out[0] = false;
        for (number, units) in self.units.iter().enumerate() {
            for (unit, parts) in units.iter().map(|unit| &unit.parts).enumerate() {
                if self.serves(number, unit) {
                    continue;
                }
                if number == root {
                    for &part in parts {
                        left_out[part as usize] = true;
                    }
                }
                let made = self.manifest.provenance.roots.get(number).and_then(|units| units.get(unit));
                let extras = made.into_iter().flat_map(|made| &made.extras);
                extras
                    .filter(|(of, _)| *of as usize == root)
                    .for_each(|(_, id)| left_out[*id as usize] = true);
            }
        }
        let is_left_out = |(unit, reason): (&Unit, &Option<Reason>)| {
            reason.is_some() && unit.fingerprints.iter().any(|id| tree.name(*id).starts_with(b"doc-"))
        };
        if self.units[root].iter().zip(&self.reasons[root]).any(is_left_out) {
            // Beside the profiles, also those of a triple.
            let tops: HashSet<_> =
                self.units[root].iter().map(|unit| tree.node(unit.profile).parent).collect();
            let written = self.written(root);
            let pages = tops.into_iter().filter_map(|top| tree.child(top, b"doc"));
            for page in pages.flat_map(|pages| tree.below(pages)) {
                left_out[page as usize] |= !written.contains(&page);
            }
        }
        // What is in a directory comes behind it.
        for (id, node) in tree.iter().skip(1) {
            left_out[id as usize] |= left_out[node.parent as usize];
        }
        left_out
    }

    /// Makes cargo take the units that serve for made of the sources that are there. `directories` has for each root of the entry
    /// where it is now, if it is.
    pub(crate) fn finish(
        &self,
        job: &Job,
        plan: &SourcesPlan,
        directories: &BTreeMap<usize, PathBuf>,
    ) -> (SourcesKept, UnitsKept) {
        for (&root, directory) in directories {
            if let Err(error) = self.date_lists(root, directory) {
                let what = "cannot set file times; cargo will compile unchanged units";
                job.warn(Code::Freshness, format!("target: {what}: {}", chain(&error)));
            }
        }
        if let Err(error) = self.bring_back_times(job, plan) {
            let what = "cannot set file times; cargo will rerun build scripts";
            job.warn(Code::Freshness, format!("target: {what}: {}", chain(&error)));
        }
        (self.sources_kept(), self.units_kept())
    }

    /// Gives cargo's lists of sources the time before which all of these were as they are.
    fn date_lists(&self, root: usize, directory: &Path) -> Result<(), Trouble> {
        let tree = &self.manifest.roots[root].tree;
        let dir = Dir::open(directory)?;
        for (unit, made) in self.manifest.provenance.roots.get(root).into_iter().flatten().enumerate() {
            let (true, Inputs::Known(known)) = (self.serves(root, unit), &made.inputs) else { continue };
            let Some(list) = self.units[root][unit].info(tree) else { continue };
            let newest = known.listed.iter().filter_map(|id| {
                self.compared[id.sources as usize].as_ref().and_then(|compared| compared.mtime(id.node))
            });
            if newest.max() > Some(tree.node(list).mtime) {
                let beside = dir.open_beneath(&tree.path_below(0, tree.node(list).parent))?;
                beside.set_mtime(tree.name(list), self.before)?;
            }
        }
        Ok(())
    }

    fn bring_back_times(&self, job: &Job, plan: &SourcesPlan) -> Result<(), Trouble> {
        let watched =
            watched_sources(&self.manifest.provenance, &self.trees(), |root, unit| self.serves(root, unit));
        for (number, sources) in (0..).zip(&self.manifest.sources) {
            let ids = watched.iter().filter(|id| id.sources == number).map(|id| id.node);
            let ids: Vec<NodeId> = ids.collect();
            if let Some(compared) = &self.compared[number as usize] {
                if compared.set_times(&sources.snapshot, &ids)? == 0 {
                    continue;
                }
                let (tree, directory) = (sources.snapshot.tree(), directory_of(plan, sources));
                let path = |&id: &NodeId| directory.join(OsStr::from_bytes(&tree.path_below(0, id)));
                for checkout in checkouts_in(plan, sources) {
                    if ids.iter().any(|id| path(id).starts_with(&checkout)) {
                        git::refresh(Host::new(&job.env), &checkout);
                    }
                }
            }
        }
        Ok(())
    }
}
