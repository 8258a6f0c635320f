//! The server's REST API as a hook meets it: the jobs of a run's attempt, in the shapes that GitHub documents for *List jobs
//! for a workflow run attempt* and its errors.

use serde_json::{Value, json};
use test_support::web::{Answer, Request, Web};

/// Jobs on a page, where nothing else is asked for.
const PER_PAGE: usize = 30;

/// A job of the list, in progress.
#[derive(Debug, Clone)]
pub(crate) struct JobShape {
    id: u64,
    name: String,
    runner: Option<String>,
    status: &'static str,
    conclusion: Option<&'static str>,
    steps: Vec<Value>,
}

impl JobShape {
    pub(crate) fn new(id: u64, name: &str) -> Self {
        let status = "in_progress";
        Self { id, name: name.to_owned(), runner: None, status, conclusion: None, steps: Vec::new() }
    }

    /// Lets it be on a runner; without one it is queued.
    pub(crate) fn on(mut self, runner: &str) -> Self {
        self.runner = Some(runner.to_owned());
        self
    }

    /// Lets it have ended.
    pub(crate) fn ended(mut self, conclusion: &'static str) -> Self {
        (self.status, self.conclusion) = ("completed", Some(conclusion));
        self
    }

    /// Adds a step; one without conclusion is in progress.
    pub(crate) fn step(mut self, name: &str, conclusion: Option<&str>) -> Self {
        let number = self.steps.len() + 1;
        let has_ended = conclusion.is_some();
        self.steps.push(json!({
            "name": name,
            "status": if has_ended { "completed" } else { "in_progress" },
            "conclusion": conclusion,
            "number": number,
            "started_at": "2026-11-29T12:00:00Z",
            "completed_at": has_ended.then_some("2026-11-29T12:00:01Z"),
        }));
        self
    }

    fn json(&self) -> Value {
        let (id, has_runner) = (self.id, self.runner.is_some());
        json!({
            "id": id,
            "run_id": 1_658_821_493,
            "workflow_name": "CI",
            "head_branch": "main",
            "run_url": "https://api.github.com/repos/o/r/actions/runs/1658821493",
            "run_attempt": 1,
            "node_id": "CR_kwDOBxTZMs8AAAABYt5Z9Q",
            "head_sha": "ffac537e6cbbf934b08745a378932722df287a53",
            "url": format!("https://api.github.com/repos/o/r/actions/jobs/{id}"),
            "html_url": format!("https://github.com/o/r/actions/runs/1658821493/job/{id}"),
            "status": if has_runner { self.status } else { "queued" },
            "conclusion": self.conclusion,
            "created_at": "2026-11-29T11:59:50Z",
            "started_at": "2026-11-29T12:00:00Z",
            "completed_at": self.conclusion.map(|_| "2026-11-29T12:00:30Z"),
            "name": self.name,
            "steps": self.steps,
            "check_run_url": format!("https://api.github.com/repos/o/r/check-runs/{id}"),
            "labels": ["self-hosted", "linux"],
            "runner_id": has_runner.then_some(1),
            "runner_name": self.runner,
            "runner_group_id": has_runner.then_some(1),
            "runner_group_name": has_runner.then_some("Default"),
        })
    }
}

/// What the server answers to a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Jobs(Vec<JobShape>),
    /// The limit of requests is used up.
    RateLimited,
    /// The token may not read actions.
    Forbidden,
    NotFound,
    BrokenServer,
    /// Nothing comes after the first byte.
    Slow,
    /// What is no JSON.
    Malformed,
    /// JSON of another shape.
    OtherShape,
}

/// A server whose requests for the list are answered in order, the last reply again and again.
pub(crate) fn serve(replies: Vec<Reply>) -> Web {
    Web::new(move |number, request| {
        let reply = replies.get(number).or(replies.last()).expect("there is a reply");
        let path = request.path.split('?').next().unwrap_or_default();
        if path != "/repos/o/r/actions/runs/1658821493/attempts/1/jobs" {
            return error(404, "Not Found", &[]);
        }
        answer(reply, request)
    })
}

fn answer(reply: &Reply, request: &Request) -> Answer {
    match reply {
        Reply::Jobs(jobs) => page(jobs, request),
        Reply::RateLimited => error(
            403,
            "API rate limit exceeded for installation ID 1.",
            &[
                ("x-ratelimit-limit", "1000"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "4102444800"),
            ],
        ),
        Reply::Forbidden => error(403, "Resource not accessible by integration", &[]),
        Reply::NotFound => error(404, "Not Found", &[]),
        Reply::BrokenServer => Answer::Status(500),
        Reply::Slow => Answer::Slow(b"{".to_vec()),
        Reply::Malformed => body(200, vec![], "{\"total_count\": 1, \"jobs\": [".to_owned()),
        Reply::OtherShape => {
            body(200, vec![], json!({ "total_count": "1", "jobs": { "build": {} } }).to_string())
        }
    }
}

/// A page of the list, with a link to the next.
fn page(jobs: &[JobShape], request: &Request) -> Answer {
    let asked = |name: &str| {
        let query = request.path.split_once('?').map_or("", |(_, query)| query);
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
    };
    let (per_page, number) = (asked("per_page").unwrap_or(PER_PAGE).min(100), asked("page").unwrap_or(1));
    let on_page: Vec<_> =
        jobs.iter().skip(per_page * (number - 1)).take(per_page).map(JobShape::json).collect();
    let mut headers = Vec::new();
    if jobs.len() > per_page * number {
        let host = request.header("host").unwrap_or_default();
        let path = request.path.split('?').next().unwrap_or_default();
        let next = number + 1;
        headers
            .push(("Link", format!("<http://{host}{path}?per_page={per_page}&page={next}>; rel=\"next\"")));
    }
    body(200, headers, json!({ "total_count": jobs.len(), "jobs": on_page }).to_string())
}

fn error(status: u16, message: &str, headers: &[(&'static str, &str)]) -> Answer {
    let documentation =
        "https://docs.github.com/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run-attempt";
    let text =
        json!({ "message": message, "documentation_url": documentation, "status": status.to_string() });
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    body(status, headers, text.to_string())
}

fn body(status: u16, mut headers: Vec<(&'static str, String)>, text: String) -> Answer {
    headers.push(("Content-Type", "application/json; charset=utf-8".to_owned()));
    Answer::Full(status, headers, text.into_bytes())
}
