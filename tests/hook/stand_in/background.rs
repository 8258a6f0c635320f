//! Steps that run beside those that follow. *Runner.Worker/BackgroundStepCoordinator.cs*. Here all of them begin at once:
//! the runner begins ten at most.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use super::context::{Context, Deferred, World};
use super::job::Step;
use super::record::{Event, Outcome};
use super::steps::{conclude, perform_step};

/// Seconds that cancelled steps have before they are abandoned. `CancelWithGracePeriodAsync`.
const GRACE: f64 = 7.5;

/// The background steps of a job.
#[derive(Default)]
pub(crate) struct Background {
    steps: Mutex<BTreeMap<String, Arc<Running>>>,
    /// Those that somebody waited for, or cancelled.
    done: Mutex<BTreeSet<String>>,
    /// Those that a step cancelled: that is no fault of the job's.
    cancelled: Mutex<BTreeSet<String>>,
}

/// A background step.
struct Running {
    context: Context,
    outcome: Mutex<Option<Outcome>>,
    has_ended: Condvar,
}

impl Background {
    /// Begins a step. What it writes to its files is kept apart until somebody waits for it. `StartBackgroundStep`.
    pub(crate) fn start(&self, world: &Arc<World>, step: &Step) {
        let mut context = world.context().with_own_github();
        context.deferred = Some(Arc::new(Mutex::new(Deferred::default())));
        let running = Arc::new(Running { context, outcome: Mutex::new(None), has_ended: Condvar::new() });
        self.steps.lock().unwrap().insert(step.id.clone(), Arc::clone(&running));
        let (world, step) = (Arc::clone(world), step.clone());
        std::thread::spawn(move || {
            let context = &running.context;
            world.record.add(&Event::StepStarted { step: context.step, name: step.name.clone() });
            let token = context.token.clone();
            let registration = world.cancelled.on_cancel(move || token.cancel());
            let outcome = conclude(context, perform_step(context, &step), step.may_fail);
            world.cancelled.forget(registration);
            world.record.add(&Event::StepEnded { step: context.step, outcome });
            // One that was abandoned has been said to be cancelled.
            running.outcome.lock().unwrap().get_or_insert(outcome);
            running.has_ended.notify_all();
        });
    }

    /// Waits for steps, or for all that are left, until the waiting step is cancelled itself. That comes with a shutdown,
    /// not with a cancel of the job, since it is to be run always. `RunControlFlowAsync`.
    pub(crate) fn wait(&self, context: &Context, ids: &[String]) -> Outcome {
        let ids = if ids.is_empty() { self.rest() } else { ids.to_vec() };
        context.say(&format!("Waiting for background step(s) to complete: {}", ids.join(", ")));
        self.until_ended(context, &ids);
        self.complete(&ids)
    }

    /// Cancels steps. `CancelStepsAsync`.
    pub(crate) fn cancel(&self, context: &Context, ids: &[String]) -> Outcome {
        context.say(&format!("Cancelling background step(s): {}", ids.join(", ")));
        self.cancelled.lock().unwrap().extend(ids.iter().cloned());
        self.cancel_with_grace(&context.world, ids);
        self.complete(ids);
        Outcome::Succeeded
    }

    /// Waits for all that nobody waited for; they have no more than their grace in a cancelled job. Tells the worst that
    /// any step came to. `WaitForUnwaitedStepsAsync`.
    pub(crate) fn wait_for_rest(&self, world: &Arc<World>) -> Outcome {
        let ids = self.rest();
        if !ids.is_empty() {
            let mut context = world.context();
            context.token = world.cancelled.clone();
            self.until_ended(&context, &ids);
            self.complete(&ids);
        }
        let cancelled = self.cancelled.lock().unwrap();
        let steps = self.steps.lock().unwrap();
        let outcomes = steps.iter().filter_map(|(id, step)| Some((id, (*step.outcome.lock().unwrap())?)));
        let counted =
            outcomes.filter(|(id, outcome)| *outcome != Outcome::Cancelled || !cancelled.contains(*id));
        counted.fold(Outcome::Succeeded, |worst, (_, outcome)| Outcome::merge(Some(worst), outcome))
    }

    fn rest(&self) -> Vec<String> {
        let done = self.done.lock().unwrap();
        self.steps.lock().unwrap().keys().filter(|id| !done.contains(*id)).cloned().collect()
    }

    fn of(&self, ids: &[String]) -> Vec<Arc<Running>> {
        let steps = self.steps.lock().unwrap();
        ids.iter().filter_map(|id| steps.get(id).cloned()).collect()
    }

    /// `WaitForStepTasksAsync`.
    fn until_ended(&self, context: &Context, ids: &[String]) {
        for step in self.of(ids) {
            let notified = Arc::clone(&step);
            let registration = context.token.on_cancel(move || {
                // Whoever waits has either seen that the token is not cancelled, and waits, or will see that it is.
                drop(notified.outcome.lock());
                notified.has_ended.notify_all();
            });
            let mut outcome = step.outcome.lock().unwrap();
            while outcome.is_none() && !context.token.is_cancelled() {
                outcome = step.has_ended.wait(outcome).unwrap();
            }
            drop(outcome);
            context.token.forget(registration);
        }
        if context.token.is_cancelled() {
            self.cancel_with_grace(&context.world, ids);
        }
    }

    /// Cancels steps, and abandons those that do not end within their grace: their processes go on, the job as well.
    /// `CancelWithGracePeriodAsync`.
    fn cancel_with_grace(&self, world: &World, ids: &[String]) {
        let steps = self.of(ids);
        for step in &steps {
            step.context.token.cancel();
        }
        let until = Instant::now() + world.job.seconds(GRACE);
        for step in steps {
            let outcome = step.outcome.lock().unwrap();
            let left = until.saturating_duration_since(Instant::now());
            let (mut outcome, _) =
                step.has_ended.wait_timeout_while(outcome, left, |outcome| outcome.is_none()).unwrap();
            outcome.get_or_insert(Outcome::Cancelled);
        }
    }

    /// Lets what steps wrote come to the job. `CompleteWaitedSteps`.
    fn complete(&self, ids: &[String]) -> Outcome {
        self.done.lock().unwrap().extend(ids.iter().cloned());
        let mut worst = Outcome::Succeeded;
        for (id, step) in ids.iter().zip(self.of(ids)) {
            let deferred = step.context.deferred.as_ref().map(|deferred| deferred.lock().unwrap().clone());
            let deferred = deferred.unwrap_or_default();
            let mut state = step.context.world.state();
            state.env.extend(deferred.env);
            for path in deferred.path {
                state.path.retain(|other| *other != path);
                state.path.push(path);
            }
            state.outputs.entry(id.clone()).or_default().extend(deferred.outputs);
            if let Some(outcome) = *step.outcome.lock().unwrap() {
                worst = Outcome::merge(Some(worst), outcome);
            }
        }
        worst
    }
}
