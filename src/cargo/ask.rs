//! Asks cargo and rustc, which may be rustup's.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::host::Host;
use super::toolchain_file::toolchain_file;
use crate::github::Environment;
use crate::sys;

/// They answer in some hundredths of a second.
const PATIENCE: Duration = Duration::from_secs(4);

/// The program `name` of a toolchain, to be asked something in `directory`; nothing where that would run something of the
/// checkout: a toolchain file can name a directory of it.
pub(super) fn command(name: &str, directory: &Path, env: &Environment) -> Option<Command> {
    let is_path = toolchain_file(directory).ok()?.is_some_and(|(_, contents)| names_path(&contents));
    let program = Host::new(env).program_outside(name, directory).filter(|_| !is_path)?;
    let mut command = Command::new(program);
    command.current_dir(directory);
    Some(command)
}

/// What `command` says in the environment `env`; nothing where it cannot be run, fails or does not answer. Nothing is
/// installed by asking: the step that installs a toolchain may come later.
pub(super) fn ask(command: &mut Command, env: &Environment) -> Option<String> {
    command
        .env_clear()
        .envs(env.iter())
        .env("RUSTUP_AUTO_INSTALL", "0")
        // Before 1.28.1 rustup knows nothing of that, and would download from here.
        .env("RUSTUP_DIST_SERVER", "file:///dev/null");
    String::from_utf8(sys::ask(command, PATIENCE)?).ok()
}

/// Whether a toolchain file names a directory in which the toolchain is.
fn names_path(contents: &[u8]) -> bool {
    let table = String::from_utf8_lossy(contents).parse::<toml::Table>();
    table.is_ok_and(|table| table.get("toolchain").is_some_and(|toolchain| toolchain.get("path").is_some()))
}
