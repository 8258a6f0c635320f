//! The main job: a workspace with dependencies, a build script and procedural macros, built cold and then warm.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::host::Host;
use crate::log::Run;
use crate::project::Project;
use crate::tree::{RECORD, recorded};

const WORKFLOW: &str = "
on: push
jobs:
  build:
    runs-on: [self-hosted, linux, x64, rust]
    steps:
      - uses: actions/checkout@v7
      - uses: btcdecoded/runner-cache@v1
        id: cache
      - if: steps.cache.outputs.target-restored == 'true'
        run: record restored
      - id: guarded
        if: env.TARGET_CACHE_RESTORED != 'true'
        run: echo nothing of use in target
      - id: cargo
        run: cargo build --locked
      - run: record built
      - uses: btcdecoded/runner-cache/save@v1
        if: always()
";
const SECRET: &str = "cio-this-must-never-be-cached";

/// Three runs that the tests look at, since building the sample takes a while.
struct Runs {
    host: Host,
    cold: Run,
    /// The same once more.
    warm: Run,
    /// With another version of a dependency in the lock file.
    changed: Run,
}

static RUNS: LazyLock<Runs> = LazyLock::new(|| {
    let host = Host::new();
    remove_at_the_end(&host.path(""));
    let sample = host.project("sample");
    host.write("home/.cargo/credentials.toml", &format!("[registry]\ntoken = \"{SECRET}\"\n"));
    let cold = run(&host, &sample, "cold", "false").assert_success();
    // Without its home cargo has only what comes from the cache; offline, that must be all it needs.
    host.forget_home();
    let warm = run(&host, &sample, "warm", "true").assert_success();
    host.forget_home();
    sample.edit("Cargo.lock", "1.0.18", "1.0.17");
    sample.edit(
        "Cargo.lock",
        "8f42a60cbdf9a97f5d2305f08a87dc4e09308d1276d28c869c684d7777685682",
        "92ecc6618181def0457392ccd0ee51198e065e016d1d527a7ac1b6dc7c1f09d2",
    );
    let changed = run(&host, &sample, "changed", "false").assert_success();
    Runs { host, cold, warm, changed }
});

fn run(host: &Host, sample: &Project, records: &str, offline: &str) -> Run {
    let act = host.act(sample, WORKFLOW).path_first(host.script("tools", "record", RECORD));
    act.env("RECORDS", host.path(records)).env("CARGO_NET_OFFLINE", offline).run()
}

#[test]
fn first_run_reports_a_miss() {
    let cache = RUNS.cold.step("build", "cache");
    for (output, value) in [
        ("cache-hit", "false"),
        ("cache-matched-key", ""),
        ("cargo-hit", "miss"),
        ("target-hit", "miss"),
        ("builds-hit", "miss"),
        ("bins-hit", "miss"),
        ("cargo-restored", "false"),
        ("target-restored", "false"),
        ("builds-restored", "false"),
        ("bins-restored", "false"),
    ] {
        assert_eq!(cache.output(output), value, "{output}");
    }
    assert_ne!(cache.output("cache-primary-key"), "");
    assert_eq!(cache.output("cache-key"), cache.output("cache-primary-key"));
    assert!(RUNS.cold.step("build", "cargo").compiled().len() > 20);
}

#[test]
fn second_run_reports_an_exact_hit() {
    let (cold, cache) = (RUNS.cold.step("build", "cache"), RUNS.warm.step("build", "cache"));
    for (output, value) in [
        ("cache-hit", "true"),
        ("cache-primary-key", cold.output("cache-primary-key")),
        ("cache-matched-key", cold.output("cache-primary-key")),
        ("cargo-cache-key", cold.output("cargo-cache-key")),
        ("target-cache-key", cold.output("target-cache-key")),
        ("deps-key", cold.output("deps-key")),
        ("cargo-hit", "exact"),
        ("target-hit", "exact"),
        ("cargo-restored", "true"),
        ("target-restored", "true"),
        ("builds-restored", "false"),
        ("cache-root", &RUNS.host.cache_root().to_string_lossy()),
    ] {
        assert_eq!(cache.output(output), value, "{output}");
    }
    assert!(cache.output("restored-files").parse::<u64>().unwrap() > 100);
    assert!(cache.output("restored-bytes").parse::<u64>().unwrap() > 1_000_000);
    assert!(cache.output("seconds").parse::<f64>().unwrap() < 60.0);
}

#[test]
fn second_run_restores_target_exactly() {
    LazyLock::force(&RUNS);
    let built = recorded(&RUNS.host.path("cold"), "built");
    let restored = recorded(&RUNS.host.path("warm"), "restored");
    assert!(built.len() > 100, "something worth comparing was recorded");
    assert!(built.has_hard_links(), "cargo links its outputs");
    assert!(built == restored, "{}", built.difference(&restored));
}

#[test]
fn second_run_compiles_no_dependency_offline() {
    let compiled = RUNS.warm.step("build", "cargo").compiled();
    let dependencies: Vec<_> = compiled.iter().filter(|package| !package.starts_with("ledger")).collect();
    assert!(dependencies.is_empty(), "{dependencies:?}");
}

#[test]
fn restored_variables_are_true_only_for_restored_layers() {
    for name in
        ["CARGO_CACHE_RESTORED", "CARGO_REGISTRY_RESTORED", "TARGET_CACHE_RESTORED", "TARGET_RESTORED"]
    {
        assert_ne!(RUNS.cold.env("build", name), Some("true"), "{name}");
        assert_eq!(RUNS.warm.env("build", name), Some("true"), "{name}");
    }
    for name in ["CARGO_GIT_RESTORED", "BUILDS_RESTORED"] {
        assert_ne!(RUNS.warm.env("build", name), Some("true"), "{name}: the sample has none");
    }
    assert_eq!(RUNS.warm.env("build", "CARGO_TARGET_DIR"), None, "never set for the user");
}

#[test]
fn step_guarded_by_target_cache_restored_runs_only_on_a_miss() {
    assert!(RUNS.cold.step("build", "guarded").ran());
    assert!(!RUNS.warm.step("build", "guarded").ran());
}

#[test]
fn step_summary_lists_layers_hits_and_keys() {
    let (cold, warm) = (RUNS.cold.summary(), RUNS.warm.summary());
    let key = RUNS.warm.step("build", "cache").output("target-cache-key");
    for part in ["cargo", "target", key] {
        assert!(cold.contains(part), "{part} is not in:\n{cold}");
        assert!(warm.contains(part), "{part} is not in:\n{warm}");
    }
    assert!(cold.contains("miss") && warm.contains("exact"), "{cold}\n{warm}");
}

#[test]
fn successful_run_has_no_warnings() {
    assert_eq!(RUNS.cold.warnings(), Vec::<String>::new());
    assert_eq!(RUNS.warm.warnings(), Vec::<String>::new());
}

#[test]
fn cargo_credentials_are_never_saved() {
    LazyLock::force(&RUNS);
    let grep = Command::new("grep").args(["-rlF", SECRET]).arg(RUNS.host.cache_root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&grep.stdout), "");
    assert_eq!(grep.status.code(), Some(1), "grep has read everything and found nothing");
}

#[test]
fn changed_lock_file_is_a_partial_hit_that_compiles_only_the_change() {
    let (cache, before) = (RUNS.changed.step("build", "cache"), RUNS.cold.step("build", "cache"));
    assert_eq!(cache.output("cache-hit"), "false");
    assert_eq!(cache.output("target-hit"), "partial");
    assert_eq!(cache.output("target-restored"), "true");
    assert_ne!(cache.output("cache-primary-key"), before.output("cache-primary-key"));
    assert_eq!(cache.output("cache-matched-key"), before.output("cache-primary-key"));
    assert_eq!(RUNS.changed.env("build", "TARGET_RESTORED"), Some("true"));
    assert!(RUNS.changed.step("build", "guarded").ran(), "TARGET_CACHE_RESTORED is for exact hits");

    let compiled = RUNS.changed.step("build", "cargo").compiled();
    assert!(compiled.contains(&"itoa v1.0.17".to_owned()), "{compiled:?}");
    let affected =
        |package: &String| ["itoa", "serde_json", "ledger"].iter().any(|name| package.starts_with(name));
    assert!(compiled.iter().all(affected), "{compiled:?}");
}

/// Removes a directory when this process is gone, however it ends: statics are never dropped.
fn remove_at_the_end(directory: &Path) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read -r _; rm -rf \"$0\""]).arg(directory);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // The shell waits for the other end of its input, which the system closes with the process.
    std::mem::forget(shell.spawn().unwrap().stdin.take());
}
