//! A release of this program that was put in its place, or not.

use std::path::PathBuf;

use serde::Serialize;

/// What `fetch` put there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// The release's version.
    pub version: String,
    /// Where its program is.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// Whether it was downloaded: it was not there before.
    pub downloaded: bool,
    /// Whether `gh` verified just now who built it.
    pub attested: bool,
}

/// What `self-update` did.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Updated {
    /// The version of the program that ran.
    pub from: String,
    /// The version of the release.
    pub to: String,
    /// The program.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// What became of it.
    #[serde(rename = "outcome")]
    pub what: Update,
}

/// What became of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// It was replaced.
    Replaced,
    /// It would have been.
    Newer,
    /// It is that release.
    UpToDate,
    /// It is a later one.
    Later,
}
