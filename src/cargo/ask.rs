//! Asks cargo and rustc, which may be rustup's.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::host::Host;
use super::toolchain_file::names_no_directory;
use crate::github::Environment;
use crate::sys;

/// They answer in some hundredths of a second.
const PATIENCE: Duration = Duration::from_secs(4);

/// The program `name` of a toolchain, to be asked something in `directory`; nothing where that would run something of the
/// checkout: a toolchain file can name a directory of it.
pub(super) fn command(name: &str, directory: &Path, env: &Environment) -> Option<Command> {
    let checkout = env.get("GITHUB_WORKSPACE").map(Path::new);
    if !names_no_directory(directory, checkout) {
        return None;
    }
    Host::new(env).command_outside(name, directory)
}

/// What `command` says in the environment `env`; nothing where it cannot be run, fails or does not answer. Nothing is
/// installed by asking: the step that installs a toolchain may come later.
pub(super) fn ask(command: &mut Command, env: &Environment) -> Option<String> {
    let path = command
        .get_envs()
        .find(|(name, _)| *name == "PATH")
        .and_then(|(_, path)| path.map(ToOwned::to_owned));
    command
        .env_clear()
        .envs(env.iter())
        .envs(path.map(|path| ("PATH", path)))
        .env("RUSTUP_AUTO_INSTALL", "0")
        // Before 1.28.1 rustup knows nothing of that, and would download from here.
        .env("RUSTUP_DIST_SERVER", "file:///dev/null");
    String::from_utf8(sys::ask(command, PATIENCE)?).ok()
}
