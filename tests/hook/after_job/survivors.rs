//! Processes that work on when the hook saves.

use test_support::files;

use super::{api, asking, host, said};
use crate::host::{Hit, MAKE};
use crate::stand_in::job::Step;
use crate::stand_in::{Job, Outcome, run};

#[test]
fn a_background_step_that_survives_its_cancel_keeps_its_data_from_being_saved() {
    let (host, runner) = host();
    let fifo = runner.home().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let survives =
        format!("{MAKE}; cd data; trap '' INT TERM; sh -c 'echo ready >\"$HOME/fifo\"; exec sleep 600'");
    let job = Job::new("o/r")
        .hurried()
        .step(host.cache("k"))
        .step(run(survives).named("background").background())
        .step(run("cat \"$HOME/fifo\""))
        .step(Step::cancel(&["background"]));
    let done = runner.run(job);
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(said(&done).contains("still works in it"), "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::Miss);
}

#[test]
fn the_child_of_a_cancelled_step_keeps_its_data_from_being_saved() {
    // What cargo is to the shell of a step: nobody tells it of the cancel, and it works on in the target directory.
    let (host, runner) = host();
    let works =
        format!("{MAKE}; bash -c 'trap \"\" INT; exec 9>data/open; echo ready; exec sleep 600'; true");
    let mut service = runner.start();
    let mut running = service.begin(Job::new("o/r").hurried().step(host.cache("k")).step(run(works)));
    running.until_said("ready");
    running.cancel();
    let done = running.finish();
    assert_eq!(done.outcome(), Outcome::Cancelled, "{done:?}");
    assert!(said(&done).contains("still works in it"), "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::Miss);
}

#[test]
fn a_daemon_elsewhere_does_not_keep_data_from_being_saved() {
    let (host, runner) = host();
    let daemon =
        "cd / && RUNNER_TRACKING_ID=0 setsid sleep 600 </dev/null >/dev/null 2>&1 & echo $! >\"$HOME/pid\"";
    let done = runner.run(host.job("k").step(run(daemon)));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(said(&done).contains("paths   saved"), "{done:?}");
    host.assert_clean(&runner, &done);
    let pid = files::read(&runner.home().join("pid")).trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn what_a_process_left_in_the_workspace_may_still_make_is_no_final_entry() {
    let (host, runner) = host();
    let steps = [("cache", "success"), ("make", "success"), ("leave", "success")];
    let web = api("runner-1", &steps);
    let leave =
        "(for part in 1 2 3; do sleep 200; echo $part >data/$part; done) </dev/null >/dev/null 2>&1 &";
    let done = runner.run(asking(host.job("k").step(run(leave).named("leave")), &web));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let said = said(&done);
    assert!(said.contains("paths: kept as a partial entry: ") && said.contains("paths   saved"), "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::partial());
}
