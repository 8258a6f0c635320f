//! `scripts/install.sh`: where the binary comes from. Tried on a package of the same name that builds in a second.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::host::{Host, write_executable};
use crate::project::copy_tree;

/// A folder with the action's `scripts` and a crate in place of its own.
struct Action {
    host: Host,
}

impl Action {
    fn new() -> Self {
        let host = Host::new();
        let folder = host.path("stand-in");
        std::fs::create_dir_all(folder.join("src")).unwrap();
        copy_tree(&host.path("action/scripts"), &folder.join("scripts"));
        let manifest = "[package]\nname = \"runner-cache\"\nversion = \"1.2.3\"\nedition = \"2024\"\n";
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        let lock = "version = 4\n\n[[package]]\nname = \"runner-cache\"\nversion = \"1.2.3\"\n";
        std::fs::write(folder.join("Cargo.lock"), lock).unwrap();
        let main = "fn main() { println!(\"runner-cache {}\", env!(\"CARGO_PKG_VERSION\")); }\n";
        std::fs::write(folder.join("src/main.rs"), main).unwrap();
        Self { host }
    }

    fn install(&self, env: &[(&str, PathBuf)]) -> Output {
        let mut command = Command::new("bash");
        command.arg(self.host.path("stand-in/scripts/install.sh"));
        command.env("RUNNER_TOOL_CACHE", self.host.path("tools")).env_remove("RUNNER_CACHE_BIN");
        command.envs(env.iter().map(|(name, value)| (name, value))).output().unwrap()
    }

    fn tool(&self) -> PathBuf {
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        self.host.path("tools/runner-cache/1.2.3").join(arch).join("runner-cache")
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_binary_is_built_once_and_then_found_in_the_tool_cache() {
    let action = Action::new();
    // A job's own settings must not bend the build: with these it would fail, or end up elsewhere.
    let settings = [
        ("RUSTFLAGS", "--no-such-flag".into()),
        ("CARGO_TARGET_DIR", action.host.path("of-the-job")),
        ("CARGO_BUILD_TARGET", "no-such-target".into()),
    ];
    let first = action.install(&settings);
    assert!(first.status.success(), "{}", stderr(&first));
    assert_eq!(stdout(&first), format!("{}\n", action.tool().display()));
    assert!(stderr(&first).contains("Compiling runner-cache v1.2.3"), "{}", stderr(&first));
    assert!(!action.host.path("of-the-job").exists());

    let second = action.install(&settings);
    assert_eq!(stdout(&second), stdout(&first));
    assert_eq!(stderr(&second), "", "nothing was built");
}

#[test]
fn a_binary_in_the_tool_cache_without_its_mark_is_built_again() {
    let action = Action::new();
    std::fs::create_dir_all(action.tool().parent().unwrap()).unwrap();
    write_executable(&action.tool(), "#!/bin/sh\necho half a binary\n");
    let output = action.install(&[]);
    assert!(stderr(&output).contains("Compiling"), "{}", stderr(&output));
    let version = Command::new(action.tool()).arg("--version").output().unwrap();
    assert_eq!(stdout(&version), "runner-cache 1.2.3\n");
}

#[test]
fn a_binary_on_path_is_taken_if_it_has_the_right_version() {
    let action = Action::new();
    let path = |folder: PathBuf| {
        let path = std::env::var_os("PATH").unwrap();
        [(
            "PATH",
            std::env::join_paths([folder].into_iter().chain(std::env::split_paths(&path))).unwrap().into(),
        )]
    };
    let right = action.host.script("right", "runner-cache", "echo runner-cache 1.2.3");
    assert_eq!(stdout(&action.install(&path(right.clone()))), format!("{}/runner-cache\n", right.display()));

    let wrong = action.host.script("wrong", "runner-cache", "echo runner-cache 1.2.4");
    let output = action.install(&path(wrong));
    assert_eq!(stdout(&output), format!("{}\n", action.tool().display()));
    assert!(stderr(&output).contains("is not used: it is \"runner-cache 1.2.4\""), "{}", stderr(&output));
}

#[test]
fn a_failed_build_says_why_and_leaves_nothing_behind() {
    let action = Action::new();
    std::fs::write(action.host.path("stand-in/src/main.rs"), "this is not Rust").unwrap();
    let output = action.install(&[("RUNNER_TEMP", action.host.path("home"))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("cargo could not build runner-cache 1.2.3"), "{}", stdout(&output));
    assert!(!action.tool().exists());
    assert_eq!(std::fs::read_dir(action.host.path("home")).unwrap().count(), 0, "the build's folder is gone");
}
