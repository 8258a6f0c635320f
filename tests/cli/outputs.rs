//! `builds` keeps what a job built for its commit, and nothing else.

use std::fs;

use test_support::{Job, Said};

use crate::PROGRAM;

const TWO: [&str; 2] = ["--builds", "target/debug/small\ntarget/debug/other"];
const ONE: [&str; 2] = ["--builds", "target/debug/small"];

/// A host with a repository of two programs.
fn host() -> Job {
    let job = Job::new(PROGRAM);
    job.write("work/project/.gitignore", "/target\n/dist\n");
    job.write("work/project/src/bin/other.rs", "fn main() { println!(\"other\") }\n");
    job.sh("git init -q");
    commit(&job, "one");
    job
}

fn commit(job: &Job, text: &str) {
    job.write("work/project/src/main.rs", &format!("fn main() {{ println!(\"{text}\") }}\n"));
    job.sh("git add -A; git -c user.name=n -c user.email=e commit -qm c");
}

fn restore(job: &Job, inputs: &[&str]) -> Said {
    job.wipe();
    job.ok(&[&["restore"], inputs].concat())
}

fn save(job: &Job, status: &str) -> String {
    job.ok(&["save", "--job-status", status]).log
}

/// The hit of the next job of the same commit.
fn next_hit(job: &Job, inputs: &[&str]) -> String {
    let said = restore(job, inputs);
    fs::remove_dir_all(job.path("temp/runner-cache-sessions")).unwrap();
    said.outputs["builds-hit"].clone()
}

#[track_caller]
fn assert_nothing_kept(job: &Job, inputs: &[&str], log: &str, why: &str) {
    let lines: Vec<_> = log.lines().filter(|line| line.starts_with("builds")).collect();
    assert!(lines.len() == 1 && lines[0].contains(why), "{log}");
    assert!(["nothing kept", "nothing to save"].iter().any(|words| lines[0].contains(words)), "{log}");
    assert_eq!(next_hit(job, inputs), "miss");
}

#[test]
fn full_build_saves_all_outputs() {
    let job = host();
    restore(&job, &TWO);
    job.sh("cargo build -q --offline");
    save(&job, "success");
    assert_eq!(restore(&job, &TWO).outputs["builds-hit"], "exact");
    assert!(save(&job, "success").contains("builds  skipped  this key already has an entry"));
    // Restored from this commit's own entry, and unchanged.
    restore(&job, &TWO);
    job.ok(&["save", "--save", "always"]);
    assert_eq!(job.entries("builds").len(), 2);
    assert_eq!(next_hit(&job, &TWO), "exact");
}

#[test]
fn failed_job_saves_no_outputs() {
    for (status, moment) in [("failure", "auto"), ("cancelled", "auto"), ("failure", "always")] {
        let job = host();
        restore(&job, &ONE);
        job.sh("cargo build -q --offline");
        let log = job.ok(&["save", "--job-status", status, "--save", moment]).log;
        assert!(log.contains("builds  skipped"), "{log}");
        assert_eq!(next_hit(&job, &ONE), "miss", "{status} {moment}");
    }
}

/// Programs of another commit come with the target directory.
#[test]
fn check_only_job_saves_no_old_program() {
    let job = host();
    restore(&job, &ONE);
    job.sh("cargo build -q --offline");
    save(&job, "success");
    commit(&job, "two");
    restore(&job, &ONE);
    job.sh("cargo check -q --offline");
    let log = save(&job, "success");
    assert_nothing_kept(&job, &ONE, &log, "nothing to save");
    assert_eq!(job.sh("cargo run -q --offline --bin small 1>&2"), "two\n");
}

#[test]
fn partial_build_saves_no_outputs() {
    let job = host();
    restore(&job, &TWO);
    job.sh("cargo build -q --offline --bin small");
    let log = save(&job, "success");
    assert_nothing_kept(&job, &TWO, &log, "not there: target/debug/other");
    // Now the other one is there, of another commit.
    job.sh("cargo build -q --offline");
    job.ok(&["save", "--layers", "target"]);
    commit(&job, "two");
    restore(&job, &TWO);
    job.sh("cargo build -q --offline --bin small");
    let log = save(&job, "success");
    assert_nothing_kept(&job, &TWO, &log, "target/debug/other");
}

#[test]
fn pattern_saves_all_its_matches_or_none() {
    let job = host();
    let inputs = ["--preset", "none", "--builds", "dist/*.bin\ndist/docs/**"];
    restore(&job, &inputs);
    job.sh("mkdir -p dist; echo 1 >dist/a.bin; echo 1 >dist/b.bin");
    let log = save(&job, "success");
    assert_nothing_kept(&job, &inputs, &log, "not there: dist/docs/**");
    job.sh("touch -d '2001-01-01' dist/b.bin; mkdir dist/docs");
    restore(&job, &inputs);
    job.sh("echo 2 >dist/a.bin; echo 2 >dist/docs/index");
    let log = save(&job, "success");
    assert_nothing_kept(&job, &inputs, &log, "dist/b.bin");
    restore(&job, &inputs);
    job.sh("echo 3 >dist/a.bin; echo 3 >dist/b.bin; echo 3 >dist/docs/index");
    save(&job, "success");
    assert_eq!(next_hit(&job, &inputs), "exact");
}

#[test]
fn fresh_outputs_that_cargo_laid_out_are_saved() {
    let job = host();
    restore(&job, &ONE);
    job.sh("cargo build -q --offline");
    save(&job, "success");
    job.sh("echo more >README.md; git add -A; git -c user.name=n -c user.email=e commit -qm c");
    restore(&job, &ONE);
    assert!(!job.sh("cargo build --offline").contains("Compiling"));
    save(&job, "success");
    assert_eq!(next_hit(&job, &ONE), "exact");
}

/// Also where a clock was wrong and gave it a time that is still to come.
#[test]
fn unchanged_preexisting_output_is_not_saved() {
    for time in ["now", "2100-01-01"] {
        let job = host();
        let inputs = ["--builds", "dist/tool"];
        restore(&job, &inputs);
        job.sh(&format!("cargo build -q --offline; mkdir -p dist; cp target/debug/small dist/tool; touch -d {time} dist/tool"));
        save(&job, "success");
        commit(&job, "two");
        job.ok(&[&["restore"], &inputs[..]].concat());
        job.sh("cargo build -q --offline");
        let log = save(&job, "success");
        assert_nothing_kept(
            &job,
            &inputs,
            &log,
            "not written since the restore, may be of another commit: dist/tool",
        );
    }
}

/// Unpacked beside the checkout, it has no commit that is known: the run's own is not its.
#[test]
fn outputs_of_a_sibling_without_git_are_not_saved() {
    let mut job = Job::new(PROGRAM);
    job.set("GITHUB_SHA", "0123abc");
    job.write("work/sibling/Cargo.toml", "[package]\nname = \"sibling\"\nedition = \"2024\"\n");
    job.write("work/sibling/src/main.rs", "fn main() {}\n");
    let said = restore(&job, &["--workspaces", "../sibling", "--builds", "../sibling/target/debug/sibling"]);
    assert!(said.log.contains("builds: skipped: unknown commit"), "{}", said.log);
    // What is unpacked in the workspace is of the run's commit.
    let said = restore(&job, &ONE);
    assert!(!said.log.contains("unknown commit"), "{}", said.log);
}

#[test]
fn outputs_of_a_commit_checked_out_later_are_not_saved() {
    let job = host();
    restore(&job, &ONE);
    commit(&job, "two");
    job.sh("cargo build -q --offline");
    let log = save(&job, "success");
    assert!(log.contains("changed commit since the restore"), "{log}");
    assert_eq!(job.entries("builds").len(), 0);
}

/// The parts of the action that only restore and only save.
#[test]
fn save_with_its_own_inputs_uses_the_restores_record() {
    let job = host();
    job.wipe();
    job.sh("cargo build -q --offline");
    let log = job.ok(&[&["save"], &ONE[..]].concat()).log;
    assert!(log.contains("cannot tell what this job wrote"), "{log}");
    job.ok(&[&["restore", "--no-session"], &ONE[..]].concat());
    let log = job.ok(&[&["save"], &ONE[..]].concat()).log;
    assert!(log.contains("nothing to save"), "{log}");
    job.sh("touch src/main.rs; cargo build -q --offline");
    job.ok(&[&["save"], &ONE[..]].concat());
    assert_eq!(next_hit(&job, &ONE), "exact");
}

#[test]
fn run_saves_outputs_of_its_command() {
    let job = host();
    let run = |command: &[&str]| job.run(&[&["run"], &ONE[..], &["--"], command].concat());
    run(&["sh", "-c", "cargo build -q --offline; exit 1"]);
    assert_eq!(next_hit(&job, &ONE), "miss");
    job.wipe();
    job.remove("root");
    assert_eq!(run(&["cargo", "build", "-q", "--offline"]).code, 0);
    assert_eq!(next_hit(&job, &ONE), "exact");
}
