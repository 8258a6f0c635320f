//! What a restore notes for the save of the same job.

use std::mem;

use jiff::Timestamp;

use crate::job::Job;
use crate::layers::builds;
use crate::pipeline::restore::{Restored, open_store};
use crate::plan::{Plan, Session, Settings, Start};
use crate::{facts, store};

/// What the save after this job has to know.
pub(crate) fn session(job: &Job, settings: &Settings, plan: Plan, starts: Vec<Option<Start>>) -> Session {
    Session::new(plan, starts, facts::origin(job), settings.maintenance.clone(), Timestamp::now())
}

/// What the save has to know after `restored`.
pub(crate) fn session_after(job: &Job, settings: &Settings, plan: Plan, restored: &mut Restored) -> Session {
    let mut session = session(job, settings, plan, mem::take(&mut restored.starts));
    let got = mem::take(&mut restored.pooled).into_iter().zip(mem::take(&mut restored.left_out));
    for (layer, (pooled, left_out)) in session.layers.iter_mut().zip(got) {
        (layer.pooled, layer.left_out) = (pooled, left_out);
        if !settings.lookup_only {
            layer.outset = builds::outset(job, &layer.plan);
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
        job.console
            .say("nothing will be saved after this: RUNNER_TEMP is not set; hint: use `runner-cache run`");
        return Ok(());
    };
    open_store(settings)?.leave_session(session, temporary).map(drop)
}
