//! Puts a verified program in its place.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::geteuid;
use semver::Version;

use super::error::Error;
use crate::sys::{NewProgram, ask, changeable_by_others, file, sha256_hex};

/// It tells its version in some milliseconds, also from a slow disk.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the new program is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// For everybody to run.
    New,
    /// With the mode and the owner of the one that it replaces.
    AsBefore,
}

/// Whether the program at `place` has this hash.
pub fn is_there(place: &Path, sha256: &str) -> bool {
    let is_executable = matches!(file::owner_and_mode(place), Ok(Some((_, mode))) if mode & 0o111 != 0);
    is_executable && file::read(place).is_ok_and(|bytes| sha256_hex(&bytes) == sha256)
}

/// Puts it at `place`. One that is for this machine (`trial`) is tried before: it has to tell its version.
pub fn put(place: &Path, program: &[u8], manner: Manner, trial: Option<&Version>) -> Result<(), Error> {
    if file::is_dir(place) {
        return Err(Error::IsDirectory(place.to_path_buf()));
    }
    let directory = place.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    file::make_dirs(directory)?;
    // What root tries, others could swap before.
    if geteuid().is_root()
        && let Some(place) = changeable_by_others(directory, 0)?
    {
        return Err(Error::OthersDirectory(place));
    }
    let before = match manner {
        Manner::New => None,
        Manner::AsBefore => file::owner_and_mode(place)?,
    };
    let new = NewProgram::beside(place, program, before.map_or(0o755, |(_, mode)| mode))?;
    if before.is_some() {
        new.own_as(place)?;
    }
    if let Some(version) = trial {
        // By no path that `PATH` has a say in.
        let path =
            if new.path().is_absolute() { new.path().to_path_buf() } else { Path::new(".").join(new.path()) };
        let said = ask(Command::new(path).arg("--version").env_clear(), PATIENCE);
        if said != Some(format!("runner-cache {version}\n").into_bytes()) {
            return Err(Error::DoesNotRun { version: version.clone(), directory: directory.to_path_buf() });
        }
    }
    Ok(new.put(place)?)
}
