//! An entry that is being made.

use std::path::{Path, PathBuf};

use super::entry::{EntryId, Generation, MANIFEST, TREES, scope_folder};
use super::manifest::Manifest;
use super::{Result, Store, name};
use crate::sys::{self, Dir, Errno, Lock, LockMode, file};

/// A folder of the store that becomes an entry by [`Staging::publish`], or debris when this is dropped before.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    /// Tells a sweep that somebody works here.
    _lock: Lock<Dir>,
}

impl Store {
    /// Makes a staging.
    pub fn stage(&self) -> Result<Staging> {
        loop {
            let path = file::make_unique_dir(&self.staging_folder(), "")?;
            // A sweep may have taken the folder for debris before it was locked: then make another.
            let dir = match Dir::open(&path) {
                Err(error) if error.is(Errno::NOENT) => continue,
                opened => opened?,
            };
            if let Some(lock) = Lock::try_on(dir, &path, LockMode::Exclusive)?
                && file::is_dir(&path)
            {
                file::make_private_dirs(&path.join(TREES))?;
                return Ok(Staging { path, _lock: lock });
            }
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a staging that was published is none any more")]
    /// Makes the entry visible: writes its manifest, then renames the folder.
    pub fn publish(&self, staging: Staging, manifest: &Manifest) -> Result<EntryId> {
        let header = &manifest.header;
        file::write_new(&staging.path.join(MANIFEST), &manifest.to_bytes())?;
        let scope_folder = scope_folder(self.root(), header.layer, &header.scope);
        let key_folder = scope_folder.join(name::encode(&header.key));
        let generation = Generation::new(header.created, sys::random()?, &header.lane);
        let id = EntryId { key_folder, generation };
        loop {
            file::make_private_dirs(&id.key_folder)?;
            match file::rename(&staging.path, &id.path()) {
                Ok(()) => return Ok(id),
                // An eviction removed the key's folder as empty just now.
                Err(error) if error.is(Errno::NOENT) && file::is_dir(&staging.path) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Staging {
    /// The folder in which root `index` is to be placed under that number.
    pub fn trees(&self) -> Result<Dir> {
        Ok(Dir::open(&self.path.join(TREES))?)
    }

    /// Removes what was made so far.
    pub fn discard(self) -> Result<()> {
        remove(&self.path)
    }
}

/// Removes the folder at `path` with all that is in it.
pub(super) fn remove(path: &Path) -> Result<()> {
    let parent = Dir::open(path.parent().unwrap_or(Path::new(".")))?;
    let name = path.file_name().unwrap_or_default();
    Ok(parent.remove_all(std::os::unix::ffi::OsStrExt::as_bytes(name))?)
}
