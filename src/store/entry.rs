//! A published entry: its address, and the lease of a reader.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::manifest::{Header, Manifest};
use super::name;
use super::{Error, Layer, Result, Scope};
use crate::sys::{Dir, Lock, LockMode, file};

/// The manifest's name in an entry.
pub(super) const MANIFEST: &str = "manifest";

/// The folder of the trees in an entry.
pub(super) const TREES: &str = "tree";

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId {
    /// The folder of its layer, repository, ref and key.
    pub(super) key_folder: PathBuf,
    /// Its own folder's name.
    pub(super) generation: Generation,
}

/// Name of an entry's folder: `<time of publishing>-<random>-<lane>`. Names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(String);

impl Generation {
    pub(super) fn new(created: Timestamp, random: u32, lane: &str) -> Self {
        Self(format!("{}-{random:08x}-{}", created.strftime("%Y%m%dT%H%M%S.%9fZ"), name::encode(lane)))
    }

    /// `None` for a name that is none of ours.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(3, '-');
        let (time, random, lane) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours =
            time.len() == "20260102T030405.123456789Z".len() && random.len() == 8 && !lane.is_empty();
        is_ours.then(|| Self(name.to_owned()))
    }

    pub(super) fn is_of_lane(&self, lane: &str) -> bool {
        self.0.splitn(3, '-').nth(2) == Some(&name::encode(lane))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl EntryId {
    /// The entry's folder.
    pub fn path(&self) -> PathBuf {
        self.key_folder.join(self.generation.as_str())
    }

    /// What the entry is, read from its manifest's head.
    pub fn header(&self) -> Result<Header> {
        Header::read(&self.path().join(MANIFEST))
    }

    /// When it was last restored or found unchanged by a save, or else published.
    pub fn last_used(&self) -> Result<Timestamp> {
        let modified = file::modified(&self.path())?;
        Ok(Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

/// Folder of a layer's repository and ref below the root.
pub(super) fn scope_folder(root: &Path, layer: Layer, scope: &Scope) -> PathBuf {
    root.join(layer.name()).join(name::encode(&scope.repository)).join(name::encode(&scope.reference))
}

/// An entry that is being read: it stays until this is dropped.
#[derive(Debug)]
pub struct Lease {
    id: EntryId,
    lock: Lock<Dir>,
    manifest: Manifest,
}

impl Lease {
    pub(super) fn take(id: EntryId) -> Result<Self> {
        let path = id.path();
        let gone = || Error::Gone { path: path.clone() };
        if !file::is_dir(&path) {
            return Err(gone());
        }
        let Some(lock) = Lock::try_on(Dir::open(&path)?, &path, LockMode::Shared)? else {
            return Err(gone());
        };
        let manifest_path = path.join(MANIFEST);
        let Some(bytes) = file::read_if_present(&manifest_path)? else {
            // It was renamed into the trash meanwhile, or a cleaner of /tmp took the file.
            if !file::is_dir(&path) {
                return Err(gone());
            }
            return Err(Error::Manifest { path: manifest_path, why: "it is missing".into() });
        };
        let manifest = Manifest::from_bytes(&bytes, &manifest_path)?;
        Ok(Self { id, lock, manifest })
    }

    /// Where the entry is.
    pub fn id(&self) -> &EntryId {
        &self.id
    }

    /// What it is and holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder with the files of root `index`.
    pub fn open_root(&self, index: usize) -> Result<Dir> {
        Ok(self.lock.get().open_dir(TREES.as_bytes())?.open_dir(index.to_string().as_bytes())?)
    }

    /// Records that the entry was of use just now.
    pub fn record_use(&self) -> Result<()> {
        Ok(self.lock.get().touch_self()?)
    }
}
