//! How a job stands that is still running, by the steps that it has behind it.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::github::Api;
use super::lists::{KnownLists, Pages, read_list};

/// The name of the runner's step for the hook after a job, in which the question is asked: `Constants.Hooks` of the runner.
const HOOK: &str = "Complete runner";

/// A run has at most some hundred jobs: 256 of each matrix.
/// <https://docs.github.com/en/actions/reference/limits>
const PAGES: Pages = Pages::All(100);

/// A job of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunJob {
    status: String,
    runner_name: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Step {
    name: String,
    number: u64,
    status: String,
    conclusion: Option<String>,
}

/// What the API tells of a job's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// All steps succeeded.
    Success,
    /// A step failed.
    Failure,
    /// A step was cancelled.
    Cancelled,
    /// A step was skipped: by its condition, or since the job was cancelled between two steps.
    Skipped,
    /// The server has not yet heard of all steps.
    Pending,
    /// Not one job of this runner is running.
    NotFound,
}

/// The jobs of an attempt of a run.
///
/// # Errors
///
/// The list cannot be read.
pub async fn jobs(
    api: &Api,
    repository: &str,
    run: &str,
    attempt: &str,
    say: &dyn Fn(String),
) -> Result<Vec<RunJob>, Error> {
    let first = format!("/repos/{repository}/actions/runs/{run}/attempts/{attempt}/jobs?per_page=100");
    read_list(api, first, PAGES, &KnownLists::NONE, say).await
}

/// How the one of `jobs` ends that `runner` has.
pub fn end_of(jobs: &[RunJob], runner: &str) -> JobEnd {
    let is_ours = |job: &&RunJob| job.status == "in_progress" && job.runner_name.as_deref() == Some(runner);
    let mut ours = jobs.iter().filter(is_ours);
    let (Some(job), None) = (ours.next(), ours.next()) else { return JobEnd::NotFound };
    // A step of the user's may have its name, but has ended before it.
    let is_hook = |step: &&Step| step.name == HOOK && step.status == "in_progress";
    let Some(hook) = job.steps.iter().filter(is_hook).max_by_key(|step| step.number) else {
        return JobEnd::Pending;
    };
    let before: Vec<_> = job.steps.iter().filter(|step| step.number < hook.number).collect();
    if before.is_empty() || before.iter().any(|step| step.status != "completed") {
        return JobEnd::Pending;
    }
    let has = |conclusion: &str| before.iter().any(|step| step.conclusion.as_deref() == Some(conclusion));
    let is_success = |step: &&Step| step.conclusion.as_deref() == Some("success");
    if has("cancelled") {
        JobEnd::Cancelled
    } else if before.iter().all(is_success) {
        JobEnd::Success
    } else if before.iter().all(|step| is_success(step) || step.conclusion.as_deref() == Some("skipped")) {
        JobEnd::Skipped
    } else {
        JobEnd::Failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(runner: &str, steps: &[(&str, &str)]) -> RunJob {
        let steps = steps.iter().zip(1..).map(|((name, conclusion), number)| Step {
            name: (*name).to_owned(),
            number,
            status: if conclusion.is_empty() { "in_progress" } else { "completed" }.to_owned(),
            conclusion: Some((*conclusion).to_owned()).filter(|conclusion| !conclusion.is_empty()),
        });
        RunJob { status: "in_progress".into(), runner_name: Some(runner.into()), steps: steps.collect() }
    }

    #[test]
    fn a_job_has_succeeded_only_if_all_its_steps_are_known_to_have() {
        for (build, post, end) in [
            ("success", "success", JobEnd::Success),
            ("failure", "success", JobEnd::Failure),
            ("success", "failure", JobEnd::Failure),
            ("failure", "cancelled", JobEnd::Cancelled),
            ("skipped", "success", JobEnd::Skipped),
            ("failure", "skipped", JobEnd::Failure),
            ("a word of the future", "success", JobEnd::Failure),
            ("success", "", JobEnd::Pending),
        ] {
            let steps = [("Set up job", "success"), ("Build", build), ("Post checkout", post), (HOOK, "")];
            let jobs = [job("other", &[("Build", "failure")]), job("ours", &steps)];
            assert_eq!(end_of(&jobs, "ours"), end, "{build}, {post}");
            assert_eq!(end_of(&[job("ours", &steps[..3])], "ours"), JobEnd::Pending, "no hook yet");
        }
    }

    #[test]
    fn a_step_of_the_users_is_not_taken_for_the_hook() {
        let steps = [(HOOK, "success"), ("Test", "failure"), (HOOK, "")];
        assert_eq!(end_of(&[job("ours", &steps)], "ours"), JobEnd::Failure);
        assert_eq!(end_of(&[job("ours", &steps[..2])], "ours"), JobEnd::Pending);
    }

    #[test]
    fn of_two_jobs_none_is_taken_for_the_other() {
        let steps = [("Build", "success"), (HOOK, "")];
        assert_eq!(end_of(&[job("ours", &steps), job("ours", &steps)], "ours"), JobEnd::NotFound);
        assert_eq!(end_of(&[job("other", &steps)], "ours"), JobEnd::NotFound);
        let over = RunJob { status: "completed".into(), ..job("ours", &steps) };
        assert_eq!(end_of(&[over.clone(), job("ours", &steps)], "ours"), JobEnd::Success);
        assert_eq!(end_of(&[over], "ours"), JobEnd::NotFound);
    }
}
