//! The input `incremental`: what later steps get is what keys and freshness go by.

use test_support::Job;

use crate::PROGRAM;

const VARIABLE: &str = "CARGO_INCREMENTAL";

/// A build script that depends on how cargo compiles.
const SCRIPT: &str = "fn main() { println!(\"cargo::rerun-if-env-changed=CARGO_INCREMENTAL\"); std::env::var(\"CARGO_INCREMENTAL\").ok(); }\n";

/// A whole job: restores with `inputs`, and builds and saves with what that has set. Returns the restore's log and key.
fn job_with(job: &mut Job, inputs: &[&str]) -> (String, String) {
    job.set(VARIABLE, "");
    job.wipe();
    let said = job.ok(&[&["restore"], inputs].concat());
    job.set(VARIABLE, said.env.get(VARIABLE).map_or("", String::as_str));
    job.sh("cargo build -q --offline --release");
    job.ok(&["save"]);
    (said.log, said.outputs["target-cache-key"].clone())
}

#[test]
fn later_steps_compile_as_the_input_says_and_get_that_back() {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/build.rs", SCRIPT);
    let (_, incremental) = job_with(&mut job, &["--incremental=true"]);
    let state = job.path("work/project/target/release/incremental");
    assert!(state.read_dir().unwrap().count() > 0, "release builds are not incremental by themselves");
    let (log, key) = job_with(&mut job, &["--incremental"]);
    assert!(log.contains("target  exact") && !log.contains("left out"), "{log}");
    assert!(state.read_dir().unwrap().count() > 0, "the state comes back: {log}");
    assert_eq!(key, incremental);

    let (_, off) = job_with(&mut job, &["--incremental=false"]);
    let (_, auto) = job_with(&mut job, &[]);
    assert!(incremental != off && off != auto && incremental != auto, "{incremental} {off} {auto}");
}

#[test]
fn the_input_counts_as_the_variable_and_wins_over_it() {
    let mut job = Job::new(PROGRAM);
    let key = |job: &Job, inputs: &[&str]| {
        let said = job.ok(&[&["restore", "--no-session"], inputs].concat());
        (said.outputs["target-cache-key"].clone(), said.env.get(VARIABLE).cloned())
    };
    let (by_input, set) = key(&job, &["--incremental=true"]);
    assert_eq!(set.as_deref(), Some("1"));
    job.set(VARIABLE, 1);
    assert_eq!(key(&job, &[]), (by_input.clone(), None), "`auto` sets nothing");
    job.set(VARIABLE, 0);
    assert_eq!(key(&job, &["--incremental=true"]), (by_input, Some("1".to_owned())));
}

#[test]
fn run_gives_it_to_the_command_even_without_a_cache() {
    let mut job = Job::new(PROGRAM);
    job.set(VARIABLE, 0);
    let tell = ["run", "--incremental=true", "--", "sh", "-c", "echo value=$CARGO_INCREMENTAL"];
    assert_eq!(job.ok(&tell).stdout, "value=1\n");
    job.policy("max-sice: 1GB\n");
    assert_eq!(job.run(&tell).stdout, "value=1\n");
    let said = job.run(&["restore", "--incremental=true"]);
    assert_eq!(said.env.get(VARIABLE).map(String::as_str), Some("1"), "{said:?}");
}
