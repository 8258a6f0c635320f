//! What a hook needs is not there.

use std::path::Path;

use super::{host, said};
use crate::host::{Hit, Host};
use crate::stand_in::{Job, Outcome, run};

#[test]
fn without_the_hook_nothing_is_saved_and_the_job_says_so() {
    let host = Host::new();
    let runner = host.bare("runner-1");
    let done = runner.run(host.job("k"));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert!(done.step("cache").text().contains("only the save action saves it"), "{done:?}");
    assert!(done.step("cache").annotations.is_empty(), "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::Miss);
}

#[test]
fn a_program_that_is_gone_leaves_the_job_its_result() {
    let host = Host::new();
    let runner = host.bare("runner-1");
    let program = host.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_runner-cache"), &program).unwrap();
    host.install(&runner, &program);
    std::fs::remove_file(&program).unwrap();
    for (step, outcome) in [("true", Outcome::Succeeded), ("exit 1", Outcome::Failed)] {
        let done = runner.run(host.job("k").step(run(step)));
        assert_eq!(done.outcome(), outcome, "{done:?}");
        assert!(said(&done).contains("job-completed failed; the job goes on"), "{done:?}");
        assert_eq!(done.step("Set up runner").outcome, Some(Outcome::Succeeded), "{done:?}");
    }
    assert_eq!(host.next("k"), Hit::Miss);
}

#[test]
fn a_program_that_never_ends_well_leaves_the_job_its_result() {
    for program in ["#!/bin/sh\nexit 3\n", "#!/bin/sh\nkill -SEGV $$\n", "no program"] {
        let host = Host::new();
        let runner = host.bare("runner-1");
        let path = host.path("program");
        test_support::files::write_executable(&path, program);
        host.install(&runner, &path);
        let done = runner.run(host.job("k"));
        assert_eq!(done.outcome(), Outcome::Succeeded, "{program}: {done:?}");
    }
}

#[test]
fn data_that_the_job_deleted_is_not_saved() {
    let (host, runner) = host();
    let done = runner.run(host.job("k").step(run("find . -mindepth 1 -delete")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    host.assert_clean(&runner, &done);
    assert_eq!(host.next("k"), Hit::Miss);
}

/// The runner starts no hook where there is no workspace, and fails the job: see `contract::hooks`. Nobody can help that.
#[test]
fn a_workspace_that_is_gone_leaves_the_next_job_as_it_would_be() {
    let (host, runner) = host();
    let mut service = runner.start();
    service.run(host.job("before"));
    let gone = service.run(host.job("k").github("run_id", "2").step(run("rm -r \"$GITHUB_WORKSPACE\"")));
    assert!(said(&gone).contains("An error occurred trying to start process"), "{gone:?}");
    host.assert_clean(&runner, &gone);
    let next = service.run(Job::new("o/r").github("run_id", "3").step(run("true")));
    assert_eq!(next.outcome(), Outcome::Succeeded, "{next:?}");
    assert_eq!(host.next("k"), Hit::Miss);
    assert_eq!(host.next("before"), Hit::partial());
}

#[test]
fn a_cache_root_that_cannot_be_used_leaves_the_job_its_result() {
    let host = Host::new();
    let runner = host.runner("runner-1").env("RUNNER_CACHE_ROOT", "/proc/nowhere");
    let done = runner.run(host.job("k"));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    assert_eq!(done.step("Complete runner").outcome, Some(Outcome::Succeeded), "{done:?}");
    assert!(!Path::new("/proc/nowhere").exists());
}
