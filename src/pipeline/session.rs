//! What a restore notes for the save of the same job.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cargo::StepVariables;
use crate::job::{Job, chain};
use crate::layers::rules_of;
use crate::outcome::Code;
use crate::pipeline::restore::{LayerOutset, open_store};
use crate::pipeline::watch;
use crate::plan::{Plan, Post, Session, Settings, Start};
use crate::sys::file;
use crate::{facts, host, store};

/// The files of the sessions that restores of this job left.
pub(crate) fn left(job: &Job) -> store::Result<Vec<PathBuf>> {
    job.context.temporary.as_deref().map_or_else(|| Ok(Vec::new()), store::pointers)
}

/// The same; trouble is told, and nothing is left then.
pub(crate) fn left_or_told(job: &Job) -> Vec<PathBuf> {
    left(job).unwrap_or_else(|error| {
        job.warn(Code::Session, format!("cannot read what this job restored: {}", chain(&error)));
        Vec::new()
    })
}

/// What the save after this job has to know.
pub(crate) fn session(job: &Job, settings: &Settings, plan: Plan, starts: Vec<Option<Start>>) -> Session {
    let session =
        Session::new(plan, starts, facts::origin(job), settings.maintenance.clone(), Timestamp::now());
    Session {
        event: job.context.event.clone(),
        reference: job.context.reference.clone(),
        variables: StepVariables::of(&job.env),
        worker_log: facts::worker_log(job),
        tracking: job.env.get("RUNNER_TRACKING_ID").map(str::to_owned),
        post: after_job(job, settings.post),
        token_file: settings.github_token_file.clone(),
        ..session
    }
}

/// Who saves after the job, if no step does.
fn after_job(job: &Job, post: Post) -> Post {
    match post {
        Post::Auto if host::has_hook(&job.env) => Post::Hook,
        Post::Auto => Post::None,
        post => post,
    }
}

/// What the save has to know after a restore, by what the job begins with in each layer.
pub(crate) fn session_after(
    job: &Job,
    settings: &Settings,
    plan: Plan,
    mut outsets: Vec<LayerOutset>,
) -> Session {
    let starts = outsets.iter_mut().map(|outset| outset.start.take()).collect();
    let mut session = session(job, settings, plan, starts);
    for (layer, outset) in session.layers.iter_mut().zip(outsets) {
        (layer.pooled, layer.left_out) = (outset.pooled, outset.left_out);
        if !settings.lookup_only {
            layer.outset = rules_of(&layer.plan).outset(job);
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

/// Leaves the session for the job's save.
pub(crate) fn note_for_later(job: &Job, settings: &Settings, session: &Session) -> Result<(), store::Error> {
    let Some(temporary) = &job.context.temporary else {
        job.warn(
            Code::Session,
            "this job will save nothing: RUNNER_TEMP is not set; hint: use `runner-cache run`",
        );
        return Ok(());
    };
    let is_awaited = session.post != Post::None;
    let store = open_store(settings)?;
    let left = store.leave_session(session, temporary, is_awaited)?;
    match session.post {
        Post::Watch => watch::leave_waiting(job, &store, &left, session),
        Post::Hook if !host::has_hook(&job.env) => job.warn(
            Code::Session,
            "no hook of the runner reaches this job, so only a step can save it; hint: `runner-cache hook install` on the host; a job \
             container has none",
        ),
        Post::None if settings.post == Post::Auto && job.context.is_actions => job.console.say(
            "no hook of the runner reaches this job: only the save action saves it; hint: `runner-cache hook install` on the host",
        ),
        Post::Auto | Post::Hook | Post::None => {}
    }
    if session.post != Post::Hook {
        forget_token(job, session);
    }
    Ok(())
}

/// The file of the job's token. A session lies where other jobs of its user can write: what it names elsewhere is no token of this job's.
pub(crate) fn token_file<'s>(job: &Job, session: &'s Session) -> Option<&'s Path> {
    let file = session.token_file.as_deref()?;
    (file.parent().is_some() && file.parent() == job.context.temporary.as_deref()).then_some(file)
}

/// Removes the file of the job's token: nobody asks with it any more. One that is gone is fine.
pub(crate) fn forget_token(job: &Job, session: &Session) {
    if let Some(file) = token_file(job, session) {
        let _ = file::remove_file(file);
    }
}
