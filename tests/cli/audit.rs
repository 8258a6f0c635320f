//! `audit`: a build on what the restore gave, against builds from nothing.

use std::fs;
use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;
use serde_json::Value;
use test_support::store::temporaries;
use test_support::{Job, Said};

use crate::PROGRAM;
use crate::run::signalled;

/// Takes note of each run of the command, and after the first of what is in the target directories.
const NOTE: &str = "echo >>../../runs; [ -e ../../first ] || find target* -printf '%p %y %s %m %n %T@\\n' | sort >../../first";

/// A package with a library, a program, a test and a build script that reads a file by a path that it puts together: cargo takes
/// what was built from another one for fresh, with a cache or without.
fn package(job: &Job) {
    let path = job.path("value");
    let value = format!("\"{}\"", path.display());
    job.write("value", "one");
    job.write("work/project/src/lib.rs", "pub const VALUE: &str = env!(\"VALUE\");\n");
    job.write("work/project/src/main.rs", "fn main() { println!(\"{}\", small::VALUE) }\n");
    let backwards: String = value.chars().rev().collect();
    let script = format!(
        "fn main() {{\n    let path: String = {backwards}.chars().rev().collect();\n    \
         let value = std::fs::read_to_string(path).unwrap();\n    \
         println!(\"cargo:rerun-if-changed=build.rs\\ncargo:rustc-env=VALUE={{value}}\");\n}}\n"
    );
    job.write("work/project/build.rs", &script);
    let test = format!(
        "#[test]\nfn works() {{ assert_eq!(small::VALUE, std::fs::read_to_string({value}).unwrap()) }}\n"
    );
    job.write("work/project/tests/works.rs", &test);
}

/// A job whose units can be compared.
fn job() -> Job {
    let mut job = Job::new(PROGRAM);
    job.set("CARGO_INCREMENTAL", 0);
    package(&job);
    job
}

/// A job that saves what `build` makes, up to the moment in which the next job has its checkout.
fn first_job(job: &Job, build: &str) {
    job.ok(&["restore"]);
    job.sh(build);
    job.ok(&["save"]);
    job.wipe();
}

/// The audit of `script`, which is a shell's. The target directories must be as the first run left them.
fn audit(job: &Job, args: &[&str], script: &str) -> Said {
    let entries = job.entries("target");
    let script = format!("{script}; code=$?; {NOTE}; exit $code");
    let said = job.run(&[&["audit"], args, &["--", "sh", "-c", &script]].concat());
    assert_put_back(job);
    assert_eq!(job.entries("target"), entries, "an audit saves nothing");
    said
}

/// The target directories are as the first run left them, and nothing is beside them.
#[track_caller]
fn assert_put_back(job: &Job) {
    job.sh("find target* -printf '%p %y %s %m %n %T@\\n' | sort >../../now");
    assert_eq!(job.read("now"), job.read("first"));
    let ours = temporaries(&job.path("work/project"));
    assert!(ours.is_empty(), "{ours:?}");
}

fn runs(job: &Job) -> usize {
    job.read("runs").lines().count()
}

#[track_caller]
fn assert_tells(said: &Said, code: i32, parts: &[&str]) {
    assert_eq!(said.code, code, "{}\n{}", said.stdout, said.log);
    for part in parts {
        assert!(said.stdout.contains(part), "{part:?} is not in:\n{}\n{}", said.stdout, said.log);
    }
}

#[test]
fn audit_reports_no_difference_for_a_sound_restore_and_puts_everything_back() {
    let job = job();
    first_job(&job, "cargo test -q --offline");
    let said = audit(&job, &[], "cargo test -q --offline");
    let parts = [
        "audit: the restored build equals a clean build\n  restored: target-",
        "refs/heads/main)",
        "\n  exit code: 0 in each build\n  units: 7 the same\n",
    ];
    assert_tells(&said, 0, &parts);
    assert_eq!(runs(&job), 2, "a third build would tell nothing");
    assert!(!job.sh("cargo test --offline").contains("Compiling"), "what was restored is fresh as before");
}

#[test]
fn audit_names_stale_units_with_the_reason() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    job.write("value", "two");
    let said = audit(&job, &[], "cargo build -q --offline");
    let parts = [
        "audit: the restored build differs from a clean build\n",
        "\n  exit code: 0 in each build\n  units: 1 the same, 3 differ\n  differs\n    small (build script run): debug/build/small",
        "\n      cargo reused it: restored from the entry, same fingerprint in a clean build; its \
         only source is not newer (build.rs)\n  differs, as does a dependency\n",
        "    small (lib): small\n",
        "    small (bin small): small\n",
        "hint: `freshness: false`",
    ];
    assert_tells(&said, 1, &parts);
    assert_eq!(runs(&job), 3);
}

#[test]
fn audit_finds_a_wrong_artifact_by_its_bytes() {
    let job = job();
    // In place, so it is `debug/small` as well.
    let damage = "program=$(find target/debug -mindepth 2 -samefile target/debug/small); touch -r $program ../../time; \
                  printf x >>$program; touch -r ../../time $program";
    first_job(&job, &format!("cargo build -q --offline; {damage}"));
    let said = audit(&job, &[], "cargo build -q --offline");
    let parts = [
        "  units: 3 the same, 1 differ\n  differs\n    small (bin small): debug/",
        "same fingerprint in a clean build; its only source is not newer (src/main.rs)\n",
    ];
    assert_tells(&said, 1, &parts);
}

#[test]
fn audit_reports_a_source_changed_without_a_newer_mtime() {
    let job = job();
    let change = "touch -r src/lib.rs ../../time; echo 'pub const MORE: u8 = 1;' >>src/lib.rs; touch -r ../../time src/lib.rs";
    first_job(&job, "cargo build -q --offline");
    // The restore brings the time back only where the contents are the same: this happens while the command runs.
    let said = audit(&job, &[], &format!("[ -e ../../first ] || {{ {change}; }}; cargo build -q --offline"));
    let parts = [
        "    small (lib): debug/",
        "/libsmall-",
        "its only source is not newer (src/lib.rs); src/lib.rs changed since the entry was saved\n",
    ];
    assert_tells(&said, 1, &parts);
}

#[test]
fn audit_reports_a_test_that_fails_only_after_a_restore() {
    let job = job();
    first_job(&job, "cargo test -q --offline");
    job.write("value", "two");
    let said = audit(&job, &[], "cargo test -q --offline");
    let parts = ["\n  exit code: 101 restored, 0 and 0 clean\n", "(test works): small\n"];
    assert_tells(&said, 1, &parts);
}

#[test]
fn audit_reports_an_exit_code_that_differs_from_clean_builds() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    let said = audit(&job, &[], "! [ -e target/debug ]; new=$?; cargo build -q --offline; test $new = 0");
    assert_tells(&said, 1, &["\n  exit code: 1 restored, 0 and 0 clean\n  units: 4 the same\n"]);
    job.wipe();
    fs::remove_file(job.path("first")).unwrap();
    // Restored, from nothing, and from nothing once more.
    let changes = "cargo build -q --offline; [ \"$(wc -l <../../runs)\" -eq 4 ]";
    let said = audit(&job, &[], changes);
    assert_tells(&said, 0, &["\n  exit code: 1 restored, 0 and 1 clean\n"]);
}

#[test]
fn audit_accepts_a_build_that_also_fails_clean() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    job.write("work/project/src/main.rs", "fn main() { let number: u8 = \"\"; }\n");
    let said = audit(&job, &[], "cargo build -q --offline");
    assert_tells(&said, 0, &["\n  exit code: 101 in each build; it also fails without a cache\n"]);
}

#[test]
fn audit_counts_nondeterministic_artifacts_without_reporting_a_difference() {
    let job = job();
    let script = "use std::time::*;\nfn main() {\n    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();\n    \
                  let text = format!(\"pub const TIME: u128 = {};\", time.as_nanos());\n    \
                  std::fs::write(format!(\"{}/time.rs\", std::env::var(\"OUT_DIR\").unwrap()), text).unwrap();\n    \
                  println!(\"cargo:rerun-if-changed=build.rs\");\n}\n";
    job.write("work/project/build.rs", script);
    job.write("work/project/src/lib.rs", "include!(concat!(env!(\"OUT_DIR\"), \"/time.rs\"));\n");
    job.write("work/project/src/main.rs", "fn main() { println!(\"{}\", small::TIME) }\n");
    first_job(&job, "cargo build -q --offline");
    let said = audit(&job, &[], "cargo build -q --offline");
    let parts = [
        "audit: the restored build equals a clean build\n",
        "\n  units: 1 the same, 3 not reproducible\n  not reproducible: two clean builds differ\n",
        "    small (build script run)\n",
    ];
    assert_tells(&said, 0, &parts);
    assert_eq!(runs(&job), 3);
}

#[test]
fn audit_does_not_compare_bytes_of_incremental_artifacts() {
    let job = Job::new(PROGRAM);
    package(&job);
    let edit = "echo 'pub fn more() -> u8 { 1 }' >>src/lib.rs; cargo build -q --offline";
    first_job(&job, &format!("cargo build -q --offline; {edit}"));
    job.write("value", "two");
    let said = audit(&job, &[], "cargo build -q --offline");
    // A build script's run is not compiled, so what it says can be compared.
    let parts = [
        "  differs\n    small (build script run): ",
        "  not compared: compiled incrementally, so their bytes depend on earlier builds\n",
        "    small (lib)\n",
    ];
    assert_tells(&said, 1, &parts);
    assert!(!said.stdout.contains("as does a dependency"), "{}", said.stdout);
}

#[test]
fn audit_reports_a_command_that_builds_less_after_a_restore() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    let said = audit(&job, &[], "[ -e target/debug ] || cargo build -q --offline");
    let parts = [
        "\n  units: 0 the same, 4 in one build only\n  only in the clean build\n",
        "    small (build script)\n",
    ];
    assert_tells(&said, 1, &parts);
}

#[test]
fn audit_says_when_only_exit_codes_are_compared() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    let said = audit(&job, &[], "CARGO_TARGET_DIR=../elsewhere cargo build -q --offline");
    assert_tells(&said, 0, &["\n  units: 0 the same\n"]);
    assert!(said.log.contains("comparing exit codes only: the command built nothing in "), "{}", said.log);
}

#[test]
fn audit_ignores_units_the_command_does_not_build() {
    let job = job();
    first_job(&job, "cargo test -q --offline; cargo build -q --offline --release");
    let said = audit(&job, &[], "cargo build -q --offline");
    assert_tells(&said, 0, &["\n  units: 4 the same\n"]);
}

#[test]
fn audit_json_is_alone_on_stdout() {
    let mut job = job();
    job.set("GITHUB_SHA", "0123abc");
    first_job(&job, "cargo build -q --offline");
    job.write("value", "two");
    let said = audit(&job, &["--json"], "echo this is the command; cargo build -q --offline");
    let outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    let value = &outcome["result"];
    assert_eq!((said.code, &outcome["exit_code"], &value["verdict"]), (1, &1.into(), &"different".into()));
    assert_eq!(value["commit"], "0123abc");
    assert_eq!(value["exit_codes"], serde_json::json!({ "restored": 0, "clean": 0, "clean_again": 0 }));
    let unit = &value["differing"][0];
    assert_eq!(unit["package"], "small");
    assert_eq!(unit["part"], "run-build-script-build-script-build");
    assert_eq!((&unit["from"], &unit["why"]["sources"]), (&"entry".into(), &serde_json::json!(["build.rs"])));
    assert!(said.log.contains("this is the command"), "{}", said.log);
}

#[test]
fn audit_reads_both_target_layouts_and_a_separate_build_dir() {
    for (layout, build_dir) in [(true, false), (false, true), (true, true)] {
        let mut job = job();
        if layout {
            job.set("RUSTC_BOOTSTRAP", 1);
            job.set("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", true);
        }
        if build_dir {
            job.set("CARGO_BUILD_BUILD_DIR", job.path("work/project/target-build").display());
        }
        let remove = || {
            if build_dir {
                job.remove("work/project/target-build");
            }
        };
        first_job(&job, "cargo test -q --offline");
        remove();
        let said = audit(&job, &[], "cargo test -q --offline");
        assert_tells(&said, 0, &["\n  units: 7 the same\n"]);
        job.wipe();
        remove();
        fs::remove_file(job.path("first")).unwrap();
        job.write("value", "two");
        let said = audit(&job, &[], "cargo test -q --offline");
        assert_tells(&said, 1, &["  differs\n    small (build script run): ", "(test works): small\n"]);
    }
}

#[test]
fn audit_runs_nothing_without_a_restore() {
    let job = job();
    for (args, why) in [
        (&[][..], "audit: nothing to audit: no target directory was restored (key target-"),
        (&["--layers", "cargo"], "audit: nothing to audit: this job restores no target directory"),
        (&["--json"], "\"verdict\": \"nothing\""),
    ] {
        let said = job.run(&[&["audit"], args, &["--", "touch", "run"]].concat());
        assert_tells(&said, 0, &[why]);
        assert!(!job.path("work/project/run").exists());
    }
}

#[test]
fn audit_exits_like_run_on_misuse_and_unrunnable_commands() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    assert_eq!(job.run(&["audit", "--", "no-such-program"]).code, 127);
    assert_eq!(job.run(&["audit"]).code, 2);
    let said = job.run(&["audit", "--lookup-only", "--", "true"]);
    assert!(said.code == 2 && said.log.contains("input `lookup-only`: an audit must restore"), "{said:?}");
}

/// Builds, and the second time stays in the middle of it.
const STAYS: &str = "cargo build -q --offline; if [ -e ../../first ]; then echo >ready; exec sleep 60; fi; ";

#[test]
fn audit_puts_everything_back_when_interrupted() {
    for signal in [Signal::INT, Signal::TERM] {
        let job = job();
        first_job(&job, "cargo build -q --offline");
        let (ended, log) = signalled(&job, "audit", &format!("{STAYS}{NOTE}"), &[signal]);
        assert_eq!(ended.code(), Some(130), "{log}");
        assert_put_back(&job);
    }
}

#[test]
fn restore_removes_what_a_killed_audit_set_aside() {
    let job = job();
    first_job(&job, "cargo build -q --offline");
    let script = format!("{STAYS}{NOTE}").replace("exec sleep 60", "kill -KILL $PPID");
    let (ended, log) = signalled(&job, "audit", &script, &[]);
    assert_eq!(ended.signal(), Some(9), "{log}");
    let count = || temporaries(&job.path("work/project")).len();
    assert_eq!(count(), 1);
    assert!(!job.sh("cargo build --offline").contains("Compiling"), "what is there was built from nothing");
    job.ok(&["restore"]);
    assert_eq!(count(), 0);
}

#[test]
fn save_after_an_audit_keeps_units_of_earlier_steps() {
    let job = job();
    first_job(&job, "cargo test -q --offline");
    job.ok(&["restore"]);
    job.sh("cargo test -q --offline");
    audit(&job, &[], "cargo build -q --offline");
    job.sh("echo >>src/main.rs; cargo build -q --offline");
    let said = job.ok(&["save"]);
    assert!(said.log.contains("target  saved") && !said.log.contains("left out"), "{}", said.log);
}
