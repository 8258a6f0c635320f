//! Which job may take and make which entry.

use test_support::Job;

use crate::PROGRAM;

const PULL_REQUEST: &str = r#"{"repository": {"default_branch": "main"},
    "pull_request": {"number": 7, "base": {"ref": "main"}}}"#;
const PUSH: &str = r#"{"repository": {"default_branch": "main"}}"#;

#[test]
fn pull_request_reads_its_base_and_saves_to_itself() {
    let mut job = Job::new(PROGRAM);
    job.build(&[]);
    let of_main = job.entries("target");
    job.event("refs/pull/7/merge", PULL_REQUEST);
    job.write("work/project/src/main.rs", "fn main() { println!(\"changed\") }\n");
    let (restored, _) = job.build(&[]);
    assert_eq!(restored.outputs["target-hit"], "exact", "from main");
    let all = job.entries("target");
    assert_eq!(all.len(), 2);
    let own: Vec<_> = all.iter().filter(|entry| !of_main.contains(entry)).collect();
    assert!(own[0].to_string_lossy().contains("refs%2Fpull%2F7%2Fmerge"), "{own:?}");

    // Also where GitHub runs it on the base branch.
    job.event("refs/heads/main", PULL_REQUEST);
    job.write("work/project/src/main.rs", "fn main() { println!(\"changed again\") }\n");
    job.build(&[]);
    let of_main_now =
        job.entries("target").iter().filter(|entry| entry.to_string_lossy().contains("refs%2Fheads")).count();
    assert_eq!(of_main_now, 1);
}

#[test]
fn branches_and_repositories_are_isolated() {
    let mut job = Job::new(PROGRAM);
    job.event("refs/heads/topic", PUSH);
    job.build(&[]);
    job.event("refs/heads/other", PUSH);
    assert_eq!(job.ok(&["restore", "--no-session"]).outputs["target-hit"], "miss");
    job.event("refs/heads/topic", PUSH);
    job.set("GITHUB_REPOSITORY", "o/another");
    assert_eq!(job.ok(&["restore", "--no-session"]).outputs["target-hit"], "miss");
}

#[test]
fn repository_names_cannot_escape_the_root() {
    let mut job = Job::new(PROGRAM);
    for reference in
        ["refs/heads/../../../../escape", "refs/heads/a\nb", &format!("refs/heads/{}", "x/".repeat(2000))]
    {
        job.event(reference, PUSH);
        job.build(&["--key", "../../../../escape"]);
        job.wipe();
        assert_eq!(
            job.ok(&["restore", "--no-session", "--key", "../../../../escape"]).outputs["target-hit"],
            "exact"
        );
        job.remove("work/project/target");
    }
    assert_eq!(job.entries("target").len(), 3);
    assert_eq!(job.sh("find ../.. -path ../../root -prune -o -name '*escape*' -print 1>&2"), "");
}

#[test]
fn jobs_prefer_their_lanes_entry_and_fall_back_to_others() {
    let mut job = Job::new(PROGRAM);
    let (setup, _) = job.build(&[]);
    let key = setup.outputs["cache-key"].clone();
    for lane in ["test", "clippy"] {
        job.wipe();
        job.set("GITHUB_JOB", lane);
        let restored = job.ok(&["restore", "--key", &key, "--keep-in-target", "unused"]);
        assert_eq!((&*restored.outputs["target-hit"], &*restored.outputs["cache-key"]), ("exact", &*key));
        job.write("work/project/target/debug/who", lane);
        job.ok(&["save"]);
    }
    for lane in ["test", "clippy"] {
        job.wipe();
        job.set("GITHUB_JOB", lane);
        job.ok(&["restore", "--key", &key]);
        assert_eq!(job.read("work/project/target/debug/who"), lane, "one's save does not spoil the other's");
    }
}

#[test]
fn another_jobs_key_keeps_its_restore_keys() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.version("1.0.1");
    let key = job.ok(&["restore", "--no-session", "--lookup-only"]).outputs["cache-key"].clone();
    let said = job.ok(&["restore", "--no-session", "--key", &key]);
    assert_eq!((&*said.outputs["target-hit"], &*said.outputs["target-cache-key"]), ("partial", &*key));
}

#[test]
fn parallel_saves_of_one_key_both_succeed() {
    let job = Job::new(PROGRAM);
    job.sh("cargo build -q");
    let save = ["save", "--key", "k", "--save", "always", "--keep", "target=9"];
    let mut running: Vec<_> = (0..4).map(|_| job.command(&save).spawn().unwrap()).collect();
    assert!(running.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(job.entries("target").len(), 4);
    job.wipe();
    assert_eq!(job.ok(&["restore", "--key", "k"]).outputs["target-hit"], "exact");
    job.sh("cargo build -q --offline; target/debug/small");
}

#[test]
fn keeps_only_the_newest_entries_of_a_family() {
    let job = Job::new(PROGRAM);
    for number in 0..4 {
        job.version(&format!("1.0.{number}"));
        job.build(&["--keep", "target=2"]);
    }
    assert_eq!(job.entries("target").len(), 2);
    assert_eq!(job.ok(&["restore"]).outputs["target-hit"], "exact", "the newest is there");
}

#[test]
fn untrusted_events_read_the_base_and_save_nothing() {
    let mut job = Job::new(PROGRAM);
    job.build(&[]);
    let of_main = job.entries("target");
    let events = [("pull_request_target", PULL_REQUEST), ("issue_comment", PUSH), ("of_tomorrow", PUSH)];
    for (name, event) in events {
        job.event("refs/heads/main", event);
        job.set("GITHUB_EVENT_NAME", name);
        job.write("work/project/src/main.rs", &format!("fn main() {{ println!(\"{name}\") }}\n"));
        let (restored, saved) = job.build(&["--save", "always"]);
        assert_eq!(restored.outputs["target-hit"], "exact", "{name}");
        assert!(saved.log.contains(&format!("jobs of the event `{name}` are read-only")), "{}", saved.log);
        assert_eq!(job.entries("target"), of_main, "{name}");
    }
}

#[test]
fn privileged_jobs_never_read_pull_request_entries() {
    let mut job = Job::new(PROGRAM);
    job.event("refs/pull/7/merge", PULL_REQUEST);
    job.build(&[]);
    for name in ["pull_request_target", "issue_comment", "workflow_run", "push"] {
        job.event("refs/heads/main", PULL_REQUEST);
        job.set("GITHUB_EVENT_NAME", name);
        let restored = job.ok(&["restore", "--no-session"]);
        assert_eq!(restored.outputs["target-hit"], "miss", "{name}: {}", restored.log);
    }
}

#[test]
fn invalid_event_file_is_reported_once_and_not_trusted() {
    let mut job = Job::new(PROGRAM);
    job.event("refs/heads/main", "{\"repository\": ");
    let restored = job.run(&["restore", "--save", "always"]);
    job.sh("cargo build -q --offline");
    let saved = job.run(&["save"]);
    let warnings = [&restored.log, &saved.log].map(|log| log.matches("cannot read the event file").count());
    assert_eq!(warnings, [1, 0], "{}{}", restored.log, saved.log);
    assert_eq!(job.entries("target").len(), 0);
    std::fs::remove_file(job.path("event.json")).unwrap();
    let missing = job.run(&["restore", "--no-session"]);
    assert!(missing.log.contains("cannot read the event file"), "{}", missing.log);
}

/// As a runner of Forgejo or Gitea tells it that runs jobs on its host: each has a workspace of its own.
fn forgejo(job: &mut Job, number: usize) {
    let workspace = format!("home/.cache/act/{number}f3a9c/hostexecutor");
    job.write(&format!("{workspace}/src/main.rs"), "fn main() { println!(\"one\") }\n");
    for name in ["Cargo.toml", "Cargo.lock"] {
        job.write(&format!("{workspace}/{name}"), &job.read(&format!("work/project/{name}")));
    }
    job.move_to(&workspace);
    let temporary = job.path(&format!("home/.cache/act/{number}f3a9c/tmp"));
    std::fs::create_dir_all(&temporary).unwrap();
    job.set("RUNNER_TEMP", temporary.display());
    for name in ["ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS", "CI"] {
        job.set(name, "true");
    }
    job.set("GITHUB_SERVER_URL", "https://code.example");
    // They pass inputs on to steps as GitHub's runners do not.
    job.set("INPUT_KEY", "of-another-action");
}

#[test]
fn supports_forgejo_workspaces_and_pull_request_refs() {
    let mut job = Job::new(PROGRAM);
    forgejo(&mut job, 1);
    job.build(&[]);
    forgejo(&mut job, 2);
    let (restored, _) = job.build(&[]);
    assert_eq!(restored.outputs["target-hit"], "exact", "{}", restored.log);
    assert_ne!(restored.outputs["cache-key"], "of-another-action");
    // The ref of a pull request is its head there.
    let event = r#"{"action": "opened", "number": 7, "pull_request": {"number": 7, "base": {"ref": "main"},
        "head": {"ref": "topic"}}, "repository": {"full_name": "o/r", "default_branch": "main"}}"#;
    job.event("refs/pull/7/head", event);
    forgejo(&mut job, 3);
    job.write("home/.cache/act/3f3a9c/hostexecutor/src/main.rs", "fn main() { println!(\"two\") }\n");
    let (restored, saved) = job.build(&[]);
    assert_eq!(restored.outputs["target-hit"], "exact", "{}", restored.log);
    assert!(saved.log.contains("saved"), "{}", saved.log);
    let of_request =
        job.entries("target").into_iter().filter(|entry| entry.to_string_lossy().contains("pull"));
    assert_eq!(of_request.count(), 1);
    assert!(job.newest_entry("target").to_string_lossy().contains("refs%2Fpull%2F7%2Fmerge"));
}
