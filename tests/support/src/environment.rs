//! What of the tests' own environment jobs may see. All else is left out: a job's environment is made from nothing.

use std::env::{self, JoinPathsError};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names and values of variables.
pub type Variables = Vec<(String, String)>;

/// `PATH`, and what rustup's proxies need to find the toolchain that runs these tests from another home.
pub fn toolchain() -> Variables {
    let passed_on = ["PATH", "RUSTUP_TOOLCHAIN", "TMPDIR"];
    let mut variables: Variables =
        passed_on.iter().filter_map(|name| Some(((*name).to_owned(), env::var(name).ok()?))).collect();
    let of_user = || Some(format!("{}/.rustup", env::var("HOME").ok()?));
    variables
        .extend(env::var("RUSTUP_HOME").ok().or_else(of_user).map(|home| ("RUSTUP_HOME".to_owned(), home)));
    variables
}

/// How cargo reaches its registry for whoever runs the tests: certificates, proxies, cargo's own settings.
pub fn downloads() -> Variables {
    let prefixes = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_", "SSL_CERT_"];
    let is_passed_on = |name: &str| {
        name.to_ascii_lowercase().ends_with("_proxy")
            || prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    env::vars().filter(|(name, _)| is_passed_on(name)).collect()
}

/// The directories of `PATH`.
pub fn search_path() -> Vec<PathBuf> {
    env::split_paths(&env::var_os("PATH").expect("PATH is set")).collect()
}

/// `PATH` with `directory` before all others.
pub fn search_path_from(directory: &Path) -> OsString {
    joined([directory.to_path_buf()].into_iter().chain(search_path()))
}

/// A value for `PATH`.
pub fn joined(directories: impl IntoIterator<Item = PathBuf>) -> OsString {
    let value: Result<_, JoinPathsError> = env::join_paths(directories);
    value.expect("what was split can be joined")
}

/// Where `program` is; `None` where `PATH` has none.
pub fn which(program: &str) -> Option<PathBuf> {
    search_path().into_iter().map(|directory| directory.join(program)).find(|file| file.is_file())
}
