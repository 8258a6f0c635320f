//! `save`: what the job's restores noted, or what the inputs describe, becomes entries; older ones go.

use std::path::Path;
use std::time::Instant;

use jiff::Timestamp;

use super::cargo_lock::lock_cargo_home;
use super::housekeeping::Moment;
use super::job::{Exit, Job, chain};
use super::live::{self, Live};
use super::progress::shown;
use super::source::{is_written_alike, linkable};
use super::trouble::Trouble;
use super::{contribute, flush, freshness, housekeeping, restore, tools};
use crate::cli::Inputs;
use crate::plan::{JobStatus, LayerPlan, SaveMoment, Session, SessionLayer, Settings, Start};
use crate::report::{LayerSave, Pooled, SaveReport, Saved, bytes, count, min_free};
use crate::store::retention::Shortage;
use crate::store::{
    self, Claim, EntryId, Header, Install, Layer, Lease, Manifest, Origin, Query, Root, Sources, Store,
};
use crate::sys::{self, CrashPoint, Space, space_at};
use crate::tree::{self, Base, Engine, Linker, Placement, Source, Tally};

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs) -> Exit {
    let sessions =
        job.context.temporary.as_ref().map_or(Ok(Vec::new()), |temporary| store::pointers(temporary));
    let sessions = sessions.unwrap_or_else(|error| {
        job.console.warn(format!("what this job restored is not known: {}", chain(&error)));
        Vec::new()
    });
    let settings = inputs.settings(&job.env);
    for path in &sessions {
        if let Err(error) = finish_session(job, path, settings.save, inputs.job_status()) {
            job.console.warn(format!("nothing saved: {}", chain(&error)));
        }
    }
    // Inputs of its own are about something else than the sessions.
    if sessions.is_empty() || settings.key.is_some() || !settings.path.is_empty() {
        return save_inputs(job, &settings, inputs.job_status());
    }
    end(job)
}

/// Saves what the inputs describe: there was no restore before, or one without a session.
fn save_inputs(job: &Job, settings: &Settings, status: JobStatus) -> Exit {
    let plan = match restore::make_plan(job, settings) {
        Ok(plan) => plan,
        Err(no_plan) => return restore::tell(job, &no_plan),
    };
    let saved = Store::open(&settings.cache_root, settings.upkeep.access).and_then(|store| {
        let starts = plan.layers.iter().map(|layer| start(&store, layer, &plan.scopes[..1], &plan.lane));
        let starts = starts.collect::<Result<_, _>>()?;
        let session = restore::session(job, settings, plan, starts);
        Ok(save(job, &store, &session, status))
    });
    match saved {
        Ok(saved) => report(job, &saved),
        Err(error) => job.console.warn(format!("nothing saved: {}", chain(&error))),
    }
    end(job)
}

/// The entry that a save under this key continues.
fn start(
    store: &Store,
    layer: &LayerPlan,
    own_scope: &[store::Scope],
    lane: &str,
) -> Result<Option<Start>, store::Error> {
    let LayerPlan { layer, key, restore_keys, lanes, contents, .. } = layer;
    let query = Query { layer: *layer, scopes: own_scope, key, restore_keys, lane, lanes: *lanes };
    let is_alike = |candidate: &store::Candidate| {
        store.header(&candidate.id).is_ok_and(|header| header.contents == *contents)
    };
    let best = store.candidates(&query)?.into_iter().find(is_alike);
    Ok(best.map(|candidate| Start { entry: candidate.id.path(), is_exact: candidate.is_exact }))
}

fn finish_session(job: &Job, path: &Path, moment: SaveMoment, status: JobStatus) -> Result<(), store::Error> {
    match Store::claim_session::<Session>(path)? {
        Claim::Ours(mut claimed) => {
            if moment != SaveMoment::default() {
                claimed.value.save = moment;
            }
            let store = Store::open(Store::root_of_session(path), claimed.value.upkeep.access)?;
            report(job, &save(job, &store, &claimed.value, status));
            sys::crash_at(CrashPoint::Saved);
            if !job.interrupt.is_raised() {
                claimed.finish()?;
            }
        }
        Claim::Taken => job.console.say("somebody else is saving this job's work"),
        Claim::Done => job.console.say("this job's work was saved already"),
    }
    Ok(())
}

fn end(job: &Job) -> Exit {
    if job.interrupt.is_raised() { Exit::Interrupted } else { Exit::Success }
}

fn report(job: &Job, report: &SaveReport) {
    job.console.say(report.log());
    if let Err(error) = job.files.add_summary(&report.summary()) {
        job.console.warn(format!("the step summary lacks what was saved: {}", chain(&error)));
    }
}

/// Saves each layer of a session. Trouble is a warning, and the layer's earlier entries stay as they are.
pub(super) fn save(job: &Job, store: &Store, session: &Session, status: JobStatus) -> SaveReport {
    let mut report = SaveReport::default();
    housekeeping::guard(job, Some(store), &session.upkeep, store.root(), Moment::AfterJob);
    for layer in &session.layers {
        let saved = match reason_not_to(session.save, status, layer) {
            Some(why) => Saved::Not(why),
            None => Saver { job, store, session, layer, status }.save().unwrap_or_else(|error| {
                job.console.warn(format!("{}: not saved: {}", layer.plan.layer, chain(&error)));
                Saved::Failed
            }),
        };
        report.layers.push(LayerSave { layer: layer.plan.layer, key: layer.plan.key.clone(), saved });
    }
    if report.layers.iter().any(|layer| matches!(layer.saved, Saved::Entry { .. })) {
        match housekeeping::clean(job, store, &session.upkeep.policy(), Shortage::default()) {
            Ok(cleaned) => report.cleaned = cleaned,
            Err(error) => job.console.warn(format!("old entries stay for now: {}", chain(&error))),
        }
        flush::leave_running(job, store, session.upkeep.access);
    }
    report
}

/// Why a layer is not even looked at.
fn reason_not_to(save: SaveMoment, status: JobStatus, layer: &SessionLayer) -> Option<&'static str> {
    let is_settled = layer.plan.is_settled && layer.start.as_ref().is_some_and(|start| start.is_exact);
    match (save, status) {
        (SaveMoment::Never, _) => Some("not to be saved"),
        (SaveMoment::Always, _) => None,
        (_, JobStatus::Cancelled) => Some("the job was cancelled"),
        (SaveMoment::Success, JobStatus::Failure) => Some("the job failed, and `save` is success"),
        _ if is_settled => Some("an entry of this key is there already"),
        (SaveMoment::Auto | SaveMoment::Success, _) => None,
    }
}

/// Saves one layer.
struct Saver<'a> {
    job: &'a Job,
    store: &'a Store,
    session: &'a Session,
    layer: &'a SessionLayer,
    status: JobStatus,
}

impl Saver<'_> {
    fn save(&self) -> Result<Saved, Trouble> {
        let started = Instant::now();
        let plan = &self.layer.plan;
        // No download is half-way while it is read.
        let _lock = match (plan.layer, plan.roots.first()) {
            (Layer::Cargo, Some(root)) => Some(lock_cargo_home(self.job, &root.path)?),
            _ => None,
        };
        let tools = tools::installed(self.job, plan)?;
        let base = self.base();
        let live = live::read(self.job, plan, base.as_ref(), self.status, &tools.installs)?;
        if live.iter().all(|live| live.root.tree.files() == 0) {
            return Ok(Saved::Not("there is nothing to save"));
        }
        let same = live.iter().map(|live| same_as_base(base.as_ref(), live));
        let same = same.collect::<Result<Vec<_>, Trouble>>()?;
        if self.session.save != SaveMoment::Always
            && let Some(base) = &base
            && self.is_unchanged(base, &live, &same, &tools.installs)?
        {
            base.record_use()?;
            return Ok(Saved::Not("nothing has changed"));
        }
        if let Some(why) = self.lack_of_room(&live, &same)? {
            self.job.console.warn(format!("{}: not saved: {why}", plan.layer));
            return Ok(Saved::Failed);
        }
        let staging = self.store.stage()?;
        match self.fill(&staging, &live, base.as_ref(), &same) {
            Ok(tally) => {
                let sources = self.sources(base.as_ref());
                let left_out = live.iter().flat_map(|live| live.left_out.iter().copied()).collect();
                let roots = live.into_iter().map(|live| live.root).collect();
                let id = self.store.publish(staging, &self.manifest(roots, sources, tools.installs))?;
                let pooled = self.contribute(&id);
                Ok(Saved::Entry { tally, left_out, pooled, took: started.elapsed() })
            }
            Err(error) => {
                self.store.discard(staging)?;
                Err(error)
            }
        }
    }

    /// Adds the compiled dependencies of the entry to the unit pool. Without them the entry is as good.
    fn contribute(&self, id: &EntryId) -> Option<Pooled> {
        let pool = self.layer.plan.pool.as_ref()?;
        match contribute::contribute(self.job, self.store, self.session, pool, id) {
            Ok(pooled) => Some(pooled),
            Err(error) => {
                self.job.console.warn(format!("nothing added to the unit pool: {}", chain(&error)));
                None
            }
        }
    }

    /// Why the new entry would not fit, once what may go has gone. Nothing is begun that cannot be ended.
    fn lack_of_room(
        &self,
        live: &[Live],
        same: &[Option<(usize, Vec<bool>)>],
    ) -> Result<Option<String>, Trouble> {
        let mut needed = Shortage::default();
        for (index, (one, same)) in live.iter().zip(same).enumerate() {
            let linker = Linker::new(self.session.link_mode);
            let linkable = self.linkable(live, index)?;
            let source = Source { tree: &one.root.tree, root: &one.dir, linkable: &linkable };
            let same = same.as_ref().map(|(_, same)| same.as_slice());
            let needs = tree::needs(source, same, self.store.root(), &linker)?;
            needed.bytes += needs.bytes;
            needed.inodes += needs.inodes;
        }
        let root = self.store.root();
        let policy = self.session.upkeep.policy();
        // What is below `min-free` after the save would be evicted again at once.
        let lacks = |space: Space| !policy.min_free.shortage(space, needed).is_none();
        let mut space = space_at(root)?;
        if !lacks(space) {
            return Ok(None);
        }
        // Where all of it would not do, others' entries are not to go for nothing.
        let freeable = housekeeping::freeable(self.store)?;
        let all = Space {
            free_bytes: space.free_bytes + freeable.bytes,
            free_inodes: space.free_inodes + freeable.inodes,
            ..space
        };
        if !lacks(all) {
            housekeeping::clean(self.job, self.store, &policy, needed)?;
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
                min_free(policy.min_free)
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
        live: &[Live],
        same: &[Option<(usize, Vec<bool>)>],
        installs: &[Install],
    ) -> Result<bool, Trouble> {
        let Manifest { header, roots, .. } = base.manifest();
        if header.key != self.layer.plan.key || roots.len() != live.len() {
            return Ok(false);
        }
        if !installs.iter().all(|install| header.installs.contains(install)) {
            return Ok(false);
        }
        // A tool that is gone may be one that would not fit what was there: the next job can have it.
        let may_lack = header.layer == Layer::Bins;
        for (live, same) in live.iter().zip(same) {
            let Some((number, same)) = same else { return Ok(false) };
            let tree = &live.root.tree;
            // What is only left out now is no reason for another entry.
            let recorded = &roots[*number].tree;
            if !may_lack && recorded.count_in(live.whole.as_ref().unwrap_or(tree)) != recorded.len() {
                return Ok(false);
            }
            let entry = base.open_root(*number)?;
            for (id, _) in tree.iter().filter(|(id, _)| !same[*id as usize]) {
                if !is_written_alike(header.layer, tree, id, &live.dir, &entry)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn fill(
        &self,
        staging: &store::Staging,
        live: &[Live],
        base: Option<&Lease>,
        same: &[Option<(usize, Vec<bool>)>],
    ) -> Result<Tally, Trouble> {
        let trees = staging.trees()?;
        let layer = self.layer.plan.layer;
        let files = live.iter().map(|live| live.root.tree.files()).sum();
        shown(self.job, layer, files, |progress| {
            let mut tally = Tally::default();
            for (index, (one, same)) in live.iter().zip(same).enumerate() {
                let linkable = self.linkable(live, index)?;
                let source = Source { tree: &one.root.tree, root: &one.dir, linkable: &linkable };
                let base_dir = match (base, same) {
                    (Some(base), Some((number, _))) => Some(base.open_root(*number)?),
                    _ => None,
                };
                let same = same.as_ref().map(|(_, same)| same);
                let base = base_dir.as_ref().zip(same).map(|(root, same)| Base { root, same });
                let placement = [Placement { node: 0, name: index.to_string().into_bytes() }];
                let linker = Linker::new(self.session.link_mode);
                let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress };
                tally += tree::place(source, &placement, &trees, base, engine)?;
            }
            Ok(tally)
        })
    }

    /// Which files of the root number `index` may share their inode with the entry.
    fn linkable(&self, live: &[Live], index: usize) -> tree::Result<Vec<bool>> {
        let others = live.iter().enumerate().filter(|(number, _)| *number != index);
        let Live { plan, root, .. } = &live[index];
        linkable(self.layer.plan.layer, plan, &root.tree, others.map(|(_, other)| &other.root.tree))
    }

    /// What the layer was built from.
    fn sources(&self, base: Option<&Lease>) -> Vec<Sources> {
        let Some(plan) = &self.layer.plan.sources else { return Vec::new() };
        freshness::note(self.job, plan, base.map_or(&[], |base| &base.manifest().sources))
    }

    fn manifest(&self, roots: Vec<Root>, sources: Vec<Sources>, installs: Vec<Install>) -> Manifest {
        let plan = &self.layer.plan;
        let created = Timestamp::now();
        let header = Header {
            layer: plan.layer,
            key: plan.key.clone(),
            factors: plan.factors.clone(),
            scope: self.session.scope.clone(),
            lane: self.session.lane.clone(),
            family: plan.family.clone(),
            contents: plan.contents.clone(),
            origin: Origin { since_boot: Some(store::since_boot_ms()), ..self.session.origin.clone() },
            created,
            is_of_default_branch: self.session.is_of_default_branch,
            made_in_seconds: u64::try_from(created.duration_since(self.session.since).as_secs()).unwrap_or(0),
            files: roots.iter().map(|root| root.tree.files()).sum(),
            bytes: roots.iter().map(|root| root.tree.bytes()).sum(),
            installs,
            unit: None,
        };
        Manifest { header, roots, sources }
    }
}

/// The number of the base's root of the same name, and for each node of the live root whether the base has the same.
fn same_as_base(base: Option<&Lease>, live: &Live) -> Result<Option<(usize, Vec<bool>)>, Trouble> {
    let Some(base) = base else { return Ok(None) };
    let (root, roots) = (&live.root, &base.manifest().roots);
    let is_it = |other: &Root| other.name == root.name && other.is_partial == root.is_partial;
    let Some(number) = roots.iter().position(is_it) else { return Ok(None) };
    let mut same = root.tree.same_as(&roots[number].tree);
    tree::only_truly_same(&root.tree, &mut same, &live.dir, &base.open_root(number)?)?;
    Ok(Some((number, same)))
}

/// Saves right after the job, without a session in between.
pub(super) fn save_now(job: &Job, settings: &Settings, session: &Session, status: JobStatus) {
    match Store::open(&settings.cache_root, settings.upkeep.access) {
        Ok(store) => report(job, &save(job, &store, session, status)),
        Err(error) => job.console.warn(format!("nothing saved: {}", chain(&error))),
    }
}
