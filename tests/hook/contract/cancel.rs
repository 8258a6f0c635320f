//! A job that is cancelled.

use super::runner;
use crate::stand_in::{Job, Outcome, When, run, uses};
use test_support::files;

const INT: i32 = 2;
const TERM: i32 = 15;
const KILL: i32 = 9;

/// Says that it is ready and then waits until a signal comes, of which it tells.
const PATIENT: &str = "trap 'echo interrupted; exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait";

#[test]
fn a_cancelled_job_interrupts_its_step_and_runs_the_hook() {
    let (_place, runner) = runner();
    let runner = runner.completed("true");
    let mut service = runner.start();
    let job = Job::new("o/r")
        .step(run(PATIENT).named("patient"))
        .step(run("true").named("next"))
        .step(run("true").named("always").when(When::Always))
        .step(run("true").named("cancelled").when(When::Cancelled));
    let mut running = service.begin(job);
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    assert_eq!(done.outcome(), Outcome::Cancelled, "{done:?}");
    let ran = ["Set up job", "patient", "always", "cancelled", "Complete runner", "Complete job"];
    assert_eq!(done.ran(), ran);
    let patient = done.step("patient");
    assert_eq!((patient.outcome, patient.code), (Some(Outcome::Cancelled), Some(9)));
    assert_eq!(patient.signals, [INT]);
    assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded));
}

#[test]
fn who_ignores_a_cancel_is_terminated_and_then_killed() {
    let (_place, runner) = runner();
    let mut service = runner.start();
    let deaf = "trap '' INT TERM; echo ready; exec sleep 600";
    let mut running = service.begin(Job::new("o/r").hurried().step(run(deaf).named("deaf")));
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    let deaf = done.step("deaf");
    assert_eq!(
        (deaf.signals.as_slice(), deaf.code),
        ([INT, TERM, KILL].as_slice(), Some(128 + KILL)),
        "{done:?}"
    );
    assert_eq!(done.outcome(), Outcome::Cancelled);
}

#[test]
fn the_child_of_a_cancelled_shell_works_on_while_the_hook_runs() {
    // bash waits for its child and SIGTERM ends bash alone: nobody tells cargo that the job is cancelled.
    let (_place, runner) = runner();
    let runner = runner.completed("kill -0 \"$(cat \"$HOME/pid\")\" && echo 'still there'");
    let mut service = runner.start();
    let child = "sh -c 'echo $$ >\"$HOME/pid\"; trap \"\" INT; echo ready; exec sleep 600'; true";
    let mut running = service.begin(Job::new("o/r").hurried().step(run(child).named("child")));
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    assert_eq!(done.step("child").signals, [INT, TERM, KILL][..2], "{done:?}");
    assert!(done.step("Complete runner").log.contains(&"still there".to_owned()), "{done:?}");
    assert!(done.left().is_empty(), "{done:?}");
}

#[test]
fn a_step_that_runs_always_goes_on() {
    let (place, runner) = runner();
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut service = runner.start();
    let always = run(format!("echo ready; cat {} >/dev/null; echo ended", fifo.display())).named("always");
    let job = Job::new("o/r").step(always.when(When::Always)).step(run("true").named("next"));
    let mut running = service.begin(job);
    running.until_said("ready");
    running.cancel();
    std::fs::write(&fifo, "go on\n").unwrap();
    let done = running.finish();
    let always = done.step("always");
    assert_eq!((always.outcome, always.signals.len()), (Some(Outcome::Succeeded), 0), "{done:?}");
    assert!(always.log.contains(&"ended".to_owned()));
    assert_eq!(done.outcome(), Outcome::Cancelled);
}

#[test]
fn a_hook_is_not_interrupted_by_a_cancel() {
    let (place, runner) = runner();
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let runner = runner.completed(&format!("echo ready; cat {} >/dev/null; echo ended", fifo.display()));
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").step(run("true")));
    running.until_said("ready");
    running.until_step("Complete runner");
    running.cancel();
    std::fs::write(&fifo, "go on\n").unwrap();
    let done = running.finish();
    let hook = done.step("Complete runner");
    assert_eq!((hook.outcome, hook.signals.len()), (Some(Outcome::Succeeded), 0), "{done:?}");
    assert!(hook.log.contains(&"ended".to_owned()));
}

#[test]
fn a_worker_that_takes_longer_than_the_server_allows_is_killed_alone() {
    let (_place, runner) = runner();
    let runner = runner.completed("echo $$ >\"$HOME/pid\"; echo ready; exec sleep 600");
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").hurried().step(run("true")));
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    assert_eq!((done.outcome(), done.has_crashed()), (Outcome::Cancelled, true), "{done:?}");
    assert_eq!(done.step("Complete runner").outcome, None);
    let [pid] = done.left()[..] else { panic!("{:?}", done.left()) };
    assert_eq!(files::read(&runner.home().join("pid")).trim(), pid.to_string());
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

#[test]
fn a_cancel_interrupts_a_step_of_a_composite_action() {
    let (place, runner) = runner();
    let action = place.path().join("action");
    let manifest = format!(
        "runs:\n  using: composite\n  steps:\n    - shell: bash -e {{0}}\n      run: {PATIENT:?}\n    - shell: bash -e {{0}}\n      run: echo next\n    - shell: bash -e {{0}}\n      if: always()\n      run: echo always\n"
    );
    files::write(&action.join("action.yml"), manifest);
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").step(uses(&action).named("action")));
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    let step = done.step("action");
    assert_eq!(
        (step.outcome, step.signals.as_slice()),
        (Some(Outcome::Cancelled), [INT].as_slice()),
        "{done:?}"
    );
    let has = |line: &str| step.log.contains(&line.to_owned());
    assert!(has("interrupted") && has("always") && !has("next"), "{done:?}");
}
