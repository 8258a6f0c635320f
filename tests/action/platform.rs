//! Where there can be no cache the job goes on without one, warned once.

use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::log::Run;
use crate::project::copy_tree;

const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: self-hosted
    steps:
      - uses: btcdecoded/runner-cache@v1
        id: cache
        with: { preset: none, path: data, key: any }
      - id: after
        run: echo the job goes on
      - uses: btcdecoded/runner-cache/restore@v1
        id: apart
        with: { preset: none, path: data, key: any }
";

fn assert_goes_on_without_a_cache(run: &Run, reason: &str) {
    let warnings = run.warnings();
    assert_eq!(warnings.len(), 2, "one each for the two uses: {warnings:?}");
    assert!(warnings.iter().all(|warning| warning.contains(reason)), "{warnings:?}");
    assert_eq!(run.errors(), Vec::<String>::new());
    assert!(run.step("build", "after").succeeded());
    for step in ["cache", "apart"] {
        let cache = run.step("build", step);
        assert!(cache.succeeded());
        assert_eq!(cache.output("cache-hit"), "false");
        assert_eq!(cache.output("target-hit"), "miss");
    }
}

/// A run on a machine of this system and processor.
fn run_on(platform: &str) -> Run {
    let host = Host::new();
    let tools = host.script("tools", "uname", &format!("echo {platform}"));
    let small = host.project("small");
    host.act(&small, WORKFLOW).env("RUNNER_CACHE_BIN", "").path_first(tools).run().assert_success()
}

#[test]
fn an_unsupported_system_is_one_warning_and_a_miss() {
    assert_goes_on_without_a_cache(&run_on("Darwin x86_64"), "Darwin");
}

#[test]
fn an_unsupported_processor_is_one_warning_and_a_miss() {
    assert_goes_on_without_a_cache(&run_on("Linux riscv64"), "riscv64");
}

#[test]
fn no_binary_and_no_cargo_is_one_warning_and_a_miss() {
    let host = Host::new();
    for source in ["src", "Cargo.lock"] {
        copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source), &host.path("action").join(source));
    }
    let small = host.project("small");
    let act = host.act(&small, WORKFLOW).env("RUNNER_CACHE_BIN", "");
    let run = act.env("PATH", path_without(&["cargo", "runner-cache"])).run().assert_success();
    assert_goes_on_without_a_cache(&run, "no cargo");
}

#[test]
fn a_named_binary_that_does_not_run_is_one_warning_and_a_miss() {
    let host = Host::new();
    let small = host.project("small");
    let run =
        host.act(&small, WORKFLOW).env("RUNNER_CACHE_BIN", "/nowhere/runner-cache").run().assert_success();
    assert_goes_on_without_a_cache(&run, "/nowhere/runner-cache");
}

/// `PATH` without the directories that hold one of these programs.
fn path_without(programs: &[&str]) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap();
    let lacks_all = |directory: &PathBuf| programs.iter().all(|program| !directory.join(program).is_file());
    std::env::join_paths(std::env::split_paths(&path).filter(lacks_all)).unwrap()
}
