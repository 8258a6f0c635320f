//! Whether a program is one that the system may run by itself.

use std::path::Path;

use super::error::Result;
use super::system::System;
use crate::sys::file;

/// Why `program` is not to be run by timers and hooks: somebody else than root can write it.
pub(super) fn program_trouble(system: &System, program: &Path) -> Result<Option<String>> {
    let hint = "hint: `install -m 755 runner-cache /usr/local/bin/`, and run that one, or `--program`";
    if !system.is_live() {
        return Ok(None);
    }
    // By its name and by what that leads to.
    let real = if file::is_present(program) { file::canonicalize(program)? } else { program.to_path_buf() };
    for path in program.ancestors().chain(real.ancestors()) {
        match file::owner_and_mode(path)? {
            // With the sticky bit everybody keeps what is theirs.
            Some((0, mode)) if mode & 0o022 == 0 || mode & 0o1000 != 0 => {}
            Some(_) => {
                let what = if path == program { String::new() } else { format!(", in {}", path.display()) };
                return Ok(Some(format!(
                    "{}{what}, is not root's alone to write; {hint}",
                    program.display()
                )));
            }
            None => return Ok(Some(format!("{} is not there; {hint}", path.display()))),
        }
    }
    Ok(None)
}
