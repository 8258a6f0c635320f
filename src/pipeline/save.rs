//! Makes entries of what a session or the inputs describe; older ones go.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::facts;
use crate::job::trouble::Trouble;
use crate::job::{Exit, Job, chain};
use crate::layers::builds;
use crate::pipeline::housekeeping::{self, Phase};
use crate::pipeline::save_layer::Saver;
use crate::pipeline::{flush, links, planning, session};
use crate::plan::{
    JobStatus, LayerPlan, Modes, NoWrite, Promise, SaveMoment, Scopes, Session, SessionLayer, Settings, Start,
};
use crate::report::{CleanReport, LayerSave, NotSaved, SaveReport, Saved};
use crate::store::retention::Shortage;
use crate::store::{self, Claim, Layer, Store};
use crate::sys::{self, CrashPoint};

/// What was saved: where, the layer, its key and what it is about.
pub(crate) type Seen = HashSet<(PathBuf, Layer, String, String)>;

/// Saves what the inputs describe: there was no restore before, or one without a session.
pub(crate) fn save_inputs(job: &Job, settings: &Settings, status: JobStatus, seen: &mut Seen) -> Exit {
    let plan = match planning::make_plan(job, settings) {
        Ok(plan) => plan,
        Err(no_plan) => return planning::tell(job, &no_plan),
    };
    let saved = Store::open(&settings.cache_root, settings.maintenance.access).and_then(|store| {
        let starts =
            plan.layers.iter().map(|layer| start(&store, layer, plan.scopes.write.as_ref().ok(), &plan.lane));
        let starts = starts.collect::<Result<_, _>>()?;
        let mut session = session::session(job, settings, plan, starts);
        for layer in &mut session.layers {
            layer.outset = builds::left(job, &layer.plan);
        }
        Ok(save(job, &store, &session, status, seen))
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
    scope: Option<&store::Scope>,
    lane: &str,
) -> Result<Option<Start>, store::Error> {
    let scopes = scope.map_or(&[][..], std::slice::from_ref);
    let query = layer.query(scopes, lane, Timestamp::now());
    let start = |candidate: store::Candidate| {
        let header = store.header(&candidate.id).ok().filter(|header| header.contents == layer.contents)?;
        let is_exact = candidate.is_exact && header.finality.is_final();
        Some(Start { entry: candidate.id.path(), is_exact })
    };
    Ok(store.candidates(&query)?.into_iter().find_map(start))
}

pub(crate) fn finish_session(
    job: &Job,
    path: &Path,
    settings: &Settings,
    status: JobStatus,
    seen: &mut Seen,
) -> Result<(), store::Error> {
    match Store::claim_session::<Session>(path)? {
        Claim::Ours(mut claimed) => {
            if let Err(why) = check(job, &claimed.value, path) {
                job.console
                    .warn(format!("nothing saved: {} tells {why}, which is not this job's", path.display()));
                return Ok(());
            }
            // What the step of the save says narrows what its restore was told.
            if settings.save != SaveMoment::default() {
                claimed.value.save = settings.save;
            }
            if !settings.cache_mode.writes() {
                claimed.value.scope = Err(NoWrite::Input);
            }
            links::leave_out_of(job, &mut claimed.value);
            let store = Store::open(Store::root_of_session(path), claimed.value.maintenance.access)?;
            report(job, &save(job, &store, &claimed.value, status, seen));
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

/// What a job's restore noted lies where other jobs of its user can write, and is not to let one of them save as another: what
/// it tells that it is not this job's, if anything.
fn check(job: &Job, session: &Session, path: &Path) -> Result<(), String> {
    let modes = Modes { host: job.policy.mode(&job.context), ..Modes::default() };
    let scopes = Scopes::new(&job.context, &session.directory, modes);
    session.check(&scopes, &facts::origin(job), job.policy.most_share(job.context.is_actions))?;
    let is_elsewhere = |root: &PathBuf| Store::root_of_session(path) != root;
    match &job.policy.cache_root {
        Some(root) if is_elsewhere(root) => Err(format!("another cache than {}", root.display())),
        _ => Ok(()),
    }
}

pub(crate) fn end(job: &Job) -> Exit {
    if job.interrupt.is_raised() { Exit::Interrupted } else { Exit::Success }
}

fn report(job: &Job, report: &SaveReport) {
    if report.layers.is_empty() {
        return;
    }
    job.console.say(report.log());
    if let Err(error) = job.files.add_summary(&report.summary()) {
        job.console.warn(format!("the step summary lacks what was saved: {}", chain(&error)));
    }
}

/// Saves each layer of a session. Trouble is a warning, and the layer's earlier entries stay as they are.
fn save(job: &Job, store: &Store, session: &Session, status: JobStatus, seen: &mut Seen) -> SaveReport {
    let mut report = SaveReport::default();
    let is_to_save = |layer| reason_not_to(session, status, layer).is_none();
    // Who only looked and found all of it keeps nobody's disk in order.
    if !session.is_lookup || session.layers.iter().any(is_to_save) {
        housekeeping::guard(
            job,
            Some(store),
            &session.maintenance,
            session.reach.as_ref(),
            store.root(),
            Phase::AfterJob,
        );
    }
    for layer in &session.layers {
        let SessionLayer { plan, .. } = layer;
        let this = (store.root().to_path_buf(), plan.layer(), plan.key.clone(), plan.contents.clone());
        if seen.contains(&this) {
            job.console.say(format!(
                "{}: an earlier restore of this job has the same key: saved once",
                plan.layer()
            ));
            continue;
        }
        let saved = save_layer(job, store, session, layer, status).unwrap_or_else(|error| {
            job.console.warn(format!("{}: not saved: {}", layer.plan.layer(), chain(&error)));
            Saved::Failed
        });
        if let Saved::Entry { .. } = saved {
            seen.insert(this);
        }
        report.layers.push(LayerSave { layer: layer.plan.layer(), key: layer.plan.key.clone(), saved });
    }
    if report.layers.iter().any(|layer| matches!(layer.saved, Saved::Entry { .. })) {
        match clean_up(job, store, session) {
            Ok(cleaned) => report.cleaned = cleaned,
            Err(error) => job.console.warn(format!("old entries stay for now: {}", chain(&error))),
        }
        flush::leave_running(job, store, session.maintenance.access);
    }
    report
}

fn clean_up(job: &Job, store: &Store, session: &Session) -> Result<Option<CleanReport>, store::Error> {
    let limits = housekeeping::limits(job, store, &session.maintenance, session.reach.as_ref())?;
    housekeeping::clean(job, store, &limits, Shortage::default())
}

fn save_layer(
    job: &Job,
    store: &Store,
    session: &Session,
    layer: &SessionLayer,
    status: JobStatus,
) -> Result<Saved, Trouble> {
    if let Some(why) = reason_not_to(session, status, layer) {
        return Ok(Saved::Not(why));
    }
    let scope = match &session.scope {
        Ok(scope) => scope,
        Err(why) => return Ok(Saved::Not(NotSaved::ReadOnly(why.clone()))),
    };
    let finality = layer.finality(status);
    if !finality.is_final() {
        let best = start(store, &layer.plan, Some(scope), &session.lane)?;
        if best.is_some_and(|best| best.is_exact) {
            return Ok(Saved::Not(NotSaved::FinalThere));
        }
    }
    Saver { job, store, session, scope, layer, status, finality }.save()
}

/// Why a layer is not even looked at.
fn reason_not_to(session: &Session, status: JobStatus, layer: &SessionLayer) -> Option<NotSaved> {
    let is_there = layer.start.as_ref().is_some_and(|start| start.is_exact);
    match (session.save, status) {
        (SaveMoment::Never, _) => Some(NotSaved::Never),
        // It was not brought, and so nothing of this job belongs to it.
        _ if session.is_lookup && is_there => Some(NotSaved::Settled),
        (_, JobStatus::Failure | JobStatus::Cancelled) if layer.plan.layer() == Layer::Builds => {
            Some(NotSaved::OutputsOfFailure)
        }
        (SaveMoment::Always, _) => None,
        (_, JobStatus::Cancelled) => Some(NotSaved::Cancelled),
        (SaveMoment::Success, JobStatus::Failure) => Some(NotSaved::Failed),
        _ if layer.plan.promise() == Promise::Settled && is_there => Some(NotSaved::Settled),
        (SaveMoment::Auto | SaveMoment::Success, _) => None,
    }
}

/// Saves right after the job, without a session in between.
pub(crate) fn save_now(job: &Job, settings: &Settings, session: &Session, status: JobStatus) {
    match Store::open(&settings.cache_root, settings.maintenance.access) {
        Ok(store) => report(job, &save(job, &store, session, status, &mut Seen::default())),
        Err(error) => job.console.warn(format!("nothing saved: {}", chain(&error))),
    }
}
