//! Makes entries of what a session or the inputs describe; older ones go.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cargo::Host;
use crate::facts;
use crate::job::trouble::Trouble;
use crate::job::{Exit, Job, chain};
use crate::layers::rules_of;
use crate::outcome::{Code, LayerSave, NotSaved, SaveOutcome, Saved};
use crate::pipeline::disk_guard::Guard;
use crate::pipeline::record::JobDone;
use crate::pipeline::save_layer::Saver;
use crate::pipeline::{afterwards, flush, links, planning, record, session, survivors};
use crate::plan::{
    JobStatus, LayerPlan, Modes, NoWrite, Promise, SaveMoment, Scopes, Session, SessionLayer, Settings, Start,
};
use crate::store::{self, Activity, Claim, Finality, Layer, Store};
use crate::sys::{self, CrashPoint};

/// How the job stands that is saved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// What is known of its end.
    pub(crate) status: JobStatus,
    /// Whether its steps are over: then there is time after a cancellation, and what still works in its directories is a process
    /// that was left behind.
    pub(crate) is_over: bool,
}

impl Ending {
    /// That of a step, which is told the job's status.
    pub(crate) fn of_step(status: JobStatus) -> Self {
        Self { status, is_over: false }
    }
}

/// What an entry is saved as: where, and what no second entry of one job has.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SavedAs {
    root: PathBuf,
    layer: Layer,
    key: String,
    contents: String,
}

impl SavedAs {
    fn new(store: &Store, plan: &LayerPlan) -> Self {
        let (key, contents) = (plan.key.clone(), plan.contents.clone());
        Self { root: store.root().to_path_buf(), layer: plan.layer(), key, contents }
    }
}

/// What was saved.
pub(crate) type SavedSet = HashSet<SavedAs>;

/// Saves what the inputs describe: there was no restore before, or one without a session.
pub(crate) fn save_inputs(
    job: &Job,
    settings: &Settings,
    status: JobStatus,
    seen: &mut SavedSet,
) -> Result<Option<SaveOutcome>, Exit> {
    let plan = match planning::make_plan(job, settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            return match planning::tell(job, &no_plan) {
                Exit::Success => Ok(None),
                exit => Err(exit),
            };
        }
    };
    let saved = Store::open(&settings.cache_root, settings.maintenance.access).and_then(|store| {
        let starts =
            plan.layers.iter().map(|layer| start(&store, layer, plan.scopes.write.as_ref().ok(), &plan.lane));
        let starts = starts.collect::<Result<_, _>>()?;
        let mut session = session::session(job, settings, plan, starts);
        for layer in &mut session.layers {
            layer.outset = rules_of(&layer.plan).left_outset(job);
        }
        let saved = save(job, &store, &session, Ending::of_step(status), seen);
        // How long the job worked, no session tells.
        record::saved(job, &store, &session, None, &saved);
        Ok(saved)
    });
    Ok(reported(job, saved))
}

/// Tells what was saved, or why nothing was.
fn reported(job: &Job, saved: Result<SaveOutcome, store::Error>) -> Option<SaveOutcome> {
    match saved {
        Ok(saved) => {
            report(job, &saved);
            Some(saved)
        }
        Err(error) => {
            job.warn(Code::NotSaved, format!("nothing saved: {}", chain(&error)));
            None
        }
    }
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

/// Saves what the sessions at `paths` note. What cannot be saved is told.
pub(crate) fn finish_sessions(
    job: &Job,
    paths: &[PathBuf],
    settings: &Settings,
    ending: Ending,
    seen: &mut SavedSet,
) -> Vec<SaveOutcome> {
    let mut saved = Vec::new();
    for path in paths {
        match finish_session(job, path, settings, ending, seen) {
            Ok(outcome) => saved.extend(outcome),
            Err(error) => job.warn(Code::NotSaved, format!("nothing saved: {}", chain(&error))),
        }
    }
    saved
}

/// Saves what the session at `path` notes, unless it is saved already or is not this job's.
fn finish_session(
    job: &Job,
    path: &Path,
    settings: &Settings,
    ending: Ending,
    seen: &mut SavedSet,
) -> Result<Option<SaveOutcome>, store::Error> {
    match Store::claim_session::<Session>(path)? {
        Claim::Ours(mut claimed) => {
            if let Err(why) = check(job, &claimed.value, path) {
                job.warn(
                    Code::Session,
                    format!("nothing saved: the session {} is not this job's: it has {why}", path.display()),
                );
                // Nor is it a later one's.
                if job.context.temporary.as_ref().is_some_and(|temporary| claimed.is_of(temporary)) {
                    claimed.finish()?;
                }
                return Ok(None);
            }
            let saved = save_session(job, path, &mut claimed.value, settings, ending, seen)?;
            sys::crash_at(CrashPoint::Saved);
            if !job.interrupt.is_raised() {
                claimed.finish()?;
            }
            return Ok(Some(saved));
        }
        Claim::Taken => job.console.say("another process is saving this job"),
        Claim::Done => job.console.say("this job was already saved"),
    }
    Ok(None)
}

/// Saves what the interrupted job before this one left in the session at `path`. Nobody tries again: what this job does from now on
/// is not that one's. `is_its` tells whether the session is of that job and may be carried out, or why not.
pub(crate) fn finish_left(
    job: &Job,
    path: &Path,
    settings: &Settings,
    seen: &mut SavedSet,
    is_its: impl FnOnce(&Session) -> Result<(), String>,
) -> Result<Option<SaveOutcome>, store::Error> {
    let Claim::Ours(claimed) = Store::claim_session::<Session>(path)? else { return Ok(None) };
    let mut session = claimed.take()?;
    let run = session.origin.run.clone().unwrap_or_default();
    if let Err(why) = is_its(&session) {
        job.console.say(format!("run {run} was interrupted; nothing of it is saved: {why}"));
        return Ok(None);
    }
    job.console.say(format!("run {run} was interrupted; saving what it made"));
    let ending = Ending { status: JobStatus::Unknown, is_over: true };
    save_session(job, path, &mut session, settings, ending, seen).map(Some)
}

/// Saves a session's layers, and tells it.
fn save_session(
    job: &Job,
    path: &Path,
    session: &mut Session,
    settings: &Settings,
    ending: Ending,
    seen: &mut SavedSet,
) -> Result<SaveOutcome, store::Error> {
    // What the step of the save says comes before what its restore was told. A hook has nothing to say.
    if !ending.is_over && settings.save != SaveMoment::default() {
        session.save = settings.save;
    }
    if !settings.cache_mode.writes() {
        session.scope = Err(NoWrite::Input);
    }
    links::leave_out_of(job, session);
    if !ending.is_over {
        // The hook asks for what no step saved.
        session::forget_token(job, session);
    }
    let store = Store::open(Store::root_of_session(path), session.maintenance.access)?;
    if ending.is_over {
        seen.extend(saved_already(&store, session)?);
    }
    let done = JobDone { status: ending.status, at: Timestamp::now() };
    let saved = save(job, &store, session, ending, seen);
    record::saved(job, &store, session, Some(done), &saved);
    // A job that was interrupted may be another repository's, whose keys are not this one's to show.
    if job.context.repository.as_ref().is_some_and(|own| *own != session.repository) {
        job.console.say("saved what an interrupted job of another repository left");
    } else {
        report(job, &saved);
    }
    Ok(saved)
}

/// What the job has saved of the session before: whoever came to do it was stopped before the end, by a cancellation or at a bound.
fn saved_already(store: &Store, session: &Session) -> Result<SavedSet, store::Error> {
    let mut saved = SavedSet::new();
    let Ok(scope) = &session.scope else { return Ok(saved) };
    for SessionLayer { plan, .. } in &session.layers {
        let query = plan.query(std::slice::from_ref(scope), &session.lane, Timestamp::now());
        let exact = store.candidates(&query)?.into_iter().filter(|candidate| candidate.is_exact);
        let mut headers = exact.filter_map(|candidate| store.header(&candidate.id).ok());
        if headers.any(|header| {
            header.contents == plan.contents
                && header.lane == session.lane
                && header.created >= session.since
                && header.origin.is_of_job(&session.origin)
        }) {
            saved.insert(SavedAs::new(store, plan));
        }
    }
    Ok(saved)
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

fn report(job: &Job, report: &SaveOutcome) {
    if report.layers.is_empty() {
        return;
    }
    job.console.tell(&report.told(), "runner-cache: keys and units");
    if let Err(error) = job.files.add_summary(&report.summary()) {
        job.warn(Code::SummaryNotWritten, format!("cannot write the step summary: {}", chain(&error)));
    }
}

/// Saves each layer of a session. Trouble is a warning, and the layer's earlier entries stay as they are.
fn save(job: &Job, store: &Store, session: &Session, ending: Ending, seen: &mut SavedSet) -> SaveOutcome {
    let mut report = SaveOutcome::default();
    let _at_work = job.work.begin(&job.context, store, Activity::Save);
    let is_to_save = |layer| reason_not_to(session, ending, layer).is_none();
    // Who only looked and found all of it keeps nobody's disk in order.
    if !session.is_lookup || session.layers.iter().any(is_to_save) {
        let guard = Guard {
            job,
            store: Some(store),
            maintenance: &session.maintenance,
            reach: session.reach.as_ref(),
            root: store.root(),
        };
        guard.look_and_tell();
    }
    for layer in &session.layers {
        let SessionLayer { plan, .. } = layer;
        let this = SavedAs::new(store, plan);
        let saved = if seen.contains(&this) {
            Saved::Not { reason: NotSaved::SavedBefore }
        } else {
            save_layer(job, store, session, layer, ending).unwrap_or_else(|error| {
                job.warn(Code::NotSaved, format!("{}: not saved: {}", layer.plan.layer(), chain(&error)));
                Saved::Failed
            })
        };
        if let Saved::Entry { .. } = saved {
            seen.insert(this);
        }
        report.layers.push(LayerSave { layer: layer.plan.layer(), key: layer.plan.key.clone(), saved });
    }
    let directories: Vec<_> = report.layers.iter().map(|layer| layer.saved.directory()).collect();
    if directories.iter().all(Option::is_none) {
        return report;
    }
    if ending.is_over {
        afterwards::leave_running(job, store, session, &directories);
    } else {
        report.cleaned = afterwards::clean_up(job, store, session);
        flush::leave_running(job, store, session.maintenance.access);
    }
    report
}

fn save_layer(
    job: &Job,
    store: &Store,
    session: &Session,
    layer: &SessionLayer,
    ending: Ending,
) -> Result<Saved, Trouble> {
    if let Some(why) = reason_not_to(session, ending, layer) {
        return Ok(Saved::Not { reason: why });
    }
    let scope = match &session.scope {
        Ok(scope) => scope,
        Err(why) => return Ok(Saved::Not { reason: NotSaved::ReadOnly(why.clone()) }),
    };
    let mut finality = layer.finality(ending.status);
    if ending.is_over
        && finality.is_final()
        && layer.plan.promise() != Promise::Nothing
        && let Some(left) = survivors::left_in_workspace(session)?
    {
        job.console.say(format!(
            "{}: kept as a partial entry: {} (process {}) of the job still runs in {}",
            layer.plan.layer(),
            left.process.name,
            left.process.pid.as_raw_pid(),
            left.path.display()
        ));
        finality = Finality::Partial;
    }
    if !finality.is_final() {
        let best = start(store, &layer.plan, Some(scope), &session.lane)?;
        if best.is_some_and(|best| best.is_exact) {
            return Ok(Saved::Not { reason: NotSaved::FinalThere });
        }
    }
    // A process of its own has not the variables of the job's steps.
    let host = if ending.is_over { Host::of_step(&session.variables) } else { Host::new(&job.env) };
    let Ending { status, is_over } = ending;
    Saver { job, store, session, scope, layer, host, status, finality, is_over }.save()
}

/// Why a layer is not even looked at.
fn reason_not_to(session: &Session, ending: Ending, layer: &SessionLayer) -> Option<NotSaved> {
    let is_there = layer.start.as_ref().is_some_and(|start| start.is_exact);
    let refused = rules_of(&layer.plan).reason_not_to_read(ending.status);
    match (session.save, ending.status) {
        (SaveMoment::Never, _) => Some(NotSaved::Never),
        // It was not brought, and so nothing of this job belongs to it.
        _ if session.is_lookup && is_there => Some(NotSaved::Settled),
        _ if refused.is_some() => refused,
        (SaveMoment::Always, _) => None,
        (_, JobStatus::Cancelled) if !ending.is_over => Some(NotSaved::Cancelled),
        (SaveMoment::Success, JobStatus::Cancelled) => Some(NotSaved::Cancelled),
        (SaveMoment::Success, JobStatus::Failure) => Some(NotSaved::Failed),
        (SaveMoment::Success, JobStatus::Unknown) => Some(NotSaved::Unknown),
        _ if layer.plan.promise() == Promise::Settled && is_there => Some(NotSaved::Settled),
        (SaveMoment::Auto | SaveMoment::Success, _) => None,
    }
}

/// Saves right after the job, without a session in between.
pub(crate) fn save_now(
    job: &Job,
    settings: &Settings,
    mut session: Session,
    status: JobStatus,
) -> Option<SaveOutcome> {
    // What ran since the restore may have put a link into the checkout.
    links::leave_out_of(job, &mut session);
    let store = Store::open(&settings.cache_root, settings.maintenance.access);
    let saved = store.map(|store| {
        let done = JobDone { status, at: Timestamp::now() };
        let saved = save(job, &store, &session, Ending::of_step(status), &mut SavedSet::default());
        record::saved(job, &store, &session, Some(done), &saved);
        saved
    });
    reported(job, saved)
}
