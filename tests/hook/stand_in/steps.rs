//! Runs a job's steps one after the other. *Runner.Worker/StepsRunner.cs*.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::background::Background;
use super::context::{Context, World};
use super::invoke::Trouble;
use super::job::{Step, When, Work};
use super::plan::Planned;
use super::record::{Event, Outcome};
use super::{composite, container, handler};

/// Runs all steps, and then those for after the job, the last first. `RunAsync`.
pub(crate) fn run_all(world: &Arc<World>, steps: Vec<Planned>) {
    let background = Background::default();
    let mut steps: VecDeque<_> = steps.into();
    while let Some(step) = steps.pop_front() {
        run_in_turn(world, &background, &step);
    }
    // Background steps that are left end before anything that is for afterwards.
    merge(world, background.wait_for_rest(world));
    while let Some(post) = pop(world) {
        run_in_turn(world, &background, &post);
    }
}

fn pop(world: &World) -> Option<Planned> {
    world.state().posts.pop()
}

fn merge(world: &World, outcome: Outcome) {
    if outcome != Outcome::Succeeded {
        let mut state = world.state();
        state.result = Some(Outcome::merge(state.result, outcome));
    }
}

fn run_in_turn(world: &Arc<World>, background: &Background, planned: &Planned) {
    if let Planned::Step(step) = planned
        && step.is_background
    {
        // Its condition is asked now, and it begins when there is room for it.
        if !world.cancelled.is_cancelled() && step.when.holds(world.status()) {
            background.start(world, step);
        } else {
            let context = world.begin(planned.name());
            world.record.add(&Event::StepEnded { step: context.step, outcome: Outcome::Skipped });
        }
        return;
    }
    let context = world.begin(planned.name());
    let outcome = under_cancel(&context, planned.when(), || {
        let done = perform(&context, background, planned);
        let may_fail = matches!(planned, Planned::Step(step) if step.may_fail);
        conclude(&context, done, may_fail)
    });
    world.record.add(&Event::StepEnded { step: context.step, outcome });
    // Only a failure is the job's; a cancel has been told to it. `RunAsync`: "Update the job result".
    if outcome == Outcome::Failed {
        merge(world, outcome);
    }
}

/// Runs a step if its condition holds, and asks that again when the job is cancelled: where it still holds, the step goes
/// on. Where the runner shuts down no condition is asked, and nothing is run. `RunAsync`.
pub(crate) fn under_cancel(context: &Context, when: When, work: impl FnOnce() -> Outcome) -> Outcome {
    let world = &context.world;
    let asked = (!world.cancelled.is_cancelled()).then(|| {
        let context = context.clone();
        world.cancelled.on_cancel(move || {
            job_is_cancelled(&context);
            if let Some(status) = &context.action_status {
                *status.lock().unwrap() = Outcome::Cancelled;
            }
            if context.world.is_shutting_down() || !when.holds(context.status()) {
                context.token.cancel();
            }
        })
    });
    if asked.is_none() && world.status() != Outcome::Cancelled {
        job_is_cancelled(context);
    }
    let outcome =
        if world.is_shutting_down() || !when.holds(context.status()) { Outcome::Skipped } else { work() };
    if let Some(asked) = asked {
        world.cancelled.forget(asked);
    }
    outcome
}

/// A step of a composite action says "cancelled" on a shutdown as well. *StepsRunner.cs: `RunAsync`;
/// Handlers/CompositeActionHandler.cs: `RunStepsAsync`*.
fn job_is_cancelled(context: &Context) {
    let is_failure = context.action_status.is_none() && context.world.is_shutting_down();
    let outcome = if is_failure { Outcome::Failed } else { Outcome::Cancelled };
    context.world.state().result = Some(outcome);
}

/// What a step came to. `RunStepAsync`.
pub(crate) fn conclude(context: &Context, done: Result<Outcome, Trouble>, may_fail: bool) -> Outcome {
    let mut outcome = match done {
        Ok(outcome) => outcome,
        Err(Trouble::Cancelled) => {
            context.annotate("error", "The operation was canceled.");
            Outcome::Cancelled
        }
        Err(Trouble::Failed(why)) => {
            if let Some(why) = why {
                context.annotate("error", &why);
            }
            Outcome::Failed
        }
    };
    if context.has_failed.load(Ordering::SeqCst) {
        outcome = Outcome::merge(Some(outcome), Outcome::Failed);
    }
    // *Runner.Worker/ExecutionContext.cs: `ApplyContinueOnError`*: a cancelled step is no failed one.
    if outcome == Outcome::Failed && may_fail { Outcome::Succeeded } else { outcome }
}

fn perform(context: &Context, background: &Background, planned: &Planned) -> Result<Outcome, Trouble> {
    match planned {
        Planned::Hook { kind, file, .. } => handler::hook(context, kind, file),
        Planned::StartContainer => container::start(context),
        Planned::StopContainer => container::stop(context),
        Planned::Post { script, .. } => {
            let env = context.world.state().env.clone();
            handler::script(
                context,
                "post",
                &handler::Script { text: script, shell: None, directory: None, env },
            )
        }
        Planned::Step(step) => match &step.work {
            Work::Wait(ids) => Ok(background.wait(context, ids)),
            Work::Cancel(ids) => Ok(background.cancel(context, ids)),
            Work::Run { .. } | Work::Uses { .. } => perform_step(context, step),
        },
    }
}

/// *Runner.Worker/ActionRunner.cs: `RunAsync`*.
pub(crate) fn perform_step(context: &Context, step: &Step) -> Result<Outcome, Trouble> {
    context.set_github("action", &step.id);
    context.set_github("action_repository", "");
    context.set_github("action_ref", "");
    let mut env = context.world.state().env.clone();
    env.extend(step.env.clone());
    if let Some(script) = &step.post {
        let post = Planned::Post { name: format!("Post {}", step.name), script: script.clone() };
        context.world.state().posts.push(post);
    }
    match &step.work {
        Work::Run { script, shell, directory } => handler::script(
            context,
            &step.id,
            &handler::Script { text: script, shell: shell.as_deref(), directory: directory.as_deref(), env },
        ),
        Work::Uses { action, with } => composite::run(context, step, action, with),
        Work::Wait(_) | Work::Cancel(_) => unreachable!("such a step has no script"),
    }
}
