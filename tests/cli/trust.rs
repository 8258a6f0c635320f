//! A restore runs nothing that lies in the checkout, and waits for nobody.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use test_support::Job;

use crate::PROGRAM;

const OWN_PRESETS: &str = "work/project/.github/runner-cache.yml";

/// Plants a program in the checkout that leaves a trace.
fn plant(job: &Job, path: &str) {
    job.write(path, &format!("#!/bin/sh\ntouch {}\nexit 1\n", job.path("ran").display()));
    std::fs::set_permissions(job.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn preset(version: &str) -> String {
    format!("presets:\n  npm:\n    paths: [\"~/.npm\"]\n    version: {version}\n")
}

fn assert_runs_nothing(job: &Job, args: &[&str]) -> String {
    let said = job.run(&[&["restore", "--no-session"], args].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!job.path("ran").exists(), "it ran: {said:?}");
    said.log
}

#[test]
fn version_command_in_the_checkout_is_not_run() {
    let mut job = Job::new(PROGRAM);
    plant(&job, "work/project/evil");
    let absolute = format!("[{}]", job.path("work/project/evil").display());
    for version in ["[./evil]", "[../project/evil]", "[evil]", &absolute] {
        job.path_first("work/project");
        job.write(OWN_PRESETS, &preset(version));
        assert_runs_nothing(&job, &["--preset", "npm"]);
    }
}

#[test]
fn compiler_in_the_checkout_is_not_run() {
    let mut job = Job::new(PROGRAM);
    for name in ["rustc", "cargo"] {
        plant(&job, &format!("work/project/tools/bin/{name}"));
    }
    // Cargo is asked only where there is no lock file.
    std::fs::remove_file(job.path("work/project/Cargo.lock")).unwrap();
    let tools = job.path("work/project/tools");
    job.write("work/project/rust-toolchain.toml", &format!("[toolchain]\npath = \"{}\"\n", tools.display()));
    let log = assert_runs_nothing(&job, &[]);
    assert!(log.contains("rustc does not run"), "{log}");
    std::fs::remove_file(job.path("work/project/rust-toolchain.toml")).unwrap();
    job.set("PATH", format!("{}/bin:/usr/bin:/bin", tools.display()));
    assert_runs_nothing(&job, &[]);
}

#[test]
fn privileged_jobs_do_not_run_repository_commands() {
    let mut job = Job::new(PROGRAM);
    let trace = format!("[touch, \"{}\"]", job.path("ran").display());
    job.write(OWN_PRESETS, &preset(&trace));
    job.event(
        "refs/heads/main",
        r#"{"repository": {"default_branch": "main"}, "pull_request": {"number": 7}}"#,
    );
    job.set("GITHUB_EVENT_NAME", "pull_request_target");
    let log = assert_runs_nothing(&job, &["--preset", "npm"]);
    assert!(log.contains("runner-cache.yml does not count for jobs of the event"), "{log}");
    job.set("GITHUB_EVENT_NAME", "push");
    job.run(&["restore", "--no-session", "--preset", "npm"]);
    assert!(job.path("ran").exists());
}

/// A job that anybody can trigger, with more rights than who did.
fn of_pull_request_target(job: &mut Job) {
    job.event(
        "refs/heads/main",
        r#"{"repository": {"default_branch": "main"}, "pull_request": {"number": 7}}"#,
    );
    job.set("GITHUB_EVENT_NAME", "pull_request_target");
}

#[test]
fn interpreters_and_filters_of_the_checkout_are_not_run() {
    let mut job = Job::new(PROGRAM);
    for name in ["node", "go"] {
        plant(&job, &format!("work/project/tools/{name}"));
    }
    job.path_first("work/project/tools");
    job.write("bin/npm", "#!/usr/bin/env node\n");
    job.sh("chmod +x ../../bin/npm");
    job.path_first("bin");
    assert_runs_nothing(&job, &["--preset", "npm,go"]);
    let ran = job.path("ran");
    job.sh(&format!(
        "git init -q; git add -A; git -c user.name=n -c user.email=e commit -qm c; \
         git config 'filter.a=b.clean' 'touch {}; cat'; echo 'src/* filter=a=b' >.gitattributes; touch src/*",
        ran.display()
    ));
    assert_runs_nothing(&job, &["--builds", "target/debug/x"]);
}

#[test]
fn privileged_jobs_restore_nowhere_that_the_checkout_says() {
    let mut job = Job::new(PROGRAM);
    job.sh("cargo build -q --offline");
    job.write("home/.npm/_cacache/x", "cached");
    job.ok(&["save", "--preset", "cargo,npm"]);
    job.write("other/target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55 created by cargo");
    job.write("other/target/debug/mine", "mine");
    job.write("home/precious/x", "mine");
    let target = job.path("other/target").display().to_string();
    job.write("work/project/.cargo/config.toml", &format!("[build]\ntarget-dir = \"{target}\"\n"));
    job.write(
        OWN_PRESETS,
        "presets:\n  npm:\n    paths: [[~/precious, ~/.npm/_cacache]]\n    overwrite: true\n",
    );
    of_pull_request_target(&mut job);
    let said = job.run(&["restore", "--no-session", "--preset", "cargo,npm"]);
    assert_eq!(job.read("other/target/debug/mine"), "mine", "{said:?}");
    assert_eq!(job.read("home/precious/x"), "mine", "{said:?}");
    assert!(said.log.contains("cargo configuration names"), "{}", said.log);
    // The job itself may say so.
    job.set("CARGO_TARGET_DIR", &target);
    let said = job.ok(&["restore", "--no-session", "--preset", "cargo,npm"]);
    assert!(!said.log.contains("cargo configuration names"), "{}", said.log);
}

#[test]
fn directory_with_other_projects_targets_in_it_is_nobodys() {
    let mut job = Job::new(PROGRAM);
    job.set("CARGO_TARGET_DIR", job.path("shared").display());
    job.sh("cargo build -q --offline");
    job.ok(&["save"]);
    job.remove("shared");
    job.write("shared/other/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55 created by cargo");
    job.write("shared/precious", "mine");
    job.run(&["restore", "--no-session"]);
    assert_eq!(job.read("shared/precious"), "mine");
    assert!(job.path("shared/other").exists());
    let said = job.run(&["save"]);
    assert!(said.log.contains("not a Cargo target directory"), "{said:?}");
}

#[test]
fn hanging_commands_and_pipes_do_not_block() {
    let job = Job::new(PROGRAM);
    job.write(OWN_PRESETS, &preset("[sleep, \"1000\"]"));
    let started = Instant::now();
    job.ok(&["restore", "--no-session", "--preset", "npm"]);
    std::fs::remove_file(job.path(OWN_PRESETS)).unwrap();
    job.sh("mkfifo .github/runner-cache.yml");
    let said = job.run(&["restore", "--no-session", "--preset", "npm"]);
    assert!(said.log.contains("not a file"), "{said:?}");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

/// What is wrong in the file is quoted in the log, and so is what a link of the checkout leads to.
#[test]
fn presets_behind_a_link_are_not_read() {
    let job = Job::new(PROGRAM);
    job.write("home/.netrc", "machine example login me password hunter2");
    for link in [
        "mkdir -p .github; ln -s ../../../home/.netrc .github/runner-cache.yml",
        "rm -r .github; ln -s ../../home .github; cp ../../home/.netrc ../../home/runner-cache.yml",
    ] {
        job.sh(link);
        let said = job.run(&["restore", "--no-session", "--preset", "npm"]);
        assert!(said.code == 2 && said.log.contains("a symlink, or behind one"), "{said:?}");
        assert!(!said.log.contains("hunter2"), "{said:?}");
    }
}

/// The directory is the job's, and the process may be root's, as in a container.
#[test]
fn sessions_are_noted_behind_no_link() {
    let job = Job::new(PROGRAM);
    std::fs::create_dir(job.path("of-others")).unwrap();
    job.write("of-others/secret", "hunter2");
    std::os::unix::fs::symlink(job.path("of-others"), job.path("temp/runner-cache-sessions")).unwrap();
    let said = job.run(&["restore", "--preset", "none", "--path", "data", "--key", "k"]);
    assert_eq!((said.code, said.warnings()), (0, 1), "{said:?}");
    let said = job.run(&["save"]);
    assert!(said.code == 0 && !said.log.contains("hunter2"), "{said:?}");
    assert_eq!(std::fs::read_dir(job.path("of-others")).unwrap().count(), 1);
}
