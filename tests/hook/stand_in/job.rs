//! A job as the server sends it to a runner.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::Outcome;

/// Names and values, in order of names.
pub(crate) type Variables = BTreeMap<String, String>;

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Owner and name.
    pub(crate) repository: String,
    /// The job's id in the workflow.
    pub(crate) id: String,
    /// Of the `github` context, names in lower case: these are before what the runner itself sets.
    pub(crate) github: Variables,
    /// The event's payload.
    pub(crate) event: String,
    /// The workflow's and the job's `env`.
    pub(crate) env: Variables,
    pub(crate) matrix: serde_json::Value,
    pub(crate) steps: Vec<Step>,
    /// Whether it runs in a container.
    pub(crate) has_container: bool,
    /// Whether it may ask for an identity token.
    pub(crate) has_id_token: bool,
    /// By what the runner's times are divided.
    hurry: u32,
}

/// A step of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) when: When,
    pub(crate) env: Variables,
    pub(crate) may_fail: bool,
    pub(crate) is_background: bool,
    /// What its action does after the job, as actions in JavaScript can.
    pub(crate) post: Option<String>,
    pub(crate) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Work {
    Run {
        script: String,
        shell: Option<String>,
        directory: Option<String>,
    },
    Uses {
        action: PathBuf,
        with: Variables,
    },
    /// Waits for background steps with these ids; for all, if there are none.
    Wait(Vec<String>),
    Cancel(Vec<String>),
}

/// The condition of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum When {
    Success,
    Always,
    Failure,
    Cancelled,
}

impl When {
    /// Whether it holds in a job, or a composite action, that has come to this. *Runner.Worker/Expressions/*.
    pub(crate) fn holds(self, status: Outcome) -> bool {
        match self {
            Self::Success => status == Outcome::Succeeded,
            Self::Always => true,
            Self::Failure => status == Outcome::Failed,
            Self::Cancelled => status == Outcome::Cancelled,
        }
    }
}

/// A step that runs `script`.
pub(crate) fn run(script: impl Into<String>) -> Step {
    let script = script.into();
    let name = format!("Run {}", script.lines().next().unwrap_or_default());
    Step::new(name, Work::Run { script, shell: None, directory: None })
}

/// A step that uses the action in the directory `action`.
pub(crate) fn uses(action: impl Into<PathBuf>) -> Step {
    let action = action.into();
    Step::new(format!("Run {}", action.display()), Work::Uses { action, with: Variables::new() })
}

impl Step {
    fn new(name: String, work: Work) -> Self {
        Self {
            id: name.clone(),
            name,
            when: When::Success,
            env: Variables::new(),
            may_fail: false,
            is_background: false,
            post: None,
            work,
        }
    }

    /// A step that waits for the background steps with these ids, or for all of them.
    pub(crate) fn wait(ids: &[&str]) -> Self {
        let name = if ids.is_empty() { "wait-all" } else { "wait" };
        Self::new(name.to_owned(), Work::Wait(ids.iter().map(ToString::to_string).collect()))
    }

    /// A step that cancels background steps.
    pub(crate) fn cancel(ids: &[&str]) -> Self {
        Self::new("cancel".to_owned(), Work::Cancel(ids.iter().map(ToString::to_string).collect()))
    }

    /// Whether it waits for background steps or cancels them.
    pub(crate) fn is_control(&self) -> bool {
        matches!(self.work, Work::Wait(_) | Work::Cancel(_))
    }

    /// Sets its id and name.
    pub(crate) fn named(mut self, name: &str) -> Self {
        (self.id, self.name) = (name.to_owned(), name.to_owned());
        self
    }

    /// Sets its condition.
    pub(crate) fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Sets a variable for this step.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lets the job go on where it fails.
    pub(crate) fn may_fail(mut self) -> Self {
        self.may_fail = true;
        self
    }

    /// Lets it run beside those that follow.
    pub(crate) fn background(mut self) -> Self {
        self.is_background = true;
        self
    }

    /// Lets its action run this after the job.
    pub(crate) fn post(mut self, script: &str) -> Self {
        self.post = Some(script.to_owned());
        self
    }

    /// Sets the shell of a script.
    pub(crate) fn shell(mut self, words: &str) -> Self {
        match &mut self.work {
            Work::Run { shell, .. } => *shell = Some(words.to_owned()),
            _ => panic!("{}: only a script has a shell", self.name),
        }
        self
    }

    /// Sets an input of an action.
    pub(crate) fn with(mut self, input: &str, value: &str) -> Self {
        match &mut self.work {
            Work::Uses { with, .. } => with.insert(input.to_owned(), value.to_owned()),
            _ => panic!("{}: only an action has inputs", self.name),
        };
        self
    }
}

impl Job {
    /// The job `build` of a push to the default branch of `repository`, without steps.
    pub(crate) fn new(repository: &str) -> Self {
        let owner = repository.split('/').next().expect("owner and name");
        let github = [
            ("actor", "someone"),
            ("actor_id", "1"),
            ("api_url", "https://api.github.com"),
            ("base_ref", ""),
            ("event_name", "push"),
            ("graphql_url", "https://api.github.com/graphql"),
            ("head_ref", ""),
            ("job", "build"),
            ("ref", "refs/heads/main"),
            ("ref_name", "main"),
            ("ref_protected", "false"),
            ("ref_type", "branch"),
            ("repository", repository),
            ("repository_id", "1296269"),
            ("repository_owner", owner),
            ("repository_owner_id", "583231"),
            ("retention_days", "90"),
            ("run_attempt", "1"),
            ("run_id", "1658821493"),
            ("run_number", "562"),
            ("server_url", "https://github.com"),
            ("sha", "ffac537e6cbbf934b08745a378932722df287a53"),
            ("token", "ghs_of_the_job"),
            ("triggering_actor", "someone"),
            ("workflow", "CI"),
            ("workflow_ref", &format!("{repository}/.github/workflows/ci.yml@refs/heads/main")),
            ("workflow_sha", "ffac537e6cbbf934b08745a378932722df287a53"),
        ];
        Self {
            repository: repository.to_owned(),
            id: "build".to_owned(),
            github: github.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            event: r#"{"repository": {"default_branch": "main"}}"#.to_owned(),
            env: Variables::new(),
            matrix: serde_json::Value::Null,
            steps: Vec::new(),
            has_container: false,
            has_id_token: false,
            hurry: 1,
        }
    }

    /// Adds a step.
    pub(crate) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sets a variable of the workflow's `env`.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets what the `github` context has under `name`.
    pub(crate) fn github(mut self, name: &str, value: &str) -> Self {
        self.github.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Gives it an id.
    pub(crate) fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self.github("job", id)
    }

    /// Lets it run in a container.
    pub(crate) fn in_container(mut self) -> Self {
        self.has_container = true;
        self
    }

    /// Lets it ask for an identity token.
    pub(crate) fn with_id_token(mut self) -> Self {
        self.has_id_token = true;
        self
    }

    /// Divides all of the runner's times by 20: for jobs whose processes do not end when they are told to.
    pub(crate) fn hurried(mut self) -> Self {
        self.hurry = 20;
        self
    }

    /// What the runner's time of so many seconds is for this job.
    pub(crate) fn seconds(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds) / self.hurry
    }
}
