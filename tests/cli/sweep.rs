//! What of a target directory is saved: what the job's builds used, whatever else has piled up in it.

use std::collections::BTreeSet;

use runner_cache::store::{Access, Store};
use runner_cache::tree::Kind;
use test_support::{Job, Said};

use crate::PROGRAM;

/// Lets the project have features and a test.
fn with_features(job: &Job) {
    job.version("1.0.0");
    let manifest = job.read("work/project/Cargo.toml");
    job.write("work/project/Cargo.toml", &format!("{manifest}[features]\na = []\n"));
    job.write("work/project/tests/works.rs", "#[test]\nfn works() {}\n");
    job.write("work/project/examples/shows.rs", "fn main() {}\n");
}

/// An option of nightly toolchains, until the layout becomes the only one.
fn set_new_layout(job: &mut Job) {
    job.set("RUSTC_BOOTSTRAP", "1");
    job.set("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true");
}

fn job_with(job: &Job, builds: &str, args: &[&str]) -> Said {
    job.ok(&[&["restore"], args].concat());
    job.sh(builds);
    job.ok(&["save"])
}

/// Files in the newest entry whose path in the target directory contains `part`.
fn saved(job: &Job, part: &str) -> Vec<String> {
    let store = Store::open_existing(&job.path("root"), Access::Private).unwrap().unwrap();
    let entry = store.entry_at(&job.newest_entry("target")).unwrap();
    let lease = store.lease(entry).unwrap();
    let tree = &lease.manifest().roots[0].tree;
    let files = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File { .. }));
    let paths = files.map(|(id, _)| format!("./{}", String::from_utf8_lossy(&tree.path_below(0, id))));
    paths.filter(|path| path.contains(part)).collect()
}

#[test]
fn sweep_drops_unused_units_and_the_next_build_is_warm() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    job_with(&job, "cargo build -q --offline --all-targets; cargo build -q --offline --features a", &[]);
    assert_eq!(saved(&job, "/bin-small.json").len(), 2);
    job.wipe();

    // Now without the tests and the feature, and something has changed.
    job.write("work/project/src/main.rs", "fn main() { println!(\"two\") }\n");
    let said = job_with(&job, "cargo build -q --offline", &[]);
    assert!(said.log.contains("left out: ") && said.log.contains("of unused units"), "{}", said.log);
    assert!(said.summary.contains("of unused units"), "{}", said.summary);
    assert_eq!(saved(&job, "/bin-small.json").len(), 1);
    assert!(saved(&job, "/works-").is_empty(), "{:?}", saved(&job, "/works-"));
    assert!(saved(&job, "incremental/works").is_empty() && !saved(&job, "incremental/small").is_empty());
    assert!(saved(&job, "debug/small").is_empty(), "cargo lays it out again");
    job.wipe();
    job.ok(&["restore", "--no-session"]);
    assert!(!job.sh("cargo build --offline").contains("Compiling"));
}

#[test]
fn sweep_keeps_used_units_of_every_kind() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    let builds = "cargo build -q --offline; cargo build -q --offline --release; cargo test -q --no-run --offline; \
         cargo check -q --offline --features a";
    job_with(&job, builds, &[]);
    for version in ["1.0.1", "1.0.2"] {
        job.wipe();
        job.version(version);
        with_features(&job);
        job.write("work/project/src/main.rs", &format!("fn main() {{ println!(\"{version}\") }}\n"));
        job_with(&job, builds, &[]);
    }
    job.wipe();
    job.ok(&["restore", "--no-session"]);
    let log = job.sh(&builds.replace("-q ", ""));
    assert!(!log.contains("Compiling") && !log.contains("Checking"), "{log}");
}

#[test]
fn sweep_drops_nothing_after_no_build_or_a_failed_one() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    job_with(&job, "cargo build -q --offline --all-targets", &[]);
    for (status, builds) in [("success", "true"), ("failure", "cargo build -q --offline")] {
        job.wipe();
        job.ok(&["restore", "--save", "always"]);
        job.sh(builds);
        let said = job.ok(&["save", "--job-status", status]);
        assert!(said.log.contains("target  saved") && !said.log.contains("left out"), "{}", said.log);
        assert!(!saved(&job, "/works-").is_empty());
    }
}

#[test]
fn sweep_keeps_units_a_failed_build_did_not_reach_until_it_fails_again() {
    for has_new_layout in [false, true] {
        let mut job = Job::new(PROGRAM);
        if has_new_layout {
            set_new_layout(&mut job);
        }
        with_features(&job);
        job.write("work/project/src/lib.rs", "");
        job_with(&job, "cargo build -q --offline --all-targets", &[]);
        for (number, stays) in [("one", true), ("two", false)] {
            job.wipe();
            job.write("work/project/src/main.rs", &format!("fn main() {{ let number: u8 = {number:?}; }}\n"));
            // As with `continue-on-error`: the tests are not built, and the job is a success.
            let builds = "cargo build -q --offline && cargo test -q --no-run --offline || true";
            let said = job_with(&job, builds, &["--save", "always"]);
            assert_eq!(!saved(&job, "works").is_empty(), stays, "{}", said.log);
        }
    }
}

#[test]
fn sweep_alone_makes_no_new_entry() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    job_with(&job, "cargo build -q --offline --all-targets", &[]);
    job.wipe();
    let said = job_with(&job, "cargo build -q --offline", &[]);
    assert!(said.log.contains("nothing changed"), "{}", said.log);
}

#[test]
fn keep_in_target_and_max_test_size_choose_what_sweep_keeps() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    let builds =
        "cargo test -q --no-run --offline; cargo doc -q --offline; mkdir -p target/tmp; touch target/tmp/x";
    job_with(&job, builds, &["--max-test-size", "1kB"]);
    assert!(saved(&job, "./doc/").is_empty() && saved(&job, "./tmp/").is_empty());
    let is_executable = |path: &String| !path.contains(".d") && !path.contains("/incremental/");
    let executables = |part| saved(&job, part).into_iter().filter(is_executable).count();
    assert_eq!((executables("/works-"), executables("/shows")), (0, 0));
    assert_ne!(executables("debug/deps/small-") + executables("/out/small"), 0);
    job.wipe();
    let all = ["--save", "always", "--keep-in-target", "doc tmp", "--max-test-size", "none"];
    job_with(&job, builds, &all);
    assert!(!saved(&job, "./doc/").is_empty() && !saved(&job, "./tmp/").is_empty());
    assert_ne!(executables("/works-"), 0);
    assert!(saved(&job, "incremental").is_empty());
}

#[test]
fn target_does_not_grow_over_many_updates() {
    let job = Job::new(PROGRAM);
    let mut sizes = Vec::new();
    for month in 0..12 {
        job.version(&format!("1.0.{month}"));
        job.write("work/project/src/main.rs", &format!("fn main() {{ println!(\"{month}\") }}\n"));
        job_with(&job, "cargo build -q --offline; cargo test -q --no-run --offline", &[]);
        sizes.push(saved(&job, "").len());
        job.wipe();
    }
    assert!(sizes[1..].iter().all(|size| size.abs_diff(sizes[0]) <= 2), "{sizes:?}");
    job.ok(&["restore", "--no-session"]);
    assert!(!job.sh("cargo build --offline; cargo test --no-run --offline").contains("Compiling"));
}

#[test]
fn sweep_drops_units_an_earlier_job_left_in_the_workspace() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    job.sh("cargo build -q --offline --all-targets");
    job_with(&job, "cargo build -q --offline", &[]);
    assert!(saved(&job, "/works-").is_empty());
    assert!(
        job.sh("find target -name 'works-*' 1>&2").contains("/works-"),
        "the job's own directory stays as it is"
    );
}

#[test]
fn sweep_works_with_the_new_target_layout() {
    let mut job = Job::new(PROGRAM);
    set_new_layout(&mut job);
    with_features(&job);
    job.write("work/project/src/lib.rs", "");
    let said = job_with(&job, "cargo build -q --offline --all-targets", &[]);
    assert!(!said.log.contains("left out"), "what cargo lays out is nothing to tell: {}", said.log);
    assert!(!saved(&job, "/fingerprint/test-integration-test-works").is_empty(), "{:#?}", saved(&job, ""));
    assert!(saved(&job, "debug/examples/").is_empty(), "cargo lays it out again");
    job.wipe();

    job.write("work/project/src/main.rs", "fn main() { println!(\"two\") }\n");
    let restored = job.ok(&["restore", "--link-mode", "hardlink"]);
    assert!(restored.log.contains("hardlink "), "{}", restored.log);
    job.sh("cargo build -q --offline");
    let said = job.ok(&["save"]);
    assert!(said.log.contains("of unused units"), "{}", said.log);
    assert!(
        saved(&job, "/fingerprint/test-").is_empty() && !saved(&job, "/fingerprint/bin-small").is_empty()
    );
    assert!(saved(&job, "incremental/works").is_empty() && !saved(&job, "incremental/small").is_empty());
    job.wipe();
    job.ok(&["restore", "--no-session"]);
    assert!(!job.sh("cargo build --offline").contains("Compiling"));
}

#[test]
fn sweep_works_in_a_separate_build_dir() {
    for build_dir in ["apart", "target/within"] {
        let job = Job::new(PROGRAM);
        with_features(&job);
        job.write("work/project/.cargo/config.toml", &format!("[build]\nbuild-dir = \"{build_dir}\"\n"));
        job.sh("rustc -vV | sed -n 's/^host: /export T=/p' > $HOME/triple");
        let triple = ". $HOME/triple; cargo build -q --offline --target $T";
        job_with(&job, &format!("{triple} --all-targets"), &[]);
        job.wipe();
        job.sh(&format!("rm -rf {build_dir}"));
        job.write("work/project/src/main.rs", "fn main() { println!(\"two\") }\n");
        let said = job_with(&job, triple, &[]);
        assert!(said.log.contains("of unused units"), "{build_dir}: {}", said.log);
        job.wipe();
        job.sh(&format!("rm -rf {build_dir}"));
        job.ok(&["restore", "--no-session"]);
        let log = job.sh(&triple.replace("-q ", ""));
        assert!(log.contains("Finished") && !log.contains("Compiling"), "{build_dir}: {log}");
    }
}

#[test]
fn sweep_keeps_incremental_data_of_kept_units() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    // One name for the library, the program and the tests of both.
    job.write("work/project/src/lib.rs", "");
    job_with(&job, "cargo build -q --offline", &[]);
    let directories = || -> BTreeSet<_> {
        saved(&job, "/incremental/").iter().map(|path| path.split('/').nth(3).unwrap().to_owned()).collect()
    };
    let of_build = directories();
    assert_eq!(of_build.len(), 2);
    job_with(&job, "cargo test -q --no-run --offline", &[]);
    assert!(directories().len() > 4);
    job.wipe();
    job_with(&job, "cargo build -q --offline", &["--save", "always"]);
    assert_eq!(directories(), of_build);
}

#[test]
fn second_restore_in_a_job_keeps_earlier_use() {
    let job = Job::new(PROGRAM);
    with_features(&job);
    job.ok(&["restore"]);
    job.sh("cargo test -q --no-run --offline");
    job.ok(&["restore", "--path", "src", "--key", "another-step", "--no-session"]);
    job.sh("cargo build -q --offline");
    let said = job.ok(&["save"]);
    assert!(!said.log.contains("left out"), "{}", said.log);
    assert!(!saved(&job, "/works-").is_empty());
}

#[test]
fn sweep_needs_a_job() {
    let mut job = Job::new(PROGRAM);
    with_features(&job);
    job.set("RUNNER_TEMP", "");
    for command in ["cargo test -q --no-run --offline", "cargo build -q --offline"] {
        let said = job.ok(&["run", "--", "sh", "-c", command]);
        assert!(!said.log.contains("left out"), "{}", said.log);
    }
    assert!(!saved(&job, "/works-").is_empty());
}
