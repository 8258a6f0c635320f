//! Which files are replaced when they change, never rewritten: they may share their inode with an entry.
//!
//! Measured by hard-linking whole target directories and rebuilding changed crates (cargo 1.95): rustc and cargo's downloads make
//! new files. Cargo writes `.fingerprint/**` and `*.d` in place, build scripts whatever they want below `build/*/out`, people
//! run `strip` on what cargo hard-links out of `deps/`, and linkers write over what they linked before (mold and wild; GNU ld
//! and lld do not): so no program, test, build script or library to load shares an inode. What is left is what nobody but
//! rustc writes.

use super::home::{CRATES, SOURCES};

/// Endings of files that nobody but rustc makes, each time anew.
const RUSTCS_OWN_ENDINGS: &[&[u8]] = &[b".rlib", b".rmeta"];

/// Directories of units, in which such lists are rustc's own.
const OF_UNITS: &[&[u8]] = &[b"deps", b"build", b"incremental"];

/// Whether the file at `path`, relative to a target directory, is replaced when it changes.
pub fn is_replaced_in_target(path: &[u8]) -> bool {
    let is_rustcs_own = |name: &[u8]| RUSTCS_OWN_ENDINGS.iter().any(|ending| name.ends_with(ending));
    // Asked of each file: nothing is allocated.
    let mut names = [&path[..0]; 8];
    let count = names.iter_mut().zip(path.split(|&byte| byte == b'/')).map(|(to, name)| *to = name).count();
    match &names[..count] {
        // Layout v2 keeps everything in `build/<package>/<hash>`, where `out` is the compiler's or the script's.
        [_, b"build", _, _, b"out", name] | [_, _, b"build", _, _, b"out", name] => is_rustcs_own(name),
        // There a package may be called `deps`.
        [_, b"build", ..] => false,
        // Rustc removes what it is to write: it may be a hard link of an earlier session's.
        [_, b"incremental", _, .., name] | [_, _, b"incremental", _, .., name] => !name.ends_with(b".d"),
        [_, name] | [_, _, name] | [_, _, b"deps", name] => is_rustcs_own(name),
        _ => false,
    }
}

/// Whether the file at `path`, relative to a target directory, is one that cargo writes anew in each build, whether anything
/// changed or not, and never reads: the dependency lists for other build systems, `<profile>/<name>.d`. Seen with 1.95.
pub fn is_written_each_build(path: &[u8]) -> bool {
    let mut names = path.split(|&byte| byte == b'/');
    path.ends_with(b".d") && !names.any(|name| OF_UNITS.contains(&name))
}

/// Whether the file at `path`, relative to a target directory, is cargo's list of a unit's sources: its time alone is no change,
/// and when cargo writes another one it writes the fingerprint beside it as well.
pub fn is_source_list(path: &[u8]) -> bool {
    let mut names = path.rsplit(|&byte| byte == b'/');
    let (name, directory, above) = (names.next(), names.next(), names.next());
    name.is_some_and(|name| name.starts_with(b"dep-"))
        && (directory == Some(b"fingerprint") || above == Some(b".fingerprint"))
}

/// Whether the file at `path`, relative to the part `part` of a cargo home, is replaced when it changes: crates and
/// their sources are, an index and git's databases are not touched at all.
pub fn is_replaced_in_home(part: &str, path: &[u8]) -> bool {
    part == SOURCES || part == CRATES && path.ends_with(b".crate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_rustc_alone_makes_is_replaced() {
        for path in [
            "debug/deps/liba-1.rlib",
            "x86_64-unknown-linux-gnu/release/deps/liba.rmeta",
            "debug/incremental/a/s/x.o",
            "debug/build/deps/0123/out/libx-0123.rlib",
            "debug/liba.rlib",
            "x86_64-unknown-linux-gnu/release/liba.rlib",
            "debug/examples/liba.rlib",
        ] {
            assert!(is_replaced_in_target(path.as_bytes()), "{path}");
        }
        for path in [
            "debug/deps/a.d",
            "debug/deps/liba.so",
            "debug/deps/libmacro-0123456789abcdef.so",
            "debug/deps/a_test-1",
            "debug/deps/a-1.a1b2.rcgu.o",
            "debug/build/a-1/build-script-build",
            "wasm32-wasip1/debug/build/a-1/build_script_build-2",
            "debug/deps/liba-0123456789abcdef.a",
            "debug/liba.so",
            "debug/liba.a",
            "debug/tool",
            "debug/.fingerprint/a/deps",
            "debug/build/a-1/output",
            "debug/build/a-1/out/build-script-build",
            "debug/build/a/out/deps/x",
            "debug/build/deps/0123/out/x.so",
            "debug/build/deps/0123/run/x.rlib",
            "deps/x",
            "liba.rlib",
        ] {
            assert!(!is_replaced_in_target(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn lists_for_other_build_systems_are_told_from_rustcs_own() {
        for path in ["debug/tool.d", "wasm32/debug/tool.d", "final/wasm32/debug/examples/tool.d"] {
            assert!(is_written_each_build(path.as_bytes()), "{path}");
        }
        assert!(
            !is_written_each_build(b"debug/deps/tool-1.d")
                && !is_written_each_build(b"debug/build/a/output.d")
        );
    }
}
