//! From inputs to a plan: asks the job's surroundings, and tells why there is none.

use crate::cli::{ChosenRoot, Inputs};
use crate::facts::{self, NoPlan};
use crate::job::{Exit, Job, chain};
use crate::pipeline::links;
use crate::plan::{self, Plan, Settings};

/// Tells where the cache is where nobody said, and why.
pub(crate) fn tell_of_root(job: &Job, inputs: &Inputs) {
    if let Some(ChosenRoot { directory, why }) = inputs.chosen_root(&job.env) {
        job.console.say(format!("cache root {}: {why}", directory.display()));
    }
}

/// Settings and facts to a plan.
pub(crate) fn make_plan(job: &Job, settings: &Settings) -> Result<Plan, NoPlan> {
    if let Some(why) = &job.policy_trouble {
        return Err(NoPlan::Trouble(anyhow::anyhow!("the policy of this host: {why}")));
    }
    if let Some(why) = &job.context.event_trouble {
        let what =
            "the event file tells nothing, so that this job saves nothing and reads only what its base made";
        job.console.warn(format!("{what}: {why}"));
    }
    if let Some(home) = job.env.home_of_system() {
        job.console.say(format!("HOME is not set: the home is {home}, as the system says of this user"));
    }
    let facts = facts::gather(job, settings)?;
    let mut plan = plan::build(settings, &facts).map_err(|error| NoPlan::WrongInput(error.to_string()))?;
    links::leave_out(job, &mut plan);
    if plan.has_unknown_commit {
        let why = "a workspace has changes, or no commit";
        job.console.say(format!("builds: left out, since it is not known what they are made from: {why}"));
    }
    for line in &plan.twice {
        job.console.say(format!("path: `{line}` is cached by cargo's own layers already, and so not twice"));
    }
    Ok(plan)
}

/// Tells why there is no plan, and how the command is to end.
pub(crate) fn tell(job: &Job, no_plan: &NoPlan) -> Exit {
    match no_plan {
        NoPlan::WrongInput(what) => {
            job.console.error(what);
            Exit::Usage
        }
        NoPlan::Trouble(error) => {
            job.console.warn(format!("no cache in this job: {}", chain(&**error)));
            Exit::Success
        }
    }
}
