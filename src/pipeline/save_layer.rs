//! One layer saved: what is there is compared with the entry that the job started from, and becomes another one.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{debug, debug_span};

use crate::cargo::Host;
use crate::facts;
use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::base_diff::{BaseDiff, Compared};
use crate::layers::linkable::linkable;
use crate::layers::reading;
use crate::layers::rules::{Rules, Saving};
use crate::layers::rules_of;
use crate::layers::target_dir::provenance::{self, Noted};
use crate::layers::units::pool::{self, PooledUnits};
use crate::layers::units::publish;
use crate::layers::working_tree::WorkingTree;
use crate::outcome::{Code, NotSaved, Pooled, SaveTimes, Saved};
use crate::pipeline::clean_up;
use crate::pipeline::reuse_plan::{ReusePlan, Sets};
use crate::pipeline::survivors;
use crate::plan::{JobStatus, Post, SaveMoment, Session, SessionLayer};
use crate::report::{bytes, count, min_free};
use crate::store::retention::Shortage;
use crate::store::{
    self, EntryId, Finality, Header, LayerData, Lease, Manifest, Origin, Root, Scope, Staging, Store,
    WorkPhase,
};
use crate::sys::{ManyOpenFiles, Space, space_at};
use crate::tree::{self, Engine, Linker, NodeId, Placement, Source, TransferStats};

/// How long a file system may tell an older time of a file: FUSE keeps attributes for a second.
const TIMES_SETTLE: Duration = Duration::from_millis(1_200);

/// Saves one layer.
pub(crate) struct Saver<'a> {
    pub(crate) job: &'a Job,
    pub(crate) store: &'a Store,
    pub(crate) session: &'a Session,
    /// Where to.
    pub(crate) scope: &'a Scope,
    pub(crate) layer: &'a SessionLayer,
    /// The host as the job's steps saw it.
    pub(crate) host: Host<'a>,
    pub(crate) status: JobStatus,
    pub(crate) finality: Finality,
    /// Whether the job's steps are over: a process that outlives the hook adds to the unit pool what the entry has of dependencies, and
    /// what still changes is a survivor's.
    pub(crate) is_over: bool,
}

impl Saver<'_> {
    /// Makes an entry of what is there, unless nothing changed. Where a file changes meanwhile it is tried once more: some
    /// file systems in user space tell the time of a file late.
    pub(crate) fn save(&self) -> Result<Saved, Trouble> {
        let roots = &self.layer.plan.roots;
        match self.try_save() {
            Err(Trouble::Tree(tree::Error::Changed { path, .. }))
                if !self.is_over && roots.iter().any(|root| path.starts_with(&root.path)) =>
            {
                std::thread::sleep(TIMES_SETTLE);
                self.try_save()
            }
            saved => saved,
        }
    }

    fn try_save(&self) -> Result<Saved, Trouble> {
        let _span = debug_span!("save", layer = %self.layer.plan.layer()).entered();
        let started = Instant::now();
        let plan = &self.layer.plan;
        self.job.work.at_layer(plan.layer(), &plan.key, WorkPhase::Read);
        if let Some(in_use) = self.survivor()? {
            return Ok(Saved::Not { reason: in_use });
        }
        let mut rules = rules_of(plan);
        rules.lock(self.job)?;
        rules.before_reading(self.job)?;
        let base = self.base();
        let saving = Saving { job: self.job, base: base.as_ref(), status: self.status };
        let working = reading::read(plan, &*rules, saving)?;
        if working.iter().all(|working| working.root.tree.files() == 0) {
            return Ok(Saved::Not { reason: NotSaved::Nothing(rules.places_to_tell()) });
        }
        // The pool's units are held open while they are linked.
        let files = ManyOpenFiles::allow(pool::OTHER_FILES);
        let roots = working.into_iter().map(|working| {
            let is_immutable = rules.is_immutable(working.plan);
            Compared::with(base.as_ref(), working, is_immutable, self.job)
        });
        let roots = roots.collect::<Result<Vec<_>, Trouble>>()?;
        if let Some(reason) = rules.reason_not_to_keep(saving, self.layer, &roots) {
            return Ok(Saved::Not { reason });
        }
        if self.session.save != SaveMoment::Always
            && let Some(base) = &base
            && self.is_unchanged(&*rules, base, &roots)
        {
            base.record_use()?;
            return Ok(Saved::Not { reason: NotSaved::Unchanged });
        }
        let read = Instant::now();
        for Compared { working, diff } in &roots {
            let same = diff.as_ref().map(|diff| diff.same.iter().filter(|same| **same).count());
            let nodes = working.root.tree.len();
            debug!(directory = %working.dir.path().display(), nodes, ?same, "compared with the base");
        }
        let Some(Filled { staging, stats, placed }) = self.make(&*rules, &files, &roots, base.as_ref())?
        else {
            return Ok(Saved::Failed);
        };
        let filled = Instant::now();
        let wrote = self.wrote(base.as_ref(), &roots);
        let working: Vec<_> = roots.into_iter().map(|root| root.working).collect();
        let noted = self.note(base.as_ref(), &working);
        let left_out = working.iter().flat_map(|working| working.left_out.iter().copied()).collect();
        let (roots, known): (Vec<_>, Vec<_>) = working
            .into_iter()
            .zip(placed)
            .map(|(WorkingTree { root, .. }, Placed { sets: Sets { packed, borrowed }, known })| {
                (Root { packed, borrowed, ..root }, known)
            })
            .unzip();
        if self.is_overtaken() {
            return Ok(Saved::Not { reason: NotSaved::Overtaken });
        }
        // Also one that came since.
        if let Some(in_use) = self.survivor()? {
            return Ok(Saved::Not { reason: in_use });
        }
        let id = self.store.publish(staging, &self.manifest(rules.data(), wrote, roots, noted))?;
        let published = Instant::now();
        let pooled = if self.is_over { None } else { self.publish_units(&id, &known) };
        let times = SaveTimes {
            read: read.duration_since(started),
            files: filled.duration_since(read),
            note: published.duration_since(filled),
            pool: published.elapsed(),
        };
        let took = started.elapsed();
        let directory = id.path();
        debug!(entry = %directory.display(), ?stats, ?times, "published");
        Ok(Saved::Entry { directory, stats, left_out, pooled, took, times })
    }

    fn survivor(&self) -> Result<Option<NotSaved>, Trouble> {
        if self.is_over { survivors::at_work(self.session, self.layer) } else { Ok(None) }
    }

    /// Whether another job of the runner began while a process of no job read the files.
    fn is_overtaken(&self) -> bool {
        let log = self.session.worker_log.as_deref().filter(|_| self.session.post == Post::Watch);
        log.is_some_and(|log| facts::workers_since(log) != Some(0))
    }

    /// Places what is there in a staging; `None` where it would not fit, which was told.
    fn make(
        &self,
        rules: &dyn Rules,
        files: &ManyOpenFiles,
        roots: &[Compared<'_>],
        base: Option<&Lease>,
    ) -> Result<Option<Filled>, Trouble> {
        let plans = roots.iter().map(|root| match (base, &root.diff) {
            (Some(base), Some(diff)) => ReusePlan::with_base(&root.working, base, diff, self.scope),
            _ => Ok(ReusePlan::of_nothing(&root.working)),
        });
        let plans = plans.collect::<Result<Vec<_>, Trouble>>()?;
        let working: Vec<_> = roots.iter().map(|root| &root.working).collect();
        // Before units are held: what is held makes no room.
        if let Some(why) = self.lack_of_room(rules, &working, &plans)? {
            self.job.warn(Code::NotSaved, format!("{}: not saved: {why}", self.layer.plan.layer()));
            return Ok(None);
        }
        let with_units = working.iter().zip(plans).map(|(working, mut plan)| {
            let known = self.known(files, working);
            if let Some(known) = &known {
                plan.add_units(self.job, working, known, files, self.scope);
            }
            Planned { working, plan, known }
        });
        let planned = with_units.collect();
        let staging = self.store.stage()?;
        match self.fill(rules, &staging, &working, planned) {
            Ok((stats, placed)) => Ok(Some(Filled { staging, stats, placed })),
            Err(error) => {
                // What cannot be removed now, a sweep will find; what is told is why.
                let _ = self.store.discard(staging);
                Err(error)
            }
        }
    }

    /// What the unit pool has of a directory of units. Without it the entry is as good.
    fn known(&self, files: &ManyOpenFiles, working: &WorkingTree) -> Option<PooledUnits> {
        let pool = self.layer.plan.pool()?;
        if pool.directories.iter().all(|directory| directory.root != working.root.name) {
            return None;
        }
        match PooledUnits::find(self.job, self.store, files, pool, &working.root.tree) {
            Ok(known) => Some(known),
            Err(error) => {
                self.job
                    .warn(Code::PoolNotFilled, format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Adds the compiled dependencies of the entry to the unit pool. Without them the entry is as good.
    fn publish_units(&self, id: &EntryId, known: &[Option<PooledUnits>]) -> Option<Pooled> {
        let pool = self.layer.plan.pool()?;
        self.job.work.at(WorkPhase::Pool);
        match publish::publish_units(self.job, self.store, self.session, pool, id, known) {
            Ok(pooled) => Some(pooled),
            Err(error) => {
                self.job
                    .warn(Code::PoolNotFilled, format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Why the new entry would not fit, once what may go has gone. Nothing is begun that cannot be ended.
    fn lack_of_room(
        &self,
        rules: &dyn Rules,
        working: &[&WorkingTree<'_>],
        plans: &[ReusePlan],
    ) -> Result<Option<String>, Trouble> {
        let mut needed = Shortage::default();
        for (index, (one, plan)) in working.iter().zip(plans).enumerate() {
            let linker = Linker::new(self.session.link_mode);
            let linkable = may_share(rules, working, index, plan)?;
            let (tree, location) = (&one.root.tree, (&one.dir).into());
            let source = Source { tree, location, linkable: &linkable, is_live: true };
            let packable = if self.layer.plan.layer().has_packs() {
                tree::packable(tree, &linkable, self.store.pack_mode())
            } else {
                Vec::new()
            };
            let needs =
                tree::estimate_space(source, &packable, Some(plan.bases()), self.store.root(), &linker)?;
            needed.bytes += needs.bytes;
            needed.inodes += needs.inodes;
        }
        let root = self.store.root();
        let limits =
            clean_up::limits(self.job, self.store, &self.session.maintenance, self.session.reach.as_ref())?;
        // What is below `min-free` after the save would be evicted again at once.
        let lacks = |space: Space| !limits.lacks(space, needed).is_none();
        let mut space = space_at(root)?;
        if !lacks(space) {
            return Ok(None);
        }
        // Where all of it would not do, others' entries are not to go for nothing.
        if clean_up::can_make_room(self.store, &limits, space, needed)? {
            clean_up::run(self.job, self.store, &limits, needed)?;
            space = space_at(root)?;
        }
        Ok(lacks(space).then(|| {
            format!(
                "needs up to {} and {} inodes on the disk of {}, which has {} and {} inodes free \
                 (`min-free`: {}); hint: run `runner-cache gc` (see `runner-cache du`), or set another \
                 `cache-root`",
                bytes(needed.bytes),
                count(needed.inodes),
                root.display(),
                bytes(space.free_bytes),
                count(space.free_inodes),
                min_free(self.session.maintenance.policy().min_free)
            )
        }))
    }

    /// The entry that the job started from, if it is still there and sound.
    fn base(&self) -> Option<Lease> {
        let start = self.layer.start.as_ref()?;
        let base = self.store.lease(self.store.entry_at(&start.entry)?).ok()?;
        let is_there = |number| base.open_root(number).is_ok();
        (0..base.manifest().roots.len()).all(is_there).then_some(base)
    }

    /// Whether the entry that the job started from is still what a new one would be.
    fn is_unchanged(&self, rules: &dyn Rules, base: &Lease, roots: &[Compared<'_>]) -> bool {
        let Manifest { header, roots: recorded, .. } = base.manifest();
        if header.key != self.layer.plan.key || recorded.len() != roots.len() {
            return false;
        }
        if self.finality.is_final() && !header.finality.is_final() {
            return false;
        }
        if !rules.is_told_by(header) {
            return false;
        }
        for Compared { working, diff } in roots {
            let Some(BaseDiff { number, same, .. }) = diff else { return false };
            let tree = &working.root.tree;
            // What is only left out now is no reason for another entry.
            let recorded = &recorded[*number].tree;
            if !rules.may_have_more()
                && recorded.count_in(working.whole.as_ref().unwrap_or(tree)) != recorded.len()
            {
                return false;
            }
            let has_changed = |id: NodeId| !same[id as usize] && !rules.is_noise(tree, id);
            if tree.iter().any(|(id, _)| has_changed(id)) {
                return false;
            }
        }
        true
    }

    fn fill(
        &self,
        rules: &dyn Rules,
        staging: &Staging,
        working: &[&WorkingTree<'_>],
        planned: Vec<Planned<'_>>,
    ) -> Result<(TransferStats, Vec<Placed>), Trouble> {
        let trees = staging.trees()?;
        let layer = self.layer.plan.layer();
        let files = working.iter().map(|working| working.root.tree.files()).sum();
        shown(self.job, layer, files, |progress| {
            let (mut stats, mut placed) = (TransferStats::default(), Vec::new());
            for (index, Planned { working: one, plan, known }) in planned.into_iter().enumerate() {
                let linker = Linker::new(self.session.link_mode);
                let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress };
                let (location, linkable) = ((&one.dir).into(), may_share(rules, working, index, &plan)?);
                let plan = if layer.has_packs() {
                    let tree = &one.root.tree;
                    let source = Source { tree, location, linkable: &linkable, is_live: true };
                    let (plan, packed) =
                        plan.pack(source, &staging.pack(self.store, &trees, index), engine)?;
                    stats += packed;
                    plan
                } else {
                    plan.pack_nothing()
                };
                let linkable = plan.of_placed(linkable);
                let source = Source { tree: plan.tree(one), location, linkable: &linkable, is_live: true };
                let placement = [Placement { node: 0, name: index.to_string().into_bytes() }];
                stats += tree::place(source, &placement, &trees, Some(plan.bases()), engine)?;
                placed.push(Placed { sets: plan.into_sets(), known });
            }
            Ok((stats, placed))
        })
    }

    /// What the layer was built from.
    fn note(&self, base: Option<&Lease>, working: &[WorkingTree<'_>]) -> Noted {
        let plan = self.layer.plan.sources();
        let began = self.layer.outset.as_ref().map_or(&[][..], |outset| &outset.revisions);
        plan.map(|plan| provenance::note(self.job, self.host, began, plan, working, base)).unwrap_or_default()
    }

    /// What jobs of this family wrote into the directories, at most.
    fn wrote(&self, base: Option<&Lease>, roots: &[Compared<'_>]) -> u64 {
        let now = roots.iter().map(Compared::new_bytes);
        let header = base.map(|base| &base.manifest().header);
        let before =
            header.filter(|header| header.family == self.layer.plan.family).map_or(0, |header| header.wrote);
        before.max(now.sum())
    }

    fn manifest(&self, data: LayerData, wrote: u64, roots: Vec<Root>, noted: Noted) -> Manifest {
        let plan = &self.layer.plan;
        let created = Timestamp::now();
        let header = Header {
            data,
            key: plan.key.clone(),
            factors: plan.factors.clone(),
            scope: self.scope.clone(),
            lane: self.session.lane.clone(),
            family: plan.family.clone(),
            contents: plan.contents.clone(),
            origin: Origin { since_boot: Some(store::since_boot_ms()), ..self.session.origin.clone() },
            created,
            finality: self.finality,
            is_of_default_branch: self.session.is_of_default_branch,
            made_in_seconds: u64::try_from(created.duration_since(self.session.since).as_secs()).unwrap_or(0),
            wrote,
            files: roots.iter().map(|root| root.tree.files()).sum(),
            bytes: roots.iter().map(|root| root.tree.bytes()).sum(),
        };
        let Noted { sources, provenance } = noted;
        Manifest { header, roots, sources, provenance }
    }
}

/// Which files of the root number `index` may share their inode with the entry.
fn may_share(
    rules: &dyn Rules,
    working: &[&WorkingTree<'_>],
    index: usize,
    plans: &ReusePlan,
) -> tree::Result<Vec<bool>> {
    let others = working.iter().enumerate().filter(|(number, _)| *number != index);
    let WorkingTree { plan, root, dir, .. } = working[index];
    let tree = &root.tree;
    let others: Vec<_> = others.map(|(_, other)| &other.root.tree).collect();
    let replaced = rules.replaced(plan, tree, &others)?;
    let mut may = linkable(replaced.as_ref(), tree, &[]);
    // Whose else they are nobody knows: of another ref's entry, by a job that had this directory before.
    let is_new = |id: NodeId| may[id as usize] && !plans.is_based(id);
    let has_others = tree::with_names_elsewhere(tree, dir, is_new)?;
    for (may, has_others) in may.iter_mut().zip(has_others) {
        *may &= !has_others;
    }
    Ok(may)
}

/// An entry that lacks only its manifest.
struct Filled {
    staging: Staging,
    stats: TransferStats,
    /// Its roots.
    placed: Vec<Placed>,
}

/// A root that is to be placed.
struct Planned<'w> {
    working: &'w WorkingTree<'w>,
    plan: ReusePlan,
    /// What the unit pool has of it.
    known: Option<PooledUnits>,
}

/// A root that is in the staging.
struct Placed {
    sets: Sets,
    /// What the unit pool has of it.
    known: Option<PooledUnits>,
}
