//! The file by which a directory chooses its toolchain.

use std::path::{Path, PathBuf};

use crate::sys::{self, file};

/// Names of the file with which a directory chooses the toolchain for itself and what is below, the first of them before the
/// second (tried with rustup 1.29). <https://rust-lang.github.io/rustup/overrides.html>
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// Bytes of a toolchain file, at most: a longer one is none.
const LONGEST: u64 = 64 * 1024;

/// The nearest toolchain file, in the directory or above it. Rustup looks above where the directory really is.
pub(super) fn toolchain_file(workspace: &Path) -> sys::Result<Option<(String, Vec<u8>)>> {
    for directory in real(workspace).ancestors() {
        for name in TOOLCHAIN_FILES {
            let path = directory.join(name);
            if file::is_file(&path) {
                return Ok(Some((name.to_owned(), file::read(&path)?)));
            }
        }
    }
    Ok(None)
}

/// Whether each toolchain file in `workspace` and above it, as far as it lies in `checkout`, names a channel and no directory.
/// Rustup goes on behind one that it cannot read, and takes a line with an absolute path for the directory of a toolchain
/// (`OverrideFile` in its `src/config.rs`).
pub(super) fn names_no_directory(workspace: &Path, checkout: Option<&Path>) -> bool {
    let workspace = real(workspace);
    let checkout = checkout.map(real).filter(|checkout| workspace.starts_with(checkout));
    let is_within =
        |directory: &&Path| checkout.as_ref().is_none_or(|checkout| directory.starts_with(checkout));
    let mut paths = workspace
        .ancestors()
        .take_while(is_within)
        .flat_map(|directory| TOOLCHAIN_FILES.map(|name| directory.join(name)))
        .filter(|path| file::is_file(path));
    paths.all(|path| file::read_up_to(&path, LONGEST).is_ok_and(|contents| is_channel(&contents)))
}

/// Whether the contents of a toolchain file name a channel, or none: by a line, or by a table.
fn is_channel(contents: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(contents) else { return false };
    let is_name = |channel: &str| !channel.contains(['/', '\\']);
    match text.parse::<toml::Table>().ok().as_ref().map(|table| table.get("toolchain")) {
        Some(Some(toml::Value::Table(toolchain))) => {
            let channel = toolchain.get("channel");
            !toolchain.contains_key("path")
                && channel.is_none_or(|channel| channel.as_str().is_some_and(is_name))
        }
        Some(_) => false,
        None => text.trim().lines().count() == 1 && is_name(text),
    }
}

fn real(directory: &Path) -> PathBuf {
    file::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_a_name() {
        for (contents, is) in [
            (&b"stable\n"[..], true),
            (b"nightly-2026-01-01-x86_64-unknown-linux-gnu", true),
            (b"[toolchain]\nchannel = \"1.90\"\ncomponents = [\"clippy\"]\n", true),
            (b"[toolchain]\nprofile = \"minimal\"\n", true),
            (b"/w/toolchain\n", false),
            (b"[toolchain]\npath = \"/w/toolchain\"\n", false),
            (b"[toolchain]\nchannel = \"/w/toolchain\"\n", false),
            (b"[toolchain]\nchannel = 1\n", false),
            (b"\xff\n", false),
            (b"stable\n/w/toolchain\n", false),
            (b"", false),
        ] {
            assert_eq!(is_channel(contents), is, "{}", String::from_utf8_lossy(contents));
        }
    }

    #[test]
    fn no_file_on_the_way_may_name_a_directory_and_links_are_followed() {
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        file::make_dirs(&at("checkout/deep/crate")).unwrap();
        sys::Dir::open(&at("checkout")).unwrap().make_symlink(b"crate", b"deep/crate").unwrap();
        let is_fine = || names_no_directory(&at("checkout/crate"), Some(&at("checkout")));
        file::write_new(&at("rust-toolchain"), b"/opt/toolchain").unwrap();
        assert!(is_fine(), "the host's own");
        file::write_new(&at("checkout/deep/crate/rust-toolchain"), b"stable").unwrap();
        assert!(is_fine());
        file::write_new(&at("checkout/deep/rust-toolchain.toml"), b"[toolchain]\npath = \"x\"").unwrap();
        assert!(!is_fine());
        assert_eq!(toolchain_file(&at("checkout/crate")).unwrap().unwrap().1, b"stable");
    }

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
