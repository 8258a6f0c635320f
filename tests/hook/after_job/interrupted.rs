//! Jobs without an end: the next one saves what they left.

use rustix::process::{Pid, Signal, kill_process};
use test_support::files;

use super::host;
use crate::host::{Hit, MAKE};
use crate::stand_in::runner::wait_for_end;
use crate::stand_in::{Job, Outcome, run};

/// Makes its data and waits, until its runner lets it no more.
fn waits() -> String {
    format!("{MAKE}; trap 'exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait")
}

#[test]
fn after_a_crash_the_next_job_saves_what_was_made() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("before"));
    let mut running =
        service.begin(Job::new("o/r").github("run_id", "2").step(host.cache("k")).step(run(waits())));
    running.until_said("ready");
    running.crash();
    let crashed = running.finish();
    assert!(crashed.has_crashed(), "{crashed:?}");
    for pid in crashed.left() {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    let next = service.run(Job::new("o/r").github("run_id", "3").step(run("rm -rf data").named("checkout")));
    assert_eq!(next.outcome(), Outcome::Succeeded, "{next:?}");
    let text = next.step("Set up runner").text();
    assert!(text.contains("run 2.1 was interrupted; saving what it made"), "{next:?}");
    host.assert_clean(&runner, &next);
    assert_eq!(host.next("k"), Hit::partial());
    // Once: the job after that one has nothing to do with it.
    let after = service.run(Job::new("o/r").github("run_id", "4").step(run("true")));
    assert!(!after.step("Set up runner").text().contains("interrupted"), "{after:?}");
}

#[test]
fn after_a_crash_a_process_that_works_on_keeps_its_data_from_being_saved() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("before"));
    let works = format!("{MAKE}; cd data; echo ready; exec sleep 600");
    let mut running =
        service.begin(Job::new("o/r").github("run_id", "2").step(host.cache("k")).step(run(works)));
    running.until_said("ready");
    running.crash();
    let crashed = running.finish();
    let next = service.run(Job::new("o/r").github("run_id", "3").step(run("true")));
    assert_eq!(next.outcome(), Outcome::Succeeded, "{next:?}");
    assert!(next.step("Set up runner").text().contains("still works in it"), "{next:?}");
    for pid in crashed.left() {
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
    assert_eq!(host.next("k"), Hit::Miss);
}

#[test]
fn after_a_shutdown_the_runners_next_job_saves_what_was_made() {
    for signal in [Signal::INT, Signal::TERM] {
        let (host, runner) = host();
        let mut service = runner.start();
        service.run(host.job("before"));
        let mut running =
            service.begin(Job::new("o/r").github("run_id", "2").step(host.cache("k")).step(run(waits())));
        running.until_said("ready");
        running.signal_listener(signal);
        let stopped = running.finish();
        assert_eq!(stopped.step("Complete runner").outcome, Some(Outcome::Skipped), "{stopped:?}");
        host.assert_clean(&runner, &stopped);
        let next = runner.run(Job::new("o/r").github("run_id", "3").step(run("true")));
        assert!(next.step("Set up runner").text().contains("run 2.1 was interrupted; saving"), "{next:?}");
        assert_eq!(host.next("k"), Hit::partial());
    }
}

#[test]
fn a_shutdown_while_the_hook_saves_loses_nothing_that_was_there() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("k"));
    let mut running = service
        .begin(Job::new("o/r").github("run_id", "2").step(host.cache("k")).step(run("echo more >data/more")));
    running.until_step("Complete runner");
    running.signal_listener(Signal::INT);
    let stopped = running.finish();
    assert!(files::inside(&runner.root.join("_work/_temp")).is_empty(), "{stopped:?}");
    let next = runner.run(Job::new("o/r").github("run_id", "3").step(run("true")));
    assert_eq!(next.outcome(), Outcome::Succeeded, "{next:?}");
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn a_crash_while_the_hook_saves_lets_the_data_be_saved_once() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("before"));
    let mut running = service.begin(host.job("k").github("run_id", "2"));
    running.until_step("Complete runner");
    running.crash();
    let crashed = running.finish();
    assert!(crashed.has_crashed(), "{crashed:?}");
    // The hook itself works on, if it has begun: nobody reads what it says.
    for pid in crashed.left() {
        wait_for_end(Pid::from_raw(pid).unwrap());
    }
    let next = service.run(Job::new("o/r").github("run_id", "3").step(run("true")));
    assert_eq!(next.outcome(), Outcome::Succeeded, "{next:?}");
    host.assert_clean(&runner, &next);
    assert_eq!(host.entries("paths"), 2, "{next:?}");
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn what_a_hook_saved_before_it_was_stopped_is_not_saved_again() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("before"));
    let (sessions, aside) = (host.path("cache/sessions"), host.path("aside"));
    let copy = format!("cp -r {} {}", sessions.display(), aside.display());
    let done = service.run(host.job("k").github("run_id", "2").step(run(copy)));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(host.entries("paths"), 2);
    // The hook was killed right before it took its session away.
    let [left] = &files::inside(&aside)[..] else { panic!("one session is left to the hook") };
    std::fs::copy(left, sessions.join(left.file_name().unwrap())).unwrap();
    let next = service.run(Job::new("o/r").github("run_id", "3").step(run("true")));
    let text = next.step("Set up runner").text();
    assert!(text.contains("run 2.1 was interrupted; saving"), "{next:?}");
    assert!(text.contains("this job has saved it already"), "{next:?}");
    host.assert_clean(&runner, &next);
    assert_eq!(host.entries("paths"), 2);
}
