//! What the runner tells a step, by its environment and the event file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The process's environment, taken once and passed on. Variables that are not UTF-8 count as not set.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    /// The names of those that are not UTF-8.
    unreadable: Vec<String>,
    /// Whether `HOME` was not set, and is what the system says of the user.
    is_home_of_system: bool,
}

/// How the variables begin that this program goes by and whose paths nothing else tells. (The workspace is also the working
/// directory.)
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
        // What the system says of the user, as cargo and npm take it then.
        if environment.get("HOME").is_none()
            && let Some(home) = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok())
        {
            environment.values.insert("HOME".to_owned(), home);
            environment.is_home_of_system = true;
        }
        environment
    }

    /// The home of the user where `HOME` is not set.
    pub fn home_of_system(&self) -> Option<&str> {
        self.get("HOME").filter(|_| self.is_home_of_system)
    }

    /// The user's cache directory, by the XDG Base Directory Specification.
    pub fn cache_home(&self) -> Option<PathBuf> {
        let named = self.get("XDG_CACHE_HOME").map(PathBuf::from).filter(|directory| directory.is_absolute());
        named.or_else(|| Some(Path::new(self.get("HOME")?).join(".cache")))
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

    /// Sets a variable, for this program alone.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// All variables that are not empty, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'v> FromIterator<(&'v str, &'v str)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'v str, &'v str)>>(variables: I) -> Self {
        let values = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { values, ..Self::default() }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        variables.into_iter().collect()
    }
}

/// Where this process runs: a job of a workflow, or outside of GitHub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Whether a workflow's runner started us.
    pub is_actions: bool,
    /// The server's URL, such as `https://github.com`.
    pub server: Option<String>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// The ref that triggered the run, such as `refs/heads/main` or `refs/pull/7/merge`.
    pub reference: Option<String>,
    /// The branch that a pull request is to be merged into, without `refs/heads/`.
    pub base_branch: Option<String>,
    /// The repository's default branch, without `refs/heads/`.
    pub default_branch: Option<String>,
    /// The name of the event that triggered the run, such as `push`.
    pub event: Option<String>,
    /// Why the event file tells nothing, where it should.
    pub event_trouble: Option<String>,
    /// Number of the pull request that the event is of.
    pub pull_request: Option<u64>,
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
    /// The job's own temporary directory, emptied by the runner at its start and end.
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
    /// Reads the context from `env` and the contents of the event file that `GITHUB_EVENT_PATH` names, if it names one, or why
    /// it cannot be read.
    pub fn new(env: &Environment, event: Result<Option<&[u8]>, String>) -> Self {
        let is_actions = env.get("GITHUB_ACTIONS") == Some("true");
        let event = event.and_then(|json| {
            // Not right away: a structure can be read from a list as well.
            let of_object =
                |json| serde_json::from_value(serde_json::from_slice::<serde_json::Map<_, _>>(json)?.into());
            let event = json.map_or_else(|| Ok(Event::default()), of_object);
            event.map_err(|error| format!("not a valid event: {error}"))
        });
        let (event, trouble) = event.map_or_else(|why| (Event::default(), Some(why)), |event| (event, None));
        let owned = |name| env.get(name).map(str::to_owned);
        let pull_request = event.pull_request.as_ref();
        let base_of_event = pull_request.and_then(|request| request.base.as_ref()?.name.clone());
        Self {
            is_actions,
            server: owned("GITHUB_SERVER_URL"),
            repository: owned("GITHUB_REPOSITORY"),
            reference: owned("GITHUB_REF"),
            base_branch: owned("GITHUB_BASE_REF").or(base_of_event),
            default_branch: event.repository.and_then(|repository| repository.default_branch),
            event: owned("GITHUB_EVENT_NAME"),
            // Outside of a workflow there is none.
            event_trouble: trouble.filter(|_| is_actions),
            pull_request: pull_request.and_then(|request| request.number),
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
        let context = Context::new(&env, Ok(Some(event)));
        assert_eq!(context.pull_request, Some(7));
        assert_eq!(context.base_branch.as_deref(), Some("stable"));
        assert_eq!(context.default_branch.as_deref(), Some("main"));
    }

    #[test]
    fn an_event_that_is_none_is_told() {
        let env = Environment::from([("GITHUB_ACTIONS", "true")]);
        for event in [&b"[1, 2"[..], b"[]", b"7", br#"{"pull_request": {"number": "7"}}"#, b""] {
            assert!(Context::new(&env, Ok(Some(event))).event_trouble.is_some());
        }
        assert_eq!(Context::new(&env, Err("gone".into())).event_trouble.as_deref(), Some("gone"));
        assert_eq!(Context::new(&env, Ok(Some(b"{}"))).event_trouble, None);
        assert_eq!(Context::new(&env, Ok(None)).event_trouble, None);
        assert_eq!(Context::new(&Environment::default(), Err("gone".into())), Context::default());
    }
}
