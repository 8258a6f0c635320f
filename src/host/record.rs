//! What `setup` was asked and what it made, so that it can be asked again and undone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{Result, refused};
use super::mark::{self, Mark};
use super::request::Request;
use super::system::{Found, System};

/// Where it is.
pub(super) const RECORD: &str = "/var/lib/runner-cache/host.yml";

/// The directory that root alone has for it, and for archives.
pub(super) const STATE: &str = "/var/lib/runner-cache";

/// The record. It is written before what it tells of is made: what a killed setup left can be undone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Record {
    pub(super) request: Request,
    /// Directories that were not there before, those above first.
    pub(super) directories: Vec<PathBuf>,
    /// Files that have a mark.
    pub(super) files: Vec<PathBuf>,
    /// Symlinks and what they hold.
    pub(super) links: BTreeMap<PathBuf, PathBuf>,
    /// Lines that were added to a policy which was there before.
    pub(super) policy_lines: Vec<String>,
    /// Files of runners with variables to which the hooks were added.
    pub(super) variables: Vec<PathBuf>,
    /// Archives, which can have no mark, and their SHA-256.
    pub(super) archives: BTreeMap<PathBuf, String>,
}

impl Record {
    /// Reads it; `None` where nothing is set up.
    pub(super) fn read(system: &System) -> Result<Option<Self>> {
        let Some(found) = system.at(Path::new(RECORD))? else { return Ok(None) };
        let bytes = match found {
            Found::File { bytes, owner, mode }
                if mark::read(&bytes) == Mark::Whole
                    && mode & 0o022 == 0
                    && is_trusted(system, owner.user) =>
            {
                bytes
            }
            _ => {
                return refused(format!("{RECORD} is not what `host setup` wrote; hint: move it away"));
            }
        };
        match serde_yaml::from_slice(&bytes) {
            Ok(record) => Ok(Some(record)),
            Err(error) => refused(format!("{RECORD} is of another version: {error}; hint: use that version")),
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> Result<String> {
        Ok(mark::marked("#", &serde_yaml::to_string(self)?))
    }
}

/// Whether what a record of this user tells is root's word: it is by that that files are removed.
fn is_trusted(system: &System, owner: u32) -> bool {
    owner == 0 || !system.is_live() && owner == rustix::process::geteuid().as_raw()
}
