//! Runners of two users on one host.

use std::path::Path;

use test_support::files;

use super::said;
use crate::host::Host;
use crate::stand_in::runner::open_to_others;
use crate::stand_in::{Outcome, Runner};

#[test]
#[ignore = "only root can be another user: scripts/test.sh has it run"]
fn two_jobs_at_once_of_two_users_are_saved_each_in_a_root_of_its_own() {
    let host = Host::new();
    open_to_others(&host.path(""));
    // Other users may not come to where the tests were built.
    let program = host.path("runner-cache");
    std::fs::copy(env!("CARGO_BIN_EXE_runner-cache"), &program).unwrap();
    let users = [("runner-1", 61_001), ("runner-2", 61_002)];
    let runners = users.map(|(name, user)| {
        let runner = Runner::new(&host.path(""), name);
        let root = runner.home().join("cache");
        let runner = runner.env("RUNNER_CACHE_BIN", program.to_str().unwrap());
        let runner = runner.env("RUNNER_CACHE_ROOT", root.to_str().unwrap());
        host.install(&runner, Path::new(&program));
        runner.of_user(user)
    });
    let mut services: Vec<_> = runners.iter().map(Runner::start).collect();
    let running: Vec<_> = services.iter_mut().map(|service| service.begin(host.job("k"))).collect();
    for (running, runner) in running.into_iter().zip(&runners) {
        let done = running.finish();
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        assert!(said(&done).contains("paths   saved"), "{done:?}");
        let entries = test_support::store::entries(&runner.home().join("cache"), "paths");
        assert_eq!(entries.len(), 1, "{done:?}");
        assert!(done.left().is_empty() && files::inside(&runner.root.join("_work/_temp")).is_empty());
    }
}
