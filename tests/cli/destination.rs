//! What is at a destination already, or beside it: nothing of anybody's goes, and what is in the way is told.

use std::process::Stdio;

use test_support::{Job, Said};

use crate::PROGRAM;

const OUT: [&str; 6] = ["--preset", "none", "--path", "out", "--key", "k"];

fn save(job: &Job) {
    job.write("work/project/out/file", "cached");
    job.ok(&[&["save"], &OUT[..]].concat());
}

fn restore(job: &Job) -> Said {
    job.run(&[&["restore", "--no-session"], &OUT[..]].concat())
}

/// Directories whose names only begin like those that a restore makes for a moment.
#[test]
fn restore_keeps_foreign_directories_beside_and_in_the_destination() {
    let job = Job::new(PROGRAM);
    let theirs = [
        "work/project/.runner-cache-tools/bin",
        "work/project/out/.runner-cache-mine/x",
        "root/../.runner-cache-store/x",
    ];
    save(&job);
    for file in theirs {
        job.write(file, "precious");
    }
    for prepare in ["", "echo other >out/file", "rm -r out"] {
        job.sh(prepare);
        assert_eq!(restore(&job).outputs["cache-hit"], "true", "{prepare}");
        assert_eq!(job.read("work/project/out/file"), "cached", "{prepare}");
        assert_eq!(job.read(theirs[0]), "precious", "{prepare}");
        assert_eq!(job.read(theirs[2]), "precious", "{prepare}");
        assert!(prepare.starts_with("rm") || job.read(theirs[1]) == "precious", "{prepare}");
    }
}

#[test]
fn restore_keeps_a_cache_root_beside_the_destination() {
    let mut job = Job::new(PROGRAM);
    job.set("RUNNER_CACHE_ROOT", job.path("work/project/.runner-cache-store").display());
    save(&job);
    for _ in 0..2 {
        assert_eq!(restore(&job).outputs["cache-hit"], "true");
    }
}

/// As in the root of a new ext4 that is mounted at the target directory.
#[test]
fn lost_and_found_is_neither_saved_nor_removed() {
    let job = Job::new(PROGRAM);
    job.sh("mkdir -p target/lost+found; echo precious >target/lost+found/file");
    let inputs = ["--layers", "target"];
    job.ok(&[&["restore"], &inputs[..]].concat());
    job.sh("cargo build -q --offline");
    job.ok(&["save"]);
    assert!(!job.newest_entry("target").join("tree/0/lost+found").exists());
    for prepare in ["rm -r target/debug target/.rustc_info.json", "echo other >target/debug/other"] {
        job.sh(prepare);
        let said = job.ok(&[&["restore", "--no-session"], &inputs[..]].concat());
        assert_eq!(said.outputs["target-hit"], "exact", "{prepare}");
        assert!(job.path("work/project/target/debug/deps").exists(), "{prepare}");
        assert!(!job.path("work/project/target/debug/other").exists(), "{prepare}");
        assert_eq!(job.read("work/project/target/lost+found/file"), "precious\n", "{prepare}");
    }
}

#[test]
fn restore_does_not_replace_a_non_empty_directory_with_a_file() {
    let job = Job::new(PROGRAM);
    save(&job);
    job.sh("rm out/file; mkdir out/file; echo precious >out/file/mine; echo more >out/other");
    let said = restore(&job);
    assert_eq!(said.outputs["cache-hit"], "false");
    assert!(said.log.contains("out/file is a directory with unknown files"), "{}", said.log);
    assert_eq!(job.read("work/project/out/file/mine"), "precious\n");
    job.sh("rm out/file/mine");
    assert_eq!(restore(&job).outputs["cache-hit"], "true");
    assert_eq!(job.read("work/project/out/file"), "cached");
}

#[test]
fn restore_names_what_is_no_directory_before_creating_anything() {
    for make in ["echo x >out", "ln -s nowhere out", "ln -s out out"] {
        let job = Job::new(PROGRAM);
        save(&job);
        job.sh(&format!("rm -r out; {make}"));
        let said = restore(&job);
        assert_eq!(said.outputs["cache-hit"], "false", "{make}");
        assert!(said.log.contains("out is not a directory or a link to one"), "{make}: {}", said.log);
        assert!(job.sh("ls -A . 1>&2").lines().all(|name| !name.starts_with(".runner-cache-")), "{make}");
    }
}

#[test]
fn concurrent_restores_of_one_directory_all_succeed() {
    let job = Job::new(PROGRAM);
    job.sh("mkdir out; for i in $(seq 1000); do echo $i >out/$i; done");
    save(&job);
    for _ in 0..3 {
        job.sh("rm -r out");
        let command = || {
            let mut command = job.command(&[&["restore", "--no-session"], &OUT[..]].concat());
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..4).map(|_| command()).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let log = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !log.contains("nothing restored"), "{log}");
        }
        assert_eq!(job.sh("ls out 1>&2").lines().count(), 1001);
    }
}

/// In a mount namespace of its own, where `mount` makes a mount of `out`.
fn restore_with(job: &Job, mount: &str) -> String {
    let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user" };
    let (program, words) = (PROGRAM, OUT.join(" "));
    job.sh(&format!("unshare --mount {user} sh -euc '{mount}; {program} restore --no-session {words}'"))
}

#[test]
fn failure_reports_its_cause_not_its_consequence() {
    let job = Job::new(PROGRAM);
    save(&job);
    job.sh("echo other >out/file");
    let log = restore_with(&job, "mount --bind out out; mount -o remount,bind,ro out");
    assert!(log.contains("cannot make directory") && log.contains("Read-only file system"), "{log}");
}

#[test]
fn restore_names_a_mount_in_the_destination() {
    let job = Job::new(PROGRAM);
    job.write("work/project/out/sub/x", "cached");
    save(&job);
    job.sh("rm out/sub/x");
    let log = restore_with(&job, "mount -t tmpfs tmpfs out/sub");
    assert!(log.contains("out/sub is mounted below") && !log.contains("cross-device"), "{log}");
}
