//! The reusable workflows, called as another repository's workflow calls them, twice each.

use std::path::Path;
use std::process::Command;

use test_support::environment::which;

use crate::host::Host;
use crate::log::Run;
use crate::workflow::Workflow;

/// Inputs of those that build a checkout of another repository: here of the caller's own.
const SMALL: [(&str, &str); 2] = [("repo", "small"), ("ref", "main")];

/// A call for the repository `small` with further inputs.
fn call_for_small(workflow: &str, inputs: &[(&str, &str)]) -> Workflow {
    Workflow::calling(workflow, &[&SMALL, inputs].concat())
}

fn compiled(run: &Run, job: &str, step: &str) -> bool {
    run.step(job, step).compiled().iter().any(|package| package.starts_with("itoa"))
}

#[test]
fn build_lib_uploads_artifacts_with_hashes_and_reruns_warm() {
    let host = Host::new();
    let small = host.project("small");
    let workflow = call_for_small("build_lib", &[("features", "verify"), ("verify_deterministic", "true")]);
    let restore = "cache";

    let cold = host.act(&small, &workflow).run().assert_success();
    assert_eq!(cold.step("build", restore).output("cache-hit"), "false");
    assert!(compiled(&cold, "build", "Build"));
    assert!(cold.step("build", "Build again and compare").printed().contains("target/release/small: OK"));
    let artifacts = host.path("artifacts/small-artifacts");
    for file in ["target/release/small", "target/release/libsmall.rlib"] {
        assert!(artifacts.join(file).is_file(), "{file}");
    }
    assert_sums_hold(&artifacts, &small.path.join("Cargo.lock"));

    let warm = host.act(&small, &workflow).run().assert_success();
    assert_eq!(warm.step("build", restore).output("cache-hit"), "true");
    assert!(!compiled(&warm, "build", "Build"));
}

/// `sha256sum --check` in the unpacked artifact, with the lock file that its sums name too.
fn assert_sums_hold(artifacts: &Path, lock: &Path) {
    std::fs::copy(lock, artifacts.join("Cargo.lock")).unwrap();
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(artifacts).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn build_lib_fails_on_a_nondeterministic_build() {
    let host = Host::new();
    let small = host.project("small");
    let build = "fn main() { println!(\"cargo::rustc-env=NOW={:?}\", std::time::SystemTime::now()); }\n";
    small.write("build.rs", build);
    small.edit("src/main.rs", "fn main() {", "fn main() {\n    println!(\"{}\", env!(\"NOW\"));");
    let run = host.act(&small, &call_for_small("build_lib", &[("verify_deterministic", "true")])).run();
    let run = run.assert_failure();
    assert!(run.step("build", "Build again and compare").printed().contains("target/release/small: FAILED"));
    assert!(!run.step("build", "Upload artifacts").ran());
}

#[test]
fn build_lib_works_without_the_cache() {
    let host = Host::new();
    let small = host.project("small");
    let workflow =
        call_for_small("build_lib", &[("package", "small"), ("release", "false"), ("use_cache", "false")]);
    let run = host.act(&small, &workflow).run().assert_success();
    assert!(!run.step("build", "cache").ran());
    assert!(host.path("artifacts/small-artifacts/target/debug/small").is_file());
}

#[test]
fn verify_consensus_tests_and_reruns_warm() {
    let host = Host::new();
    let small = host.project("small");
    let workflow = call_for_small("verify_consensus", &[("kani", "false")]);
    let cold = host.act(&small, &workflow).run().assert_success();
    assert!(compiled(&cold, "test", "Test"));
    assert_eq!(cold.job_succeeded("kani"), None);

    let warm = host.act(&small, &workflow).run().assert_success();
    assert!(!compiled(&warm, "test", "Test"));
    assert!(warm.step("test", "Test").printed().contains("the_first_reward_reads_as_fifty_coins ... ok"));
}

#[test]
fn verify_consensus_fails_on_a_failing_test() {
    let host = Host::new();
    let small = host.project("small");
    small.edit("tests/amounts.rs", "50.00000000", "21.00000000");
    let run = host.act(&small, &call_for_small("verify_consensus", &[("kani", "false")])).run();
    assert_eq!(run.job_succeeded("test"), Some(false));
}

#[test]
fn verify_consensus_uses_an_installed_kani() {
    let host = Host::new();
    let small = host.project("small");
    let tools = host.script("tools", "cargo-kani", "echo \"proofs of $*\"");
    let workflow = call_for_small("verify_consensus", &[]);
    for _ in 0..2 {
        let run = host.act(&small, &workflow).path_first(tools.clone()).run().assert_success();
        assert_eq!(run.step("kani", "Run Kani proofs").printed(), "proofs of kani --features verify\n");
        assert!(!run.step("kani", "Install Kani").ran());
    }
}

#[test]
fn verify_consensus_fails_on_a_failing_proof_unless_allowed() {
    let host = Host::new();
    let small = host.project("small");
    let tools = host.script("tools", "cargo-kani", "echo a proof fails; exit 1");
    let run = |inputs: &[(&str, &str)]| {
        let workflow = call_for_small("verify_consensus", inputs);
        host.act(&small, &workflow).path_first(tools.clone()).run()
    };
    assert_eq!(run(&[]).assert_failure().job_succeeded("kani"), Some(false));
    let allowed = run(&[("allow_proof_failure", "true")]).assert_success();
    assert_eq!(allowed.step("kani", "Run Kani proofs").printed(), "a proof fails\n");
}

#[test]
fn verify_consensus_installs_kani_once_and_then_restores_it() {
    let host = Host::new();
    let small = host.project("small");
    // Kani itself comes from the network; this cargo and rustup do what the real ones would leave on the disk.
    let real_cargo = which("cargo").expect("cargo is on PATH");
    let install = format!(
        r#"
        if [[ $1 == install ]]; then
          echo "installing $*"
          while [[ $1 != --root ]]; do shift; done
          mkdir -p "$2/bin"
          printf '#!/bin/sh\necho "cargo-kani $*"\n' >"$2/bin/cargo-kani"
          chmod 755 "$2/bin/cargo-kani"
        elif [[ $* == 'kani setup' ]]; then
          mkdir "$KANI_HOME/kani-$KANI_VERSION"
          echo nightly-2026-01-01 >"$KANI_HOME/kani-$KANI_VERSION/rust-toolchain-version"
        else
          exec '{}' "$@"
        fi"#,
        real_cargo.display()
    );
    host.script("tools", "cargo", &install);
    let tools = host.script("tools", "rustup", "echo \"rustup $*\"");
    let workflow = call_for_small("verify_consensus", &[("kani_version", "9.8.7")]);

    let cold = host.act(&small, &workflow).path_first(tools.clone()).run().assert_success();
    let printed = cold.step("kani", "Install Kani").printed();
    assert!(printed.contains("--version 9.8.7 kani-verifier"), "{printed}");

    let warm = host.act(&small, &workflow).path_first(tools).run().assert_success();
    let printed = warm.step("kani", "Install Kani").printed();
    assert!(!printed.contains("installing"), "{printed}");
    assert!(printed.contains("rustup toolchain install --profile minimal nightly-2026-01-01"), "{printed}");
    assert_eq!(warm.step("kani", "Run Kani proofs").printed(), "cargo-kani kani --features verify\n");
}

#[test]
fn parallel_tests_share_a_key_and_rerun_warm() {
    let host = Host::new();
    let small = host.project("small");
    let workflow = Workflow::calling("parallel-tests", &[("features", "verify")]);
    let cold = host.act(&small, &workflow).run().assert_success();
    let warm = host.act(&small, &workflow).run().assert_success();
    let key = warm.step("setup-cache", "cache").output("target-cache-key").to_owned();
    assert_ne!(key, "");
    for (job, step) in [
        ("test-unit", "Unit tests"),
        ("test-integration", "Integration tests"),
        ("clippy", "Clippy"),
        ("build", "Build"),
    ] {
        let restore =
            |run: &Run, output: &str| run.step(job, "Restore from the cache").output(output).to_owned();
        assert_eq!(restore(&cold, "cache-primary-key"), key, "{job}");
        assert_eq!(restore(&warm, "target-hit"), "exact", "{job}");
        // A job that starts late finds what another one has saved meanwhile.
        assert!(compiled(&cold, job, step) || restore(&cold, "target-hit") != "miss", "{job}");
        assert!(!compiled(&warm, job, step), "{job}");
    }
    assert!(warm.step("test-unit", "Unit tests").printed().contains("a_unit_is_the_last_digit ... ok"));
    let integration = warm.step("test-integration", "Integration tests").printed();
    assert!(integration.contains("the_first_reward_reads_as_fifty_coins ... ok"), "{integration}");
    assert_eq!(warm.job_succeeded("fmt"), Some(true));
}

#[test]
fn parallel_tests_build_nothing_after_a_failed_check() {
    let host = Host::new();
    let small = host.project("small");
    small.edit("src/main.rs", "fn main() {", "fn main()   {");
    let run =
        host.act(&small, &Workflow::calling("parallel-tests", &[("ref", "main")])).run().assert_failure();
    assert_eq!(run.job_succeeded("fmt"), Some(false));
    assert!(!run.step("build", "Build").ran());
}
