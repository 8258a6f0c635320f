//! `restore`: brings into the job what is cached, and notes it for the save.

use super::ended::Ended;
use crate::cli::Inputs;
use crate::job::{Exit, Job, chain};
use crate::layers::rules_of;
use crate::outcome::{Code, Done};
use crate::pipeline::restore::{self, Restored};
use crate::pipeline::{planning, session};

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, leave_session: bool) -> Ended {
    planning::tell_of_root(job, inputs);
    let settings = inputs.settings(&job.env);
    let plan = match planning::make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            let exit = planning::tell(job, &no_plan);
            if exit != Exit::Success {
                return Ended::early(exit);
            }
            let outcome = restore::nothing(job, &settings);
            // Why there is nothing was told.
            restore::tell_later_steps(job, &outcome);
            return Ended::with(exit, Done::Restore(outcome));
        }
    };
    if !restore::make_room(job, &settings, &plan) {
        return Ended::early(Exit::Failure);
    }
    let Restored { outcome, outsets, is_broken } = restore::restore(job, &settings, &plan);
    restore::report(job, &outcome);
    if is_broken {
        return Ended::with(Exit::Failure, Done::Restore(outcome));
    }
    if job.interrupt.is_raised() {
        return Ended::with(Exit::Interrupted, Done::Restore(outcome));
    }
    if leave_session {
        // Also where nothing is to be saved: or else the save would go by its own inputs.
        let session = session::session_after(job, &settings, plan, outsets);
        if let Err(error) = session::note_for_later(job, &settings, &session) {
            job.warn(Code::Session, format!("this job will save nothing: {}", chain(&error)));
        }
    } else if !settings.lookup_only {
        plan.layers.iter().for_each(|layer| rules_of(layer).leave_outset(job));
    }
    let is_failing = restore::is_failing_miss(job, &settings, &outcome);
    Ended::with(if is_failing { Exit::Failure } else { Exit::Success }, Done::Restore(outcome))
}
