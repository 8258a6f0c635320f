//! Runners of one host, of two users.

use std::os::unix::fs::MetadataExt as _;

use crate::stand_in::runner::{Running, open_to_others};
use crate::stand_in::{Job, Outcome, Runner, User, run};

#[test]
#[ignore = "only root can be another user: scripts/test.sh has it run"]
fn two_runners_have_their_own_directories_and_users() {
    let place = tempfile::Builder::new().prefix("runner-cache-hook.").tempdir().unwrap();
    open_to_others(place.path());
    let users = [("runner-1", 61_001), ("runner-2", 61_002)];
    let runners = users.map(|(name, user)| {
        Runner::new(place.path(), name).completed("id -u; id -G").of_user(User::new(user))
    });
    let mut services: Vec<_> = runners.iter().map(Runner::start).collect();
    let running: Vec<_> =
        services.iter_mut().map(|service| service.begin(Job::new("o/r").step(run("touch made")))).collect();
    let done: Vec<_> = running.into_iter().map(Running::finish).collect();
    for ((done, runner), (_, user)) in done.iter().zip(&runners).zip(users) {
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        let log = done.step("Complete runner").log;
        assert!(log.ends_with(&[user.to_string(), user.to_string()]), "{done:?}");
        assert_eq!(std::fs::metadata(runner.workspace("o/r").join("made")).unwrap().uid(), user);
    }
}
