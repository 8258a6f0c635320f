//! The compiler that a workspace uses.

use std::path::Path;

use super::ask::{ask, command};
use crate::github::Environment;
use crate::sys::{self, file};

/// Names of the file with which a folder chooses the toolchain for itself and what is below, the first of them before the
/// second (tried with rustup 1.29). <https://rust-lang.github.io/rustup/overrides.html>
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// A compiler, as far as its output depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// What `rustc -vV` says; `None` when there is no rustc yet.
    pub version: Option<String>,
    /// The toolchain file's name and contents.
    pub file: Option<(String, Vec<u8>)>,
}

impl Toolchain {
    /// Asks for the toolchain of the folder `workspace`. Nothing is installed by asking.
    pub fn of(workspace: &Path, env: &Environment) -> sys::Result<Self> {
        let rustc = command("rustc", workspace, env);
        let version = rustc.and_then(|mut rustc| ask(rustc.arg("-vV"), env));
        Ok(Self { version, file: toolchain_file(workspace)? })
    }

    /// The release, such as `1.95.0` or `1.97.0-nightly`.
    pub fn release(&self) -> Option<&str> {
        self.version.as_ref()?.lines().find_map(|line| line.strip_prefix("release: "))
    }
}

/// The nearest toolchain file, in the folder or above it.
pub(super) fn toolchain_file(workspace: &Path) -> sys::Result<Option<(String, Vec<u8>)>> {
    for folder in workspace.ancestors() {
        for name in TOOLCHAIN_FILES {
            let path = folder.join(name);
            if file::is_file(&path) {
                return Ok(Some((name.to_owned(), file::read(&path)?)));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_toolchain_file_counts_and_of_two_the_one_that_rustup_takes() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("checkout/rust/crates");
        // Somebody's folder may have that name.
        file::make_dirs(&folder.join("rust-toolchain")).unwrap();
        let chosen = || toolchain_file(&folder).unwrap().map(|(name, _)| name);
        file::write_new(&place.path().join("checkout/rust-toolchain.toml"), b"").unwrap();
        assert_eq!(chosen().as_deref(), Some("rust-toolchain.toml"));
        file::write_new(&place.path().join("checkout/rust-toolchain"), b"").unwrap();
        assert_eq!(chosen().as_deref(), Some("rust-toolchain"));
    }
}
