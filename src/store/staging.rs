//! An entry that is being made.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::address::{EntryId, Generation, TREES, pack_name, scope_directory};
use super::area::Area;
use super::manifest::{MANIFEST, Manifest};
use super::{Access, Error, Result, Store, name};
use crate::sys::{self, CrashPoint, Dir, Errno, Lock, LockMode};
use crate::tree::NewPack;

/// A directory of the store that becomes an entry by [`Store::publish`], or debris when this is dropped before.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    /// Tells a sweep that somebody works here.
    lock: Lock<Dir>,
}

impl Store {
    /// Makes a staging.
    pub fn stage(&self) -> Result<Staging> {
        self.check_writable()?;
        let directory = self.area(Area::Staging);
        if self.open_directory(&directory).is_err() {
            // Evictions free many inodes just before a save needs as many.
            self.make_directory(&directory)?.spread_directories();
        }
        loop {
            let name = self.open_directory(&directory)?.make_unique_dir("")?;
            let path = directory.join(OsStr::from_bytes(&name));
            // A sweep may have taken the directory for debris before it was locked: then make another.
            let dir = match self.open_directory(&path) {
                Err(Error::Sys(error)) if error.is(Errno::NOENT) => continue,
                opened => opened?,
            };
            if let Some(lock) = Lock::try_on(dir, &path, LockMode::Exclusive)?
                && self.open_directory(&path).is_ok()
            {
                sys::crash_at(CrashPoint::Staged);
                lock.get().make_dir(TREES.as_bytes(), 0o700)?;
                if self.access() == Access::Group {
                    // Others read the entry, note its use, and take it out when it is damaged. What it holds keeps the modes
                    // that it had: directories there inherit no bit for the group.
                    lock.get().set_own_mode(0o2770)?;
                    lock.get().set_mode(TREES.as_bytes(), 0o750)?;
                }
                return Ok(Staging { path, lock });
            }
        }
    }

    /// Makes the entry visible: writes its manifest, then renames the directory. On an error nothing of it stays.
    pub fn publish(&self, staging: Staging, manifest: &Manifest) -> Result<EntryId> {
        self.try_publish(&staging, manifest).inspect_err(|_| {
            // What cannot be removed now, a sweep will find.
            let _ = self.discard(staging);
        })
    }

    fn try_publish(&self, staging: &Staging, manifest: &Manifest) -> Result<EntryId> {
        let header = &manifest.header;
        sys::crash_at(CrashPoint::Filled);
        staging.write_manifest(&manifest.to_bytes())?;
        if self.access() == Access::Group {
            staging.lock.get().set_mode(MANIFEST.as_bytes(), 0o640)?;
        }
        sys::crash_at(CrashPoint::Described);
        let scope_directory = scope_directory(self.root(), header.layer(), &header.scope);
        let key_directory = scope_directory.join(name::encode(&header.key));
        let generation = Generation::new(header.created, sys::random()?, &header.lane);
        let id = EntryId { key_directory, generation };
        let (from, from_name) = self.open_parent(&staging.path)?;
        loop {
            let directory = self.make_directory(&id.key_directory)?;
            sys::crash_at(CrashPoint::KeyDirectoryMade);
            match from.rename_new(from_name, &directory, id.generation.as_str().as_bytes()) {
                Ok(()) => {
                    sys::crash_at(CrashPoint::Published);
                    return Ok(id);
                }
                // An eviction removed the key's directory as empty just now.
                Err(error) if error.is(Errno::NOENT) && self.open_directory(&staging.path).is_ok() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes what was made of an entry so far.
    #[expect(clippy::needless_pass_by_value, reason = "a staging that was removed is none any more")]
    pub fn discard(&self, staging: Staging) -> Result<()> {
        let (directory, name) = self.open_parent(&staging.path)?;
        directory.remove_all(name)?;
        Ok(())
    }
}

impl Staging {
    fn write_manifest(&self, bytes: &[u8]) -> Result<()> {
        let directory = self.lock.get();
        let file = directory.create_file(MANIFEST.as_bytes(), 0o600)?;
        let path = directory.join(MANIFEST.as_bytes());
        Ok(sys::write_all(&file, bytes).map_err(|errno| sys::Error::new("write", &path, errno))?)
    }

    /// The pack of root `index`, to be made in `trees`, the directory of [`Staging::trees`].
    pub fn pack<'t>(&self, store: &Store, trees: &'t Dir, index: usize) -> NewPack<'t> {
        NewPack { directory: trees, name: pack_name(index), mode: store.pack_mode() }
    }

    /// The directory in which root `index` is to be placed under that number.
    pub fn trees(&self) -> Result<Dir> {
        Ok(self.lock.get().open_dir(TREES.as_bytes())?)
    }
}
