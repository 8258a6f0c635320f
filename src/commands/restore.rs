//! `restore`: brings into the job what is cached, and notes it for the save.

use super::ended::Ended;
use crate::cli::Inputs;
use crate::job::{Exit, Job, chain};
use crate::layers::rules_of;
use crate::outcome::{Code, Done};
use crate::pipeline::planning::{self, Beginning};
use crate::pipeline::restore::{self, RestoreRun};
use crate::pipeline::session;

/// The command.
pub(super) fn run(job: &Job, inputs: &Inputs, leave_session: bool) -> Ended {
    let (settings, plan) = match planning::begin(job, inputs) {
        Beginning::Planned { settings, plan } => (settings, plan),
        Beginning::NoCache(settings) => {
            let outcome = restore::nothing(job, &settings);
            restore::tell_later_steps(job, &outcome);
            return Ended::with(restore::exit(job, &settings, &outcome), Done::Restore(outcome));
        }
        Beginning::Refused(exit) => return Ended::early(exit),
    };
    if !restore::make_room(job, &settings, &plan) {
        return Ended::early(Exit::Failure);
    }
    let RestoreRun { outcome, outsets, is_broken } = restore::restore(job, &settings, &plan);
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
    Ended::with(restore::exit(job, &settings, &outcome), Done::Restore(outcome))
}
