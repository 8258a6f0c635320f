//! A worker that crashes, and a runner that shuts down.

use rustix::process::{Pid, Signal, kill_process};
use test_support::files;

use super::runner;
use crate::stand_in::{Job, Outcome, run};

/// A step that has a child which writes down its id.
const WAITS: &str = "echo $$ >\"$HOME/pid\"; echo kept >\"$RUNNER_TEMP/kept\"; echo ready; exec sleep 600";

#[test]
fn after_a_crash_nothing_runs_and_nothing_is_tidied() {
    let (_place, runner) = runner();
    let runner = runner.completed("true");
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").step(run(WAITS)));
    running.until_said("ready");
    running.crash();
    let done = running.finish();
    assert_eq!((done.outcome(), done.has_crashed()), (Outcome::Failed, true), "{done:?}");
    assert!(!done.ran().contains(&"Complete runner".to_owned()));
    assert!(runner.root.join("_work/_temp/kept").exists());
    let [pid] = done.left()[..] else { panic!("{:?}", done.left()) };
    // The next job empties the directory before its hook, and lets the process be.
    let next = service.run(Job::new("o/r").step(run("true")));
    assert_eq!(next.outcome(), Outcome::Succeeded);
    assert!(!runner.root.join("_work/_temp/kept").exists());
    assert_eq!(done.left(), [pid]);
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_shutdown_interrupts_the_step_and_runs_no_hook() {
    for signal in [Signal::INT, Signal::TERM] {
        let (_place, runner) = runner();
        let runner = runner.completed("true");
        let mut service = runner.start();
        let job = Job::new("o/r")
            .step(run("trap 'exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait").named("step"));
        let mut running = service.begin(job);
        running.until_said("ready");
        running.signal_listener(signal);
        let done = running.finish();
        let step = done.step("step");
        assert_eq!(
            (step.outcome, step.signals.as_slice()),
            (Some(Outcome::Cancelled), [2].as_slice()),
            "{done:?}"
        );
        assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Skipped));
        // The job is tidied all the same.
        assert!(done.ran().contains(&"Complete job".to_owned()));
        assert!(files::inside(&runner.root.join("_work/_temp")).is_empty());
    }
}

#[test]
fn a_shutdown_interrupts_a_hook() {
    let (_place, runner) = runner();
    let runner = runner.completed("trap 'exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait");
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").step(run("true")));
    running.until_said("ready");
    running.signal_listener(Signal::INT);
    let done = running.finish();
    assert_eq!(done.step("Complete runner").signals, [2], "{done:?}");
}

#[test]
fn a_worker_with_sigterm_shuts_down_and_with_sigint_does_not() {
    let (_place, runner) = runner();
    let runner = runner.completed("true");
    let mut service = runner.start();
    let job = Job::new("o/r").step(run("trap 'exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait"));
    let mut running = service.begin(job);
    running.until_said("ready");
    running.signal_worker(Signal::INT);
    running.signal_worker(Signal::TERM);
    let done = running.finish();
    assert_eq!(done.outcome(), Outcome::Failed, "{done:?}");
    assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Skipped));
}

#[test]
fn a_worker_whose_listener_was_killed_finishes_its_job() {
    let (place, runner) = runner();
    let fifo = place.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let runner = runner.completed("true");
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").step(run(format!("echo ready; cat {}", fifo.display()))));
    running.until_said("ready");
    running.signal_listener(Signal::KILL);
    std::fs::write(&fifo, "go on\n").unwrap();
    let done = running.finish_alone();
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.ran().contains(&"Complete runner".to_owned()));
}

#[test]
fn a_listener_without_a_job_ends_when_it_is_told_to() {
    let (_place, runner) = runner();
    for signal in [Signal::INT, Signal::TERM] {
        runner.start().stop(signal);
    }
}
