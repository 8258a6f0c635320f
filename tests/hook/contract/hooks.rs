//! What fails a hook, and with it the job.

use std::os::unix::fs::PermissionsExt as _;

use test_support::files;

use super::runner;
use crate::stand_in::{Job, Outcome, run};

const COMPLETED: &str = "ACTIONS_RUNNER_HOOK_JOB_COMPLETED";
const STARTED: &str = "ACTIONS_RUNNER_HOOK_JOB_STARTED";

fn job() -> Job {
    Job::new("o/r").step(run("true").named("step"))
}

#[test]
fn a_hook_that_is_missing_fails_the_job() {
    let (_place, runner) = runner();
    let done = runner.env(COMPLETED, "/nowhere/hook.sh").run(job());
    assert_eq!(done.outcome(), Outcome::Failed);
    let said = &done.step("Complete runner").annotations;
    assert_eq!(*said, [("error".to_owned(), "File doesn't exist".to_owned())]);
}

#[test]
fn a_failed_hook_before_the_job_lets_no_step_run() {
    let (_place, runner) = runner();
    let done = runner.started("exit 1").completed("true").run(job());
    assert_eq!(done.outcome(), Outcome::Failed);
    assert_eq!(done.ran(), ["Set up job", "Set up runner", "Complete runner", "Complete job"]);
}

#[test]
fn a_hook_with_another_ending_fails_the_job() {
    let (place, runner) = runner();
    let hook = place.path().join("hook");
    files::write_executable(&hook, "#!/bin/sh\n");
    let done = runner.env(STARTED, hook.to_str().unwrap()).run(job());
    assert_eq!(done.outcome(), Outcome::Failed);
    assert!(done.step("Set up runner").text().contains("is not a valid path to a script"), "{done:?}");
}

#[test]
fn a_hook_that_ends_with_another_code_fails_the_job() {
    let (_place, runner) = runner();
    let done = runner.completed("exit 7").run(job());
    assert_eq!(done.outcome(), Outcome::Failed);
    assert_eq!(done.step("Complete runner").code, Some(7));
}

#[test]
fn a_hook_is_read_by_bash_with_e_whatever_it_says_and_may_do() {
    let (_place, runner) = runner();
    let runner = runner.completed(
        "#!/usr/bin/python3\n[[ $- == *e* ]] && echo \"bash $BASH_VERSION\"\nfalse\necho not-here",
    );
    let file = runner.root.join("hooks/completed.sh");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let done = runner.run(job());
    let step = done.step("Complete runner");
    assert_eq!(step.outcome, Some(Outcome::Failed), "{done:?}");
    assert!(step.text().contains("\nbash ") && !step.text().contains("not-here"), "{done:?}");
    let (words, _) = step.process.unwrap();
    assert_eq!(words[1..], ["-e".to_owned(), file.to_str().unwrap().to_owned()]);
}

#[test]
fn a_program_as_a_hook_fails_the_job() {
    let (place, runner) = runner();
    let hook = place.path().join("hook.sh");
    std::fs::copy("/usr/bin/true", &hook).unwrap();
    let done = runner.env(COMPLETED, hook.to_str().unwrap()).run(job());
    assert_eq!(done.step("Complete runner").code, Some(126), "{done:?}");
}

#[test]
fn a_hook_with_a_space_in_its_path_is_not_found_by_bash() {
    let (place, runner) = runner();
    let hook = place.path().join("a hook.sh");
    files::write(&hook, "true\n");
    let done = runner.env(COMPLETED, hook.to_str().unwrap()).run(job());
    assert_eq!(done.outcome(), Outcome::Failed);
    assert!(done.step("Complete runner").text().contains("/a: No such file or directory"), "{done:?}");
}

#[test]
fn a_hook_cannot_start_where_the_workspace_is_gone() {
    let (_place, runner) = runner();
    let done = runner.completed("true").run(Job::new("o/r").step(run("rm -r \"$GITHUB_WORKSPACE\"")));
    assert_eq!(done.outcome(), Outcome::Failed);
    assert!(
        done.step("Complete runner").text().contains("An error occurred trying to start process"),
        "{done:?}"
    );
}

#[test]
fn an_empty_value_is_no_hook() {
    let (_place, runner) = runner();
    let done = runner.service(STARTED, "").env(COMPLETED, "").run(job());
    assert_eq!(done.ran(), ["Set up job", "step", "Complete job"]);
}

#[test]
fn a_workflow_sets_no_hook() {
    let (_place, runner) = runner();
    let set = run(format!("echo {COMPLETED}=/nowhere.sh >>\"$GITHUB_ENV\"")).named("step");
    let done = runner.run(Job::new("o/r").env(COMPLETED, "/nowhere.sh").step(set));
    assert_eq!(done.ran(), ["Set up job", "step", "Complete job"]);
}

#[test]
fn env_is_read_once_when_the_service_starts() {
    let (_place, runner) = runner();
    let mut service = runner.start();
    let runner = runner.completed("true");
    assert_eq!(service.run(job()).ran(), ["Set up job", "step", "Complete job"]);
    assert!(runner.run(job()).ran().contains(&"Complete runner".to_owned()));
}
