//! Which variables, which directory, which shell.

use std::collections::BTreeMap;

use test_support::files;

use super::runner;
use crate::stand_in::{Job, Outcome, Runner, run, uses};

/// Writes the environment to a file in the home.
const WRITE: &str = "env -0 >\"$HOME/$1\"";

fn script(name: &str) -> String {
    WRITE.replace("$1", name)
}

fn written(runner: &Runner, name: &str) -> BTreeMap<String, String> {
    let text = files::read(&runner.home().join(name));
    let pairs = text.split('\0').filter_map(|variable| variable.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn a_hook_has_the_runners_variables_and_none_of_the_workflows() {
    let (_place, runner) = runner();
    let runner = runner.env("OF_DOT_ENV", "a=b").completed(&script("hook"));
    let set = run("echo OF_GITHUB_ENV=1 >>\"$GITHUB_ENV\"").env("OF_STEP", "1");
    let seen = run(script("step")).env("OF_STEP", "1");
    let done = runner.run(Job::new("o/r").env("OF_WORKFLOW", "1").step(set).step(seen));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let (hook, step) = (written(&runner, "hook"), written(&runner, "step"));
    for name in ["OF_WORKFLOW", "OF_GITHUB_ENV", "OF_STEP"] {
        assert!(step.contains_key(name) && !hook.contains_key(name), "{name}");
    }
    for name in ["GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"] {
        assert!(!step.contains_key(name) && !hook.contains_key(name), "{name}");
    }
    let same =
        ["OF_DOT_ENV", "RUNNER_TRACKING_ID", "GITHUB_RUN_ID", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"];
    for name in
        same.into_iter().chain(["RUNNER_TEMP", "RUNNER_NAME", "GITHUB_WORKSPACE", "GITHUB_ACTIONS", "CI"])
    {
        assert_eq!(hook.get(name), step.get(name), "{name}");
        assert!(hook.contains_key(name), "{name}");
    }
    for name in ["ENV", "PATH", "OUTPUT", "STATE", "STEP_SUMMARY"].map(|name| format!("GITHUB_{name}")) {
        assert!(hook.contains_key(&name) && hook[&name] != step[&name], "{name}: each step has its own");
    }
    assert_eq!(hook["OF_DOT_ENV"], "a=b");
    assert_eq!(hook["RUNNER_WORKSPACE"], runner.root.join("_work/r").to_str().unwrap());
    assert_eq!(hook["RUNNER_TOOL_CACHE"], runner.root.join("_work/_tool").to_str().unwrap());
}

#[test]
fn the_event_can_be_read_in_a_hook() {
    let (_place, runner) = runner();
    let done = runner.started("cat \"$GITHUB_EVENT_PATH\"").run(Job::new("o/r").step(run("true")));
    assert!(done.step("Set up runner").text().contains("default_branch"), "{done:?}");
}

#[test]
fn the_hook_sees_the_last_steps_action() {
    // The `github` context is one for all: what a step set there stays.
    let (_place, runner) = runner();
    let runner = runner.started(&script("started")).completed(&script("completed"));
    runner.run(Job::new("o/r").step(run("true").named("one")).step(run("true").named("two")));
    assert_eq!(written(&runner, "started").get("GITHUB_ACTION"), None);
    assert_eq!(written(&runner, "completed")["GITHUB_ACTION"], "two");
}

#[test]
fn the_jobs_path_comes_first_and_has_the_hooks_bash() {
    let (place, runner) = runner();
    let bash = place.path().join("of-the-job/bash");
    files::write_executable(&bash, "#!/bin/sh\necho \"from the job: $*\"\n");
    let runner = runner.completed("echo not read");
    let add = run(format!("echo {} >>\"$GITHUB_PATH\"", bash.parent().unwrap().display()));
    let done = runner.run(Job::new("o/r").step(add));
    assert!(done.step("Complete runner").text().contains("\nfrom the job: -e "), "{done:?}");
}

#[test]
fn what_is_added_to_the_path_last_is_found_first() {
    let (_place, runner) = runner();
    let add = |what: &str| run(format!("echo {what} >>\"$GITHUB_PATH\""));
    let runner = runner.completed(&script("hook"));
    runner.run(Job::new("o/r").step(add("/one")).step(add("/two")).step(add("/one")));
    assert!(written(&runner, "hook")["PATH"].starts_with("/one:/two:"));
}

#[test]
fn a_hook_has_what_the_server_says_of_the_job() {
    let (_place, runner) = runner();
    let runner = runner.completed(&script("hook"));
    runner.run(Job::new("o/r").id("test").github("ref", "refs/pull/7/merge").step(run("true")));
    let hook = written(&runner, "hook");
    assert_eq!((hook["GITHUB_JOB"].as_str(), hook["GITHUB_REF"].as_str()), ("test", "refs/pull/7/merge"));
}

#[test]
fn a_hook_works_in_the_workspace() {
    let (_place, runner) = runner();
    let runner = runner.completed("pwd -P");
    let done = runner.run(Job::new("o/r").step(run("cd /")));
    assert!(
        done.step("Complete runner").log.contains(&runner.workspace("o/r").display().to_string()),
        "{done:?}"
    );
}

#[test]
fn an_identity_token_can_be_asked_for_by_hooks_and_steps_alike() {
    let (_place, runner) = runner();
    let runner = runner.completed(&script("hook"));
    runner.run(Job::new("o/r").with_id_token().step(run(script("step"))));
    for seen in [written(&runner, "hook"), written(&runner, "step")] {
        assert!(seen.contains_key("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    }
}

#[test]
fn a_composite_action_has_its_inputs_by_env_alone() {
    let (place, runner) = runner();
    let action = place.path().join("action");
    let manifest = "inputs:\n  given: {}\n  usual:\n    default: as ${{ job.status }}\nruns:\n  using: composite\n  steps:\n    - shell: bash -e {0}\n      env:\n        INPUTS: ${{ toJSON(inputs) }}\n        GIVEN: <${{ inputs.given }}>\n      run: env -0 >\"$HOME/step\"\n";
    files::write(&action.join("action.yml"), manifest);
    let step = uses(&action).with("given", "x").env("OUTER", "1");
    let done = runner.run(Job::new("o/r").env("OF_WORKFLOW", "1").step(step));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let seen = written(&runner, "step");
    let inputs: BTreeMap<String, String> = serde_json::from_str(&seen["INPUTS"]).unwrap();
    assert_eq!((inputs["given"].as_str(), inputs["usual"].as_str()), ("x", "as success"));
    assert_eq!(
        (seen["GIVEN"].as_str(), seen["OUTER"].as_str(), seen["OF_WORKFLOW"].as_str()),
        ("<x>", "1", "1")
    );
    assert!(!seen.keys().any(|name| name.starts_with("INPUT_")));
    let path = runner.root.join("_work/_actions/owner/action/v1");
    assert_eq!(seen["GITHUB_ACTION_PATH"], path.to_str().unwrap());
}

#[test]
fn a_shell_is_its_words_around_the_script() {
    let (_place, runner) = runner();
    let step = run("echo \"$- $*\"").named("own").shell("/usr/bin/env -u HOME bash -eu {0} 'a \"b c\"");
    let done = runner.run(Job::new("o/r").step(step).step(run("true").named("none").shell("bash -e")));
    assert!(done.step("own").text().contains("'a b c"), "{done:?}");
    assert!(done.step("none").text().contains("Invalid shell option"), "{done:?}");
}
