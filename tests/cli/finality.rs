//! What a failed job leaves is no exact hit, and what a later job completes takes its place.

use std::fs;

use test_support::{Job, Said};

use crate::PROGRAM;

const NPM: [&str; 6] = ["--preset", "none", "--path", "node_modules", "--key", "npm-1"];

fn restore(job: &Job, inputs: &[&str]) -> Said {
    job.wipe();
    if job.path("work/project/node_modules").exists() {
        job.remove("work/project/node_modules");
    }
    job.ok(&[&["restore"], inputs].concat())
}

fn save(job: &Job, status: &str) -> Said {
    job.ok(&["save", "--job-status", status])
}

fn hit(said: &Said) -> (&str, &str) {
    (&said.outputs["cache-hit"], &said.outputs["cache-matched-key"])
}

/// A job that installs a half and fails.
fn failed_job(job: &Job, inputs: &[&str]) -> Said {
    restore(job, inputs);
    job.write("work/project/node_modules/a/package.json", "half");
    save(job, "failure")
}

#[test]
fn failed_jobs_entry_is_partial_until_a_job_completes_it() {
    let job = Job::new(PROGRAM);
    let saved = failed_job(&job, &NPM);
    assert!(saved.log.contains("paths   saved"), "{}", saved.log);

    let said = restore(&job, &NPM);
    assert_eq!(hit(&said), ("false", "npm-1"), "{}", said.log);
    assert!(said.log.contains("partial entry for this key, from a failed job"), "{}", said.log);
    assert_eq!(job.read("work/project/node_modules/a/package.json"), "half");
    let list = job.ok(&["list"]).stdout;
    assert!(list.contains("partial: from a failed job"), "{list}");
    assert!(job.ok(&["list", "--json"]).stdout.contains("\"finality\": \"partial\""));
    assert!(job.ok(&["inspect", "npm-1"]).stdout.contains("partial: from a failed job"));
    let explained = job.ok(&[&["explain"], &NPM[..]].concat()).stdout;
    assert!(explained.contains("used: restore key (partial: from a failed job)"), "{explained}");
    let again = save(&job, "failure").log;
    assert!(again.contains("nothing changed"), "{again}");

    // A job that finds all there has completed it as well.
    restore(&job, &NPM);
    save(&job, "success");
    assert_eq!(job.entries("paths").len(), 1, "the partial one is gone");
    assert_eq!(hit(&restore(&job, &NPM)), ("true", "npm-1"));
    assert!(!job.ok(&["list"]).stdout.contains("partial"));
}

#[test]
fn failed_job_keeps_a_final_entry() {
    let job = Job::new(PROGRAM);
    restore(&job, &NPM);
    job.write("work/project/node_modules/a", "whole");
    save(&job, "success");
    for save_moment in ["auto", "always"] {
        restore(&job, &NPM);
        job.write("work/project/node_modules/a", "half");
        job.ok(&["save", "--job-status", "failure", "--save", save_moment]);
        assert_eq!(hit(&restore(&job, &NPM)), ("true", "npm-1"), "{save_moment}");
        assert_eq!(job.read("work/project/node_modules/a"), "whole", "{save_moment}");
    }
    assert_eq!(job.entries("paths").len(), 1);
}

/// Both find nothing; the one that fails is the last to save.
#[test]
fn parallel_jobs_use_the_entry_one_of_them_completed() {
    let mut job = Job::new(PROGRAM);
    for (lane, status, text) in
        [("a", "failure", "half"), ("b", "success", "whole"), ("c", "failure", "half")]
    {
        job.set("RUNNER_CACHE_LANE", lane);
        job.write("work/project/node_modules/a", text);
        job.ok(&[&["save", "--job-status", status, "--keep", "paths=9"], &NPM[..]].concat());
    }
    for lane in ["a", "b", "c"] {
        job.set("RUNNER_CACHE_LANE", lane);
        assert_eq!(hit(&restore(&job, &NPM)), ("true", "npm-1"), "{lane}");
        assert_eq!(job.read("work/project/node_modules/a"), "whole", "{lane}");
    }
    assert_eq!(job.entries("paths").len(), 1, "no beginning stays beside what is complete");
}

#[test]
fn restore_keys_prefer_final_entries() {
    let job = Job::new(PROGRAM);
    let with = |key: &'static str| {
        ["--preset", "none", "--path", "node_modules", "--key", key, "--restore-keys", "npm-"]
    };
    restore(&job, &with("npm-1"));
    job.write("work/project/node_modules/a/package.json", "whole");
    save(&job, "success");
    failed_job(&job, &with("npm-2"));
    assert_eq!(hit(&restore(&job, &with("npm-2"))), ("false", "npm-2"));
    assert_eq!(hit(&restore(&job, &with("npm-3"))), ("false", "npm-1"));
}

#[test]
fn cancelled_job_saves_nothing_or_a_non_final_entry() {
    let job = Job::new(PROGRAM);
    restore(&job, &NPM);
    job.write("work/project/node_modules/a", "half");
    assert!(save(&job, "cancelled").log.contains("the job was cancelled"));
    restore(&job, &NPM);
    job.write("work/project/node_modules/a", "half");
    job.ok(&["save", "--job-status", "cancelled", "--save", "always"]);
    assert_eq!(hit(&restore(&job, &NPM)), ("false", "npm-1"));
}

#[test]
fn run_saves_a_non_final_entry_after_a_failing_command() {
    let job = Job::new(PROGRAM);
    let run = |script: &str| {
        let args = [&["run"], &NPM[..], &["--", "sh", "-c", script]].concat();
        job.run(&args)
    };
    let said = run("mkdir -p node_modules; echo half >node_modules/a; exit 3");
    assert_eq!(said.code, 3);
    assert_eq!(hit(&restore(&job, &NPM)), ("false", "npm-1"));
    let said = run("echo whole >node_modules/a");
    assert_eq!((said.code, hit(&said)), (0, ("false", "npm-1")), "{}", said.log);
    assert_eq!(hit(&restore(&job, &NPM)), ("true", "npm-1"));
    assert_eq!(job.read("work/project/node_modules/a"), "whole\n");
}

#[test]
fn failed_jobs_preset_entry_is_no_exact_hit() {
    let job = Job::new(PROGRAM);
    let inputs = ["--preset", "npm"];
    job.write("work/project/package-lock.json", "{}");
    let cached = "home/.npm/_cacache/index";
    restore(&job, &inputs);
    job.write(cached, "half");
    save(&job, "failure");
    job.remove("home/.npm");
    assert_eq!(restore(&job, &inputs).outputs["cache-hit"], "false");
    assert_eq!(job.read(cached), "half");
    save(&job, "success");
    assert_eq!(restore(&job, &inputs).outputs["cache-hit"], "true");
}

/// Nobody takes it for complete, and each job adds to it, whether its tests fail or not.
#[test]
fn failed_job_saves_into_append_only_presets() {
    let job = Job::new(PROGRAM);
    let inputs = ["--preset", "sccache"];
    let cached = |name: &str| format!("home/.cache/sccache/{name}");
    restore(&job, &inputs);
    job.write(&cached("one"), "object");
    save(&job, "success");
    assert_eq!(restore(&job, &inputs).outputs["cache-hit"], "true");
    job.write(&cached("two"), "object");
    save(&job, "failure");
    job.remove("home/.cache");
    assert_eq!(restore(&job, &inputs).outputs["cache-hit"], "true");
    assert_eq!(job.read(&cached("two")), "object");
}

#[test]
fn target_is_an_exact_hit_after_failed_tests() {
    let job = Job::new(PROGRAM);
    restore(&job, &[]);
    job.sh("cargo build -q --offline");
    save(&job, "failure");
    assert_eq!(restore(&job, &[]).outputs["target-hit"], "exact");
    assert!(fs::exists(job.path("work/project/target/debug")).unwrap());
}
