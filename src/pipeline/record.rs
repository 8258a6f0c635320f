//! Tells the ledger what happened. A job does without: trouble with the ledger is no more than a warning, and statistics lack
//! its events then.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tracing::debug;

use crate::job::{Job, chain};
use crate::ledger::{
    self, Began, Checked, Event, Evicted, Family, Kept, KeyDigest, Ledger, Moved, Served, Source, estimate,
    with_ledger,
};
use crate::outcome::{
    Code, FullDisk, Hit, LayerHistory, LayerRestore, LayerSave, Miss, RestoreOutcome, SaveOutcome, SaveTimes,
    Saved,
};
use crate::plan::{JobStatus, LayerPlan, Plan, Session, SessionLayer, Settings};
use crate::store::retention::{Known, Planned};
use crate::store::{Layer, Store};
use crate::sys::host_name;
use crate::tree::TransferStats;

/// Runs that a summary shows.
const RUNS_SHOWN: u32 = 12;

/// Tells of a restore, and reads what its families did before: the runs before this one, and this one.
pub(crate) fn restored(
    job: &Job,
    store: &Store,
    settings: &Settings,
    plan: &Plan,
    outcome: &RestoreOutcome,
) -> Vec<LayerHistory> {
    let bypass = if settings.lookup_only {
        Some("lookup-only")
    } else if plan.scopes.read.is_empty() {
        Some("cache-mode")
    } else {
        job.interrupt.is_raised().then_some("interrupted")
    };
    let layers = plan.layers.iter().zip(&outcome.layers);
    let family = |planned: &LayerPlan| Family {
        repository: plan.scopes.repository.clone(),
        job: job.context.job.clone(),
        lane: plan.lane.clone(),
        layer: planned.layer(),
        contents: planned.contents.clone(),
    };
    let families: Vec<_> = layers.clone().map(|(planned, _)| family(planned)).collect();
    let restores = layers.zip(&families).map(|((planned, outcome), family)| Event::Restore {
        family: family.clone(),
        key: KeyDigest::of(&planned.key),
        restored: restore(outcome, bypass),
    });
    let mut events: Vec<_> = restores.collect();
    events.extend(damage(job.take_damaged()));
    let own = plan.scopes.write.as_ref().ok().map(|scope| scope.reference.clone());
    let source = Source { reference: own.or_else(|| job.context.reference.clone()), ..source(job) };
    let told = tell(job, store, |ledger| {
        let now = ledger.append(&source, Timestamp::now(), &events)?;
        let history = |family: &Family| {
            Ok(LayerHistory { layer: family.layer, runs: ledger.last_runs(family, RUNS_SHOWN, now)? })
        };
        families.iter().map(history).collect::<ledger::Result<Vec<_>>>()
    });
    told.unwrap_or_default()
}

fn restore(outcome: &LayerRestore, bypass: Option<&str>) -> ledger::Restored {
    let served = match (bypass, outcome.hit) {
        (Some(_), _) => Served::Bypass,
        (None, Hit::Exact) => Served::Exact,
        (None, Hit::Partial) => Served::Partial,
        (None, Hit::Composed) => Served::Composed,
        (None, Hit::Miss) => Served::Miss,
    };
    let cause = bypass.map(str::to_owned).or_else(|| code_of(outcome.reason.as_ref()?));
    // A key in the user's words tells no more than that.
    let cause = cause.or_else(|| (served == Served::Miss).then(|| "no-match".to_owned()));
    let factors = outcome.reason.as_ref().filter(|_| bypass.is_none()).and_then(|reason| match reason {
        Miss::OtherKey { differences, .. } => {
            let factors = differences.iter().map(|difference| difference.factor.as_str());
            Some(factors.collect::<Vec<_>>().join(","))
        }
        _ => None,
    });
    let moved = outcome.transfer.as_ref().map(|transfer| moved(&transfer.stats)).unwrap_or_default();
    let times = outcome.times;
    ledger::Restored { served, cause, factors, moved, steps: [times.lookup, times.files, times.pool] }
}

/// How a job ended that a save is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobDone {
    /// What is known of its end.
    pub(crate) status: JobStatus,
    /// When its work was done, and the save began.
    pub(crate) at: Timestamp,
}

/// Tells of a save. `done` is for a session of a restore, which tells when the job began.
pub(crate) fn saved(
    job: &Job,
    store: &Store,
    session: &Session,
    done: Option<JobDone>,
    outcome: &SaveOutcome,
) {
    let worked = done.filter(|done| done.status == JobStatus::Success);
    let worked = worked.and_then(|done| Duration::try_from(done.at.duration_since(session.since)).ok());
    let main = session.layers.iter().map(|layer| layer.plan.layer()).min_by_key(|layer| weight(*layer));
    // The job may be over, and this be the next one, of another repository.
    let own = session.scope.as_ref().ok().map(|scope| scope.reference.clone());
    let source = Source {
        run: session.origin.run.clone(),
        reference: own.or_else(|| session.reference.clone()),
        ..source(job)
    };
    // Once, however often the ledger is tried.
    let damaged = damage(job.take_damaged());
    tell(job, store, |ledger| {
        let mut events = Vec::new();
        for (layer, LayerSave { saved, .. }) in session.layers.iter().zip(&outcome.layers) {
            let plan = &layer.plan;
            let family = Family {
                repository: session.repository.clone(),
                job: session.origin.job.clone(),
                lane: session.lane.clone(),
                layer: plan.layer(),
                contents: plan.contents.clone(),
            };
            let began = match done.filter(|_| main == Some(plan.layer())) {
                Some(_) => Some(began(ledger, &family, session, layer, worked, source.run.as_deref())?),
                None => None,
            };
            let (kept, cause, moved, steps) = match saved {
                Saved::Entry { stats, times, .. } => {
                    let SaveTimes { read, files, note, pool } = *times;
                    (Kept::Entry, None, moved(stats), [read, files, note, pool])
                }
                Saved::Not { reason } => (Kept::Not, code_of(reason), Moved::default(), Default::default()),
                Saved::Failed => (Kept::Failed, None, Moved::default(), Default::default()),
            };
            let saved = ledger::Saved { kept, cause, moved, steps, began };
            events.push(Event::Save { family, key: KeyDigest::of(&plan.key), saved });
        }
        events.extend(damaged.clone());
        ledger.append(&source, Timestamp::now(), &events)
    });
}

/// What is told of so many damaged entries.
fn damage(entries: u64) -> Option<Event> {
    (entries > 0).then_some(Event::Damage { entries })
}

/// Of the layers of a job, the one of which the time of the job depends the most has the least weight.
fn weight(layer: Layer) -> u8 {
    match layer {
        Layer::Target => 0,
        Layer::Paths => 1,
        Layer::Cargo => 2,
        Layer::Builds => 3,
        Layer::Bins => 4,
        Layer::Units => 5,
    }
}

fn began(
    ledger: &Ledger,
    family: &Family,
    session: &Session,
    layer: &SessionLayer,
    worked: Option<Duration>,
    run: Option<&str>,
) -> ledger::Result<Began> {
    let served = match &layer.start {
        _ if session.is_lookup => Served::Bypass,
        Some(start) if start.is_exact => Served::Exact,
        Some(_) => Served::Partial,
        None if layer.pooled.values().any(|units| !units.is_empty()) => Served::Composed,
        None => Served::Miss,
    };
    let is_estimated = match run {
        Some(run) => ledger.is_estimated(family, run)?,
        None => false,
    };
    let saved = match worked.filter(|_| served.is_hit() && !is_estimated) {
        Some(worked) => {
            let restore = ledger.restore_time(family, run, session.since)?;
            estimate(&ledger.cold_runs(family)?, worked, restore)
        }
        None => None,
    };
    Ok(Began { served, worked, saved })
}

/// Tells of entries that went, of which `known` tells what they were.
pub(crate) fn evicted(job: &Job, store: &Store, known: &[Known], removed: &[Planned]) {
    if removed.is_empty() {
        return;
    }
    let known: HashMap<_, _> = known.iter().map(|known| (&known.id, &known.header)).collect();
    let mut events = Vec::new();
    // Units are many and small, and go together.
    let mut units: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for planned in removed {
        let reason = code_of(&planned.reason).unwrap_or_default();
        // One whose header cannot be read is nobody's.
        let Some(header) = known.get(&planned.id) else { continue };
        if header.layer() == Layer::Units {
            let sum = units.entry((header.scope.repository.clone(), reason)).or_default();
            *sum = (sum.0 + 1, sum.1 + planned.bytes);
            continue;
        }
        let family = Family {
            repository: header.scope.repository.clone(),
            job: header.origin.job.clone(),
            lane: header.lane.clone(),
            layer: header.layer(),
            contents: header.contents.clone(),
        };
        let evicted = Evicted {
            reason,
            reference: Some(header.scope.reference.clone()),
            is_of_default_branch: header.is_of_default_branch,
            entries: 1,
            bytes: planned.bytes,
        };
        events.push(Event::Eviction { family, key: Some(KeyDigest::of(&header.key)), evicted });
    }
    events.extend(units.into_iter().map(|((repository, reason), (entries, bytes))| Event::Eviction {
        family: Family {
            repository,
            job: None,
            lane: String::new(),
            layer: Layer::Units,
            contents: String::new(),
        },
        key: None,
        evicted: Evicted { reason, reference: None, is_of_default_branch: false, entries, bytes },
    }));
    append(job, store, &events);
}

/// Tells of a disk that had too little room.
pub(crate) fn guarded(job: &Job, store: Option<&Store>, checked: Checked, disk: &FullDisk) {
    let event = Event::Guard { checked, entries: disk.evicted, free: disk.before.free_bytes };
    if let Some(store) = store {
        append(job, store, &[event]);
    }
}

/// Tells of damage that was looked for and found.
pub(crate) fn damaged(job: &Job, store: &Store, entries: usize) {
    append(job, store, damage(entries as u64).as_slice());
}

fn append(job: &Job, store: &Store, events: &[Event]) {
    if !events.is_empty() {
        let source = source(job);
        tell(job, store, |ledger| ledger.append(&source, Timestamp::now(), events));
    }
}

/// Does `work` with the ledger of `store`. A ledger that cannot be used is told of once.
pub(crate) fn tell<T>(
    job: &Job,
    store: &Store,
    work: impl Fn(&mut Ledger) -> ledger::Result<T>,
) -> Option<T> {
    let warn = |message: String| {
        if job.warnings().iter().all(|warning| warning.code != Code::Ledger) {
            job.warn(Code::Ledger, message);
        }
    };
    match with_ledger(store, work) {
        Ok((done, aside)) => {
            if let Some(aside) = aside {
                warn(format!("statistics start over: damaged ledger moved to {}", aside.display()));
            }
            Some(done)
        }
        Err(error @ ledger::Error::Newer { .. }) => {
            warn(format!("not in the statistics: {}", chain(&error)));
            None
        }
        // Others write all the time, or nobody may.
        Err(error) => {
            debug!("not in the statistics: {}", chain(&error));
            None
        }
    }
}

/// What this process is part of.
fn source(job: &Job) -> Source {
    Source {
        host: host_name(),
        runner: job.context.runner.clone(),
        run: job.context.run.clone(),
        reference: job.context.reference.clone(),
    }
}

fn moved(stats: &TransferStats) -> Moved {
    let link = stats.ways().max_by_key(|(_, files)| *files);
    Moved { files: stats.files, bytes: stats.bytes, link: link.map(|(way, _)| way) }
}

/// The code that the JSON of an outcome has for it: the ledger has no other.
fn code_of(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_value(value).ok()?;
    Some(json.get("code")?.as_str()?.to_owned())
}
