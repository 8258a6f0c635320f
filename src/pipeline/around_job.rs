//! Around a job, in the runner's hooks: what its restores noted and no step saved becomes entries after it; what an interrupted
//! job left, before the next one.

use std::path::{Path, PathBuf};

use crate::facts;
use crate::github::Context;
use crate::job::{Job, chain};
use crate::outcome::{Code, SaveOutcome};
use crate::pipeline::disk_guard::Guard;
use crate::pipeline::save::{Ending, SavedSet, finish_left, finish_sessions};
use crate::pipeline::{clean_up, handing_back, job_end, session};
use crate::plan::{JobStatus, Post, SaveMoment, Session, SessionLayer, Settings};
use crate::report::earlier_trouble;
use crate::store::{self, LeftSession, Log, Store, is_trouble};

/// Lines of what went on after earlier jobs that are shown, at most.
const LINES: usize = 20;

/// Saves what no step of the job saved.
pub(crate) fn completed(job: &Job, settings: &Settings) -> Vec<SaveOutcome> {
    finish(job, settings, session::left_or_told(job), Post::Hook)
}

/// Saves those of `sessions` that wait for this one of the ways, and that nobody saved.
pub(crate) fn finish(job: &Job, settings: &Settings, sessions: Vec<PathBuf>, post: Post) -> Vec<SaveOutcome> {
    let (mut awaited, mut matters) = (Vec::new(), false);
    for path in sessions {
        match Store::read_session::<Session>(&path) {
            Ok(Some(session)) if session.post == post => {
                matters |= needs_status(&session);
                awaited.push((path, session));
            }
            Ok(_) => {}
            Err(error) => job.warn(Code::NotSaved, format!("nothing saved: {}", chain(&error))),
        }
    }
    if awaited.is_empty() {
        return Vec::new();
    }
    if let Some(why) = &job.policy_trouble {
        job.warn(Code::NotSaved, format!("nothing saved: host policy: {why}"));
        return Vec::new();
    }
    let status = if post == Post::Watch {
        // The API has forgotten which job this runner has, and the job's token is no good any more.
        JobStatus::Unknown
    } else {
        let token_file = awaited.iter().find_map(|(_, session)| session::token_file(job, session));
        job_end::ask(job, token_file, matters)
    };
    for (_, session) in &awaited {
        session::forget_token(job, session);
    }
    let ending = Ending { status, is_over: true };
    let paths: Vec<_> = awaited.into_iter().map(|(path, _)| path).collect();
    finish_sessions(job, &paths, settings, ending, &mut SavedSet::default())
}

/// Whether something is saved otherwise, or not at all, if nobody can tell how the job ended.
fn needs_status(session: &Session) -> bool {
    let is_final = |layer: &SessionLayer| layer.finality(JobStatus::Unknown).is_final();
    session.save == SaveMoment::Success || !session.layers.iter().all(is_final)
}

/// Saves what the job before this one left if it was interrupted, looks after the disks, and lets the checkout have a workspace that it
/// can clean.
pub(crate) fn started(job: &Job, settings: &Settings) -> Vec<SaveOutcome> {
    let saved = left_and_disks(job, settings);
    handing_back::hand_back(job);
    saved
}

fn left_and_disks(job: &Job, settings: &Settings) -> Vec<SaveOutcome> {
    if let Some(why) = &job.policy_trouble {
        job.warn(Code::NoCache, format!("no cache: host policy: {why}"));
        return Vec::new();
    }
    let access = settings.maintenance.access;
    // A cache that nobody used yet has nothing to look after.
    let store = match Store::open_existing(&settings.cache_root, access) {
        Ok(Some(store)) => store,
        Ok(None) => return Vec::new(),
        Err(error) => {
            job.warn(Code::NoCache, format!("no cache: {}", chain(&error)));
            return Vec::new();
        }
    };
    tell_of_earlier(job, &store);
    let saved = job.context.temporary.as_ref().map(|temporary| left(job, settings, &store, temporary));
    let saved = saved.unwrap_or(Ok(Vec::new())).unwrap_or_else(|error| {
        let why = chain(&error);
        job.warn(Code::Session, format!("cannot read what an interrupted job left: {why}"));
        Vec::new()
    });
    clean_up::sweep(job, &store);
    let guard = Guard {
        job,
        store: Some(&store),
        maintenance: &settings.maintenance,
        reach: None,
        root: &settings.cache_root,
    };
    guard.look_and_tell();
    saved
}

/// Shows what processes told that outlived earlier jobs of this repository, trouble in the step summary as well. What is of others
/// waits for their next job.
fn tell_of_earlier(job: &Job, store: &Store) {
    let logs = store.take_logs(job.context.repository.as_deref()).unwrap_or_else(|error| {
        job.console.say(format!("cannot read the logs of earlier jobs: {}", chain(&error)));
        Vec::new()
    });
    let lines: Vec<_> = logs.iter().flat_map(lines_of).collect();
    if !lines.is_empty() {
        let shown = &lines[lines.len().saturating_sub(LINES)..];
        job.console.say(format!("after earlier jobs:\n  {}", shown.join("\n  ")));
    }
    let troubles: Vec<_> = logs.iter().flat_map(troubles_of).collect();
    if !troubles.is_empty()
        && let Err(error) = job.files.add_summary(&earlier_trouble(&troubles))
    {
        job.console.say(format!("cannot write the step summary: {}", chain(&error)));
    }
}

/// The lines of a log, each with its run.
fn lines_of(log: &Log) -> Vec<String> {
    let run = log.of.run.as_deref().unwrap_or("(unknown)");
    log.lines.iter().map(|line| format!("run {run}: {line}")).collect()
}

fn troubles_of(log: &Log) -> Vec<String> {
    let lines = log.lines.iter().filter(|line| is_trouble(line)).cloned().collect();
    lines_of(&Log { lines, ..log.clone() })
}

/// Saves what the runner's job before this one left. What cannot be saved goes as well: no later job is to try it.
fn left(
    job: &Job,
    settings: &Settings,
    store: &Store,
    temporary: &Path,
) -> Result<Vec<SaveOutcome>, store::Error> {
    let (mut seen, mut saved) = (SavedSet::default(), Vec::new());
    for LeftSession { path, is_of_this_boot } in store.sessions_of(temporary)? {
        let is_its = |session: &Session| {
            // This job's worker is the one that began since.
            let workers = session.worker_log.as_deref().and_then(facts::workers_since);
            if !is_of_this_boot {
                let why =
                    "the host was restarted since, or mounts changed; files may not have reached the disk";
                Err(why.to_owned())
            } else if workers != Some(1) {
                Err("another job may have been here since".to_owned())
            } else if session.post == Post::None {
                Err("only a step was to save it".to_owned())
            } else {
                is_allowed(job, session, &path)
            }
        };
        match finish_left(job, &path, settings, &mut seen, is_its) {
            Ok(outcome) => saved.extend(outcome),
            Err(error) => {
                job.console.say(format!("nothing of an interrupted job is saved: {}", chain(&error)));
                store::discard_session(&path)?;
            }
        }
    }
    Ok(saved)
}

/// What the host lets jobs of its kind do, it may do as well.
fn is_allowed(job: &Job, session: &Session, path: &Path) -> Result<(), String> {
    let of = Context {
        repository: session.scope.as_ref().ok().map(|scope| scope.repository.clone()),
        event: session.event.clone(),
        ..Context::default()
    };
    let is_of_policy = |root: &PathBuf| Store::root_of_session(path) == root;
    if !job.policy.mode(&of).writes() || !job.policy.cache_root.as_ref().is_none_or(is_of_policy) {
        return Err("the host policy does not let it".to_owned());
    }
    Ok(())
}
