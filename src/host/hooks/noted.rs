//! Which runners run the scripts: one that is not found by itself would fail each job if these were gone.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::error::Result;
use crate::host::mark::{marked, unmarked};
use crate::host::runners::of_services;
use crate::host::system::System;
use crate::sys::file;

/// The list, beside the scripts: a directory of a runner a line.
const FILE: &str = "runners";

/// Adds `runners` to the list in `directory`. One whose name has a line break has to be named again at the end.
pub(super) fn note(system: &System, directory: &Path, runners: &[&Path]) -> Result<()> {
    let mut all = noted(system, directory)?;
    let is_line = |path: &&&Path| !path.as_os_str().as_bytes().contains(&b'\n') && path.to_str().is_some();
    for path in runners.iter().filter(is_line) {
        if all.iter().all(|known| known != path) {
            all.push(path.to_path_buf());
        }
    }
    let mut text = String::new();
    for path in all {
        let _ = writeln!(text, "{}", path.display());
    }
    Ok(system.write(&directory.join(FILE), marked("#", &text).as_bytes(), 0o644)?)
}

/// The directories of the runners in the list.
pub(super) fn noted(system: &System, directory: &Path) -> Result<Vec<PathBuf>> {
    let text = system.text(&directory.join(FILE))?.unwrap_or_default();
    Ok(unmarked(&text).lines().map(PathBuf::from).collect())
}

/// Removes the list.
pub(super) fn forget(system: &System, directory: &Path) -> Result<()> {
    let path = directory.join(FILE);
    if system.is_file(&path) {
        system.remove(&path)?;
    }
    Ok(())
}

/// Whether `directory` lies below the directory of a runner that root's own files name: the services, and the list beside the `scripts`.
pub(super) fn is_in_work_of_one(system: &System, scripts: &Path, directory: &Path) -> Result<bool> {
    let known = of_services(system).chain(noted(system, scripts)?);
    let known: Vec<_> = known.filter_map(|runner| file::canonicalize(&runner).ok()).collect();
    Ok(directory.ancestors().skip(2).any(|above| known.iter().any(|runner| runner == above)))
}
