//! Which files are replaced when they change, never rewritten: they may share their inode with an entry.
//!
//! Measured by hard-linking whole target folders and rebuilding changed crates (cargo 1.95): rustc, the linker and
//! cargo's downloads make new files; only `.fingerprint/**` and `*.d` were written in place. Build scripts may write
//! anything in place below `build/*/out`, and people run `strip` on final executables, which cargo hard-links out of
//! `deps/`: a file may share its inode only if all its names in the target folder may. Cargo links them also in a build in
//! which they are fresh, so what has no further name now can have one later: programs, and libraries that programs other
//! than rustc use, never share theirs. Libraries that only rustc reads are linked out of there as well, and nobody strips
//! those.

use std::collections::HashSet;

use super::home::{CRATES, SOURCES};
use super::units::{hash_of, units};
use crate::tree::{NodeId, Tree};

/// Endings of files that are written in place all the same.
const REWRITTEN_ENDINGS: &[&[u8]] = &[b".d"];

/// Beginnings of the names of compiled build scripts, `<profile>/build/<package>/<name>`: all else there is written in
/// place by cargo or by the script.
const BUILD_SCRIPTS: &[&[u8]] = &[b"build-script-", b"build_script_"];

/// Endings of files that nobody but rustc makes.
const RUSTCS_OWN_ENDINGS: &[&[u8]] = &[b".rlib", b".rmeta"];

/// Folders of units, in which such lists are rustc's own.
const OF_UNITS: &[&[u8]] = &[b"deps", b"build", b"incremental"];

/// Whether the file at `path`, relative to a target folder, is replaced when it changes. It may be one of [`programs`]
/// all the same.
pub fn is_replaced_in_target(path: &[u8]) -> bool {
    if REWRITTEN_ENDINGS.iter().any(|ending| path.ends_with(ending)) {
        return false;
    }
    // Asked of each file: nothing is allocated.
    let mut names = [&path[..0]; 8];
    let count = names.iter_mut().zip(path.split(|&byte| byte == b'/')).map(|(to, name)| *to = name).count();
    match &names[..count] {
        [_, b"build", _, name] | [_, _, b"build", _, name] => {
            BUILD_SCRIPTS.iter().any(|beginning| name.starts_with(beginning))
        }
        // Layout v2 keeps everything in `build/<package>/<hash>`, where `out` is the compiler's or the script's.
        [_, b"build", _, _, b"out", name] | [_, _, b"build", _, _, b"out", name] => {
            RUSTCS_OWN_ENDINGS.iter().any(|ending| name.ends_with(ending))
        }
        // There a package may be called `deps`.
        [_, b"build", ..] => false,
        [_, b"incremental", _, ..] | [_, _, b"incremental", _, ..] => true,
        [_, b"deps", name] | [_, _, b"deps", name] => !is_library(name),
        [_, name] | [_, _, name] => RUSTCS_OWN_ENDINGS.iter().any(|ending| name.ends_with(ending)),
        _ => false,
    }
}

/// Whether a file in `deps/` is a library of the workspace's for others than rustc. Procedural macros, of all packages, are
/// libraries to load as well, but these have a hash in their names.
fn is_library(name: &[u8]) -> bool {
    name.ends_with(b".a") || name.ends_with(b".so") && hash_of(name).is_none()
}

/// Programs in a target folder: cargo can give them another name at any time, and people write into that.
pub fn programs(target: &Tree) -> HashSet<NodeId> {
    let is_of_program = |id: &NodeId| target.name(*id).starts_with(b"bin-");
    let units = units(target).into_iter().filter(|unit| unit.fingerprints.iter().any(is_of_program));
    units.flat_map(|unit| unit.files(target)).collect()
}

/// Whether the file at `path`, relative to a target folder, is one that cargo writes anew in each build, whether anything
/// changed or not, and never reads: the dependency lists for other build systems, `<profile>/<name>.d`. Seen with 1.95.
pub fn is_written_each_build(path: &[u8]) -> bool {
    let mut names = path.split(|&byte| byte == b'/');
    path.ends_with(b".d") && !names.any(|name| OF_UNITS.contains(&name))
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
    fn what_compiler_and_linker_make_is_replaced_and_the_rest_is_not() {
        for path in [
            "debug/deps/liba-1.rlib",
            "debug/deps/libmacro-0123456789abcdef.so",
            "debug/deps/a_test-1",
            "x86_64-unknown-linux-gnu/release/deps/liba.rmeta",
            "debug/incremental/a/s/x.o",
            "debug/build/a-1/build-script-build",
            "wasm32-wasip1/debug/build/a-1/build_script_build-2",
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
