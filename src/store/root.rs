//! The root folder of the store.

use std::path::{Path, PathBuf};

use super::entry::{EntryId, Generation, Lease};
use super::{Error, Layer, Result};
use crate::sys::{Dir, FileType, file};

/// Told to backup tools: <https://bford.info/cachedir/>.
const CACHEDIR_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n\
# This folder was made by runner-cache. All in it can be made again.\n";

/// Entries below one root.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// Opens the store at `root`, made if absent for its owner only.
    pub fn open(root: &Path) -> Result<Self> {
        file::make_private_dirs(root)?;
        check_root(root)?;
        let store = Self { root: root.into() };
        for folder in
            [store.staging_folder(), store.trash_folder(), store.quarantine_folder(), store.sessions_folder()]
        {
            file::make_private_dirs(&folder)?;
        }
        let tag = root.join("CACHEDIR.TAG");
        if !file::is_file(&tag) {
            // Evictions free many inodes just before a save needs as many.
            Dir::open(&store.staging_folder())?.spread_folders();
            file::write_atomic(&tag, CACHEDIR_TAG)?;
        }
        Ok(store)
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder in which the entries of a key are or would be.
    pub fn key_folder(&self, layer: Layer, scope: &super::Scope, key: &str) -> PathBuf {
        key_folder(&self.root, layer, scope, key)
    }

    /// Reads an entry's manifest and keeps it from eviction. [`Error::Gone`] when it is being evicted.
    pub fn lease(&self, id: EntryId) -> Result<Lease> {
        Lease::take(id)
    }

    /// The entry in `folder`, as an earlier [`EntryId::path`] told it; `None` for a folder outside this store.
    pub fn entry_at(&self, folder: &Path) -> Option<EntryId> {
        let generation = Generation::parse(folder.file_name()?.to_str()?)?;
        let key_folder = folder.parent()?.to_path_buf();
        key_folder.starts_with(&self.root).then_some(EntryId { key_folder, generation })
    }

    /// All entries, by layer, repository, ref and key.
    pub fn entries(&self) -> Result<Vec<EntryId>> {
        let mut entries = Vec::new();
        for layer in Layer::ALL {
            let mut folders = vec![self.root.join(layer.name())];
            for _ in ["repository", "ref", "key"] {
                folders = subfolders(&folders)?;
            }
            for key_folder in folders {
                entries.extend(
                    generations(&key_folder)?
                        .into_iter()
                        .map(|generation| EntryId { key_folder: key_folder.clone(), generation }),
                );
            }
        }
        Ok(entries)
    }

    pub(super) fn staging_folder(&self) -> PathBuf {
        self.root.join("staging")
    }

    pub(super) fn trash_folder(&self) -> PathBuf {
        self.root.join("trash")
    }

    pub(super) fn quarantine_folder(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(super) fn sessions_folder(&self) -> PathBuf {
        self.root.join("sessions")
    }
}

/// The folder in which the entries of a key are or would be, below `root`.
pub fn key_folder(root: &Path, layer: Layer, scope: &super::Scope, key: &str) -> PathBuf {
    super::entry::scope_folder(root, layer, scope).join(super::name::encode(key))
}

/// The entries in a key's folder, oldest first.
pub(super) fn generations(key_folder: &Path) -> Result<Vec<Generation>> {
    let names = file::names(key_folder)?;
    Ok(names.iter().filter_map(|name| Generation::parse(name.to_str()?)).collect())
}

fn subfolders(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(file::names(folder)?.into_iter().map(|name| folder.join(name)));
    }
    Ok(found)
}

/// Whoever can write to the root can decide what later jobs run, so it must be ours alone.
fn check_root(root: &Path) -> Result<()> {
    let refuse = |why: String| Err(Error::UnsafeRoot { path: root.into(), why });
    let parent = Dir::open(root.parent().unwrap_or(Path::new("/")))?;
    let name = root.file_name().unwrap_or(std::ffi::OsStr::new("."));
    let stat = parent.stat(std::os::unix::ffi::OsStrExt::as_bytes(name))?;
    let user = rustix::process::geteuid().as_raw();
    if stat.kind != FileType::Directory {
        refuse("it is a symlink or no folder; hint: set cache-root to the folder itself".into())
    } else if stat.owner != user {
        refuse(format!("it belongs to user {}, and this is user {user}; hint: set cache-root", stat.owner))
    } else if stat.mode & 0o002 != 0 {
        refuse(format!("everybody can write to it (mode {:o}); hint: chmod o-w", stat.mode))
    } else {
        Ok(())
    }
}
