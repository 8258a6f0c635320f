//! Brings each layer of a plan into the job, and tells what came.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::cargo::FingerprintTimes;
use crate::facts::isolation;
use crate::job::trouble::Trouble;
use crate::job::{Job, chain};
use crate::layers::units::restore::Completed;
use crate::pipeline::housekeeping::{self, Phase};
use crate::pipeline::lookup;
use crate::pipeline::restore_layer::Restorer;
use crate::plan::{LayerPlan, LeftOut, Plan, Settings, Start};
use crate::report::{Hit, LayerRestore, RestoreReport};
use crate::store::retention::Reach;
use crate::store::{self, Header, Store};
use crate::tree;

/// Looks after the disks before anything is brought. `false`: the job is to fail.
pub(crate) fn make_room(job: &Job, settings: &Settings, reach: Option<&Reach>) -> bool {
    if settings.lookup_only {
        return true;
    }
    // A root that cannot be opened is told of when it is to be read.
    let store = Store::open_existing(&settings.cache_root, settings.maintenance.access).ok().flatten();
    let root = &settings.cache_root;
    housekeeping::guard(job, store.as_ref(), &settings.maintenance, reach, root, Phase::BeforeJob)
}

/// Opens the store, or makes it.
pub(crate) fn open_store(settings: &Settings) -> Result<Store, store::Error> {
    Store::open(&settings.cache_root, settings.maintenance.access)
}

/// What [`restore`] did.
pub(crate) struct Restored {
    pub(crate) report: RestoreReport,
    /// For each layer of the plan the entry it started from.
    pub(crate) starts: Vec<Option<Start>>,
    /// For each layer of the plan what it got of the unit pool besides.
    pub(crate) pooled: Vec<BTreeMap<String, FingerprintTimes>>,
    /// For each layer of the plan what it did not get of its entry.
    pub(crate) left_out: Vec<BTreeMap<String, BTreeMap<String, LeftOut>>>,
    /// A destination could not be put back as it was.
    pub(crate) is_broken: bool,
}

/// Brings what is cached into the job. Trouble is a warning and a miss.
pub(crate) fn restore(job: &Job, settings: &Settings, plan: &Plan) -> Restored {
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
                    job.console.warn(format!("{}: nothing restored: {}", layer.layer(), chain(&error)));
                }
            }
        }
        if let Some(store) = store.as_ref().filter(|_| outcome.hit != Hit::Exact) {
            outcome.reason = lookup::reason(plan, layer, store, served_by.as_ref());
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
        layer: layer.layer(),
        key: layer.key.clone(),
        hit: Hit::Miss,
        matched_key: None,
        matched_ref: None,
        matched_lane: None,
        transfer: None,
        composed: None,
        reason: None,
        directory: store::key_directory(root, layer.layer(), &plan.scopes.own(), &layer.key),
    }
}

/// Tells log, outputs, environment and summary. What cannot be told is a warning: the files are there all the same.
pub(crate) fn report(job: &Job, report: &RestoreReport) {
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
pub(crate) fn is_failing_miss(job: &Job, settings: &Settings, report: &RestoreReport) -> bool {
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
