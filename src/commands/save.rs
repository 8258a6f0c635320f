//! `save`: what the job's restores noted, or what the inputs describe, becomes entries; older ones go.

use crate::cli::Inputs;
use crate::job::{Exit, Job, chain};
use crate::pipeline::save::{Seen, end, finish_session, save_inputs};
use crate::store;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs) -> Exit {
    let sessions =
        job.context.temporary.as_ref().map_or(Ok(Vec::new()), |temporary| store::pointers(temporary));
    let sessions = sessions.unwrap_or_else(|error| {
        job.console.warn(format!("what this job restored is not known: {}", chain(&error)));
        Vec::new()
    });
    let settings = inputs.settings(&job.env);
    if let Some(why) = job.policy_trouble.as_ref().filter(|_| !sessions.is_empty()) {
        job.console.warn(format!("nothing saved: the policy of this host: {why}"));
        return end(job);
    }
    let mut seen = Seen::default();
    for path in &sessions {
        if let Err(error) = finish_session(job, path, &settings, inputs.job_status(), &mut seen) {
            job.console.warn(format!("nothing saved: {}", chain(&error)));
        }
    }
    // Inputs of its own are about something else than the sessions.
    if sessions.is_empty() || settings.key.is_some() || !settings.path.is_empty() {
        return save_inputs(job, &settings, inputs.job_status(), &mut seen);
    }
    end(job)
}
