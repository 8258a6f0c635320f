//! Asks cargo and rustc, which may be rustup's.

use std::process::{Command, Stdio};

use crate::github::Environment;

/// What `command` says in the environment `env`; nothing where it cannot be run or fails. Nothing is installed by
/// asking: the step that installs a toolchain may come later.
pub(super) fn ask(command: &mut Command, env: &Environment) -> Option<String> {
    command
        .env_clear()
        .envs(env.iter())
        .env("RUSTUP_AUTO_INSTALL", "0")
        // Before 1.28.1 rustup knows nothing of that, and would download from here.
        .env("RUSTUP_DIST_SERVER", "file:///dev/null")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = command.output().ok()?;
    if !output.status.success() {
        return None;
    }
    String::from_utf8(output.stdout).ok()
}
