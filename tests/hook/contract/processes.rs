//! The runner's processes, and those that a job leaves.

use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};
use test_support::files;

use super::runner;
use crate::stand_in::record::Event;
use crate::stand_in::runner::wait_for_end;
use crate::stand_in::{Job, Outcome, Runner, run};

/// The process that a step wrote the id of.
fn left(runner: &Runner) -> Pid {
    Pid::from_raw(files::read(&runner.home().join("pid")).trim().parse().unwrap()).unwrap()
}

fn is_there(pid: Pid) -> bool {
    kill_process(pid, Signal::CONT).is_ok()
}

/// Starts something that outlives its step, and writes down its id.
fn leave(how: &str) -> String {
    format!("{how} sleep 600 </dev/null >/dev/null 2>&1 & echo $! >\"$HOME/pid\"")
}

#[test]
fn steps_are_children_of_the_worker_and_that_of_the_listener() {
    let (_place, runner) = runner();
    let runner = runner.completed("worker=$PPID; ps -o comm= -p \"$worker\"; readlink \"/proc/$worker/exe\"; ps -o comm= -p $(ps -o ppid= -p \"$worker\")");
    let done = runner.run(Job::new("o/r").step(run("ps -o comm= -p \"$PPID\"").named("step")));
    assert!(done.step("step").log.contains(&"Runner.Worker".to_owned()), "{done:?}");
    let exe = runner.root.join("bin/Runner.Worker").display().to_string();
    let log = done.step("Complete runner").log;
    assert!(log.ends_with(&["Runner.Worker".to_owned(), exe, "Runner.Listener".to_owned()]), "{done:?}");
}

#[test]
fn a_process_that_is_left_is_killed_after_the_hook() {
    let (_place, runner) = runner();
    let runner = runner.completed("kill -0 \"$(cat \"$HOME/pid\")\" && echo 'still there'");
    let done = runner.run(Job::new("o/r").step(run(leave("setsid"))));
    assert!(done.step("Complete runner").log.contains(&"still there".to_owned()), "{done:?}");
    let pid = left(&runner);
    let killed = |event: &Event| matches!(event, Event::OrphanKilled { pid: killed, .. } if *killed == pid.as_raw_nonzero().get());
    assert!(done.events().iter().any(killed), "{done:?}");
    wait_for_end(pid);
    assert!(done.left().is_empty());
}

#[test]
fn a_process_without_the_tracking_id_outlives_the_job() {
    for how in ["env -u RUNNER_TRACKING_ID", "env RUNNER_TRACKING_ID=", "env RUNNER_TRACKING_ID=0"] {
        let (_place, runner) = runner();
        let runner = runner.completed(&leave(&format!("setsid {how}")));
        let done = runner.run(Job::new("o/r").step(run("true")));
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        assert!(is_there(left(&runner)), "{how}");
        kill_process(left(&runner), Signal::KILL).unwrap();
    }
}

#[test]
fn who_holds_a_steps_output_is_waited_for_five_seconds() {
    let (_place, runner) = runner();
    let holds = run("(trap '' HUP; sleep 600) & echo $! >\"$HOME/pid\"; echo said").named("holds");
    let done =
        runner.run(Job::new("o/r").hurried().step(holds).step(run("kill -0 \"$(cat \"$HOME/pid\")\"")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.step("holds").log.contains(&"said".to_owned()));
    assert!(done.step("holds").signals.is_empty());
}

#[test]
fn processes_of_another_job_stay() {
    let place = tempfile::Builder::new().prefix("runner-cache-hook.").tempdir().unwrap();
    let [one, two] = ["runner-1", "runner-2"].map(|name| Runner::new(place.path(), name));
    let fifo: PathBuf = one.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut service = one.start();
    let mut running = service
        .begin(Job::new("o/r").step(run(format!("{}; echo ready; cat \"$HOME/fifo\"", leave("setsid")))));
    running.until_said("ready");
    assert_eq!(two.run(Job::new("o/r").step(run("true"))).outcome(), Outcome::Succeeded);
    assert!(is_there(left(&one)));
    std::fs::write(&fifo, "go on\n").unwrap();
    assert_eq!(running.finish().outcome(), Outcome::Succeeded);
    wait_for_end(left(&one));
}

#[test]
fn steps_are_ended_first_where_memory_runs_out() {
    let (_place, runner) = runner();
    let done = runner.run(Job::new("o/r").step(run("read -r score </proc/self/oom_score_adj; until [[ $score == 500 ]]; do read -r score </proc/self/oom_score_adj; done")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
}
