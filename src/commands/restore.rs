//! `restore`: look up, lease, bring into the job, leave a session, report.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::cargo_lock::lock_cargo_home;
use super::downloads;
use super::explain;
use super::facts::{self, NoPlan};
use super::freshness;
use super::housekeeping::{self, Moment};
use super::isolation;
use super::job::{Exit, Job, chain};
use super::progress::shown;
use super::source::{folder_of, is_target_folder, linkable};
use super::sweep;
use super::trouble::Trouble;
use crate::cargo::SOURCES;
use crate::cli::Inputs;
use crate::plan::{self, LayerPlan, Plan, SaveMoment, Session, Settings, Start};
use crate::report::{Hit, LayerRestore, RestoreReport, Transfer};
use crate::store::{self, Candidate, Layer, Lease, Store};
use crate::sys::{Dir, Lock, file};
use crate::tree::{self, Engine, Existing, Linker, Progress, Selection, Source};

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, leave_session: bool) -> Exit {
    let settings = inputs.settings(&job.env);
    let plan = match make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            let exit = tell(job, &no_plan);
            if exit == Exit::Success {
                report(job, &RestoreReport::of_nothing(&settings.cache_root, job.started.elapsed()));
            }
            return exit;
        }
    };
    if !settings.lookup_only && !make_room(job, &settings) {
        return Exit::Failure;
    }
    let restored = restore(job, &settings, &plan);
    report(job, &restored.report);
    if restored.is_broken {
        return Exit::Failure;
    }
    if job.interrupt.is_raised() {
        return Exit::Interrupted;
    }
    if leave_session {
        // Also where nothing is to be saved: or else the save would go by its own inputs.
        let mut session = session(job, &settings, plan, restored.starts);
        if settings.lookup_only {
            session.save = SaveMoment::Never;
        }
        if let Err(error) = note_for_later(job, &settings, &session) {
            job.console.warn(format!("nothing will be saved after this job: {}", chain(&error)));
        }
    }
    if is_failing_miss(job, &settings, &restored.report) { Exit::Failure } else { Exit::Success }
}

/// Looks after the disks before anything is brought. `false`: the job is to fail.
pub(super) fn make_room(job: &Job, settings: &Settings) -> bool {
    // A root that cannot be opened is told of when it is to be read.
    let store = if file::is_dir(&settings.cache_root) { open_store(settings).ok() } else { None };
    housekeeping::guard(job, store.as_ref(), &settings.upkeep, &settings.cache_root, Moment::BeforeJob)
}

fn open_store(settings: &Settings) -> Result<Store, store::Error> {
    Store::open(&settings.cache_root, settings.upkeep.access)
}

/// What the save after this job has to know.
pub(super) fn session(job: &Job, settings: &Settings, plan: Plan, starts: Vec<Option<Start>>) -> Session {
    Session::new(plan, starts, facts::origin(job), settings.upkeep.clone(), Timestamp::now())
}

/// Settings and facts to a plan.
pub(super) fn make_plan(job: &Job, settings: &Settings) -> Result<Plan, NoPlan> {
    let facts = facts::gather(job, settings)?;
    let plan = plan::build(settings, &facts).map_err(|error| NoPlan::WrongInput(error.to_string()))?;
    if plan.has_unknown_commit {
        let why = "a workspace has changes, or no commit";
        job.console.say(format!("builds: left out, since it is not known what they are made from: {why}"));
    }
    Ok(plan)
}

/// Tells why there is no plan, and how the command is to end.
pub(super) fn tell(job: &Job, no_plan: &NoPlan) -> Exit {
    match no_plan {
        NoPlan::WrongInput(what) => {
            job.console.error(what);
            Exit::Usage
        }
        NoPlan::Trouble(error) => {
            job.console.warn(format!("no cache in this job: {}", chain(&**error)));
            Exit::Success
        }
    }
}

/// What [`restore`] did.
pub(super) struct Restored {
    pub(super) report: RestoreReport,
    /// For each layer of the plan the entry it started from.
    pub(super) starts: Vec<Option<Start>>,
    /// A destination could not be put back as it was.
    pub(super) is_broken: bool,
}

/// Brings what is cached into the job. Trouble is a warning and a miss.
pub(super) fn restore(job: &Job, settings: &Settings, plan: &Plan) -> Restored {
    let store = match open_store(settings) {
        Ok(store) => Some(store),
        Err(error) => {
            job.console.warn(format!("no cache: {}", chain(&error)));
            None
        }
    };
    let mut restored = Restored {
        report: RestoreReport {
            layers: Vec::new(),
            cargo_key: plan.cargo_key.clone(),
            target_key: plan.target_key.clone(),
            cache_root: settings.cache_root.clone(),
            own_cargo_home: None,
            took: Duration::ZERO,
        },
        starts: Vec::new(),
        is_broken: false,
    };
    if let Some(home) = plan.own_cargo_home.as_ref().filter(|_| !settings.lookup_only) {
        match isolation::enter(job, home) {
            Ok(()) => restored.report.own_cargo_home = Some(home.clone()),
            Err(error) => {
                let what = "the job uses the cargo home of the user, since its own could not be made";
                job.console.warn(format!("{what}: {}", chain(&*error)));
            }
        }
    }
    for layer in &plan.layers {
        let (mut outcome, mut start, mut served_by) = (miss(layer, plan, &settings.cache_root), None, None);
        if let Some(store) = store.as_ref().filter(|_| !job.interrupt.is_raised()) {
            let by_layer = Restorer { job, store, plan, layer };
            match by_layer.restore(settings.lookup_only) {
                Ok(Some(served)) => {
                    start =
                        Some(Start { entry: served.lease.id().path(), is_exact: served.hit == Hit::Exact });
                    outcome.hit = served.hit;
                    outcome.matched_key = Some(served.lease.manifest().header.key.clone());
                    outcome.matched_ref = Some(served.lease.manifest().header.scope.reference.clone());
                    outcome.transfer = served.transfer;
                    served_by = Some(served.lease.manifest().header.clone());
                }
                Ok(None) if !settings.lookup_only => by_layer.mark_what_is_there(),
                Ok(None) => {}
                Err(error) => {
                    restored.is_broken |= matches!(error, Trouble::Tree(tree::Error::NotPutBack { .. }));
                    job.console.warn(format!("{}: nothing restored: {}", layer.layer, chain(&error)));
                }
            }
        }
        if let Some(store) = store.as_ref().filter(|_| outcome.hit != Hit::Exact) {
            outcome.reason = explain::reason(plan, layer, store, served_by.as_ref());
        }
        restored.report.layers.push(outcome);
        restored.starts.push(start);
    }
    restored.report.took = job.started.elapsed();
    restored
}

fn miss(layer: &LayerPlan, plan: &Plan, root: &Path) -> LayerRestore {
    LayerRestore {
        layer: layer.layer,
        key: layer.key.clone(),
        hit: Hit::Miss,
        matched_key: None,
        matched_ref: None,
        transfer: None,
        reason: None,
        folder: store::key_folder(root, layer.layer, &plan.scopes[0], &layer.key),
    }
}

/// An entry that served a layer.
struct Served {
    lease: Lease,
    hit: Hit,
    transfer: Option<Transfer>,
}

/// Restores one layer.
struct Restorer<'a> {
    job: &'a Job,
    store: &'a Store,
    plan: &'a Plan,
    layer: &'a LayerPlan,
}

impl Restorer<'_> {
    /// Tries the candidates until one serves.
    fn restore(&self, lookup_only: bool) -> Result<Option<Served>, Trouble> {
        for candidate in self.store.candidates(&explain::query(self.plan, self.layer))? {
            let Some(lease) = self.lease(&candidate)? else { continue };
            let pairs = self.pairs(&lease);
            if pairs.is_empty() {
                continue;
            }
            let is_alike = lease.manifest().header.contents == self.layer.contents;
            // As with `actions/cache`: other paths under the same key are another thing.
            if !is_alike && matches!(self.layer.layer, Layer::Paths | Layer::Builds) {
                continue;
            }
            let hit = if candidate.is_exact && is_alike { Hit::Exact } else { Hit::Partial };
            if lookup_only {
                return Ok(Some(Served { lease, hit, transfer: None }));
            }
            match self.transfer(&lease, &pairs) {
                Ok(transfer) => {
                    if let Err(error) = lease.record_use() {
                        self.job.console.say(format!(
                            "{}: the entry's use was not recorded: {}",
                            self.layer.layer,
                            chain(&error)
                        ));
                    }
                    return Ok(Some(Served { lease, hit, transfer: Some(transfer) }));
                }
                Err(error) if error.is_damage_of(&lease.id().path()) => {
                    self.quarantine(&candidate, &chain(&error))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Reads a candidate's manifest. `None` for one that cannot serve.
    fn lease(&self, candidate: &Candidate) -> Result<Option<Lease>, Trouble> {
        match self.store.lease(candidate.id.clone()) {
            Ok(lease) => Ok(Some(lease)),
            Err(store::Error::Gone { .. }) => Ok(None),
            Err(error) if error.is_damage() => {
                self.quarantine(candidate, &chain(&error))?;
                Ok(None)
            }
            Err(error) => {
                self.job.console.warn(format!(
                    "{}: an entry was passed over: {}",
                    self.layer.layer,
                    chain(&error)
                ));
                Ok(None)
            }
        }
    }

    fn quarantine(&self, candidate: &Candidate, why: &str) -> Result<(), Trouble> {
        self.store.quarantine(&candidate.id)?;
        self.job
            .console
            .warn(format!("{}: a damaged entry was taken out of the cache: {why}", self.layer.layer));
        Ok(())
    }

    /// Roots of the plan, each with the number of the entry's root of the same name.
    fn pairs(&self, lease: &Lease) -> Vec<(usize, usize)> {
        let roots = &lease.manifest().roots;
        let pair = |(index, root): (usize, &plan::RootPlan)| {
            Some((index, roots.iter().position(|other| other.name == root.name)?))
        };
        self.layer.roots.iter().enumerate().filter_map(pair).collect()
    }

    fn transfer(&self, lease: &Lease, pairs: &[(usize, usize)]) -> Result<Transfer, Trouble> {
        let started = Instant::now();
        let _lock = self.lock_cargo()?;
        let files = lease.manifest().header.files;
        let sources = self.layer.sources.as_ref();
        let sources = sources.map(|plan| freshness::prepare(self.job, plan, lease.manifest())).transpose()?;
        let mut transfer = shown(self.job, self.layer.layer, files, |progress| {
            let mut transfer = Transfer::default();
            for &(planned, recorded) in pairs {
                self.transfer_root(lease, planned, recorded, progress, &mut transfer)?;
            }
            Ok::<_, Trouble>(transfer)
        })?;
        if let Some(sources) = sources {
            let folders: Vec<_> = self.layer.roots.iter().map(|root| root.path.clone()).collect();
            let ours: Vec<_> = pairs.iter().map(|&(planned, _)| folders[planned].clone()).collect();
            transfer.sources = sources.finish(self.job, &ours, &folders);
        }
        transfer.took = started.elapsed();
        Ok(transfer)
    }

    fn transfer_root(
        &self,
        lease: &Lease,
        planned: usize,
        recorded: usize,
        progress: &Progress,
        transfer: &mut Transfer,
    ) -> Result<(), Trouble> {
        let root = &lease.manifest().roots[recorded];
        let plan = &self.layer.roots[planned];
        let folder = folder_of(plan, root.is_partial);
        let absent = (root.name == SOURCES).then(|| downloads::absent_crates(&root.tree, &folder));
        let tree = absent.as_ref().unwrap_or(&root.tree);
        if tree.files() == 0 && root.tree.files() > 0 {
            return Ok(());
        }
        let existing = match plan.existing {
            Existing::Mirror if root.is_partial => Existing::Overwrite,
            existing => existing,
        };
        if existing == Existing::Mirror && !may_mirror(&folder)? {
            return Err(Trouble::NoTargetFolder { path: folder.display().to_string() });
        }
        let linkable = linkable(self.layer.layer, plan, tree)?;
        let entry = lease.open_root(recorded)?;
        let source = Source { tree, root: &entry, linkable: &linkable };
        // Roots may lie on different file systems.
        let linker = Linker::new(self.plan.link_mode);
        let engine = Engine { linker: &linker, interrupt: &self.job.interrupt, progress };
        let tally = tree::restore(source, &folder, existing, root.is_partial, engine)?;
        if self.layer.kept.is_some() {
            sweep::mark(self.job, &Dir::open(&folder)?, tree);
        }
        if tally.files > 0 {
            transfer.parts.push(root.name.clone());
        }
        if tally.left_behind > 0 {
            let (layer, folder, prefix) = (self.layer.layer, folder.display(), tree::TEMPORARY_PREFIX);
            self.job.console.warn(format!(
                "{layer}: old files in {folder}/{prefix}* could not be removed; hint: they may be of another user"
            ));
        }
        transfer.tally += tally;
        transfer.obstacle = transfer.obstacle.max(linker.obstacle());
        Ok(())
    }

    /// Units that an earlier job left are swept like those that come from an entry.
    fn mark_what_is_there(&self) {
        let folders = self.layer.roots.iter().filter(|_| self.layer.kept.is_some()).map(|root| &root.path);
        for folder in folders {
            if let Err(error) = self.mark_folder(folder) {
                self.job.console.say(format!("target: unused units will stay: {}", chain(&error)));
            }
        }
    }

    fn mark_folder(&self, folder: &Path) -> Result<(), Trouble> {
        if !is_target_folder(folder) {
            return Ok(sweep::note_absent(self.job, folder)?);
        }
        let dir = Dir::open(folder)?;
        let tree = tree::walk(&dir, &Selection::all(), &self.job.interrupt)?.tree;
        sweep::mark(self.job, &dir, &tree);
        Ok(())
    }

    /// Cargo's own lock, where files are added to its home.
    fn lock_cargo(&self) -> Result<Option<Lock>, Trouble> {
        if self.layer.layer != Layer::Cargo {
            return Ok(None);
        }
        Ok(Some(lock_cargo_home(self.job, &self.layer.roots[0].path)?))
    }
}

/// A folder that is absent, empty or cargo's may be made equal to an entry, whatever else is in it.
fn may_mirror(folder: &Path) -> Result<bool, Trouble> {
    Ok(file::names(folder)?.is_empty() || is_target_folder(folder))
}

/// Tells log, outputs, environment and summary. What cannot be told is a warning: the files are there all the same.
pub(super) fn report(job: &Job, report: &RestoreReport) {
    job.console.say(report.log());
    let told = job.files.set_outputs(&report.outputs()).and_then(|()| job.files.set_env(&report.env()));
    let told = told.and_then(|()| {
        if report.layers.is_empty() { Ok(()) } else { job.files.add_summary(&report.summary()) }
    });
    if let Err(error) = told {
        job.console.warn(format!("later steps do not see what was restored: {}", chain(&error)));
    }
}

/// Tells of a miss that the user wants to fail on.
pub(super) fn is_failing_miss(job: &Job, settings: &Settings, report: &RestoreReport) -> bool {
    let missed = match report.primary() {
        None => "there is nothing to look for".to_owned(),
        Some(primary) if primary.hit == Hit::Miss => {
            format!("nothing was found for key {} ({} layer)", primary.key, primary.layer)
        }
        Some(_) => return false,
    };
    if settings.fail_on_cache_miss {
        job.console.error(format!("{missed}, and `fail-on-cache-miss` is set"));
    }
    settings.fail_on_cache_miss
}

fn note_for_later(job: &Job, settings: &Settings, session: &Session) -> Result<(), store::Error> {
    let Some(temporary) = &job.context.temporary else {
        job.console
            .say("nothing will be saved after this: RUNNER_TEMP is not set; hint: use `runner-cache run`");
        return Ok(());
    };
    let path = open_store(settings)?.leave_session(session)?;
    store::leave_pointer(temporary, &path)
}
