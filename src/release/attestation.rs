//! Who built it: `gh` verifies the release's attestations, with its bundle and no question to the API.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::bring::{BUNDLE, Brought};
use super::error::Error;
use crate::github::Environment;
use crate::sys::{self, ask, file};

/// It takes a second, and some to renew its trusted root.
const PATIENCE: Duration = Duration::from_secs(60);

/// The workflow that builds releases: what others of the repository attest is none.
const WORKFLOW: &str = ".github/workflows/release.yml";

/// What is known of who built it.
#[derive(Debug, PartialEq, Eq)]
pub enum Attested {
    /// `gh` says that the repository's workflow did.
    Yes,
    /// Nobody was asked.
    NotAsked,
}

/// The program `gh` on the `PATH`.
pub fn gh(env: &Environment) -> Option<PathBuf> {
    let directories = std::env::split_paths(env.get("PATH")?).filter(|directory| directory.is_absolute());
    directories.map(|directory| directory.join("gh")).find(|path| file::is_file(path))
}

/// Lets `gh` verify that a workflow of `repository` built what was brought.
pub fn attest(brought: &Brought, gh: Option<&Path>, repository: &str) -> Result<Attested, Error> {
    let (Some(gh), Some(bundle)) = (gh, &brought.bundle) else { return Ok(Attested::NotAsked) };
    let directory = tempfile::Builder::new().prefix("runner-cache-attestation.").tempdir();
    let directory =
        directory.map_err(|error| sys::Error::new("create a directory in", &std::env::temp_dir(), error))?;
    let (packed, attestations) = (directory.path().join(&brought.file), directory.path().join(BUNDLE));
    file::write_new(&packed, &brought.packed)?;
    file::write_new(&attestations, bundle)?;
    let mut command = Command::new(gh);
    command
        .args(["attestation", "verify"])
        .arg(&packed)
        .args(["--repo", repository, "--bundle"])
        .arg(&attestations)
        .args(["--signer-workflow", &format!("{repository}/{WORKFLOW}")]);
    match ask(&mut command, PATIENCE) {
        Some(_) => Ok(Attested::Yes),
        None => Err(Error::NotAttested { repository: repository.to_owned(), file: brought.file.clone() }),
    }
}
