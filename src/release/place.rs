//! Where a program goes.

use std::path::{Path, PathBuf};

use semver::Version;

use super::machine::Machine;
use crate::github::Environment;

/// The program's name.
const NAME: &str = "runner-cache";

/// The tool cache, where `scripts/install.sh` looks for it.
pub fn tool_cache(env: &Environment) -> Option<PathBuf> {
    if let Some(directory) = env.get("RUNNER_TOOL_CACHE") {
        return Some(PathBuf::from(directory));
    }
    let of_user = env.get("XDG_CACHE_HOME").map(PathBuf::from);
    Some(of_user.or_else(|| Some(Path::new(env.get("HOME")?).join(".cache")))?.join("runner-tools"))
}

/// The program's place in the tool cache `directory`.
pub fn place_in_tool_cache(directory: &Path, version: &Version, machine: Machine) -> PathBuf {
    directory.join(NAME).join(version.to_string()).join(machine.in_tool_cache()).join(NAME)
}

/// Whether a program at `path` is in a tool cache.
pub fn is_in_tool_cache(path: &Path, tool_cache: Option<&Path>) -> bool {
    let names: Vec<_> = path.iter().rev().take(4).filter_map(|name| name.to_str()).collect();
    let has_its_form = matches!(
        names[..],
        [_, "x64" | "arm64", version, NAME] if version.starts_with(|letter: char| letter.is_ascii_digit())
    );
    has_its_form || tool_cache.is_some_and(|directory| path.starts_with(directory))
}

/// The place that `to` names: a file, or a directory for it.
pub fn chosen_place(to: &Path, is_directory: bool) -> PathBuf {
    if is_directory || to.as_os_str().as_encoded_bytes().ends_with(b"/") {
        to.join(NAME)
    } else {
        to.to_path_buf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_cache_is_the_scripts() {
        let version = Version::new(1, 2, 3);
        let place = place_in_tool_cache(Path::new("/tools"), &version, Machine::X86);
        assert_eq!(place, Path::new("/tools/runner-cache/1.2.3/x64/runner-cache"));
        for (env, tools) in [
            ([("RUNNER_TOOL_CACHE", "/t"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/t"),
            ([("RUNNER_TOOL_CACHE", ""), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/x/runner-tools"),
            ([("RUNNER_TOOL_CACHE", ""), ("XDG_CACHE_HOME", ""), ("HOME", "/h")], "/h/.cache/runner-tools"),
        ] {
            assert_eq!(tool_cache(&Environment::from(env)).unwrap(), Path::new(tools));
        }
    }

    #[test]
    fn a_tool_cache_is_known_by_its_form() {
        for (path, is_in) in [
            ("/tools/runner-cache/1.2.3/arm64/runner-cache", true),
            ("/tools/runner-cache/1.2.3-built/x64/runner-cache", true),
            ("/cache/x", true),
            ("/usr/local/bin/runner-cache", false),
            ("/opt/runner-cache/bin/x64/runner-cache", false),
        ] {
            assert_eq!(is_in_tool_cache(Path::new(path), Some(Path::new("/cache"))), is_in, "{path}");
        }
    }

    #[test]
    fn a_place_is_a_file_or_in_a_directory() {
        assert_eq!(chosen_place(Path::new("/a/b"), false), Path::new("/a/b"));
        assert_eq!(chosen_place(Path::new("/a/b"), true), Path::new("/a/b/runner-cache"));
        assert_eq!(chosen_place(Path::new("/a/b/"), false), Path::new("/a/b/runner-cache"));
    }
}
