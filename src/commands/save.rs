//! `save`: what the job's restores noted, or what the inputs describe, becomes entries; older ones go.

use super::ended::Ended;
use crate::cli::Inputs;
use crate::job::{Exit, Job};
use crate::outcome::{Code, Done, SaveOutcome};
use crate::pipeline::save::{Ending, SavedSet, finish_sessions, save_inputs};
use crate::pipeline::session;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs) -> Ended {
    let sessions = session::left_or_told(job);
    let settings = inputs.settings(&job.env);
    if let Some(why) = job.policy_trouble.as_ref().filter(|_| !sessions.is_empty()) {
        job.warn(Code::NotSaved, format!("nothing saved: host policy: {why}"));
        return ended(job, Vec::new());
    }
    let mut seen = SavedSet::default();
    let mut saved =
        finish_sessions(job, &sessions, &settings, Ending::of_step(inputs.job_status()), &mut seen);
    // Inputs of its own are about something else than the sessions.
    if sessions.is_empty() || settings.key.is_some() || !settings.path.is_empty() {
        match save_inputs(job, &settings, inputs.job_status(), &mut seen) {
            Ok(outcome) => saved.extend(outcome),
            Err(exit) => return Ended::with(exit, Done::Save(saved)),
        }
    }
    ended(job, saved)
}

fn ended(job: &Job, saved: Vec<SaveOutcome>) -> Ended {
    let exit = if job.interrupt.is_raised() { Exit::Interrupted } else { Exit::Success };
    Ended::with(exit, Done::Save(saved))
}
