//! Completes a target directory from the unit pool: cargo finds what another job compiled of the same dependencies, and
//! judges it as it judges all in a target directory.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::Instant;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use tracing::debug_span;

use crate::cargo::{FingerprintTimes, Host, Locked, Notes, units};
use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::cargo_home;
use crate::layers::linkable::linkable;
use crate::layers::live_outside::LiveOutside;
use crate::layers::target_dir::rules::{is_target_directory, replaced};
use crate::layers::units::pool::{self, PoolUnit, slot};
use crate::outcome::{Composed, Transfer};
use crate::plan::{LayerPlan, Offer, PoolPlan, RootPlan, UnitDirectory, fitting};
use crate::store::{Layer, Scope, Store};
use crate::sys::{self, Dir, Errno, ManyOpenFiles, file};
use crate::tree::{
    self, Engine, LinkMode, Linker, Placement, Progress, Selection, Source, TransferStats, Tree,
};

/// Told to backup tools, and, by cargo's words, to whoever asks whether this is a target directory.
const TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
# This directory was made by runner-cache for builds, as one created by cargo.\n";

/// What a target directory got.
pub(crate) struct Completed {
    pub(crate) composed: Composed,
    pub(crate) transfer: Transfer,
    /// The fingerprints, by the names of roots.
    pub(crate) pooled: BTreeMap<String, FingerprintTimes>,
}

/// Completes the target directories of `layer`, in a job that writes to `own`. `None`: there is nothing for them.
pub(crate) fn complete(
    job: &Job,
    store: &Store,
    layer: &LayerPlan,
    pool: &PoolPlan,
    own: Option<&Scope>,
    link_mode: LinkMode,
) -> Result<Option<Completed>, Trouble> {
    let _span = debug_span!("complete").entered();
    let started = Instant::now();
    let mut completed =
        Completed { composed: Composed::default(), transfer: Transfer::default(), pooled: BTreeMap::new() };
    for directory in &pool.directories {
        let Some(root) = layer.roots.iter().find(|root| root.name == directory.root) else { continue };
        let work = Work { job, store, pool, own, root, link_mode };
        work.complete(directory, &mut completed)?;
    }
    completed.transfer.took = started.elapsed();
    Ok((completed.composed.units > 0).then_some(completed))
}

/// What an empty target directory would get.
pub(crate) fn preview(job: &Job, store: &Store, pool: &PoolPlan) -> Result<Composed, Trouble> {
    let mut composed = Composed::default();
    for directory in &pool.directories {
        let Some(locked) = cargo_home::locked(&directory.locks)? else { continue };
        let files = ManyOpenFiles::allow(pool::OTHER_FILES);
        let found = find(job, store, &files, pool, &locked)?;
        add(&mut composed, &chosen(job, found, &BTreeMap::new()), &locked);
    }
    Ok(composed)
}

/// The units of the pool whose packages are locked.
fn find(
    job: &Job,
    store: &Store,
    files: &ManyOpenFiles,
    pool: &PoolPlan,
    locked: &Locked,
) -> Result<Vec<PoolUnit>, Trouble> {
    Ok(pool::find(job, store, files, (pool, pool.read.iter()), |key| locked.has_package(&key.package))?.units)
}

/// Of the units `found` those that go together with what is `present`.
fn chosen(job: &Job, found: Vec<PoolUnit>, present: &BTreeMap<String, Option<String>>) -> Vec<PoolUnit> {
    // Many units were compiled with the same.
    let (live, host) = (LiveOutside::default(), Host::new(&job.env));
    let has_what_it_needs = |unit: &PoolUnit| unit.unit.outside.iter().all(|outside| live.has(host, outside));
    let found: Vec<_> = found.into_iter().filter(has_what_it_needs).collect();
    let offers: Vec<_> = found.iter().map(|unit| offer(job, unit)).collect();
    let chosen: HashSet<usize> = fitting(&offers, present).into_iter().collect();
    let units = found.into_iter().enumerate().filter(|(index, _)| chosen.contains(index));
    units.map(|(_, unit)| unit).collect()
}

fn offer(job: &Job, unit: &PoolUnit) -> Offer {
    Offer {
        slot: unit.unit.slot.clone(),
        digest: unit.key.digest.clone(),
        needs: unit.unit.needs.clone(),
        is_likely: unit.has_values_of(&job.env),
    }
}

fn add(composed: &mut Composed, units: &[PoolUnit], locked: &Locked) {
    let packages: BTreeSet<_> = units.iter().map(|unit| &unit.unit.package).collect();
    composed.units += units.len() as u64;
    composed.packages += packages.len() as u64;
    composed.locked += locked.count() as u64;
}

struct Work<'a> {
    job: &'a Job,
    store: &'a Store,
    pool: &'a PoolPlan,
    /// What the job writes to.
    own: Option<&'a Scope>,
    root: &'a RootPlan,
    link_mode: LinkMode,
}

impl Work<'_> {
    fn complete(&self, directory: &UnitDirectory, completed: &mut Completed) -> Result<(), Trouble> {
        let Some(locked) = cargo_home::locked(&directory.locks)? else { return Ok(()) };
        let files = ManyOpenFiles::allow(pool::OTHER_FILES);
        let found = find(self.job, self.store, &files, self.pool, &locked)?;
        if found.is_empty() {
            return Ok(());
        }
        let Some(present) = self.present(&found)? else { return Ok(()) };
        let units = chosen(self.job, found, &present);
        if units.is_empty() {
            return Ok(());
        }
        let (stats, placed) = self.place(units)?;
        self.record_use(&placed);
        completed.transfer.stats += stats;
        add(&mut completed.composed, &placed, &locked);
        let times = placed.iter().flat_map(|unit| Notes::of(unit.tree()).times().collect::<Vec<_>>());
        completed.pooled.entry(self.root.name.clone()).or_default().extend(times);
        Ok(())
    }

    /// The slots that are taken, see [`present`]; `None` for a directory that is not for builds.
    fn present(&self, found: &[PoolUnit]) -> Result<Option<BTreeMap<String, Option<String>>>, Trouble> {
        let path = &self.root.path;
        if !file::is_present(path) {
            return Ok(Some(BTreeMap::new()));
        }
        let checkout = self.job.directory().ok();
        if !is_target_directory(path, &checkout.iter().map(PathBuf::as_path).collect::<Vec<_>>()) {
            return Ok(None);
        }
        let dir = Dir::open(path)?;
        let live = tree::walk(&dir, &Selection::all(), &self.job.interrupt)?.tree;
        Ok(Some(present(&live, found)))
    }

    /// Also jobs that never save keep what they use from going by age.
    fn record_use(&self, placed: &[PoolUnit]) {
        let failed: Vec<_> = placed.iter().filter_map(|unit| unit.lease.record_use().err()).collect();
        if let Some(error) = failed.first() {
            let (count, why) = (failed.len(), chain(error));
            self.job.console.say(format!("unit pool: cannot record the use of {count} units: {why}"));
        }
    }

    /// Places the units, and returns those that are there now. A unit's fingerprint comes last: without it cargo compiles
    /// the unit anew, and all that needs it, whatever else is there.
    fn place(&self, units: Vec<PoolUnit>) -> Result<(TransferStats, Vec<PoolUnit>), Trouble> {
        let path = &self.root.path;
        if !file::is_present(path) {
            file::make_dirs(path)?;
            file::write_new(&path.join("CACHEDIR.TAG"), TAG)?;
        }
        let target = Dir::open(path)?;
        make_directories(&target, &units)?;
        let files = units.iter().map(|unit| unit.tree().files()).sum();
        let linker = Linker::new(self.link_mode);
        let count = units.len();
        let placed = shown(self.job, Layer::Units, files, |progress| {
            let placed =
                units.into_par_iter().map(|unit| match self.place_unit(&unit, &target, &linker, progress) {
                    Ok(stats) => Ok(Some((stats, unit))),
                    Err(error) if error.is_damage_of(&unit.lease) => {
                        let id = unit.lease.id().clone();
                        drop(unit);
                        pool::take_out(self.store, &id);
                        Ok(None)
                    }
                    Err(error) => Err(error),
                });
            placed.collect::<Result<Vec<_>, Trouble>>()
        })?;
        let (mut sum, mut there) = (TransferStats::default(), Vec::new());
        for (stats, unit) in placed.into_iter().flatten() {
            sum += stats;
            there.push(unit);
        }
        pool::tell_damaged(self.job, count - there.len());
        Ok((sum, there))
    }

    fn place_unit(
        &self,
        unit: &PoolUnit,
        target: &Dir,
        linker: &Linker,
        progress: &Progress,
    ) -> Result<TransferStats, Trouble> {
        let tree = unit.tree();
        let linkable = linkable(Some(&replaced(tree, &[])), tree, &unit.lease.borrowed(0, self.own));
        let files = unit.lease.open_root(0)?;
        let source = Source { tree, location: files.location(), linkable: &linkable, is_live: false };
        let engine = Engine { linker, interrupt: &self.job.interrupt, progress };
        let mut stats = TransferStats::default();
        for part in parts_in_order(tree) {
            let placements: Vec<_> =
                part.into_iter().map(|node| Placement { node, name: tree.path_below(0, node) }).collect();
            stats += tree::place(source, &placements, target, None, engine)?;
        }
        Ok(stats)
    }
}

/// The slots that are taken in `live`, by which of the `found` where that can be told.
fn present(live: &Tree, found: &[PoolUnit]) -> BTreeMap<String, Option<String>> {
    let slots = units(live).into_iter().map(|unit| (slot(live, &unit), None));
    let mut present: BTreeMap<_, _> = slots.collect();
    for unit in found {
        if let Some(digest) = present.get_mut(&unit.unit.slot) {
            if unit.is_in(live) {
                *digest = Some(unit.key.digest.clone());
            }
        } else if parts_in_order(unit.tree()).concat().iter().any(|&part| is_taken(live, unit.tree(), part)) {
            // Somebody took its fingerprint away, or led the directory elsewhere.
            present.insert(unit.unit.slot.clone(), None);
        }
    }
    present
}

/// Whether something is at the path of `node` in `live`, or above it something that is no directory.
fn is_taken(live: &Tree, tree: &Tree, node: tree::NodeId) -> bool {
    let mut at = 0;
    for name in tree.path_below(0, node).split(|&byte| byte == b'/') {
        match live.child(at, name) {
            None => return false,
            Some(id) if !live.node(id).kind.is_directory() => return true,
            Some(id) => at = id,
        }
    }
    true
}

/// What a unit's tree has to be placed, in two steps: the fingerprint is the second.
fn parts_in_order(tree: &Tree) -> [Vec<tree::NodeId>; 2] {
    let units = units(tree);
    let [unit] = units.as_slice() else { return [Vec::new(), Vec::new()] };
    let fingerprints = unit.fingerprints.first().map_or(unit.directory(), |&id| tree.node(id).parent);
    let parts = unit.parts.iter().flat_map(|&part| {
        // Since 1.100 all of a unit lies in one directory.
        if tree.node(fingerprints).parent == part { tree.children(part).collect() } else { vec![part] }
    });
    [parts.filter(|&part| part != fingerprints).collect(), vec![fingerprints]]
}

/// Makes the directories above all that is to be placed.
fn make_directories(target: &Dir, units: &[PoolUnit]) -> sys::Result<()> {
    let mut made = BTreeSet::new();
    for tree in units.iter().map(PoolUnit::tree) {
        for part in parts_in_order(tree).concat() {
            let mut above = Vec::new();
            let mut at = tree.node(part).parent;
            while at != 0 {
                above.push(at);
                at = tree.node(at).parent;
            }
            for directory in above.into_iter().rev() {
                let path = tree.path_below(0, directory);
                if made.insert(path.clone()) {
                    match target.make_dir(&path, tree.node(directory).mode | 0o700) {
                        Err(error) if error.is(Errno::EXIST) => {}
                        made => made?,
                    }
                }
            }
        }
    }
    Ok(())
}
