//! What the steps of a job share, and what a step has of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::job::{Job, Variables};
use super::plan::Planned;
use super::record::{Event, Outcome, Recorder};
use super::token::Token;

/// Annotations of a kind that a step can have. *Runner.Worker/ExecutionContext.cs: `AddIssue`*.
const MOST_ANNOTATIONS: usize = 10;
/// Characters of an annotation. *The same*.
const LONGEST_ANNOTATION: usize = 4096;

/// A runner's directories. *Runner.Common/HostContext.cs: `GetDirectory`*.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) root: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) temp: PathBuf,
    pub(crate) tools: PathBuf,
    pub(crate) actions: PathBuf,
    pub(crate) externals: PathBuf,
    pub(crate) workspace: PathBuf,
}

/// A job in work.
pub(crate) struct World {
    pub(crate) job: Job,
    pub(crate) places: Places,
    /// The worker's own environment, with the tracking id once the job is set up.
    pub(crate) env: Variables,
    pub(crate) runner_name: String,
    pub(crate) record: Recorder,
    pub(crate) cancelled: Token,
    pub(crate) is_shutting_down: AtomicBool,
    numbers: AtomicUsize,
    state: Mutex<State>,
}

/// What changes while a job is in work.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) result: Option<Outcome>,
    /// `env` of the workflow and the job, and what steps added by `GITHUB_ENV`.
    pub(crate) env: Variables,
    /// What steps added by `GITHUB_PATH`, the newest last.
    pub(crate) path: Vec<String>,
    pub(crate) github: Variables,
    pub(crate) outputs: BTreeMap<String, Variables>,
    /// Steps for after the job, the last first.
    pub(crate) posts: Vec<Planned>,
}

impl World {
    pub(crate) fn new(
        job: Job,
        places: Places,
        env: Variables,
        runner_name: String,
        record: Recorder,
    ) -> Self {
        let state = State { github: job.github.clone(), env: job.env.clone(), ..State::default() };
        Self {
            job,
            places,
            env,
            runner_name,
            record,
            cancelled: Token::default(),
            is_shutting_down: AtomicBool::new(false),
            numbers: AtomicUsize::new(0),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no step panics")
    }

    /// What the job has come to.
    pub(crate) fn status(&self) -> Outcome {
        self.state().result.unwrap_or(Outcome::Succeeded)
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.is_shutting_down.load(Ordering::SeqCst)
    }

    /// The `PATH` that is put before that of the worker, the newest first.
    pub(crate) fn prepended(&self) -> String {
        self.state().path.iter().rev().cloned().collect::<Vec<_>>().join(":")
    }

    /// A new step.
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> Context {
        let context = self.context();
        self.record.add(&Event::StepStarted { step: context.step, name: name.to_owned() });
        context
    }

    /// A step that begins later.
    pub(crate) fn context(self: &Arc<Self>) -> Context {
        Context {
            world: Arc::clone(self),
            step: self.numbers.fetch_add(1, Ordering::SeqCst) + 1,
            token: Token::default(),
            github: None,
            deferred: None,
            annotations: Arc::default(),
            has_failed: Arc::default(),
            action_status: None,
        }
    }
}

/// What a background step wrote, until somebody waits for it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Deferred {
    pub(crate) env: Variables,
    pub(crate) path: Vec<String>,
    pub(crate) outputs: Variables,
}

/// A step in work. *Runner.Worker/ExecutionContext.cs*.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) world: Arc<World>,
    pub(crate) step: usize,
    pub(crate) token: Token,
    /// The `github` context; that of the job, if the step has none of its own.
    pub(crate) github: Option<Arc<Mutex<Variables>>>,
    pub(crate) deferred: Option<Arc<Mutex<Deferred>>>,
    annotations: Arc<Mutex<BTreeMap<String, usize>>>,
    /// Whether a command failed the step.
    pub(crate) has_failed: Arc<AtomicBool>,
    /// What the composite action has come to that the step is of.
    pub(crate) action_status: Option<Arc<Mutex<Outcome>>>,
}

impl Context {
    pub(crate) fn say(&self, text: &str) {
        self.world.record.line(self.step, text);
    }

    pub(crate) fn annotate(&self, kind: &str, message: &str) {
        let message: String = self.world.record.masked(message).chars().take(LONGEST_ANNOTATION).collect();
        self.say(&format!("##[{kind}]{message}"));
        let mut counts = self.annotations.lock().unwrap();
        let count = counts.entry(kind.to_owned()).or_default();
        *count += 1;
        if *count <= MOST_ANNOTATIONS {
            self.world.record.add(&Event::Annotation { step: self.step, kind: kind.to_owned(), message });
        }
    }

    /// Sets what the `github` context has under `name`. That is the job's own, which later steps and hooks see, but for
    /// steps of composite actions and in the background. *Runner.Worker/ExecutionContext.cs: `SetGitHubContext`*.
    pub(crate) fn set_github(&self, name: &str, value: &str) {
        let (name, value) = (name.to_owned(), value.to_owned());
        match &self.github {
            None => self.world.state().github.insert(name, value),
            Some(own) => own.lock().unwrap().insert(name, value),
        };
    }

    pub(crate) fn github(&self) -> Variables {
        match &self.github {
            None => self.world.state().github.clone(),
            Some(own) => own.lock().unwrap().clone(),
        }
    }

    /// Gives the step a `github` context of its own. *Runner.Worker/GitHubContext.cs: `ShallowCopy`*.
    pub(crate) fn with_own_github(mut self) -> Self {
        self.github = Some(Arc::new(Mutex::new(self.github())));
        self
    }

    /// What its conditions are asked of. *Runner.Worker/Expressions/SuccessFunction.cs*.
    pub(crate) fn status(&self) -> Outcome {
        self.action_status.as_ref().map_or_else(|| self.world.status(), |status| *status.lock().unwrap())
    }

    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
    }

    /// Writes the event's payload. *Runner.Worker/ExecutionContext.cs: `WriteWebhookPayload`*.
    pub(crate) fn write_event(&self) -> std::io::Result<()> {
        let directory = self.world.places.temp.join("_github_workflow");
        std::fs::create_dir_all(&directory)?;
        let file = directory.join("event.json");
        std::fs::write(&file, &self.world.job.event)?;
        self.set_github("event_path", path(&file));
        Ok(())
    }
}

/// A path as a value of a variable.
pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("paths of the stand-in are text")
}
