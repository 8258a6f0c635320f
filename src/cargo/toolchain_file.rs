//! The file by which a directory chooses its toolchain.

use std::path::Path;

use crate::sys::{self, file};

/// Names of the file with which a directory chooses the toolchain for itself and what is below, the first of them before the
/// second (tried with rustup 1.29). <https://rust-lang.github.io/rustup/overrides.html>
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// The nearest toolchain file, in the directory or above it.
pub(super) fn toolchain_file(workspace: &Path) -> sys::Result<Option<(String, Vec<u8>)>> {
    for directory in workspace.ancestors() {
        for name in TOOLCHAIN_FILES {
            let path = directory.join(name);
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
        let directory = place.path().join("checkout/rust/crates");
        // Somebody's directory may have that name.
        file::make_dirs(&directory.join("rust-toolchain")).unwrap();
        let chosen = || toolchain_file(&directory).unwrap().map(|(name, _)| name);
        file::write_new(&place.path().join("checkout/rust-toolchain.toml"), b"").unwrap();
        assert_eq!(chosen().as_deref(), Some("rust-toolchain.toml"));
        file::write_new(&place.path().join("checkout/rust-toolchain"), b"").unwrap();
        assert_eq!(chosen().as_deref(), Some("rust-toolchain"));
    }
}
