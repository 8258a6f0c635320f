//! Brings each layer of a plan into the job, and tells what came.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{debug, debug_span};

use crate::cargo::FingerprintTimes;
use crate::facts::isolation;
use crate::job::trouble::Trouble;
use crate::job::{Exit, Job, chain};
use crate::layers::units::restore::Completed;
use crate::outcome::{Code, Hit, LayerRestore, Matched, RestoreOutcome, RestoreTimes};
use crate::pipeline::disk_guard::{Expected, Guard};
use crate::pipeline::restore_layer::Restorer;
use crate::pipeline::{lookup, record};
use crate::plan::{LayerPlan, LeftOut, Plan, Settings, Start};
use crate::store::{self, Activity, Header, Store, WorkPhase};
use crate::tree;

/// Looks after the disks before anything is brought. `false`: the job is to fail.
pub(crate) fn make_room(job: &Job, settings: &Settings, plan: &Plan) -> bool {
    if settings.lookup_only {
        return true;
    }
    // A root that cannot be opened is told of when it is to be read.
    let store = Store::open_existing(&settings.cache_root, settings.maintenance.access).ok().flatten();
    let expected = store.as_ref().map(|store| expected(store, plan)).unwrap_or_default();
    let guard = Guard {
        job,
        store: store.as_ref(),
        maintenance: &settings.maintenance,
        reach: plan.scopes.reach.as_ref(),
        root: &settings.cache_root,
    };
    guard.before_job(&expected)
}

/// Entries of a family that are asked what jobs of it wrote.
const ASKED: usize = 4;

/// What jobs of this kind wrote at most, as their newest entries tell.
fn expected(store: &Store, plan: &Plan) -> Expected {
    let mut expected = Expected::default();
    for layer in &plan.layers {
        let query = layer.query(&plan.scopes.read, &plan.lane, Timestamp::now());
        let candidates = store.candidates(&query).unwrap_or_default();
        expected.entries.extend(candidates.first().map(|candidate| candidate.id.clone()));
        let headers = candidates.into_iter().filter_map(|candidate| store.header(&candidate.id).ok());
        let of_family = headers.filter(|header| header.family == layer.family && header.lane == plan.lane);
        expected.bytes += of_family.take(ASKED).map(|header| header.wrote).max().unwrap_or(0);
    }
    expected
}

/// Opens the store, or makes it.
pub(crate) fn open_store(settings: &Settings) -> Result<Store, store::Error> {
    Store::open(&settings.cache_root, settings.maintenance.access)
}

/// What is told where there is no plan.
pub(crate) fn nothing(job: &Job, settings: &Settings) -> RestoreOutcome {
    let incremental = settings.incremental.chosen();
    RestoreOutcome { incremental, ..RestoreOutcome::of_nothing(&settings.cache_root, job.started.elapsed()) }
}

/// What [`restore`] did.
pub(crate) struct RestoreRun {
    pub(crate) outcome: RestoreOutcome,
    /// For each layer of the plan what the job begins with.
    pub(crate) outsets: Vec<LayerOutset>,
    /// A destination could not be put back as it was.
    pub(crate) is_broken: bool,
}

/// What a job begins with in one layer.
#[derive(Default)]
pub(crate) struct LayerOutset {
    /// The entry.
    pub(crate) start: Option<Start>,
    /// What came of the unit pool besides.
    pub(crate) pooled: BTreeMap<String, FingerprintTimes>,
    /// What did not come of the entry.
    pub(crate) left_out: BTreeMap<String, BTreeMap<String, LeftOut>>,
}

/// Brings what is cached into the job. Trouble is a warning and a miss.
pub(crate) fn restore(job: &Job, settings: &Settings, plan: &Plan) -> RestoreRun {
    let store = match open_store(settings) {
        Ok(store) => Some(store),
        Err(error) => {
            job.warn(Code::NoCache, format!("no cache: {}", chain(&error)));
            None
        }
    };
    let _at_work = store.as_ref().map(|store| job.work.begin(&job.context, store, Activity::Restore));
    let mut restored = RestoreRun {
        outcome: RestoreOutcome {
            cargo_key: plan.cargo_key.clone(),
            target_key: plan.target_key.clone(),
            ..nothing(job, settings)
        },
        outsets: Vec::new(),
        is_broken: false,
    };
    if let Some(home) = plan.own_cargo_home.as_ref().filter(|_| !settings.lookup_only) {
        match isolation::enter(job, home) {
            Ok(()) => restored.outcome.own_cargo_home = Some(home.clone()),
            Err(error) => {
                let what = "cannot create the job's own CARGO_HOME; using the user's";
                job.warn(Code::SharedCargoHome, format!("{what}: {}", chain(&*error)));
            }
        }
    }
    for layer in &plan.layers {
        let store = store.as_ref().filter(|_| !job.interrupt.is_raised());
        let (outcome, outset) = match store {
            Some(store) => restore_layer(job, settings, plan, layer, store, &mut restored.is_broken),
            None => (miss(layer, plan, &settings.cache_root), LayerOutset::default()),
        };
        restored.outcome.layers.push(outcome);
        restored.outsets.push(outset);
    }
    restored.outcome.took = job.started.elapsed();
    if let Some(store) = &store {
        restored.outcome.history = record::restored(job, store, settings, plan, &restored.outcome);
    }
    restored
}

fn restore_layer(
    job: &Job,
    settings: &Settings,
    plan: &Plan,
    layer: &LayerPlan,
    store: &Store,
    is_broken: &mut bool,
) -> (LayerRestore, LayerOutset) {
    let (mut outcome, mut outset) = (miss(layer, plan, &settings.cache_root), LayerOutset::default());
    let _span = debug_span!("restore", layer = %layer.layer()).entered();
    job.work.at_layer(layer.layer(), &layer.key, WorkPhase::LookUp);
    let restorer = Restorer::new(job, store, plan, layer);
    let started = Instant::now();
    let served = restorer.restore(settings.lookup_only);
    let took = started.elapsed();
    let has_failed = served.is_err();
    let served = served.unwrap_or_else(|error| {
        *is_broken |= matches!(error, Trouble::Tree(tree::Error::NotPutBack { .. }));
        job.warn(Code::NotRestored, format!("{}: nothing restored: {}", layer.layer(), chain(&error)));
        None
    });
    if let Some(served) = &served {
        let Header { key, scope, lane, .. } = &served.lease.manifest().header;
        outset.start = Some(Start { entry: served.lease.id().path(), is_exact: served.hit == Hit::Exact });
        outset.left_out.clone_from(&served.left_out);
        outcome.hit = served.hit;
        outcome.matched = Some(Matched {
            key: key.clone(),
            reference: scope.reference.clone(),
            lane: Some(lane.clone()).filter(|lane| *lane != plan.lane),
        });
        outcome.transfer.clone_from(&served.transfer);
    }
    outcome.times.files = outcome.transfer.as_ref().map_or(Duration::ZERO, |transfer| transfer.took);
    outcome.times.lookup = took.saturating_sub(outcome.times.files);
    if !settings.lookup_only && !has_failed {
        let started = Instant::now();
        let completed = restorer.complete(served.as_ref());
        outcome.times.pool = started.elapsed();
        restorer.mark(served.as_ref().filter(|_| completed.is_none()));
        if let Some(Completed { composed, transfer, pooled }) = completed {
            outcome.complete(composed, transfer);
            outset.pooled = pooled;
        }
    }
    if outcome.hit != Hit::Exact {
        let served_by = served.as_ref().map(|served| &served.lease.manifest().header);
        outcome.reason = lookup::reason(plan, layer, store, served_by);
    }
    debug!(hit = outcome.hit.name(), times = ?outcome.times, "done");
    (outcome, outset)
}

fn miss(layer: &LayerPlan, plan: &Plan, root: &Path) -> LayerRestore {
    LayerRestore {
        layer: layer.layer(),
        key: layer.key.clone(),
        hit: Hit::Miss,
        matched: None,
        transfer: None,
        composed: None,
        reason: None,
        directory: store::key_directory(root, layer.layer(), &plan.scopes.own(), &layer.key),
        times: RestoreTimes::default(),
    }
}

/// Tells log, outputs, environment and summary.
pub(crate) fn report(job: &Job, outcome: &RestoreOutcome) {
    job.console.tell(&outcome.told(), "runner-cache: keys and units");
    tell_later_steps(job, outcome);
}

/// Tells outputs, environment and summary. What cannot be told is a warning: the files are there all the same.
pub(crate) fn tell_later_steps(job: &Job, outcome: &RestoreOutcome) {
    let told = job.files.set_outputs(&outcome.outputs()).and_then(|()| job.files.set_env(&outcome.env()));
    let told = told.and_then(|()| {
        if outcome.layers.is_empty() { Ok(()) } else { job.files.add_summary(&outcome.summary()) }
    });
    if let Err(error) = told {
        let why = chain(&error);
        job.warn(Code::OutputsNotWritten, format!("cannot pass outputs to later steps: {why}"));
    }
}

/// How the job is to go on after a restore: a miss that the user wants to fail on is told.
pub(crate) fn exit(job: &Job, settings: &Settings, outcome: &RestoreOutcome) -> Exit {
    let missed = match outcome.primary() {
        None => "no layer to look up".to_owned(),
        Some(primary) if primary.hit == Hit::Miss => {
            format!("no entry for key {} ({} layer)", primary.key, primary.layer)
        }
        Some(_) => return Exit::Success,
    };
    if !settings.fail_on_cache_miss {
        return Exit::Success;
    }
    job.error(format!("{missed}, and `fail-on-cache-miss` is set"));
    Exit::Failure
}
