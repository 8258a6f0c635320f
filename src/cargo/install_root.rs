//! Where cargo installs packages, and its lock on what it has noted of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::home::CargoHome;
use super::records::Records;
use crate::github::Environment;
use crate::sys::{self, CrashPoint, LockedFile, crash_at, file};

/// What counts of cargo's two files, see [`Records`]; also the first of its locks.
const LISTING: &str = ".crates.toml";

const DETAILS: &str = ".crates2.json";

/// Below it are `bin` and cargo's notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallRoot(PathBuf);

/// Notes that are not such as cargo writes.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read cargo's install records ({LISTING}, {DETAILS}) in {}: {why}; hint: run `cargo install --list`",
    directory.display()
)]
pub struct UnreadableNotes {
    directory: PathBuf,
    why: String,
}

impl InstallRoot {
    /// The one that cargo uses without being told on its command line: `CARGO_INSTALL_ROOT`, relative to `directory`, else its
    /// home.
    pub fn find(env: &Environment, directory: &Path, home: Option<&CargoHome>) -> Option<Self> {
        let given = env.get("CARGO_INSTALL_ROOT").map(|root| directory.join(root));
        given.or_else(|| Some(home?.path().to_path_buf())).map(Self)
    }

    /// The one in `directory`.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The directory with the executables.
    pub fn bin(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// Whether cargo has noted anything there.
    pub fn is_used(&self) -> bool {
        file::is_file(&self.0.join(LISTING))
    }

    /// Takes the locks that cargo takes to install, in its order, waiting up to `patience` for each; `None` when another
    /// cargo held one all the time.
    pub fn lock(&self, patience: Duration) -> sys::Result<Option<Installs>> {
        file::make_dirs(&self.0)?;
        let Some(listing) = Notes::lock(&self.listing(), patience)? else { return Ok(None) };
        let details = Notes::lock(&self.0.join(DETAILS), patience)?;
        Ok(details.map(|details| Installs { directory: self.0.clone(), listing, details }))
    }

    /// The first file that it locks.
    pub fn listing(&self) -> PathBuf {
        self.0.join(LISTING)
    }
}

/// Cargo's notes, while no other process changes them or installs anything.
#[derive(Debug)]
pub struct Installs {
    directory: PathBuf,
    listing: Notes,
    details: Notes,
}

impl Installs {
    /// What was noted when they were locked.
    pub fn records(&self) -> Result<Records, UnreadableNotes> {
        let unreadable = |why: String| UnreadableNotes { directory: self.directory.clone(), why };
        let text = |notes: &'_ Notes| String::from_utf8(notes.before.clone());
        let texts = text(&self.listing).and_then(|listing| Ok((listing, text(&self.details)?)));
        let (listing, details) = texts.map_err(|error| unreadable(error.to_string()))?;
        Records::parse(&listing, &details).map_err(unreadable)
    }

    /// Notes `records`. What counts comes last, so that a death in between leaves no package half noted.
    pub fn write(&self, records: &Records) -> sys::Result<()> {
        let (listing, details) = records.texts();
        self.details.write(details.as_bytes())?;
        crash_at(CrashPoint::InstallDetailed);
        self.listing.write(listing.as_bytes())?;
        crash_at(CrashPoint::InstallListed);
        Ok(())
    }

    /// Makes the notes what they were when they were locked.
    pub fn put_back(&self) -> sys::Result<()> {
        self.listing.write(&self.listing.before)?;
        self.details.write(&self.details.before)
    }
}

/// One of the files.
#[derive(Debug)]
struct Notes {
    file: LockedFile,
    before: Vec<u8>,
}

impl Notes {
    fn lock(path: &Path, patience: Duration) -> sys::Result<Option<Self>> {
        let Some(file) = LockedFile::wait(path, patience)? else { return Ok(None) };
        let before = file.read()?;
        Ok(Some(Self { file, before }))
    }

    fn write(&self, text: &[u8]) -> sys::Result<()> {
        self.file.replace(&self.file.read()?, text)
    }
}
