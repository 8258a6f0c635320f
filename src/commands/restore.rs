//! `restore`: brings into the job what is cached, and notes it for the save.

use crate::cli::Inputs;
use crate::job::{Exit, Job, chain};
use crate::layers::builds;
use crate::pipeline::{planning, restore, session};
use crate::report::RestoreReport;

/// The command.
pub(crate) fn run(job: &Job, inputs: &Inputs, leave_session: bool) -> Exit {
    planning::tell_of_root(job, inputs);
    let settings = inputs.settings(&job.env);
    let plan = match planning::make_plan(job, &settings) {
        Ok(plan) => plan,
        Err(no_plan) => {
            let exit = planning::tell(job, &no_plan);
            if exit == Exit::Success {
                restore::report(job, &RestoreReport::of_nothing(&settings.cache_root, job.started.elapsed()));
            }
            return exit;
        }
    };
    if !restore::make_room(job, &settings, plan.scopes.reach.as_ref()) {
        return Exit::Failure;
    }
    let mut restored = restore::restore(job, &settings, &plan);
    restore::report(job, &restored.report);
    if restored.is_broken {
        return Exit::Failure;
    }
    if job.interrupt.is_raised() {
        return Exit::Interrupted;
    }
    if leave_session {
        // Also where nothing is to be saved: or else the save would go by its own inputs.
        let session = session::session_after(job, &settings, plan, &mut restored);
        if let Err(error) = session::note_for_later(job, &settings, &session) {
            job.console.warn(format!("nothing will be saved after this job: {}", chain(&error)));
        }
    } else if !settings.lookup_only {
        builds::leave(job, &plan.layers);
    }
    if restore::is_failing_miss(job, &settings, &restored.report) { Exit::Failure } else { Exit::Success }
}
