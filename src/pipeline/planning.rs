//! From inputs to a plan: asks the job's surroundings, and tells why there is none.

use tracing::{debug, debug_span};

use crate::cli::Inputs;
use crate::facts::{self, NoPlan};
use crate::job::{Exit, Job, chain};
use crate::outcome::Code;
use crate::pipeline::links;
use crate::plan::{self, Plan, Settings};
use crate::store::ChosenRoot;

/// What a command that restores begins with.
#[expect(clippy::large_enum_variant, reason = "a process has one of it")]
pub(crate) enum Beginning {
    /// All that is to be done.
    Planned {
        /// As the user wants it.
        settings: Settings,
        /// Of what.
        plan: Plan,
    },
    /// Nothing, since there is no cache. The job goes on without, and why was told.
    NoCache(Settings),
    /// The end, for a reason that was told.
    Refused(Exit),
}

/// Makes a plan of the inputs.
pub(crate) fn begin(job: &Job, inputs: &Inputs) -> Beginning {
    tell_of_root(job, inputs);
    let settings = inputs.settings(&job.env);
    match make_plan(job, &settings) {
        Ok(plan) => Beginning::Planned { settings, plan },
        Err(no_plan) => match tell(job, &no_plan) {
            Exit::Success => Beginning::NoCache(settings),
            exit => Beginning::Refused(exit),
        },
    }
}

/// Tells where the cache is where nobody said, and why.
fn tell_of_root(job: &Job, inputs: &Inputs) {
    if let Some(ChosenRoot { directory, why }) = inputs.chosen_root(&job.env) {
        job.console.say(format!("cache root {}: {why}", directory.display()));
    }
}

/// Settings and facts to a plan.
pub(crate) fn make_plan(job: &Job, settings: &Settings) -> Result<Plan, NoPlan> {
    let _span = debug_span!("plan").entered();
    if let Some(why) = &job.policy_trouble {
        return Err(NoPlan::Trouble(anyhow::anyhow!("host policy: {why}")));
    }
    if let Some(why) = &job.context.event_trouble {
        let what = "cannot read the event file; this job saves nothing and reads only entries of its base";
        job.warn(Code::Event, format!("{what}: {why}"));
    }
    if let Some(home) = job.env.home_of_system() {
        job.console.say(format!("HOME is not set; using {home} from the user database"));
    }
    let facts = facts::gather(job, settings)?;
    let mut plan = plan::build(settings, &facts).map_err(|error| NoPlan::WrongInput(error.to_string()))?;
    links::leave_out(job, settings, &mut plan);
    let refs: Vec<_> = plan.scopes.read.iter().map(|scope| &*scope.reference).collect();
    debug!(event = ?job.context.event, ?refs, writes = plan.scopes.write.is_ok(), lane = plan.lane, "planned");
    for layer in &plan.layers {
        debug!(layer = %layer.layer(), key = layer.key, restore_keys = ?layer.restore_keys, "a layer");
    }
    if plan.has_unknown_commit {
        let why = "a workspace has uncommitted changes or no commit";
        job.console.say(format!("builds: skipped: unknown commit: {why}"));
    }
    for line in &plan.twice {
        job.console.say(format!("path: {line}"));
    }
    Ok(plan)
}

/// Tells why there is no plan, and how the command is to end.
pub(crate) fn tell(job: &Job, no_plan: &NoPlan) -> Exit {
    match no_plan {
        NoPlan::WrongInput(what) => {
            job.error(what);
            Exit::Usage
        }
        NoPlan::Trouble(error) => {
            job.warn(Code::NoCache, format!("no cache in this job: {}", chain(&**error)));
            Exit::Success
        }
    }
}
