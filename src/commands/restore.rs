//! `restore`: look up, lease, bring into the job, leave a session, report.

use std::collections::BTreeMap;
use std::mem;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::compose::Completed;
use super::explain;
use super::facts::{self, NoPlan};
use super::housekeeping::{self, Moment};
use super::isolation;
use super::job::{Exit, Job, chain};
use super::links;
use super::outputs;
use super::restorer::Restorer;
use super::trouble::Trouble;
use crate::cargo::FingerprintTimes;
use crate::cli::{ChosenRoot, Inputs};
use crate::plan::{self, LayerPlan, LeftOut, Plan, Session, Settings, Start};
use crate::report::{Hit, LayerRestore, RestoreReport};
use crate::store::retention::Reach;
use crate::store::{self, Header, Store};
use crate::tree;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, leave_session: bool) -> Exit {
    tell_of_root(job, inputs);
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
    if !make_room(job, &settings, plan.scopes.reach.as_ref()) {
        return Exit::Failure;
    }
    let mut restored = restore(job, &settings, &plan);
    report(job, &restored.report);
    if restored.is_broken {
        return Exit::Failure;
    }
    if job.interrupt.is_raised() {
        return Exit::Interrupted;
    }
    if leave_session {
        // Also where nothing is to be saved: or else the save would go by its own inputs.
        let session = session_after(job, &settings, plan, &mut restored);
        if let Err(error) = note_for_later(job, &settings, &session) {
            job.console.warn(format!("nothing will be saved after this job: {}", chain(&error)));
        }
    } else if !settings.lookup_only {
        outputs::leave(job, &plan.layers);
    }
    if is_failing_miss(job, &settings, &restored.report) { Exit::Failure } else { Exit::Success }
}

/// Tells where the cache is where nobody said, and why.
pub(super) fn tell_of_root(job: &Job, inputs: &Inputs) {
    if let Some(ChosenRoot { folder, why }) = inputs.chosen_root(&job.env) {
        job.console.say(format!("cache root {}: {why}", folder.display()));
    }
}

/// Looks after the disks before anything is brought. `false`: the job is to fail.
pub(super) fn make_room(job: &Job, settings: &Settings, reach: Option<&Reach>) -> bool {
    if settings.lookup_only {
        return true;
    }
    // A root that cannot be opened is told of when it is to be read.
    let store = Store::open_existing(&settings.cache_root, settings.upkeep.access).ok().flatten();
    let root = &settings.cache_root;
    housekeeping::guard(job, store.as_ref(), &settings.upkeep, reach, root, Moment::BeforeJob)
}

fn open_store(settings: &Settings) -> Result<Store, store::Error> {
    Store::open(&settings.cache_root, settings.upkeep.access)
}

/// What the save after this job has to know.
pub(super) fn session(job: &Job, settings: &Settings, plan: Plan, starts: Vec<Option<Start>>) -> Session {
    Session::new(plan, starts, facts::origin(job), settings.upkeep.clone(), Timestamp::now())
}

/// What the save has to know after `restored`.
pub(super) fn session_after(job: &Job, settings: &Settings, plan: Plan, restored: &mut Restored) -> Session {
    let mut session = session(job, settings, plan, mem::take(&mut restored.starts));
    let got = mem::take(&mut restored.pooled).into_iter().zip(mem::take(&mut restored.left_out));
    for (layer, (pooled, left_out)) in session.layers.iter_mut().zip(got) {
        (layer.pooled, layer.left_out) = (pooled, left_out);
        if !settings.lookup_only {
            layer.outset = outputs::outset(job, &layer.plan);
        }
    }
    if settings.lookup_only {
        session.is_lookup = true;
        // Nothing came of what was found. What is there as a whole needs no save; all else is new.
        for layer in &mut session.layers {
            layer.start.take_if(|start| !start.is_exact);
        }
    }
    session
}

/// Settings and facts to a plan.
pub(super) fn make_plan(job: &Job, settings: &Settings) -> Result<Plan, NoPlan> {
    if let Some(why) = &job.policy_trouble {
        return Err(NoPlan::Trouble(anyhow::anyhow!("the policy of this host: {why}")));
    }
    if let Some(why) = &job.context.event_trouble {
        let what =
            "the event file tells nothing, so that this job saves nothing and reads only what its base made";
        job.console.warn(format!("{what}: {why}"));
    }
    if let Some(home) = job.env.home_of_system() {
        job.console.say(format!("HOME is not set: the home is {home}, as the system says of this user"));
    }
    let facts = facts::gather(job, settings)?;
    let mut plan = plan::build(settings, &facts).map_err(|error| NoPlan::WrongInput(error.to_string()))?;
    links::leave_out(job, &mut plan);
    if plan.has_unknown_commit {
        let why = "a workspace has changes, or no commit";
        job.console.say(format!("builds: left out, since it is not known what they are made from: {why}"));
    }
    for line in &plan.twice {
        job.console.say(format!("path: `{line}` is cached by cargo's own layers already, and so not twice"));
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
    /// For each layer of the plan what it got of the unit pool besides.
    pub(super) pooled: Vec<BTreeMap<String, FingerprintTimes>>,
    /// For each layer of the plan what it did not get of its entry.
    pub(super) left_out: Vec<BTreeMap<String, BTreeMap<String, LeftOut>>>,
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
        pooled: Vec::new(),
        left_out: Vec::new(),
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
        let (mut units, mut left_out) = (BTreeMap::new(), BTreeMap::new());
        if let Some(store) = store.as_ref().filter(|_| !job.interrupt.is_raised()) {
            let by_layer = Restorer::new(job, store, plan, layer);
            match by_layer.restore(settings.lookup_only) {
                Ok(served) => {
                    if let Some(served) = &served {
                        let Header { key, scope, lane, .. } = &served.lease.manifest().header;
                        start = Some(Start {
                            entry: served.lease.id().path(),
                            is_exact: served.hit == Hit::Exact,
                        });
                        outcome.hit = served.hit;
                        outcome.matched_key = Some(key.clone());
                        outcome.matched_ref = Some(scope.reference.clone());
                        outcome.matched_lane = Some(lane.clone()).filter(|lane| *lane != plan.lane);
                        outcome.transfer.clone_from(&served.transfer);
                        served_by = Some(served.lease.manifest().header.clone());
                        left_out.clone_from(&served.left_out);
                    }
                    if !settings.lookup_only {
                        let completed = by_layer.complete(served.as_ref());
                        by_layer.mark(served.as_ref().filter(|_| completed.is_none()));
                        if let Some(Completed { composed, transfer, pooled }) = completed {
                            outcome.complete(composed, transfer);
                            units = pooled;
                        }
                    }
                }
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
        restored.pooled.push(units);
        restored.left_out.push(left_out);
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
        matched_lane: None,
        transfer: None,
        composed: None,
        reason: None,
        folder: store::key_folder(root, layer.layer, &plan.scopes.own(), &layer.key),
    }
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
    open_store(settings)?.leave_session(session, temporary).map(drop)
}
