//! What `RUNNER_CACHE_LOG`, the runner's debug logging and `--trace` show.

use serde_json::Value;
use test_support::{Job, Said, files};

use crate::PROGRAM;

fn restore(job: &Job) -> Said {
    job.run(&["restore", "--no-session", "--preset", "none", "--path", "data", "--key", "k"])
}

fn job(variable: &str, value: &str) -> Job {
    let mut job = Job::new(PROGRAM);
    job.write("work/project/data/file", "12345");
    job.set(variable, value);
    job
}

#[test]
fn a_level_shows_each_step() {
    let mut job = job("RUNNER_CACHE_LOG", "debug");
    job.set("GITHUB_ACTIONS", "false");
    let log = restore(&job).log;
    for step in
        ["DEBUG plan: runner_cache::pipeline::planning: planned", "restore{layer=paths}", "hit=\"miss\""]
    {
        assert!(log.contains(step), "{step:?} is not in:\n{log}");
    }
}

#[test]
fn a_module_alone_can_be_shown() {
    let log = restore(&job("RUNNER_CACHE_LOG", "runner_cache::pipeline::restore=debug")).log;
    assert!(log.contains("hit=\"miss\"") && !log.contains("pipeline::planning"), "{log}");
}

#[test]
fn the_runners_debug_logging_shows_steps_as_its_debug_lines() {
    let log = restore(&job("RUNNER_DEBUG", "1")).log;
    let steps: Vec<_> = log.lines().filter(|line| line.contains(" DEBUG ")).collect();
    assert!(!steps.is_empty() && steps.iter().all(|line| line.starts_with("::debug::")), "{log}");
}

#[test]
fn without_either_nothing_is_shown() {
    assert!(!restore(&job("RUNNER_DEBUG", "0")).log.contains("DEBUG"));
}

#[test]
fn a_wrong_filter_is_one_warning() {
    let said = restore(&job("RUNNER_CACHE_LOG", "a=b=c"));
    let warning = "::warning title=runner-cache::RUNNER_CACHE_LOG: `a=b=c` is not a filter";
    assert!(said.code == 0 && said.log.starts_with(warning), "{}", said.log);
}

#[test]
fn trace_has_the_phases_of_a_save_and_of_a_restore_by_thread() {
    let job = Job::new(PROGRAM);
    job.write("work/project/data/file", "kept");
    let paths = ["--preset", "none", "--path", "data", "--key", "k"];
    for (command, phases) in
        [("save", ["plan", "save", "read", "place"]), ("restore", ["plan", "restore", "bring", "directory"])]
    {
        let trace = format!("--trace={}", job.path("trace.json").display());
        job.ok(&[&[command, &trace][..], &paths].concat());
        let events: Vec<Value> = serde_json::from_str(&job.read("trace.json")).unwrap();
        for phase in phases {
            let of_phase = || events.iter().filter(|event| event["name"] == phase);
            let (begins, ends) = (
                of_phase().filter(|event| event["ph"] == "B"),
                of_phase().filter(|event| event["ph"] == "E"),
            );
            let (begins, ends) = (begins.count(), ends.count());
            assert!(begins > 0 && begins == ends, "{command}: {phase}: {begins} begin, {ends} end");
            assert!(
                of_phase().all(|event| event["ts"].is_number() && event["tid"].is_number()),
                "{events:?}"
            );
        }
        files::remove(&job.path("work/project/data"));
    }
}

#[test]
fn trace_that_cannot_be_written_is_a_warning() {
    let job = Job::new(PROGRAM);
    job.write("work/project/data/file", "kept");
    let trace = format!("--trace={}", job.path("absent/trace.json").display());
    let said = job.run(&["save", &trace, "--preset", "none", "--path", "data", "--key", "k"]);
    assert!(
        (said.code, said.warnings()) == (0, 1) && said.log.contains("no trace: cannot create"),
        "{said:?}"
    );
    assert_eq!(job.entries("paths").len(), 1);
}
