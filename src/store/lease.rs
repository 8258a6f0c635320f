//! A reader's lease of an entry: it stays for as long as that is held.

use std::os::fd::OwnedFd;
use std::path::Path;

use jiff::Timestamp;

use super::address::{EntryId, TREES, pack_name};
use super::contents::Root;
use super::header::Header;
use super::manifest::{MANIFEST, Manifest, read_header};
use super::{Error, Result, Store};
use crate::sys::{Dir, Errno, Lock, LockMode, Stat};
use crate::tree::{Files, Pack, Tree};

/// Bytes of a manifest, at most: a million files take some tens of millions.
const LARGEST_MANIFEST: u64 = 512 << 20;

/// An entry that is being read: it stays until this is dropped.
#[derive(Debug)]
pub struct Lease {
    id: EntryId,
    lock: Lock<Dir>,
    manifest: Manifest,
    store: Store,
}

impl Store {
    /// Reads an entry's manifest and keeps it from eviction. [`Error::Gone`] when it is being evicted, [`Error::Unflushed`]
    /// when the host has lost some of it, and [`Error::Uncertain`] when nobody can tell.
    pub fn lease(&self, id: EntryId) -> Result<Lease> {
        let path = id.path();
        let gone = || Error::Gone { path: path.clone() };
        let dir = match self.open_directory(&path) {
            Err(Error::Sys(error)) if error.is(Errno::NOENT) => return Err(gone()),
            dir => dir?,
        };
        let Some(lock) = Lock::try_on(dir, &path, LockMode::Shared)? else { return Err(gone()) };
        let manifest_path = path.join(MANIFEST);
        let Some(bytes) = read_manifest(lock.get(), &manifest_path)? else {
            // It was renamed into the trash meanwhile, or a cleaner of /tmp took the file.
            return Err(match self.open_directory(&path) {
                Ok(_) => Error::Manifest { path: manifest_path, why: "missing".into() },
                Err(_) => gone(),
            });
        };
        let manifest = Manifest::from_bytes(&bytes, &manifest_path)?;
        let is_sure = self.is_surely_on_disk(&manifest.header.origin)?;
        let lease = Lease { id, lock, manifest, store: self.clone() };
        if !is_sure {
            lease.check_that_it_reached_the_disk()?;
        }
        Ok(lease)
    }

    /// What the entry is, read from its manifest's head.
    pub fn header(&self, id: &EntryId) -> Result<Header> {
        read_header(&self.open_directory(&id.path())?)
    }

    /// When the entry was last restored or found unchanged by a save, or else published.
    pub fn last_used(&self, id: &EntryId) -> Result<Timestamp> {
        Ok(self.stat(id)?.mtime.timestamp())
    }

    /// Of the entry's own directory.
    pub(super) fn stat(&self, id: &EntryId) -> Result<Stat> {
        Ok(self.open_directory(&id.path())?.stat_self()?)
    }
}

/// The bytes of the manifest in `directory`; `None` where there is none. What cannot be one is not read.
fn read_manifest(directory: &Dir, path: &Path) -> Result<Option<Vec<u8>>> {
    let damaged = |why: &str| Error::Manifest { path: path.into(), why: why.into() };
    if directory.has_hole(MANIFEST.as_bytes()).is_ok_and(|has_hole| has_hole) {
        return Err(damaged("it has holes"));
    }
    match directory.read_file_up_to(MANIFEST.as_bytes(), LARGEST_MANIFEST) {
        Err(error) if error.is(Errno::FBIG) => Err(damaged("too long for a manifest")),
        read => Ok(read?),
    }
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

    /// Where the files of root `index` lie.
    pub fn open_root(&self, index: usize) -> Result<Files> {
        let Root { tree, packed, .. } = &self.manifest.roots[index];
        let pack = if packed.is_empty() {
            None
        } else {
            Some(Pack::open(&self.trees()?, &pack_name(index), tree, packed)?)
        };
        Ok(Files::new(self.open_directory(index)?, pack))
    }

    /// The directory of root `index`, in which all of it lies but what is packed.
    pub fn open_directory(&self, index: usize) -> Result<Dir> {
        Ok(self.trees()?.open_dir(index.to_string().as_bytes())?)
    }

    /// The pack of root `index`.
    pub(super) fn open_pack(&self, index: usize) -> Result<(OwnedFd, Stat)> {
        Ok(self.trees()?.open_file(&pack_name(index))?)
    }

    fn trees(&self) -> Result<Dir> {
        Ok(self.lock.get().open_dir(TREES.as_bytes())?)
    }

    /// Records that the entry was of use just now.
    pub fn record_use(&self) -> Result<()> {
        Ok(self.lock.get().touch_self()?)
    }

    /// Whether what lies at `path` belongs to the entry.
    pub fn has(&self, path: &Path) -> bool {
        path.starts_with(self.id.path())
    }

    /// Where there are other entries.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The entry's own directory.
    pub(super) fn dir(&self) -> &Dir {
        self.lock.get()
    }
}
