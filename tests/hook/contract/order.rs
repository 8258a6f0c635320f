//! What comes before what.

use test_support::files;

use super::runner;
use crate::stand_in::{Job, Outcome, When, run, uses};

#[test]
fn hooks_come_first_and_last_and_posts_between_the_last_first() {
    let (_place, runner) = runner();
    let runner = runner.started("echo before").completed("echo after");
    let job =
        Job::new("o/r").step(run("true").named("a").post("true")).step(run("true").named("b").post("true"));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let steps =
        ["Set up job", "Set up runner", "a", "b", "Post b", "Post a", "Complete runner", "Complete job"];
    assert_eq!(done.ran(), steps);
    let said = "A job completed hook has been configured by the self-hosted runner administrator";
    assert_eq!(done.step("Complete runner").log.first().unwrap(), said);
    assert!(done.step("Set up runner").log.contains(&"before".to_owned()));
    assert!(done.step("Complete runner").log.contains(&"after".to_owned()));
}

#[test]
fn the_hook_runs_after_a_failure_and_steps_by_their_conditions() {
    let (_place, runner) = runner();
    let runner = runner.completed("true");
    let job = Job::new("o/r")
        .step(run("exit 3").named("fails"))
        .step(run("true").named("success"))
        .step(run("true").named("always").when(When::Always))
        .step(run("true").named("failure").when(When::Failure))
        .step(run("true").named("cancelled").when(When::Cancelled));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Failed, "{done:?}");
    assert_eq!(done.ran(), ["Set up job", "fails", "always", "failure", "Complete runner", "Complete job"]);
    let fails = done.step("fails");
    assert_eq!(fails.code, Some(3));
    let said = ("error".to_owned(), "Process completed with exit code 3.".to_owned());
    assert_eq!(fails.annotations, [said]);
}

#[test]
fn a_step_that_may_fail_leaves_the_job_as_it_was() {
    let (_place, runner) = runner();
    let job = Job::new("o/r").step(run("exit 1").named("fails").may_fail()).step(run("true").named("next"));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(done.step("next").outcome, Some(Outcome::Succeeded));
}

#[test]
fn a_job_whose_action_cannot_be_had_runs_no_step_and_no_hook() {
    let (place, runner) = runner();
    let runner = runner.started("true").completed("true");
    let done = runner.run(Job::new("o/r").step(uses(place.path().join("missing"))).step(run("true")));
    assert_eq!(done.outcome(), Outcome::Failed, "{done:?}");
    assert_eq!(done.ran(), ["Set up job"]);
}

#[test]
fn temp_is_emptied_before_the_first_hook_and_after_the_last() {
    let (_place, runner) = runner();
    let list = "ls -A \"$RUNNER_TEMP\"; echo \"$RUNNER_TEMP\" >>\"$HOME/temps\"";
    let runner = runner.started(list).completed(list);
    let temp = runner.root.join("_work/_temp");
    files::write(&temp.join("of-an-earlier-job"), "");
    let done = runner.run(Job::new("o/r").step(run("touch \"$RUNNER_TEMP/of-this-job\"")));
    let has = |step: &str, name: &str| done.step(step).log.contains(&name.to_owned());
    assert!(!has("Set up runner", "of-an-earlier-job"), "{done:?}");
    assert!(has("Complete runner", "of-this-job"), "{done:?}");
    assert!(files::inside(&temp).is_empty());
    let temps = files::read(&runner.home().join("temps"));
    assert_eq!(temps, format!("{0}\n{0}\n", temp.display()));
}

#[test]
fn a_workspace_stays_for_the_next_job() {
    let (_place, runner) = runner();
    let mut service = runner.start();
    let job = |script: &str| Job::new("o/r").step(run(script).named("step"));
    service.run(job("touch made"));
    assert_eq!(service.run(job("ls made")).outcome(), Outcome::Succeeded);
    assert!(runner.workspace("o/r").join("made").exists());
}
