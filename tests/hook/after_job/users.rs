//! Runners of two users on one host.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use test_support::files;

use super::said;
use crate::host::Host;
use crate::stand_in::runner::open_to_others;
use crate::stand_in::{Job, Outcome, Runner, User, run};

/// A host that other users can read. They may not come to where the tests were built, so it has a copy of the program.
fn open_host() -> Host {
    let host = Host::new();
    open_to_others(&host.path(""));
    files::copy_program(Path::new(env!("CARGO_BIN_EXE_runner-cache")), &host.path("runner-cache"));
    host
}

/// A runner of `user` with hooks and a root of its own.
fn runner_of(host: &Host, name: &str, user: User) -> Runner {
    let (program, runner) = (host.path("runner-cache"), Runner::new(&host.path(""), name));
    let root = runner.home().join("cache");
    let runner = runner.env("RUNNER_CACHE_BIN", program.to_str().unwrap());
    let runner = runner.env("RUNNER_CACHE_ROOT", root.to_str().unwrap());
    host.install(&runner, &program);
    runner.of_user(user)
}

#[test]
#[ignore = "only root can be another user: scripts/test.sh has it run"]
fn two_jobs_at_once_of_two_users_are_saved_each_in_a_root_of_its_own() {
    let host = open_host();
    let users = [("runner-1", 61_001), ("runner-2", 61_002)];
    let runners = users.map(|(name, user)| runner_of(&host, name, User::new(user)));
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

/// What a container left that ran as root, such as its `target`.
#[test]
#[ignore = "only root can be another user: scripts/test.sh has it run"]
fn workspace_that_root_wrote_into_is_handed_back_where_the_host_lets_root_do_so() {
    for may_sudo in [true, false] {
        let host = open_host();
        let command = format!("{} hand-back *", host.path("runner-cache").display());
        let user = if may_sudo {
            User::with_sudo(61_003, &host.path(""), &host.path("runner-1"), &command)
        } else {
            User::new(61_003)
        };
        let runner = runner_of(&host, "runner-1", user);
        let mut service = runner.start();
        service.run(host.job("k"));
        let left = runner.workspace("o/r").join("target/debug");
        std::fs::create_dir_all(&left).unwrap();
        std::fs::write(left.join("program"), "of root").unwrap();
        let job = Job::new("o/r").github("run_id", "2");
        let done = service.run(job.step(run("rm -rf target").named("checkout")));
        let said = done.step("Set up runner").text();
        if may_sudo {
            assert!(said.contains("handed back what a container left as root's"), "{done:?}");
            assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        } else {
            assert!(said.contains("belongs to user 0, and this job may fail to remove it"), "{done:?}");
            assert_eq!(done.outcome(), Outcome::Failed, "as it does without us: {done:?}");
        }
        assert_eq!(left.exists(), !may_sudo);
    }
}

/// What a job may have root run is the job's to misuse.
#[test]
#[ignore = "only root can be another user: scripts/test.sh has it run"]
fn root_hands_nothing_else_back_and_writes_nothing_for_a_job() {
    let host = open_host();
    let program = host.path("runner-cache").display().to_string();
    let user =
        User::with_sudo(61_003, &host.path(""), &host.path("runner-1"), &format!("{program} hand-back *"));
    let runner = runner_of(&host, "runner-1", user);
    let (secret, home) = (host.path("secret"), runner.home().to_path_buf());
    std::fs::write(&secret, "root's").unwrap();
    let of_root = home.join("not-the-runner's/work/of-root");
    std::fs::create_dir_all(&of_root).unwrap();
    std::fs::write(of_root.join("file"), "root's").unwrap();
    std::os::unix::fs::chown(home.join("not-the-runner's"), Some(61_003), Some(61_003)).unwrap();
    std::os::unix::fs::chown(home.join("not-the-runner's/work"), Some(61_003), Some(61_003)).unwrap();
    let tries = [
        format!("sudo -n {program} hand-back . --trace={}", secret.display()),
        // A directory that its user makes look like a runner's, and a way to it that begins in a runner's.
        format!("touch {}/.runner", home.display()),
        format!("sudo -n {program} hand-back \"{}/not-the-runner's/work\"", home.display()),
        format!(
            "ln -s \"{}/not-the-runner's/work\" link; sudo -n {program} hand-back $PWD/link",
            home.display()
        ),
    ];
    let script = format!("set +e\n{}\ntrue", tries.join("\n"));
    let mut service = runner.start();
    let done = service.run(Job::new("o/r").step(run(script).named("tries")));
    assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
    let said = done.step("tries").text();
    assert_eq!(said.matches("not in the work directory of a runner that root knows").count(), 2, "{said}");
    assert_eq!(files::read(&secret), "root's");
    assert_eq!(std::fs::metadata(of_root.join("file")).unwrap().uid(), 0);
}
