//! Jobs that come to their end: passed, failed, cancelled.

use std::time::Duration;

use super::{api, asking, host, said};
use crate::host::{Hit, MAKE};
use crate::stand_in::{Job, Outcome, When, run, uses};
use test_support::{files, processes};

#[test]
fn a_job_of_one_line_that_passes_is_saved_for_good() {
    let (host, runner) = host();
    let web = api("runner-1", &[("cache", "success"), ("make", "success")]);
    let done = runner.run(asking(host.job("k"), &web));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(said(&done).contains("paths   saved    1 file"), "{done:?}");
    assert!(done.step("Complete runner").summary.contains("saved"), "{done:?}");
    assert!(!format!("{done:?}").contains("ghs_of_the_job"), "{done:?}");
    assert_eq!((host.entries("paths"), web.requests().len()), (1, 1));
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::exact());
}

#[test]
fn without_a_token_what_a_job_made_is_kept_as_a_part() {
    let (host, runner) = host();
    let done = runner.run(host.job("k"));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(said(&done).contains("cannot tell whether the job succeeded"), "{done:?}");
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn a_job_that_fails_keeps_its_result_and_what_it_made() {
    let (host, runner) = host();
    let web = api("runner-1", &[("cache", "success"), ("make", "success"), ("fails", "failure")]);
    let done = runner.run(asking(host.job("k"), &web).step(run("exit 3").named("fails")));
    assert_eq!(done.outcome(), Outcome::Failed, "{done:?}");
    assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded));
    assert_eq!(host.entries("paths"), 1);
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn a_job_that_is_cancelled_in_a_step_keeps_what_it_made() {
    let graceful = format!("{MAKE}; trap 'exit 9' INT; sleep 600 >/dev/null 2>&1 & echo ready; wait");
    let deaf = format!("{MAKE}; trap '' INT TERM; echo ready; exec sleep 600");
    for (script, hurried) in [(graceful, false), (deaf, true)] {
        let (host, runner) = host();
        let web = api("runner-1", &[("cache", "success"), ("works", "cancelled")]);
        let job = asking(Job::new("o/r").step(host.cache("k")), &web).step(run(script).named("works"));
        let job = if hurried { job.hurried() } else { job };
        let mut service = runner.start();
        let mut running = service.begin(job);
        running.until_said("ready");
        running.cancel();
        let done = running.finish();
        assert_eq!((done.outcome(), done.has_crashed()), (Outcome::Cancelled, false), "{done:?}");
        assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded), "{done:?}");
        // The one whose shell is deaf leaves a process in the workspace, not in the layer.
        assert!(said(&done).contains("paths   saved"), "{done:?}");
        host.assert_clean(&runner, &done);
        assert_eq!(host.next("k"), Hit::partial());
    }
}

#[test]
fn a_job_that_is_cancelled_before_or_in_its_restore_is_no_trouble() {
    for moment in ["Set up runner", "cache"] {
        let (host, runner) = host();
        let mut service = runner.start();
        let mut running = service.begin(host.job("k"));
        running.until_step(moment);
        running.cancel();
        let done = running.finish();
        assert_eq!((done.outcome(), done.has_crashed()), (Outcome::Cancelled, false), "{moment}: {done:?}");
        assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded), "{moment}: {done:?}");
        host.assert_clean(&runner, &done);
        // The next job is as any other.
        assert_eq!(service.run(host.job("k")).outcome(), Outcome::Succeeded);
        assert_eq!(host.next("k"), Hit::partial(), "{moment}");
    }
}

#[test]
fn a_cancel_while_the_hook_saves_does_not_stop_it() {
    let (host, runner) = host();
    let mut service = runner.start();
    let mut running = service.begin(host.job("k"));
    running.until_step("Complete runner");
    running.cancel();
    let done = running.finish();
    assert_eq!(done.outcome(), Outcome::Cancelled, "{done:?}");
    assert!(said(&done).contains("paths   saved"), "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::partial());
}

#[test]
fn a_step_that_saves_leaves_nothing_to_the_hook() {
    let (host, runner) = host();
    // `save/` finds its scripts beside it, as in the action's repository.
    let save = "exec bash -p \"$GITHUB_WORKSPACE/../../_actions/owner/action/v1/scripts/action.sh\" save";
    let inputs = r#"{"job-status": "success"}"#;
    let save = run(save).named("save").when(When::Always).env("RUNNER_CACHE_INPUTS", inputs);
    let done = runner.run(host.job("k").step(save));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.step("save").text().contains("paths   saved"), "{done:?}");
    assert!(!said(&done).contains("paths"), "{done:?}");
    assert_eq!(host.entries("paths"), 1);
    assert_eq!(host.next("k"), Hit::exact());
}

#[test]
fn a_second_job_finds_nothing_new_and_saves_nothing() {
    let (host, runner) = host();
    let web = api("runner-1", &[("cache", "success"), ("make", "success")]);
    let mut service = runner.start();
    service.run(asking(host.job("k"), &web));
    files::remove(&runner.workspace("o/r").join("data"));
    let again = service.run(asking(Job::new("o/r").step(host.cache("k")).step(run("cat data/file")), &web));
    assert_eq!(again.step("cache").outputs["cache-hit"], "true", "{again:?}");
    assert_eq!(host.entries("paths"), 1);
    host.assert_clean(&runner, &again);
}

#[test]
fn what_no_job_waits_for_survives_the_end_of_the_jobs_processes() {
    let (host, runner) = host();
    let mut service = runner.start();
    for key in ["k-1", "k-2"] {
        let cache = host.cache(key).with("keep", "paths=1");
        let done = service.run(Job::new("o/r").step(cache).step(run(MAKE)));
        assert!(said(&done).contains("paths   saved") && !said(&done).contains("evicted"), "{done:?}");
        assert!(processes::end_within(&host.root(), Duration::from_secs(60)), "it does not end");
        assert_eq!(host.entries("paths"), 1, "the older one is evicted");
        host.assert_clean(&runner, &done);
    }
    let next = service.run(host.job("k-3"));
    assert!(next.step("Set up runner").text().contains("evicted 1 older entry"), "{next:?}");
}

#[test]
fn what_cargo_built_is_there_for_the_next_job() {
    let (host, runner) = host();
    let project = "mkdir -p src && echo 'fn main() { println!(\"one\") }' >src/main.rs && printf '[package]\\nname = \"small\"\\nversion = \"1.0.0\"\\nedition = \"2021\"\\n' >Cargo.toml && cargo generate-lockfile --offline";
    let job = || {
        let cache = uses(host.path("action")).named("cache");
        let build = run("cargo build --offline").named("build");
        Job::new("o/r").step(run(project)).step(cache).step(build)
    };
    let mut service = runner.start();
    let first = service.run(job());
    assert_eq!(first.outcome(), Outcome::Succeeded, "{first:?}");
    assert!(first.step("build").text().contains("Compiling small"), "{first:?}");
    assert!(said(&first).contains("target  saved"), "{first:?}");
    files::empty(&runner.workspace("o/r"));
    let second = service.run(job());
    let built = second.step("build").text();
    assert!(built.contains("Finished") && !built.contains("Compiling"), "{second:?}");
    host.assert_clean(&runner, &second);
}
