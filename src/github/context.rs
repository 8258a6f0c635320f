//! What the runner tells a step, by its environment and the event file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The process's environment, taken once and passed on. Variables that are not UTF-8 count as not set.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// The names of those that are not UTF-8.
    unreadable: Vec<String>,
}

/// How the variables begin that this program goes by and whose paths nothing else tells. (The workspace is also the working
/// folder.)
const OURS: [&str; 3] = ["RUNNER_", "CARGO_", "HOME"];

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.values.insert(name, value)),
                Err(_) => environment.unreadable.push(name),
            }
        }
        environment
    }

    /// The variables that matter and are not UTF-8.
    pub fn unreadable(&self) -> impl Iterator<Item = &str> {
        let names = self.unreadable.iter().map(String::as_str);
        names.filter(|name| OURS.iter().any(|ours| name.starts_with(ours)))
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables that are not empty, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let values = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { values, unreadable: Vec::new() }
    }
}

/// Where this process runs: a job of a workflow, or outside of GitHub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Whether a workflow's runner started us.
    pub is_actions: bool,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The ref that triggered the run, such as `refs/heads/main` or `refs/pull/7/merge`.
    pub reference: Option<String>,
    /// The branch that a pull request is to be merged into, without `refs/heads/`.
    pub base_branch: Option<String>,
    /// The repository's default branch, without `refs/heads/`.
    pub default_branch: Option<String>,
    /// Number of the pull request that the event is about.
    pub pull_request: Option<u64>,
    /// The branch, perhaps of a fork, of the pull request whose workflow this run follows.
    pub follows_pull_request_of: Option<String>,
    /// The commit that triggered the run.
    pub commit: Option<String>,
    /// The workflow's name.
    pub workflow: Option<String>,
    /// The job's id in its workflow.
    pub job: Option<String>,
    /// Number of the run and of its attempt, as `123.1`.
    pub run: Option<String>,
    /// The runner's name.
    pub runner: Option<String>,
    /// The job's workspace.
    pub workspace: Option<PathBuf>,
    /// The job's own temporary folder, emptied by the runner at its start and end.
    pub temporary: Option<PathBuf>,
}

/// The part of an event that matters here.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads>
#[derive(Debug, Default, Deserialize)]
struct Event {
    #[serde(default)]
    repository: Option<Repository>,
    #[serde(default)]
    pull_request: Option<PullRequest>,
    #[serde(default)]
    issue: Option<Issue>,
    #[serde(default)]
    workflow_run: Option<WorkflowRun>,
}

/// Of a comment: an issue that is a pull request says so.
#[derive(Debug, Deserialize)]
struct Issue {
    number: Option<u64>,
    pull_request: Option<serde::de::IgnoredAny>,
}

/// Of a workflow that runs after another one.
#[derive(Debug, Deserialize)]
struct WorkflowRun {
    event: Option<String>,
    head_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    default_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: Option<u64>,
    base: Option<Branch>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    #[serde(rename = "ref")]
    name: Option<String>,
}

impl Context {
    /// Reads the context from `env` and the contents of the event file that `GITHUB_EVENT_PATH` names. An event that
    /// is none says nothing.
    pub fn new(env: &Environment, event: Option<&[u8]>) -> Self {
        let event: Event = event.and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
        let owned = |name| env.get(name).map(str::to_owned);
        let pull_request = event.pull_request.as_ref();
        let base_of_event = pull_request.and_then(|request| request.base.as_ref()?.name.clone());
        Self {
            is_actions: env.get("GITHUB_ACTIONS") == Some("true"),
            repository: owned("GITHUB_REPOSITORY"),
            reference: owned("GITHUB_REF"),
            base_branch: owned("GITHUB_BASE_REF").or(base_of_event),
            default_branch: event.repository.and_then(|repository| repository.default_branch),
            pull_request: pull_request.and_then(|request| request.number).or_else(|| {
                event
                    .issue
                    .as_ref()
                    .filter(|issue| issue.pull_request.is_some())
                    .and_then(|issue| issue.number)
            }),
            follows_pull_request_of: event.workflow_run.and_then(|run| {
                let of_pull_request = run.event.is_some_and(|event| event.starts_with("pull_request"));
                of_pull_request.then(|| run.head_branch.unwrap_or_default())
            }),
            commit: owned("GITHUB_SHA"),
            workflow: owned("GITHUB_WORKFLOW"),
            job: owned("GITHUB_JOB"),
            run: env
                .get("GITHUB_RUN_ID")
                .map(|run| format!("{run}.{}", env.get("GITHUB_RUN_ATTEMPT").unwrap_or("1"))),
            runner: owned("RUNNER_NAME"),
            workspace: env.get("GITHUB_WORKSPACE").map(PathBuf::from),
            temporary: env.get("RUNNER_TEMP").map(PathBuf::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_tells_its_number_and_branches() {
        let env = Environment::from([("GITHUB_ACTIONS", "true"), ("GITHUB_REF", "refs/heads/main")]);
        let event = br#"{"repository":{"default_branch":"main"},
                         "pull_request":{"number":7,"base":{"ref":"stable"}}}"#;
        let context = Context::new(&env, Some(event));
        assert_eq!(context.pull_request, Some(7));
        assert_eq!(context.base_branch.as_deref(), Some("stable"));
        assert_eq!(context.default_branch.as_deref(), Some("main"));
    }

    #[test]
    fn comments_on_and_runs_after_a_pull_request_are_about_it() {
        let context = |event: &str| Context::new(&Environment::default(), Some(event.as_bytes()));
        let comment = context(r#"{"issue": {"number": 7, "pull_request": {"url": "u"}}}"#);
        assert_eq!(comment.pull_request, Some(7));
        assert_eq!(context(r#"{"issue": {"number": 7}}"#).pull_request, None);
        let run = context(r#"{"workflow_run": {"event": "pull_request", "head_branch": "topic"}}"#);
        assert_eq!(run.follows_pull_request_of.as_deref(), Some("topic"));
        assert_eq!(context(r#"{"workflow_run": {"event": "push"}}"#).follows_pull_request_of, None);
    }

    #[test]
    fn an_event_that_is_none_says_nothing() {
        assert_eq!(Context::new(&Environment::default(), Some(b"[1, 2")), Context::default());
    }
}
