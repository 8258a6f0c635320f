//! Servers that do not answer, other jobs, containers, and who saves without a hook.

use rustix::process::Pid;
use test_support::files;

use super::{asking, host, said};
use crate::host::{Hit, Host, MAKE};
use crate::stand_in::api::{JobShape, Reply, serve};
use crate::stand_in::runner::{Running, wait_for_end};
use crate::stand_in::{Job, Outcome, run};

#[test]
fn a_server_that_does_not_tell_costs_no_job_and_no_cache() {
    for reply in [
        Reply::RateLimited,
        Reply::Forbidden,
        Reply::NotFound,
        Reply::BrokenServer,
        Reply::Malformed,
        Reply::OtherShape,
        Reply::Slow,
    ] {
        let (host, runner) = host();
        let web = serve(vec![reply.clone()]);
        let done = runner.run(asking(host.job("k"), &web));
        assert_eq!(done.outcome(), Outcome::Succeeded, "{reply:?}: {done:?}");
        assert!(done.step("Complete runner").annotations.is_empty(), "{reply:?}: {done:?}");
        assert!(said(&done).contains("cannot tell whether the job succeeded"), "{reply:?}: {done:?}");
        assert_eq!(host.next("k"), Hit::partial(), "{reply:?}");
    }
}

#[test]
fn a_server_that_hears_late_of_the_last_step_is_asked_again() {
    let (host, runner) = host();
    let job = JobShape::new(7, "build").on("runner-1").step("Set up job", Some("success"));
    let pending = job.clone().step("make", None);
    let settled = job.step("make", Some("success")).step("Complete runner", None);
    let web = serve(vec![Reply::Jobs(vec![pending]), Reply::Jobs(vec![settled])]);
    let done = runner.run(asking(host.job("k"), &web));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(web.requests().len(), 2);
    assert_eq!(host.next("k"), Hit::exact());
}

#[test]
fn the_job_is_found_on_a_later_page() {
    let (host, runner) = host();
    let others = (0..120).map(|id| JobShape::new(id, "other").on("another").ended("failure"));
    let job = JobShape::new(700, "build")
        .on("runner-1")
        .step("make", Some("success"))
        .step("Complete runner", None);
    let web = serve(vec![Reply::Jobs(others.chain([job]).collect())]);
    let done = runner.run(asking(host.job("k"), &web));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(host.next("k"), Hit::exact());
}

#[test]
fn two_jobs_at_once_of_one_user_are_saved_each() {
    let host = Host::new();
    let runners = ["runner-1", "runner-2"].map(|name| host.runner(name));
    let fifo = host.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // Both have restored before either is saved.
    let waits = |key: &str, end: &str| host.job(key).step(run(format!("{end} {}", fifo.display())));
    let mut services: Vec<_> = runners.iter().map(crate::stand_in::Runner::start).collect();
    let [one, two] = &mut services[..] else { unreachable!() };
    let (first, second) = (one.begin(waits("one", "cat")), two.begin(waits("two", "echo go on >")));
    for (done, runner) in [first.finish(), second.finish()].iter().zip(&runners) {
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        assert!(said(done).contains("paths   saved"), "{done:?}");
        host.assert_clean(runner, done);
    }
    assert_eq!((host.next("one"), host.next("two")), (Hit::partial(), Hit::partial()));
}

#[test]
fn two_jobs_at_once_with_one_key_leave_one_whole_entry_at_least() {
    let host = Host::new();
    let runners = ["runner-1", "runner-2"].map(|name| host.runner(name));
    let mut services: Vec<_> = runners.iter().map(crate::stand_in::Runner::start).collect();
    let running: Vec<_> = services.iter_mut().map(|service| service.begin(host.job("k"))).collect();
    // While one job saves, what it stages is there.
    let done: Vec<_> = running.into_iter().map(Running::finish).collect();
    for (done, runner) in done.iter().zip(&runners) {
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        host.assert_clean(runner, done);
    }
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn a_watcher_outlives_the_job_and_saves_it() {
    for crashes in [false, true] {
        let host = Host::new();
        let runner = host.bare("runner-1");
        let mut service = runner.start();
        let cache = host.cache("k").with("post", "watch");
        let job = Job::new("o/r").step(cache).step(run(format!("{MAKE}; echo ready; cat \"$HOME/fifo\"")));
        let fifo = runner.home().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let mut running = service.begin(job);
        running.until_said("ready");
        let watchers = host.processes("watch-job");
        let [watcher] = watchers[..] else { panic!("{watchers:?}") };
        if crashes {
            running.crash();
        } else {
            std::fs::write(&fifo, "go on\n").unwrap();
        }
        let done = running.finish();
        assert_eq!(done.has_crashed(), crashes, "{done:?}");
        wait_for_end(watcher);
        for pid in done.left() {
            rustix::process::kill_process(Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
                .unwrap();
        }
        let logs = files::inside(&host.root().join("logs"));
        let logs = logs.iter().flat_map(|logs| files::inside(logs));
        let log = logs.map(|log| files::read(&log)).collect::<String>();
        assert_eq!(host.next("k"), Hit::partial(), "{log}");
    }
}

#[test]
fn a_job_in_a_container_keeps_its_result_and_says_who_saves() {
    let host = Host::new();
    let runner = host.runner("runner-1");
    // The program, where a container finds it: the tool cache.
    let tools = runner.root.join("_work/_tool");
    std::fs::create_dir_all(&tools).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_runner-cache"), tools.join("program")).unwrap();
    for (post, says) in
        [("auto", "only the save action saves it"), ("hook", "no hook of the runner reaches this job")]
    {
        let cache = format!("/__w/_tool/program restore --preset none --path data --key k --post {post}");
        let done = runner.run(Job::new("o/r").step(run(cache).named("cache")).step(run(MAKE)).in_container());
        assert_eq!(done.outcome(), Outcome::Succeeded, "{post}: {done:?}");
        assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded), "{post}: {done:?}");
        assert!(done.step("cache").text().contains(says), "{post}: {done:?}");
        host.assert_clean(&runner, &done);
    }
}
