//! What a host decides, and no job goes beyond: limits, modes, the place of the cache, and who saves as whom.

use std::os::unix::fs::PermissionsExt as _;

use test_support::Job;

use crate::PROGRAM;

const PULL_REQUEST: &str = r#"{"repository": {"default_branch": "main"},
    "pull_request": {"number": 7, "base": {"ref": "main"}}}"#;

/// Saves `data` with these contents under `key`.
fn save(job: &Job, key: &str, contents: &str, args: &[&str]) -> String {
    job.write("work/project/data/file", contents);
    job.ok(&[&["save", "--preset", "none", "--path", "data", "--key", key], args].concat()).log
}

fn restore(job: &Job, key: &str, args: &[&str]) -> String {
    let args =
        [&["restore", "--no-session", "--preset", "none", "--path", "data", "--key", key], args].concat();
    job.ok(&args).outputs["cache-hit"].clone()
}

/// The repositories of the entries that are there, and their refs.
fn entries(job: &Job) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&job.ok(&["list", "--json"]).stdout).unwrap();
    let name = |entry: &serde_json::Value| {
        format!("{} {}", entry["repository"].as_str().unwrap(), entry["ref"].as_str().unwrap())
    };
    let mut names: Vec<_> = json["result"].as_array().unwrap().iter().map(name).collect();
    names.sort();
    names
}

/// Limits that let nothing stay.
const GREEDY: [&[&str]; 4] =
    [&["--max-age", "1s"], &["--max-size", "1kB"], &["--keep", "paths=1"], &["--min-free", "90%"]];

#[test]
fn job_limits_evict_only_its_own_entries() {
    for limit in GREEDY {
        let mut job = Job::new(PROGRAM);
        job.set("RUNNER_CACHE_DISK_GUARD", "off");
        let contents = "x".repeat(9000);
        for repository in ["o/other", "o/r"] {
            job.set("GITHUB_REPOSITORY", repository);
            for key in ["k-1", "k-2"] {
                save(&job, key, &format!("{repository} {key} {contents}"), &["--restore-keys", "k-"]);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(1100));
        job.set("RUNNER_CACHE_DISK_GUARD", "warn");
        job.event("refs/pull/7/merge", PULL_REQUEST);
        let args =
            [&["save", "--preset", "none", "--path", "data", "--key", "k-3", "--restore-keys", "k-"], limit];
        job.write("work/project/data/file", "of the request");
        assert_eq!(job.run(&args.concat()).code, 0);
        let found = entries(&job);
        for (repository, count) in [("o/other refs/heads/main", 2), ("o/r refs/heads/main", 2)] {
            assert_eq!(
                found.iter().filter(|name| *name == repository).count(),
                count,
                "{limit:?}: {found:?}"
            );
        }
        // A push may tidy up its own repository.
        job.event("refs/heads/main", r#"{"repository": {"default_branch": "main"}}"#);
        job.write("work/project/data/file", "of the push");
        assert_eq!(job.run(&args.concat()).code, 0);
        let found = entries(&job);
        assert_eq!(
            found.iter().filter(|name| name.starts_with("o/other")).count(),
            2,
            "{limit:?}: {found:?}"
        );
        let of_main = found.iter().filter(|name| *name == "o/r refs/heads/main").count();
        // How much is free here nobody knows.
        assert!(of_main <= 1 || limit[0] == "--min-free", "{limit:?}: {found:?}");
    }
}

#[test]
fn host_limits_evict_entries_of_every_job() {
    let mut job = Job::new(PROGRAM);
    for repository in ["o/one", "o/two", "o/three"] {
        job.set("GITHUB_REPOSITORY", repository);
        save(&job, "k", &format!("{repository} {}", "x".repeat(200_000)), &[]);
    }
    assert_eq!(entries(&job).len(), 3);
    job.policy("max-size: 300kB\n");
    job.set("GITHUB_REPOSITORY", "o/r");
    save(&job, "k", &"y".repeat(200_000), &["--max-size", "none", "--keep", "paths=9"]);
    assert_eq!(entries(&job).len(), 1);
}

#[test]
fn mode_input_narrows_what_the_job_may_do() {
    let job = Job::new(PROGRAM);
    assert!(
        save(&job, "k", "one", &["--cache-mode", "read"]).contains("`cache-mode` of this job forbids it")
    );
    save(&job, "k", "one", &["--cache-mode", "write-only"]);
    for (mode, hit) in [("write-only", "false"), ("none", "false"), ("read", "true"), ("write", "true")] {
        assert_eq!(restore(&job, "k", &["--cache-mode", mode]), hit, "{mode}");
    }
    save(&job, "other", "two", &["--cache-mode", "none"]);
    assert_eq!(restore(&job, "other", &[]), "false");
    // What a restore was told holds for its save.
    job.ok(&["restore", "--preset", "none", "--path", "data", "--key", "third", "--cache-mode", "read"]);
    assert!(job.ok(&["save"]).log.contains("`cache-mode` of this job forbids it"));
    // No mode lets a job do what its event does not.
    let mut job = job;
    job.event("refs/heads/main", r#"{"repository": {"default_branch": "main"}, "issue": {"number": 7}}"#);
    job.set("GITHUB_EVENT_NAME", "issue_comment");
    let log = save(&job, "fourth", "four", &["--cache-mode", "write"]);
    assert!(log.contains("jobs of the event `issue_comment` are read-only"), "{log}");
}

#[test]
fn policy_restricts_repositories_and_events() {
    let mut job = Job::new(PROGRAM);
    job.policy("repositories: [ours/*]\nevents:\n  pull_request: read\n");
    assert!(save(&job, "k", "x", &[]).contains("the host policy forbids it"));
    job.set("GITHUB_REPOSITORY", "ours/a");
    assert!(save(&job, "k", "x", &[]).contains("saved"));
    assert_eq!(restore(&job, "k", &[]), "true");
    job.event("refs/pull/7/merge", PULL_REQUEST);
    assert_eq!(restore(&job, "k", &[]), "true");
    let log = save(&job, "of-request", "x", &["--cache-mode", "write"]);
    assert!(log.contains("the host policy forbids it"), "{log}");
}

#[test]
fn job_cannot_move_the_policys_cache_root() {
    let mut job = Job::new(PROGRAM);
    job.policy(&format!("cache-root: {}\n", job.path("of-host").display()));
    let log = save(&job, "k", "x", &[]);
    let told = format!("`{}` conflicts with the host policy", job.path("root").display());
    assert!(log.contains(&told), "{log}");
    assert!(job.path("of-host/paths").exists() && !job.path("root").exists());
    // Who looks into it is led there as well.
    job.sh("unset RUNNER_CACHE_ROOT");
    assert!(job.ok(&["list", "--cache-root", job.path("of-host").to_str().unwrap()]).stdout.contains("o/r"));
}

#[test]
fn invalid_policy_disables_the_cache_and_jobs_continue() {
    let mut job = Job::new(PROGRAM);
    save(&job, "k", "x", &[]);
    job.policy("max-sice: 1GB\n");
    let said = job.run(&["restore", "--preset", "none", "--path", "data", "--key", "k"]);
    let told = "no cache in this job: host policy: /etc/runner-cache.yml: unknown name `max-sice`";
    // A job that needs the cache has said so.
    for verb in [&["restore"][..], &["run"]] {
        let inputs = ["--preset", "none", "--path", "data", "--key", "k", "--fail-on-cache-miss"];
        let command: &[&str] = if verb[0] == "run" { &["--", "touch", "ran"] } else { &[] };
        let failed = job.run(&[verb, &inputs, command].concat());
        assert!(failed.code == 1 && failed.log.contains("`fail-on-cache-miss` is set"), "{failed:?}");
        assert!(!job.path("work/project/ran").exists());
    }
    assert!(said.code == 0 && said.log.contains(told), "{said:?}");
    assert_eq!(said.log.matches("::warning").count(), 1, "{}", said.log);
    let said =
        job.run(&["run", "--preset", "none", "--path", "data", "--key", "k", "--", "sh", "-c", "exit 7"]);
    assert_eq!(said.code, 7, "{said:?}");
    let said = job.run(&["gc"]);
    assert!(said.code == 1 && said.log.contains("unknown name `max-sice`"), "{said:?}");
}

#[test]
fn policy_writable_by_jobs_is_rejected() {
    let mut job = Job::new(PROGRAM);
    job.policy("share: host\n");
    let file = job.path("policy/runner-cache.yml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let said = job.run(&["restore", "--preset", "none", "--path", "data", "--key", "k"]);
    assert!(
        said.log.contains("not trusted: jobs can write to /etc/runner-cache.yml; hint: `chown root"),
        "{said:?}"
    );
}

#[test]
fn tampered_session_cannot_widen_the_scope() {
    let changes: [(&str, &str, &str); 4] = [
        (
            r#""ref": "refs/pull/7/merge""#,
            r#""ref": "refs/heads/main""#,
            "another scope (refs/heads/main of o/r)",
        ),
        (
            r#""repository": "o/r""#,
            r#""repository": "o/other""#,
            "another scope (refs/pull/7/merge of o/other)",
        ),
        (r#""is_of_default_branch": false"#, r#""is_of_default_branch": true"#, "another default branch"),
        (r#""run": "7.1""#, r#""run": "8.1""#, "another run or job"),
    ];
    for (from, to, told) in changes {
        let mut job = Job::new(PROGRAM);
        job.set("GITHUB_RUN_ID", "7");
        job.event("refs/pull/7/merge", PULL_REQUEST);
        job.write("work/project/data/file", "x");
        job.ok(&["restore", "--preset", "none", "--path", "data", "--key", "k"]);
        let session = std::fs::read_dir(job.path("root/sessions")).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(&session).unwrap();
        assert!(text.contains(from), "{from}: {text}");
        std::fs::write(&session, text.replace(from, to)).unwrap();
        let said = job.run(&["save"]);
        let warning = format!("is not this job's: it has {told}");
        assert!(said.code == 0 && said.log.contains(&warning), "{said:?}");
        assert_eq!(entries(&job), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn write_only_job_publishes_units_once() {
    let job = crate::pool::host();
    let mut counts = Vec::new();
    for _ in 0..3 {
        job.wipe();
        job.ok(&["restore", "--cache-mode", "write-only"]);
        job.sh("cargo build -q");
        job.ok(&["save"]);
        counts.push(job.entries("units").len());
    }
    assert!(counts[0] > 0 && counts[0] == counts[2], "{counts:?}");
}

#[test]
fn save_mode_narrows_the_sessions_mode() {
    let job = Job::new(PROGRAM);
    job.ok(&["restore", "--preset", "none", "--path", "data", "--key", "k"]);
    job.write("work/project/data/file", "x");
    assert!(job.ok(&["save", "--cache-mode", "read"]).log.contains("`cache-mode` of this job forbids it"));
    assert_eq!(entries(&job), Vec::<String>::new());
}

#[test]
fn symlink_from_a_later_checkout_does_not_redirect_the_save() {
    let job = Job::new(PROGRAM);
    job.write("work/secret/id", "x");
    let inputs = ["--preset", "none", "--path", "data", "--key", "k"];
    job.ok(&[&["restore"], &inputs[..]].concat());
    job.sh("ln -s ../secret data");
    let saved = job.run(&["save"]);
    job.sh("rm data");
    let run = job.run(&[&["run"], &inputs[..], &["--", "ln", "-s", "../secret", "data"]].concat());
    for said in [saved, run] {
        assert!(said.code == 0 && said.log.contains("data points out of the checkout"), "{said:?}");
    }
    assert_eq!(entries(&job), Vec::<String>::new());
}
