//! What a host allows of its unit pool, how long units stay in it, and what is told of them.

use crate::pool::{HOST, build, host, package, project, repository};

#[test]
fn share_input_cannot_exceed_the_host_policy() {
    let mut job = host();
    job.policy("");
    let told = "input `share`: `host` exceeds the host policy; using `repository`; hint: `share` in";
    job.set("RUNNER_CACHE_INPUTS", r#"{"share": "host"}"#);
    for name in ["first", "second"] {
        repository(&mut job, name, &["beta"]);
        let (restored, compiled, _) = build(&job, &[], "cargo build");
        assert!(restored.log.contains(told), "{}", restored.log);
        assert_eq!(compiled.len(), 4, "{name} has nothing of another repository: {compiled:?}");
    }
    job.set("RUNNER_CACHE_SHARE", "host");
    repository(&mut job, "of-variable", &["beta"]);
    assert_eq!(build(&job, &[], "cargo build").1.len(), 4, "a workflow may have set the variable");
    job.policy("share: host\n");
    for (name, count) in [("third", 4), ("fourth", 1)] {
        repository(&mut job, name, &["beta"]);
        let (restored, compiled, _) = build(&job, &[], "cargo build");
        assert!(!restored.log.contains("input `share`"), "{}", restored.log);
        assert_eq!(compiled.len(), count, "{compiled:?}");
    }
}

#[test]
fn pooled_units_do_not_count_as_compiled() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    repository(&mut job, "second", &["beta"]);
    job.ok(&[&["restore"][..], &HOST].concat());
    job.sh("cargo build");
    let told = job.ok(&["explain", "--last-build"]).stdout;
    assert_eq!(
        told,
        "target: 1 of 6 units compiled after restoring 5 units from the pool\n  not restored\n    \
         second (bin second)\n"
    );
    job.ok(&["save"]);

    repository(&mut job, "third", &["path"]);
    build(&job, &HOST, "cargo build");
    project(&job, "work/third", &["path", "beta"]);
    job.remove("work/third/target");
    job.ok(&[&["restore"][..], &HOST].concat());
    job.sh("cargo build");
    let told = job.ok(&["explain", "--last-build"]).stdout;
    assert!(
        told.starts_with("target: 1 of ")
            && told.contains("units compiled after restoring target-")
            && told.contains(") and 5 units from the pool\n"),
        "{told}"
    );
    assert!(told.ends_with("\n    third (bin third): beta\n"), "{told}");
}

#[test]
fn rejected_pool_unit_is_named_with_its_dependents() {
    let mut job = host();
    let source = "pub const TWO: u32 = if option_env!(\"COUNT\").is_some() { 3 } else { 2 };\n";
    package(&job, "alpha", "", &[("src/lib.rs", source)]);
    repository(&mut job, "first", &["beta"]);
    build(&job, &HOST, "cargo build");
    repository(&mut job, "second", &["beta"]);
    job.ok(&[&["restore"][..], &HOST].concat());
    job.sh("COUNT=3 cargo build");
    let told = job.ok(&["explain", "--last-build"]).stdout;
    assert!(told.contains("  from the unit pool, but stale for cargo; hint: "), "{told}");
    let follows = told.split_once("  dependency compiled or changed\n").map(|(_, follows)| follows);
    assert!(follows.is_some_and(|text| text.contains(" (lib): alpha\n")), "{told}");
}

#[test]
fn units_of_other_profiles_outlive_pull_request_units() {
    let mut job = host();
    build(&job, &[], "cargo build; cargo build --release");
    let event = r#"{"number": 7, "pull_request": {"number": 7, "base": {"ref": "main"}}, "repository": {"default_branch": "main"}}"#;
    job.event("refs/pull/7/merge", event);
    project(&job, "work/project", &["path"]);
    job.wipe();
    build(&job, &[], "cargo build");
    job.ok(&["remove", "target-*"]);
    job.wipe();
    let plan = job.ok(&["gc", "--dry-run", "--max-size", "1B"]).stdout;
    let requests: Vec<_> = plan
        .lines()
        .filter(|line| line.contains("units"))
        .map(|line| line.contains("refs/pull/7/merge"))
        .collect();
    let count = requests.iter().filter(|is_of_request| **is_of_request).count();
    assert!(count > 0 && requests.len() > count && requests[..count].iter().all(|it| *it), "{plan}");
}

#[test]
fn restore_alone_refreshes_unit_age() {
    let mut job = host();
    build(&job, &HOST, "cargo build");
    for entry in job.entries("units") {
        job.sh(&format!("touch -d '40 days ago' {}", entry.display()));
    }
    repository(&mut job, "second", &["beta"]);
    job.ok(&[&["restore"][..], &HOST].concat());
    job.ok(&["gc"]);
    assert_eq!(job.entries("units").len(), 5);
}

#[test]
fn explain_and_inspect_show_the_system_of_units() {
    let job = host();
    build(&job, &[], "cargo build");
    let explained = job.ok(&["explain", "--layers", "target"]).stdout;
    let (_, of_units) = explained.split_once("  unit pool keys also contain\n").unwrap();
    assert!(of_units.starts_with("    system ") && of_units.contains("  of os-release = "), "{explained}");
    let inspected = job.ok(&["inspect", "unit-"]).stdout;
    assert!(inspected.contains("system (") && inspected.contains("os-release: "), "{inspected}");
    for unreadable in ["features \n", "features []\n", " 1 other units\n"] {
        assert!(!inspected.contains(unreadable), "{inspected}");
    }
    assert!(inspected.contains(" 1 other unit\n"), "{inspected}");
}
