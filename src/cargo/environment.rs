//! Environment variables that change what a build puts out.

use crate::github::Environment;

/// Whether cargo compiles members of workspaces incrementally, whatever the profile.
const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// The variable by which cargo compiles incrementally, or does not.
pub fn incremental_variable(is_incremental: bool) -> (&'static str, &'static str) {
    (INCREMENTAL, if is_incremental { "1" } else { "0" })
}

/// A name, or with a final `*` its beginning.
type Pattern = &'static str;

/// What changes the output: flags of rustc and of C compilers, profiles, tools.
/// Sources: the cargo book, "Environment variables" and "Configuration"; the `cc`, `cmake` and `pkg-config` crates; gcc's manual,
/// "Environment Variables", of which clang and ld read some; the compiler wrappers of nixpkgs.
const CHANGES_OUTPUT: &[Pattern] = &[
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "RUSTC_BOOTSTRAP",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    INCREMENTAL,
    "CARGO_BUILD_*",
    "CARGO_PROFILE_*",
    "CARGO_TARGET_*",
    "CARGO_UNSTABLE_*",
    "CC",
    "CC_*",
    "CXX",
    "CXX_*",
    "AR",
    "AR_*",
    "CFLAGS",
    "CFLAGS_*",
    "CXXFLAGS",
    "CXXFLAGS_*",
    "CPPFLAGS",
    "LDFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "NIX_CFLAGS_COMPILE*",
    "NIX_LDFLAGS*",
    "CMAKE*",
    "PKG_CONFIG*",
    "SOURCE_DATE_EPOCH",
];

/// What only looks like it: places, speed, and our own variables.
const CHANGES_NOTHING: &[Pattern] = &[
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_TARGET_DIR",
    "CARGO_TARGET_TMPDIR",
    "CC_FORCE_DISABLE",
];

/// What makes no difference that is not in cargo's own hash of a dependency that was downloaded: its profile is. It is never
/// compiled incrementally, and its documentation is not kept.
const IN_HASH_OF_DEPENDENCIES: &[Pattern] = &[
    INCREMENTAL,
    "CARGO_PROFILE_*",
    "RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_BUILD_RUSTDOCFLAGS",
];

/// Whether a variable that changes the output of a build can change a downloaded dependency of which cargo tells the same hash.
pub fn may_change_dependencies(name: &str) -> bool {
    !matches_any(IN_HASH_OF_DEPENDENCIES, name)
}

/// What the linker and the compiler that calls it read by themselves.
const READ_BY_LINKERS: &[Pattern] = &[
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "NIX_LDFLAGS*",
    "NIX_CFLAGS_COMPILE*",
];

/// What is another one with each commit where it is set, and changes nothing but dates.
const DATE: &str = "SOURCE_DATE_EPOCH";

/// Whether a variable can change what is linked, besides those by which a linker is named.
pub(super) fn may_change_links(name: &str) -> bool {
    matches_any(READ_BY_LINKERS, name)
}

/// Whether a variable can change what the programs put out that a build script calls, of which cargo knows nothing: what it does
/// know is in its hashes, and what the script itself reads has its name there.
pub(super) fn may_change_native_output(name: &str) -> bool {
    let is_of_rust = |name: &str| {
        name.starts_with("CARGO_") || name.ends_with("RUSTFLAGS") || name.ends_with("RUSTDOCFLAGS")
    };
    matches_any(CHANGES_OUTPUT, name)
        && !matches_any(CHANGES_NOTHING, name)
        && !is_of_rust(name)
        && name != DATE
}

/// The variables that are known to change the output, sorted by name.
pub fn output_variables(env: &Environment) -> Vec<(String, String)> {
    env.iter()
        .filter(|(name, _)| matches_any(CHANGES_OUTPUT, name) && !matches_any(CHANGES_NOTHING, name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn matches_any(patterns: &[Pattern], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => *pattern == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_count_and_places_tokens_and_colours_do_not() {
        let env = Environment::from([
            ("RUSTFLAGS", "-C debuginfo=0"),
            ("CARGO_PROFILE_RELEASE_LTO", "true"),
            ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "mold"),
            ("CARGO_TARGET_DIR", "/t"),
            ("CARGO_HOME", "/h"),
            ("CARGO_TERM_COLOR", "always"),
            ("CARGO_REGISTRY_TOKEN", "secret"),
            ("CARGO_CACHE_DIR", "/ours"),
            ("RUST_BACKTRACE", "1"),
            ("CCACHE_DIR", "/c"),
        ]);
        let names: Vec<_> = output_variables(&env).into_iter().map(|(name, _)| name).collect();
        let expected =
            ["CARGO_PROFILE_RELEASE_LTO", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "RUSTFLAGS"];
        assert_eq!(names, expected);
    }

    #[test]
    fn what_c_compilers_and_linkers_read_counts() {
        let env = Environment::from([
            ("CPATH", "/a"),
            ("LD_LIBRARY_PATH", "/a"),
            ("LIBRARY_PATH", "/a"),
            ("NIX_LDFLAGS_FOR_BUILD", "-L/a"),
            ("NIX_STORE", "/nix/store"),
        ]);
        let names: Vec<_> = output_variables(&env).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["CPATH", "LIBRARY_PATH", "NIX_LDFLAGS_FOR_BUILD"]);
    }
}
