//! What a run of act said, by job and step.

use serde_json::Value;

/// A finished run.
pub(crate) struct Run {
    /// Whether all jobs succeeded.
    pub(crate) succeeded: bool,
    events: Vec<Value>,
}

/// A step of a job in a finished run, by its id or its name.
pub(crate) struct Step<'a> {
    run: &'a Run,
    job: &'a str,
    id: &'a str,
}

impl Run {
    /// Reads what `act --json` printed, one object a line; lines that are none are the runner's own last words.
    pub(crate) fn parse(log: &str, succeeded: bool) -> Self {
        let events = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| serde_json::json!({ "msg": line })))
            .collect();
        Self { succeeded, events }
    }

    /// Fails the test, with the log, unless all jobs succeeded.
    pub(crate) fn assert_success(self) -> Self {
        assert!(self.succeeded, "the run failed:\n{}", self.text());
        self
    }

    /// Fails the test, with the log, unless a job failed.
    pub(crate) fn assert_failure(self) -> Self {
        assert!(!self.succeeded, "the run succeeded:\n{}", self.text());
        self
    }

    /// The step of this job with this id or name.
    pub(crate) fn step<'a>(&'a self, job: &'a str, step: &'a str) -> Step<'a> {
        Step { run: self, job, id: step }
    }

    /// Whether this job succeeded; `None` if it did not run.
    pub(crate) fn job_succeeded(&self, job: &str) -> Option<bool> {
        let event =
            self.events.iter().rfind(|event| event["jobID"] == job && event["jobResult"].is_string())?;
        Some(event["jobResult"] == "success")
    }

    /// The value that a step of this job gave to this environment variable, for the steps after it.
    pub(crate) fn env(&self, job: &str, name: &str) -> Option<&str> {
        let is_it = |event: &&Value| {
            event["jobID"] == job && event["command"] == "set-env" && event["name"] == name && is_outer(event)
        };
        self.events.iter().rfind(is_it).map(|event| event["arg"].as_str().unwrap())
    }

    /// All step summaries, in the order of their steps.
    pub(crate) fn summary(&self) -> String {
        let summaries = self.events.iter().filter(|event| event["command"] == "summary" && is_outer(event));
        summaries.map(|event| event["content"].as_str().unwrap()).collect()
    }

    /// The warnings, as the runner would show them.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.annotations("warning")
    }

    /// The errors, as the runner would show them.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.annotations("error")
    }

    fn annotations(&self, command: &str) -> Vec<String> {
        let commands = self.events.iter().filter(|event| event["command"] == command);
        commands.map(|event| unescape(message(event).splitn(3, "::").last().unwrap())).collect()
    }

    /// The whole log, for people.
    pub(crate) fn text(&self) -> String {
        let line = |event: &Value| {
            format!("[{}] {}\n", event["jobID"].as_str().unwrap_or("-"), message(event).trim_end())
        };
        self.events.iter().map(line).collect()
    }
}

impl<'a> Step<'a> {
    /// Whether its `if:` let it run.
    pub(crate) fn ran(&self) -> bool {
        self.events().any(|event| event["stage"] == "Main" && event["stepResult"].is_string())
    }

    /// Whether it ran and succeeded.
    pub(crate) fn succeeded(&self) -> bool {
        let mut results = self.events().filter(|event| event["stage"] == "Main" && is_outer(event));
        results.any(|event| event["stepResult"] == "success")
    }

    /// This output of it; a missing one is an empty one, as in expressions.
    pub(crate) fn output(&self, name: &str) -> &'a str {
        let is_it =
            |event: &&Value| event["command"] == "set-output" && event["name"] == name && is_outer(event);
        self.events().filter(is_it).last().map_or("", |event| event["arg"].as_str().unwrap())
    }

    /// What it and the steps inside of it printed, without colours.
    pub(crate) fn printed(&self) -> String {
        let raw = self.events().filter(|event| event["raw_output"] == true);
        without_colours(&raw.map(message).collect::<String>())
    }

    /// The crates that cargo says it compiled or checked in it, as `name vVERSION`.
    pub(crate) fn compiled(&self) -> Vec<String> {
        let printed = self.printed();
        let words = printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        words
            .filter(|words| matches!(words.first(), Some(&("Compiling" | "Checking"))))
            .map(|words| words[1..3].join(" "))
            .collect()
    }

    fn events(&self) -> impl Iterator<Item = &'a Value> {
        let (job, id) = (self.job, self.id);
        self.run
            .events
            .iter()
            .filter(move |event| event["jobID"] == job && (event["stepID"][0] == id || event["step"] == id))
    }
}

/// Of the workflow's own step. act also tells of the steps inside of a composite action; their ids are longer.
fn is_outer(event: &Value) -> bool {
    event["stepID"].as_array().is_some_and(|id| id.len() == 1)
}

fn message(event: &Value) -> &str {
    event["msg"].as_str().unwrap_or_default()
}

/// The runner's decoding of a workflow command's data.
fn unescape(data: &str) -> String {
    data.trim_end().replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}
