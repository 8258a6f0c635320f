//! One layer saved: what is there is compared with the entry that the job started from, and becomes another one.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::job::progress::shown;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::base_diff::BaseDiff;
use crate::layers::linkable::linkable;
use crate::layers::rules_of;
use crate::layers::target_dir::provenance::{self, Noted};
use crate::layers::units::pool::{self, Known};
use crate::layers::units::publish;
use crate::layers::working_tree::{self, WorkingTree};
use crate::layers::{bins, builds};
use crate::pipeline::housekeeping;
use crate::pipeline::reuse_plan::ReusePlan;
use crate::plan::{JobStatus, LayerSpec, SaveMoment, Session, SessionLayer};
use crate::report::{NotSaved, Pooled, Saved, bytes, count, min_free};
use crate::store::retention::Shortage;
use crate::store::{
    self, EntryId, Finality, Header, Install, Layer, LayerData, Lease, Manifest, Origin, Root, Scope,
    Staging, Store,
};
use crate::sys::{ManyOpenFiles, Space, space_at};
use crate::tree::{self, Engine, Linker, NodeId, NodeSet, Placement, Source, TransferStats};

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
    pub(crate) status: JobStatus,
    pub(crate) finality: Finality,
}

impl Saver<'_> {
    /// Makes an entry of what is there, unless nothing has changed. Where a file changes meanwhile it is tried once more: some
    /// file systems in user space tell the time of a file late.
    pub(crate) fn save(&self) -> Result<Saved, Trouble> {
        let roots = &self.layer.plan.roots;
        match self.try_save() {
            Err(Trouble::Tree(tree::Error::Changed { path, .. }))
                if roots.iter().any(|root| path.starts_with(&root.path)) =>
            {
                std::thread::sleep(TIMES_SETTLE);
                self.try_save()
            }
            saved => saved,
        }
    }

    fn try_save(&self) -> Result<Saved, Trouble> {
        let started = Instant::now();
        let plan = &self.layer.plan;
        let rules = rules_of(plan);
        let _lock = rules.lock(self.job)?;
        let tools = bins::installed(self.job, plan)?;
        let base = self.base();
        let working = working_tree::read(self.job, plan, base.as_ref(), self.status, &tools.installs)?;
        if working.iter().all(|working| working.root.tree.files() == 0) {
            // Where cargo's own are everybody can tell.
            let is_of_user = plan.layer() == Layer::Paths;
            let places = plan.roots.iter().filter(|_| is_of_user).map(|root| root.path.clone());
            return Ok(Saved::Not(NotSaved::Nothing(places.collect())));
        }
        // The pool's units are held open while they are linked.
        let files = ManyOpenFiles::allow(pool::OTHER_FILES);
        let diffs = working.iter().map(|working| BaseDiff::find(self.job, base.as_ref(), working));
        let diffs = diffs.collect::<Result<Vec<_>, Trouble>>()?;
        if plan.layer() == Layer::Builds
            && let Some(why) = builds::reason_not_to_keep(self.job, self.layer, &working, &diffs)
        {
            return Ok(Saved::Not(NotSaved::Outputs(why)));
        }
        if self.session.save != SaveMoment::Always
            && let Some(base) = &base
            && self.is_unchanged(base, &working, &diffs, &tools.installs)
        {
            base.record_use()?;
            return Ok(Saved::Not(NotSaved::Unchanged));
        }
        let Some(Filled { staging, stats, sets, known }) =
            self.make(&files, &working, base.as_ref(), &diffs)?
        else {
            return Ok(Saved::Failed);
        };
        let noted = self.note(base.as_ref(), &working);
        let left_out = working.iter().flat_map(|working| working.left_out.iter().copied()).collect();
        let roots = working.into_iter().zip(sets);
        let roots =
            roots.map(|(working, (packed, borrowed))| Root { packed, borrowed, ..working.root }).collect();
        let id = self.store.publish(staging, &self.manifest(roots, noted, tools.installs))?;
        let pooled = self.publish_units(&id, &known);
        Ok(Saved::Entry { stats, left_out, pooled, took: started.elapsed() })
    }

    /// Places what is there in a staging; `None` where it would not fit, which was told.
    fn make(
        &self,
        files: &ManyOpenFiles,
        working: &[WorkingTree],
        base: Option<&Lease>,
        diffs: &[Option<BaseDiff>],
    ) -> Result<Option<Filled>, Trouble> {
        let mut plans = self.reuse_plans(working, base, diffs)?;
        // Before units are held: what is held makes no room.
        if let Some(why) = self.lack_of_room(working, &plans)? {
            self.job.console.warn(format!("{}: not saved: {why}", self.layer.plan.layer()));
            return Ok(None);
        }
        let known: Vec<_> = working.iter().map(|working| self.known(files, working)).collect();
        for ((plans, working), known) in plans.iter_mut().zip(working).zip(&known) {
            if let Some(known) = known {
                plans.add_units(self.job, working, known, files, self.scope);
            }
        }
        let staging = self.store.stage()?;
        match self.fill(&staging, working, &mut plans) {
            Ok(stats) => {
                let sets = plans.into_iter().map(ReusePlan::into_sets).collect();
                Ok(Some(Filled { staging, stats, sets, known }))
            }
            Err(error) => {
                // What cannot be removed now, a sweep will find; what is told is why.
                let _ = self.store.discard(staging);
                Err(error)
            }
        }
    }

    /// What is plans of each of the roots.
    fn reuse_plans(
        &self,
        working: &[WorkingTree],
        base: Option<&Lease>,
        diffs: &[Option<BaseDiff>],
    ) -> Result<Vec<ReusePlan>, Trouble> {
        let plans = working.iter().zip(diffs).map(|(working, diffs)| match (base, diffs) {
            (Some(base), Some(diffs)) => ReusePlan::with_base(working, base, diffs, self.scope),
            _ => Ok(ReusePlan::of_nothing(working)),
        });
        plans.collect()
    }

    /// What the unit pool has of a directory of units. Without it the entry is as good.
    fn known(&self, files: &ManyOpenFiles, working: &WorkingTree) -> Option<Known> {
        let pool = self.layer.plan.pool()?;
        if pool.directories.iter().all(|directory| directory.root != working.root.name) {
            return None;
        }
        match Known::find(self.job, self.store, files, pool, &working.root.tree) {
            Ok(known) => Some(known),
            Err(error) => {
                self.job.console.warn(format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Adds the compiled dependencies of the entry to the unit pool. Without them the entry is as good.
    fn publish_units(&self, id: &EntryId, known: &[Option<Known>]) -> Option<Pooled> {
        let pool = self.layer.plan.pool()?;
        match publish::publish_units(self.job, self.store, self.session, pool, id, known) {
            Ok(pooled) => Some(pooled),
            Err(error) => {
                self.job.console.warn(format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Why the new entry would not fit, once what may go has gone. Nothing is begun that cannot be ended.
    fn lack_of_room(&self, working: &[WorkingTree], plans: &[ReusePlan]) -> Result<Option<String>, Trouble> {
        let mut needed = Shortage::default();
        for (index, (one, plans)) in working.iter().zip(plans).enumerate() {
            let linker = Linker::new(self.session.link_mode);
            let linkable = plans.of_placed(self.linkable(working, index, plans)?);
            let (tree, location) = (plans.tree(one), (&one.dir).into());
            let source = Source { tree, location, linkable: &linkable, is_live: true };
            let packable = if self.layer.plan.layer().has_packs() {
                tree::packable(tree, &linkable, self.store.pack_mode())
            } else {
                Vec::new()
            };
            let needs =
                tree::estimate_space(source, &packable, Some(plans.bases()), self.store.root(), &linker)?;
            needed.bytes += needs.bytes;
            needed.inodes += needs.inodes;
        }
        let root = self.store.root();
        let limits = housekeeping::limits(
            self.job,
            self.store,
            &self.session.maintenance,
            self.session.reach.as_ref(),
        )?;
        // What is below `min-free` after the save would be evicted again at once.
        let lacks = |space: Space| !limits.lacks(space, needed).is_none();
        let mut space = space_at(root)?;
        if !lacks(space) {
            return Ok(None);
        }
        // Where all of it would not do, others' entries are not to go for nothing.
        if housekeeping::can_make_room(self.store, &limits, space, needed)? {
            housekeeping::clean(self.job, self.store, &limits, needed)?;
            space = space_at(root)?;
        }
        Ok(lacks(space).then(|| {
            format!(
                "it needs up to {} and {} inodes on the disk of {}, where there are {} and {} inodes, and `min-free` is \
                 {}; hint: `runner-cache du` and `runner-cache gc`, or another `cache-root`",
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
    fn is_unchanged(
        &self,
        base: &Lease,
        working: &[WorkingTree],
        diffs: &[Option<BaseDiff>],
        installs: &[Install],
    ) -> bool {
        let Manifest { header, roots, .. } = base.manifest();
        if header.key != self.layer.plan.key || roots.len() != working.len() {
            return false;
        }
        if self.finality.is_final() && !header.finality.is_final() {
            return false;
        }
        if !installs.iter().all(|install| header.installs().contains(install)) {
            return false;
        }
        let rules = rules_of(&self.layer.plan);
        // A tool that is gone may be one that would not fit what was there: the next job can have it.
        let may_lack = header.layer() == Layer::Bins;
        for (working, diffs) in working.iter().zip(diffs) {
            let Some(BaseDiff { number, same, .. }) = diffs else { return false };
            let tree = &working.root.tree;
            // What is only left out now is no reason for another entry.
            let recorded = &roots[*number].tree;
            if !may_lack && recorded.count_in(working.whole.as_ref().unwrap_or(tree)) != recorded.len() {
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
        staging: &Staging,
        working: &[WorkingTree],
        plans: &mut [ReusePlan],
    ) -> Result<TransferStats, Trouble> {
        let trees = staging.trees()?;
        let layer = self.layer.plan.layer();
        let files = working.iter().zip(&*plans).map(|(working, plans)| plans.tree(working).files()).sum();
        shown(self.job, layer, files, |progress| {
            let mut stats = TransferStats::default();
            for (index, (one, plans)) in working.iter().zip(plans).enumerate() {
                let linker = Linker::new(self.session.link_mode);
                let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress };
                let (location, linkable) = ((&one.dir).into(), self.linkable(working, index, plans)?);
                if layer.has_packs() {
                    let tree = &one.root.tree;
                    let source = Source { tree, location, linkable: &linkable, is_live: true };
                    stats += plans.pack(source, &staging.pack(self.store, &trees, index), engine)?;
                }
                let linkable = plans.of_placed(linkable);
                let source = Source { tree: plans.tree(one), location, linkable: &linkable, is_live: true };
                let placement = [Placement { node: 0, name: index.to_string().into_bytes() }];
                stats += tree::place(source, &placement, &trees, Some(plans.bases()), engine)?;
            }
            Ok(stats)
        })
    }

    /// Which files of the root number `index` may share their inode with the entry.
    fn linkable(&self, working: &[WorkingTree], index: usize, plans: &ReusePlan) -> tree::Result<Vec<bool>> {
        let others = working.iter().enumerate().filter(|(number, _)| *number != index);
        let WorkingTree { plan, root, dir, .. } = &working[index];
        let tree = &root.tree;
        let others: Vec<_> = others.map(|(_, other)| &other.root.tree).collect();
        let rules = rules_of(&self.layer.plan);
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

    /// What the layer was built from.
    fn note(&self, base: Option<&Lease>, working: &[WorkingTree<'_>]) -> Noted {
        let plan = self.layer.plan.sources();
        plan.map(|plan| provenance::note(self.job, plan, working, base)).unwrap_or_default()
    }

    fn manifest(&self, roots: Vec<Root>, noted: Noted, installs: Vec<Install>) -> Manifest {
        let plan = &self.layer.plan;
        let created = Timestamp::now();
        let data = match plan.spec {
            LayerSpec::Cargo { .. } => LayerData::Cargo,
            LayerSpec::Target(_) => LayerData::Target,
            LayerSpec::Builds { .. } => LayerData::Builds,
            LayerSpec::Paths { .. } => LayerData::Paths,
            LayerSpec::Bins { .. } => LayerData::Bins { installs },
        };
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
            files: roots.iter().map(|root| root.tree.files()).sum(),
            bytes: roots.iter().map(|root| root.tree.bytes()).sum(),
        };
        let Noted { sources, provenance } = noted;
        Manifest { header, roots, sources, provenance }
    }
}

/// An entry that lacks only its manifest.
struct Filled {
    staging: Staging,
    stats: TransferStats,
    /// For each root what of it is packed, and what is borrowed.
    sets: Vec<(NodeSet, NodeSet)>,
    /// For each root what the unit pool has of it.
    known: Vec<Option<Known>>,
}
