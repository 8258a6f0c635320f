//! Why there is no new program in its place.

use std::path::PathBuf;

use semver::Version;

use crate::{api, sys};

/// Why. Nothing was put anywhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// On the way to a server and back.
    #[error(transparent)]
    Api(#[from] api::Error),
    /// A file of this machine.
    #[error(transparent)]
    Sys(#[from] sys::Error),
    /// Where others than root could change what root puts there.
    #[error("{} can be changed by users other than root; hint: run this as its owner", .0.display())]
    OthersDirectory(PathBuf),
    /// There is none that everybody is to use.
    #[error("{0} has no release yet but previews; hint: name the VERSION")]
    NoRelease(String),
    /// There is none of this version.
    #[error("{repository} has no release {version}; the newest is {newest}")]
    NoVersion {
        /// Where.
        repository: String,
        /// The one that was asked for.
        version: Version,
        /// One that there is.
        newest: String,
    },
    /// The release lacks a file.
    #[error("release {version} has no file {file}")]
    NoFile {
        /// Which release.
        version: String,
        /// Which file.
        file: String,
    },
    /// The release is not for this machine.
    #[error("release {version} was not made for {target}")]
    NoTarget {
        /// Which release.
        version: Version,
        /// The machine.
        target: String,
    },
    /// Its list of files is none.
    #[error("{url} does not list a release's files: {why}")]
    NotManifest {
        /// From where.
        url: String,
        /// The reader's words.
        why: String,
    },
    /// A URL of another release.
    #[error("{url} is of release {got}, not {wanted}")]
    OtherVersion {
        /// From where.
        url: String,
        /// What it is.
        got: Version,
        /// What was asked for.
        wanted: Version,
    },
    /// The template of URLs has no place for the file's name.
    #[error(
        "{0} has no `{{file}}` in it, and two files of the release are needed; hint: write {{file}} for their name"
    )]
    NoPlaceholder(String),
    /// Too many or too few bytes.
    #[error("the download is not used: {url} has {got} bytes, the release has {size}")]
    WrongSize {
        /// From where.
        url: String,
        /// Bytes that came, or are said to.
        got: u64,
        /// Bytes that there are.
        size: u64,
    },
    /// It does not end where it should.
    #[error("the download is not used: {url} is larger than the {size} bytes of the release")]
    TooLarge {
        /// From where.
        url: String,
        /// Bytes that there are.
        size: u64,
    },
    /// Other bytes.
    #[error("the download is not used: {url} has the SHA-256 {got}, the release has {expected}")]
    WrongHash {
        /// From where.
        url: String,
        /// Of what came.
        got: String,
        /// Of the release.
        expected: String,
    },
    /// What is packed in it is something else.
    #[error("the download is not used: what is packed in {0} is not of the release")]
    WrongContents(String),
    /// `gh` does not say that it is genuine.
    #[error(
        "the download is not used: `gh attestation verify` does not confirm that {repository} built {file}; hint: `gh` 2.49 or later \
         that reaches its trusted root, or `--no-attestation`"
    )]
    NotAttested {
        /// Whose workflow should have built it.
        repository: String,
        /// What.
        file: String,
    },
    /// It does not run.
    #[error("runner-cache {version} does not run in {} (is it mounted noexec?)", .directory.display())]
    DoesNotRun {
        /// Which version.
        version: Version,
        /// Where it was tried.
        directory: PathBuf,
    },
    /// What is at its place cannot be replaced by a program.
    #[error("{} is a directory; hint: `--to {}/`", .0.display(), .0.display())]
    IsDirectory(PathBuf),
}
