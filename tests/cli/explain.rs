//! Why an entry serves a job or does not.

use test_support::Job;

use crate::PROGRAM;

#[test]
fn miss_and_partial_hit_log_what_differs_in_one_line() {
    let mut job = Job::new(PROGRAM);
    let (said, _) = job.build(&[]);
    assert!(said.log.contains("no entry of this repository's ref"), "{}", said.log);
    job.wipe();
    job.version("1.0.1");
    let said = job.ok(&["restore", "--no-session"]);
    let why = "nearest entry: refs/heads/main, differs in lock (./Cargo.lock)";
    assert!(said.log.contains(why) && said.summary.contains(why), "{}\n{}", said.log, said.summary);
    job.version("1.0.0");
    job.set("RUSTFLAGS", "-C debuginfo=0");
    let said = job.ok(&["restore", "--no-session"]);
    assert!(said.log.contains("differs in env (RUSTFLAGS is new)"), "{}", said.log);
}

#[test]
fn explain_lists_key_parts_and_each_entrys_fate() {
    let mut job = Job::new(PROGRAM);
    job.build(&[]);
    job.version("1.0.1");
    job.build(&[]);
    job.event("refs/heads/other", r#"{"repository": {"default_branch": "main"}}"#);
    job.version("1.0.2");
    job.build(&[]);
    job.version("1.0.1");
    job.event("refs/heads/main", r#"{"repository": {"default_branch": "main"}}"#);
    job.set("GITHUB_JOB", "test");
    let said = job.ok(&["explain", "--layers", "target"]);
    let text = &said.stdout;
    for part in [
        "refs        refs/heads/main",
        "rustc.",
        "of rustc -vV = rustc ",
        "of ./Cargo.lock",
        "restore key target-",
        "refs/heads/main  build  used: exact key",
        "refs/heads/main  build  usable, but a better entry exists",
        "refs/heads/other  build  skipped: other ref",
        "entries of this repository: 3",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("differs"), "{text}");
    job.write("work/project/.cargo/config.toml", "[build]\njobs = 1\n");
    let text = job.ok(&["explain", "--layers", "target"]).stdout;
    assert!(
        text.contains("nearest entry: refs/heads/") && text.contains("config (./.cargo/config.toml is new)"),
        "{text}"
    );
}

#[test]
fn explain_covers_custom_keys_and_an_absent_cache() {
    let job = Job::new(PROGRAM);
    let text = job.ok(&["explain"]).stdout;
    assert!(text.contains("no entry of this repository\n"), "{text}");
    let paths = ["--preset", "none", "--path", "src", "--key"];
    job.ok(&[&["restore"], &paths[..], &["a-1", "--restore-keys", "a-"]].concat());
    job.ok(&["save"]);
    let text = job.ok(&[&["explain"], &paths[..], &["b-1"]].concat()).stdout;
    assert!(text.contains("skipped: other key"), "{text}");
    let text = job.ok(&["explain", "--preset", "none", "--path", "Cargo.toml", "--key", "a-1"]).stdout;
    assert!(text.contains("skipped: other paths"), "{text}");
}
