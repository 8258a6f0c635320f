//! Where what is linked besides rustc's own libraries can be.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directories in which `told`, the output of a build script, lets libraries be looked for.
pub(super) fn directories_told(told: &str) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for line in told.lines() {
        let Some(said) = line.strip_prefix("cargo:") else { continue };
        let Some((name, value)) = said.strip_prefix(':').unwrap_or(said).split_once('=') else { continue };
        if name == "rustc-link-search" {
            directories.push(PathBuf::from(without_kind(value.trim())));
        } else if name == "rustc-flags" || is_link_argument(name) {
            directories.extend(directories_flagged(
                &value.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            ));
        }
    }
    directories
}

/// Whether a build script with the output `told` has something linked that is not Rust.
pub(super) fn links_native(told: &str) -> bool {
    let said = told.lines().filter_map(|line| line.strip_prefix("cargo:"));
    let mut said = said.map(|said| said.strip_prefix(':').unwrap_or(said));
    said.any(|said| {
        said.starts_with("rustc-link-") || said.starts_with("rustc-flags") || is_link_argument(said)
    })
}

/// Whether what a build script says begins as an argument for the linker.
fn is_link_argument(said: &str) -> bool {
    said.starts_with("rustc-link-arg") || said.starts_with("rustc-cdylib-link-arg")
}

/// Whether a line of a build script's output has an argument for the linker.
pub(super) fn tells_link_argument(line: &str) -> bool {
    let said = line.strip_prefix("cargo:").map(|said| said.strip_prefix(':').unwrap_or(said));
    said.is_some_and(is_link_argument)
}

/// The directories that flags name by `-L`, of the compiler's own or for the linker.
pub(super) fn directories_flagged(flags: &[String]) -> Vec<PathBuf> {
    let words: Vec<_> = flags.iter().flat_map(|flag| flag.split([',', ' '])).collect();
    let mut directories = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let word =
            word.rsplit_once("link-arg=").or(word.rsplit_once("link-args=")).map_or(*word, |(_, word)| word);
        let value = match word.strip_prefix("-L") {
            Some("") => words.get(index + 1).copied(),
            value => value,
        };
        directories.extend(value.map(|value| PathBuf::from(without_kind(value))));
    }
    directories
}

/// The path of what is behind `-L`, such as `native=/usr/lib`.
fn without_kind(value: &str) -> &str {
    const KINDS: [&str; 5] = ["all", "crate", "dependency", "framework", "native"];
    value.split_once('=').filter(|(kind, _)| KINDS.contains(kind)).map_or(value, |(_, path)| path)
}

/// Whether a file is one that linkers take, by its name.
pub(super) fn is_linked(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let is_versioned = || name.windows(4).any(|part| part == b".so.");
    let endings: [&[u8]; 8] = [b".a", b".so", b".o", b".obj", b".lo", b".lib", b".rlib", b".rmeta"];
    endings.iter().any(|ending| name.ends_with(ending)) || is_versioned()
}

/// Whether a directory is the system's, with more libraries than are looked at: see the limits in docs/limits.md.
pub(super) fn is_of_system(directory: &Path) -> bool {
    !directory.starts_with("/usr/local")
        && ["/usr", "/lib", "/lib64"].iter().any(|system| directory.starts_with(system))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_found_in_all_forms() {
        let told = "cargo:rustc-link-search=native=/a\ncargo::rustc-link-search=b\ncargo:rustc-flags=-L c -l x\n\
                    cargo:rustc-link-arg=-Ld\ncargo:rustc-link-lib=static=x\nwarning=-Lnone\n";
        assert_eq!(directories_told(told), ["/a", "b", "c", "d"].map(PathBuf::from));
        assert!(links_native(told) && !links_native("cargo:rerun-if-changed=x\nrustc-link-lib=x\n"));
        assert_eq!(directories_told("cargo:rustc-link-search=/a=b/lib\n"), [PathBuf::from("/a=b/lib")]);
        let flags = ["-L", "native=a", "-Lb", "-Clink-arg=-Lc", "-Copt-level=3"].map(str::to_owned);
        assert_eq!(directories_flagged(&flags), ["a", "b", "c"].map(PathBuf::from));
        assert!(
            is_linked(OsStr::new("libx.so.1"))
                && is_linked(OsStr::new("x.o"))
                && !is_linked(OsStr::new("x.rs"))
        );
    }
}
