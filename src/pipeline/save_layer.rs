//! One layer saved: what is there is compared with the entry that the job started from, and becomes another one.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{debug, debug_span};

use crate::cargo::Host;
use crate::facts;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::base_diff::{BaseDiff, ComparedRoot};
use crate::layers::reading;
use crate::layers::rules::{Rules, Saving};
use crate::layers::rules_of;
use crate::layers::target_dir::provenance::{self, Noted};
use crate::layers::units::pool::{self, PooledUnits};
use crate::layers::units::publish;
use crate::layers::working_tree::WorkingTree;
use crate::outcome::{Code, NotSaved, Pooled, SaveTimes, Saved};
use crate::pipeline::filling::{Filled, Filling, Placed};
use crate::pipeline::reuse_plan::Sets;
use crate::pipeline::survivors;
use crate::plan::{JobStatus, Post, SaveMoment, Session, SessionLayer};
use crate::store::{
    self, EntryId, Finality, Header, LayerData, Lease, Manifest, Origin, Root, Scope, Store, WorkPhase,
};
use crate::sys::ManyOpenFiles;
use crate::tree::{self, NodeId};

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
    /// Whether the job's steps are over: a process that outlives the hook adds to the unit pool what the entry has of
    /// dependencies, and what still changes is a survivor's.
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
            ComparedRoot::with(base.as_ref(), working, is_immutable, self.job)
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
        for ComparedRoot { working, diff } in &roots {
            let same = diff.as_ref().map(|diff| diff.same.iter().filter(|same| **same).count());
            let nodes = working.root.tree.len();
            debug!(directory = %working.dir.path().display(), nodes, ?same, "compared with the base");
        }
        let Self { job, store, session, scope, layer, .. } = *self;
        let filling = Filling { job, store, session, scope, layer, rules: &*rules };
        match filling.fill(&files, &roots, base.as_ref())? {
            Some(filled) => self.publish(&*rules, base.as_ref(), roots, filled, [started, read]),
            None => Ok(Saved::Failed),
        }
    }

    /// Makes an entry of what was placed. `started` and `read` are when the save began, and when all was read.
    fn publish(
        &self,
        rules: &dyn Rules,
        base: Option<&Lease>,
        roots: Vec<ComparedRoot<'_>>,
        Filled { staging, stats, placed }: Filled,
        [started, read]: [Instant; 2],
    ) -> Result<Saved, Trouble> {
        let filled = Instant::now();
        let wrote = self.wrote(base, &roots);
        let working: Vec<_> = roots.into_iter().map(|root| root.working).collect();
        let noted = self.note(base, &working);
        let left_out = working.iter().flat_map(|working| working.left_out.iter().copied()).collect();
        let (roots, known): (Vec<_>, Vec<_>) = working
            .into_iter()
            .zip(placed)
            .map(|(WorkingTree { root, .. }, Placed { sets: Sets { packed, borrowed }, known })| {
                (Root { packed, borrowed, ..root }, known)
            })
            .unzip();
        let reason = self.reason_to_discard();
        if !matches!(reason, Ok(None)) {
            // What cannot be removed now, a sweep will find.
            let _ = self.store.discard(staging);
            let not_saved = |reason| Saved::Not { reason };
            return Ok(reason?.map_or(Saved::Failed, not_saved));
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

    /// Why what was placed is not to be kept, where something came between.
    fn reason_to_discard(&self) -> Result<Option<NotSaved>, Trouble> {
        if self.is_overtaken() { Ok(Some(NotSaved::Overtaken)) } else { self.survivor() }
    }

    /// A process that is at work in the directories, where the job is over.
    fn survivor(&self) -> Result<Option<NotSaved>, Trouble> {
        if self.is_over { survivors::at_work(self.session, self.layer) } else { Ok(None) }
    }

    /// Whether another job of the runner began while a process of no job read the files.
    fn is_overtaken(&self) -> bool {
        let log = self.session.worker_log.as_deref().filter(|_| self.session.post == Post::Watch);
        log.is_some_and(|log| facts::workers_since(log) != Some(0))
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

    /// The entry that the job started from, if it is still there and sound.
    fn base(&self) -> Option<Lease> {
        let start = self.layer.start.as_ref()?;
        let base = self.store.lease(self.store.entry_at(&start.entry)?).ok()?;
        let is_there = |number| base.open_root(number).is_ok();
        (0..base.manifest().roots.len()).all(is_there).then_some(base)
    }

    /// Whether the entry that the job started from is still what a new one would be.
    fn is_unchanged(&self, rules: &dyn Rules, base: &Lease, roots: &[ComparedRoot<'_>]) -> bool {
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
        for ComparedRoot { working, diff } in roots {
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

    /// What the layer was built from.
    fn note(&self, base: Option<&Lease>, working: &[WorkingTree<'_>]) -> Noted {
        let plan = self.layer.plan.sources();
        let began = self.layer.outset.as_ref().map_or(&[][..], |outset| &outset.revisions);
        plan.map(|plan| {
            provenance::note(self.job, self.host, (self.session.since, began), plan, working, base)
        })
        .unwrap_or_default()
    }

    /// What jobs of this family wrote into the directories, at most.
    fn wrote(&self, base: Option<&Lease>, roots: &[ComparedRoot<'_>]) -> u64 {
        let now = roots.iter().map(ComparedRoot::new_bytes);
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
