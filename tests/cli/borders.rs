//! Across a border of trust no job gets an inode that others restore: what it writes in place stays its own.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use test_support::{Job, files};

use crate::PROGRAM;
use crate::pool::{build, host, repository};

const PULL_REQUEST: &str = r#"{"repository": {"default_branch": "main"},
    "pull_request": {"number": 7, "base": {"ref": "main"}}}"#;
const PUSH: &str = r#"{"repository": {"default_branch": "main"}}"#;

/// Rewrites all that the job has in its target directory, in place, and gives it back its times.
fn poison(job: &Job, target: &str) {
    let script = "find . -type f -size +0 | while read -r file; do cp -p \"$file\" ../mark; \
                  printf POISON | dd of=\"$file\" conv=notrunc status=none; touch -r ../mark \"$file\"; done; rm -f ../mark";
    job.sh(&format!("cd {}; {script}", job.path(target).display()));
}

/// Files below `directory` that hold what [`poison`] wrote.
fn poisoned(directory: &Path) -> Vec<PathBuf> {
    let files = files::walk(directory).into_iter().filter(|(_, metadata)| metadata.is_file());
    let paths = files.map(|(path, _)| directory.join(path));
    paths.filter(|path| fs::read(path).unwrap().windows(6).any(|text| text == b"POISON")).collect()
}

/// Restores, poisons and saves as a pull request; what of its own it saves nobody else restores.
fn attack(job: &mut Job, target: &str) {
    job.event("refs/pull/7/merge", PULL_REQUEST);
    let said = job.run(&["restore"]);
    assert!(said.code == 0 && said.outputs["target-hit"] != "miss", "{said:?}");
    poison(job, target);
    // It is as if the build had made it.
    job.run(&["save", "--save", "always"]);
}

fn assert_clean(job: &Job) {
    for layer in ["target", "units"] {
        for entry in job.entries(layer) {
            if !entry.to_string_lossy().contains("refs%2Fpull") {
                assert_eq!(poisoned(&entry), Vec::<PathBuf>::new());
            }
        }
    }
}

#[test]
fn pull_request_changes_no_entry_of_its_base() {
    let mut job = host();
    build(&job, &[], "cargo build");
    for round in 0..3 {
        job.wipe();
        // From the second round on it restores an entry of its own, which has files of its base.
        attack(&mut job, "work/project/target");
        assert_clean(&job);
        assert_eq!(job.entries("target").len(), if round == 0 { 2 } else { job.entries("target").len() });
    }
    job.wipe();
    job.event("refs/heads/main", PUSH);
    assert_eq!(job.ok(&["restore", "--no-session"]).outputs["target-hit"], "exact");
    assert_eq!(poisoned(&job.path("work/project/target")), Vec::<PathBuf>::new());
}

#[test]
fn pull_request_save_shares_base_files_on_disk() {
    let mut job = host();
    build(&job, &[], "cargo build");
    let of_main = job.newest_entry("target");
    job.wipe();
    job.event("refs/pull/7/merge", PULL_REQUEST);
    job.write("work/project/src/main.rs", "fn main() { println!(\"{} changed\", beta::sum()); }\n");
    build(&job, &[], "cargo build");
    let library = |entry: &Path| {
        let found = job.sh(&format!("find {} -name 'libbeta-*.rlib' 1>&2", entry.display()));
        fs::metadata(found.trim()).unwrap_or_else(|error| panic!("{found}: {error}")).ino()
    };
    let of_request = job.newest_entry("target");
    assert_ne!(of_request, of_main);
    assert_eq!(library(&of_request), library(&of_main));
}

#[test]
fn pull_request_changes_no_unit_of_the_pool() {
    let mut job = host();
    build(&job, &[], "cargo build");
    for round in 0..2 {
        repository(&mut job, &format!("other-{round}"), &["beta"]);
        attack(&mut job, &format!("work/other-{round}/target"));
        assert_clean(&job);
    }
    repository(&mut job, "third", &["beta"]);
    job.event("refs/heads/main", PUSH);
    assert_eq!(build(&job, &[], "cargo build").1, ["third"]);
}

#[test]
fn pull_request_gets_its_own_copy_of_a_target_left_by_its_base() {
    let mut job = host();
    build(&job, &[], "cargo build");
    job.wipe();
    job.ok(&["restore", "--no-session"]);
    // The workspace is kept: its files are main's.
    attack(&mut job, "work/project/target");
    assert_clean(&job);
}

#[test]
fn jobs_of_one_scope_share_inodes() {
    let job = host();
    build(&job, &[], "cargo build");
    job.wipe();
    job.ok(&["restore", "--no-session"]);
    let shared = job.made_of_units("work/project/target/debug");
    let shared = shared.iter().filter(|file| fs::metadata(file).unwrap().nlink() > 1).count();
    assert!(shared >= 3, "{shared} files have further names");
}

/// Files of npm's cache that are one with files of an entry of another ref than `own`.
fn shared_with_others(job: &Job, directory: &str, own: &str) -> usize {
    let of_entries = job.entries("paths").into_iter().filter(|entry| !entry.to_string_lossy().contains(own));
    let inodes = |directory: &Path| {
        let list = job.sh(&format!("find {} -type f -printf '%i\\n' 1>&2", directory.display()));
        list.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let entries: std::collections::BTreeSet<_> = of_entries.flat_map(|entry| inodes(&entry)).collect();
    inodes(&job.path(directory)).intersection(&entries).count()
}

#[test]
fn pull_request_shares_no_inode_with_its_base_in_a_persistent_home() {
    let mut job = Job::new(PROGRAM);
    let content = "home/.npm/_cacache/content-v2/sha512/ab/cd";
    job.write("work/project/package-lock.json", "{}");
    job.write(content, "of main");
    let npm = ["--preset", "npm", "--key", "k"];
    job.ok(&[&["save"], &npm[..]].concat());
    assert_eq!(shared_with_others(&job, "home", "refs%2Fpull"), 1, "the test is about something");
    job.event("refs/pull/7/merge", PULL_REQUEST);
    // Found: what is there becomes the job's own.
    job.ok(&[&["restore", "--no-session"], &npm[..]].concat());
    assert_eq!(shared_with_others(&job, "home", "refs%2Fpull"), 0);
    // Not found: what main's job left in the home is not the pull request's to hand on.
    job.event("refs/heads/main", PUSH);
    job.write("home/.npm/_cacache/content-v2/sha512/ab/ef", "of main as well");
    job.ok(&["save", "--preset", "npm", "--key", "k-2"]);
    job.event("refs/pull/7/merge", PULL_REQUEST);
    job.ok(&["save", "--preset", "npm", "--key", "of-request"]);
    job.remove("home/.npm");
    let said = job.ok(&["restore", "--no-session", "--preset", "npm", "--key", "of-request"]);
    assert_eq!(said.outputs["cache-hit"], "true");
    assert_eq!(shared_with_others(&job, "home", "refs%2Fpull"), 0);
}

#[test]
fn repositories_sharing_a_pool_share_no_inode() {
    let mut job = host();
    build(&job, &[], "cargo build");
    repository(&mut job, "second", &["beta"]);
    job.ok(&["restore"]);
    let of_pool = job.made_of_units("work/second/target/debug");
    assert!(!of_pool.is_empty());
    assert!(of_pool.iter().all(|file| fs::metadata(file).unwrap().nlink() == 1));
    // Nor does an entry of the second one hand an inode of the pool to its jobs.
    job.sh("cargo build");
    job.ok(&["save"]);
    fs::remove_dir_all(job.path("work/second/target")).unwrap();
    job.ok(&["restore", "--no-session"]);
    poison(&job, "work/second/target");
    let entries: Vec<_> = ["target", "units"].into_iter().flat_map(|layer| job.entries(layer)).collect();
    for entry in entries.iter().filter(|entry| !entry.to_string_lossy().contains("o%2Fsecond")) {
        assert_eq!(poisoned(entry), Vec::<PathBuf>::new());
    }
}
