//! Which steps a job has: the server's, and those that the runner adds. *Runner.Worker/JobExtension.cs: `InitializeJob`*.

use std::path::PathBuf;

use super::context::World;
use super::job::{Job, Step, When, Work};

/// Variables that name the hooks' files. *Runner.Worker/JobExtension.cs: `InitializeJob`*.
pub(crate) const STARTED: &str = "ACTIONS_RUNNER_HOOK_JOB_STARTED";
pub(crate) const COMPLETED: &str = "ACTIONS_RUNNER_HOOK_JOB_COMPLETED";
/// Their steps' names. *Runner.Common/Constants.cs: `Hooks`*.
pub(crate) const STARTED_STEP: &str = "Set up runner";
pub(crate) const COMPLETED_STEP: &str = "Complete runner";

/// A step that is to be run.
#[derive(Debug, Clone)]
pub(crate) enum Planned {
    Hook {
        name: &'static str,
        kind: &'static str,
        file: PathBuf,
    },
    StartContainer,
    StopContainer,
    Step(Step),
    /// What an action does after the job.
    Post {
        name: String,
        script: String,
    },
}

impl Planned {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hook { name, .. } => name,
            Self::StartContainer => "Initialize containers",
            Self::StopContainer => "Stop containers",
            Self::Step(step) => &step.name,
            Self::Post { name, .. } => name,
        }
    }

    /// Hooks are run whatever came before.
    pub(crate) fn when(&self) -> When {
        match self {
            Self::StartContainer => When::Success,
            Self::Step(step) if !step.is_control() => step.when,
            // Control steps are run always. *JobExtension.cs: `InitializeJob`, `BackgroundStepControl`*.
            Self::Hook { .. } | Self::StopContainer | Self::Step(_) | Self::Post { .. } => When::Always,
        }
    }
}

/// The steps until the job's end. That of the hook after the job is put at the bottom of those for afterwards: whatever
/// is put there later comes before it.
pub(crate) fn plan(world: &World) -> Vec<Planned> {
    // An empty value is none. `InitializeJob`: `IsNullOrEmpty`.
    let hook = |variable: &str| world.env.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let started =
        hook(STARTED).map(|file| Planned::Hook { name: STARTED_STEP, kind: "job started hook", file });
    let completed =
        hook(COMPLETED).map(|file| Planned::Hook { name: COMPLETED_STEP, kind: "job completed hook", file });
    world.state().posts.extend(completed);
    let container = world.job.has_container.then_some(Planned::StartContainer);
    let steps = world.job.steps.iter().cloned().chain(implicit_wait(&world.job)).map(Planned::Step);
    started.into_iter().chain(container).chain(steps).collect()
}

/// The step that waits for background steps which no other names.
fn implicit_wait(job: &Job) -> Option<Step> {
    let is_named = |id: &String| {
        job.steps.iter().any(|step| match &step.work {
            Work::Wait(ids) => ids.is_empty() || ids.contains(id),
            Work::Cancel(ids) => ids.contains(id),
            _ => false,
        })
    };
    let mut background = job.steps.iter().filter(|step| step.is_background);
    background.any(|step| !is_named(&step.id)).then(|| Step::wait(&[]).named("Wait for all background steps"))
}
