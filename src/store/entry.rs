//! A published entry: its address, and the lease of a reader.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};

use super::manifest::{Header, Manifest};
use super::{Error, Layer, Result, Scope, Store, name};
use crate::sys::{Dir, Errno, Lock, LockMode, Stat, Time};
use crate::tree::Tree;

/// The manifest's name in an entry.
pub(super) const MANIFEST: &str = "manifest";

/// The folder of the trees in an entry.
pub(super) const TREES: &str = "tree";

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The folder of its layer, repository, ref and key.
    pub(super) key_folder: PathBuf,
    /// Its own folder's name.
    pub(super) generation: Generation,
}

/// Name of an entry's folder: `<time of publishing>-<random>-<lane>`. Names sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Generation(String);

/// How the time of a generation is written.
const TIME: &str = "%Y%m%dT%H%M%S.%9fZ";

/// By how much the clocks of two hosts may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Generation {
    pub(super) fn new(created: Timestamp, random: u32, lane: &str) -> Self {
        Self(format!("{}-{random:08x}-{}", created.strftime(TIME), name::encode(lane)))
    }

    /// Whether its time is still to come: the clock was ahead.
    pub(super) fn is_of_future(&self, now: Timestamp) -> bool {
        self.0.as_str()
            > now.saturating_add(SKEW).unwrap_or(Timestamp::MAX).strftime(TIME).to_string().as_str()
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
    /// The layer, as the folder tells it.
    pub(super) fn layer(&self) -> Option<Layer> {
        let name = self.key_folder.ancestors().nth(3)?.file_name()?;
        Layer::ALL.into_iter().find(|layer| name == layer.name())
    }

    /// The entry's folder.
    pub fn path(&self) -> PathBuf {
        self.key_folder.join(self.generation.as_str())
    }
}

/// Bytes of a manifest, at most: a million files take some tens of millions.
const LARGEST_MANIFEST: u64 = 512 << 20;

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
    store: Store,
    held: OnceLock<(u64, u64)>,
}

impl Store {
    /// Reads an entry's manifest and keeps it from eviction. [`Error::Gone`] when it is being evicted, [`Error::Unflushed`]
    /// when the host has lost some of it, and [`Error::Uncertain`] when nobody can tell.
    pub fn lease(&self, id: EntryId) -> Result<Lease> {
        let path = id.path();
        let gone = || Error::Gone { path: path.clone() };
        let dir = match self.open_folder(&path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Err(gone()),
            dir => dir?,
        };
        let Some(lock) = Lock::try_on(dir, &path, LockMode::Shared)? else { return Err(gone()) };
        let manifest_path = path.join(MANIFEST);
        let Some(bytes) = read_manifest(lock.get(), &manifest_path)? else {
            // It was renamed into the trash meanwhile, or a cleaner of /tmp took the file.
            return Err(match self.open_folder(&path) {
                Ok(_) => Error::Manifest { path: manifest_path, why: "it is missing".into() },
                Err(_) => gone(),
            });
        };
        let manifest = Manifest::from_bytes(&bytes, &manifest_path)?;
        // What was retired just before the lock keeps no files of others any more.
        if !manifest.header.layer.is_whole() && !self.is_at(lock.get(), &path)? {
            return Err(gone());
        }
        let is_sure = self.is_surely_on_disk(&manifest.header.origin)?;
        let lease = Lease { id, lock, manifest, store: self.clone(), held: OnceLock::new() };
        if !is_sure {
            lease.check_that_it_reached_the_disk()?;
        }
        Ok(lease)
    }

    /// Whether the folder is still the one at `path`.
    pub(super) fn is_at(&self, folder: &Dir, path: &Path) -> Result<bool> {
        match self.open_folder(path) {
            Ok(other) => Ok(other.stat_self()?.inode == folder.stat_self()?.inode),
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the entry is, read from its manifest's head.
    pub fn header(&self, id: &EntryId) -> Result<Header> {
        Header::read(&self.open_folder(&id.path())?)
    }

    /// When the entry was last restored or found unchanged by a save, or else published.
    pub fn last_used(&self, id: &EntryId) -> Result<Timestamp> {
        Ok(timestamp(self.stat(id)?.mtime))
    }

    /// Of the entry's own folder.
    pub(super) fn stat(&self, id: &EntryId) -> Result<Stat> {
        Ok(self.open_folder(&id.path())?.stat_self()?)
    }
}

/// The bytes of the manifest in `folder`; `None` where there is none. What cannot be one is not read.
fn read_manifest(folder: &Dir, path: &Path) -> Result<Option<Vec<u8>>> {
    let damaged = |why: &str| Error::Manifest { path: path.into(), why: why.into() };
    if folder.has_hole(MANIFEST.as_bytes()).is_ok_and(|has_hole| has_hole) {
        return Err(damaged("it has holes"));
    }
    match folder.read_file_up_to(MANIFEST.as_bytes(), LARGEST_MANIFEST) {
        Err(error) if error.is(Errno::FBIG) => Err(damaged("it is longer than any manifest")),
        read => Ok(read?),
    }
}

/// A time outside of what we can count in is no time at all.
pub(super) fn timestamp(time: Time) -> Timestamp {
    let nanoseconds = i32::try_from(time.nanoseconds).unwrap_or_default();
    Timestamp::new(time.seconds, nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Lease {
    /// Where the entry is.
    pub fn id(&self) -> &EntryId {
        &self.id
    }

    /// What it is and holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What it holds of the root called `name`.
    pub fn root_called(&self, name: &str) -> Option<&Tree> {
        self.manifest.roots.iter().find(|root| root.name == name).map(|root| &root.tree)
    }

    /// Files and symlinks, and bytes, that the entry holds itself.
    pub(super) fn held(&self) -> (u64, u64) {
        *self.held.get_or_init(|| {
            let held = self.manifest.roots.iter().map(|root| root.tree.count(|id| root.elsewhere.is_own(id)));
            held.fold((0, 0), |sum, root| (sum.0 + root.0, u64::saturating_add(sum.1, root.1)))
        })
    }

    /// Where there are other entries.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The entry's own folder.
    pub(super) fn dir(&self) -> &Dir {
        self.lock.get()
    }
}
