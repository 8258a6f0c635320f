//! The arguments of the commands that get releases of the program.

use std::path::PathBuf;

use clap::Args;

use crate::github::is_repository;
use crate::release::{Machine, Version};

/// Where releases come from.
#[derive(Debug, Clone, Args)]
pub struct Releases {
    /// Where the release's files are instead: `{version}` and `{file}` are filled in.
    #[arg(long, value_name = "URL")]
    pub download_url: Option<String>,
    /// Whose releases.
    #[arg(long, value_name = "OWNER/NAME", default_value = "btcdecoded/runner-cache", value_parser = repository)]
    pub repository: String,
    /// A file with the token for the API, which is sent to no other host. Default: `GITHUB_TOKEN`.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Do not let `gh`, where there is one, verify who built it.
    #[arg(long)]
    pub no_attestation: bool,
}

/// What to fetch, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct Fetch {
    /// Which release. Default: the newest that is no preview.
    #[arg(value_name = "VERSION", value_parser = version)]
    pub wanted: Option<Version>,
    /// Put it there instead of into the tool cache: a file, or a directory for it.
    #[arg(long, value_name = "PATH", conflicts_with = "tool_cache")]
    pub to: Option<PathBuf>,
    /// The runners' tool cache. Default: `RUNNER_TOOL_CACHE`, or else `~/.cache/runner-tools`.
    #[arg(long, value_name = "DIRECTORY")]
    pub tool_cache: Option<PathBuf>,
    /// For machines of this kind. Default: this one's.
    #[arg(long, value_name = "MACHINE")]
    pub target: Option<Machine>,
    /// Where releases come from.
    #[command(flatten)]
    pub releases: Releases,
}

/// What to update to.
#[derive(Debug, Clone, Args)]
pub struct SelfUpdate {
    /// Which release, also an earlier one. Default: the newest that is no preview.
    #[arg(value_name = "VERSION", value_parser = version)]
    pub wanted: Option<Version>,
    /// Only tell: ends with 1 if there is a newer one, with 0 if there is none, with 2 where that cannot be told.
    #[arg(long)]
    pub check: bool,
    /// Where releases come from.
    #[command(flatten)]
    pub releases: Releases,
}

fn version(text: &str) -> Result<Version, String> {
    let wrong = |_| format!("`{text}` is not a version; allowed: three numbers, such as `1.2.3`");
    Version::parse(text.strip_prefix('v').unwrap_or(text)).map_err(wrong)
}

fn repository(text: &str) -> Result<String, String> {
    if is_repository(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not a repository; allowed: OWNER/NAME"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_and_a_version_are_names_and_nothing_else() {
        assert!(repository("o/r").is_ok() && version("v1.2.3").is_ok() && version("1.2.3-rc.1").is_ok());
        for wrong in ["o", "o/", "/r", "o/r/x", "../r", "o/..", "o/r?x", "o r/x"] {
            assert!(repository(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1", "latest", "1.2.3/../..", ""] {
            assert!(version(wrong).is_err(), "{wrong}");
        }
    }
}
