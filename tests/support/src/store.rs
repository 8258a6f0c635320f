//! What a cache root holds: entries, and what should not stay.

use std::error::Error;
use std::path::{Path, PathBuf};

use runner_cache::store::{Access, Store};
use runner_cache::sys::Interrupt;
use runner_cache::tree::{self, Delivery, Engine, Existing, LinkMode, Linker, Progress, Source};

use crate::files::inside;

/// How the names of the program's temporary directories begin.
pub const TEMPORARY: &str = ".runner-cache-";

/// The directories of all entries of a layer, in order; within a key the newest is last.
pub fn entries(root: &Path, layer: &str) -> Vec<PathBuf> {
    let mut directories = vec![root.join(layer)];
    for _ in ["repository", "ref", "key", "entry"] {
        directories = directories.iter().flat_map(|directory| inside(directory)).collect();
    }
    directories
}

/// What is neither an entry nor in use: after a cleaning there is nothing.
pub fn debris(root: &Path) -> Vec<PathBuf> {
    ["staging", "trash"].iter().flat_map(|directory| inside(&root.join(directory))).collect()
}

/// What restores that did not end left in `directory`.
pub fn temporaries(directory: &Path) -> Vec<PathBuf> {
    inside(directory).into_iter().filter(|path| is_temporary(path)).collect()
}

/// Whether the program calls something so that it has not finished.
pub fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes()))
}

/// Makes the directory `to` what `entry`, an entry of the cache `root`, has of its first root: small files of target
/// directories lie in a pack. An error is the program's words.
pub fn unpack(root: &Path, entry: &Path, to: &Path) -> Result<(), String> {
    let told = |error: &dyn Error| format!("{}: {error}", entry.display());
    let store = Store::open_existing(root, Access::Private).map_err(|error| told(&error))?;
    let store = store.ok_or("there is no cache")?;
    let id = store.entry_at(entry).ok_or("it is no entry")?;
    let lease = store.lease(id).map_err(|error| told(&error))?;
    let files = lease.open_root(0).map_err(|error| told(&error))?;
    let tree = &lease.manifest().roots[0].tree;
    let source = Source { tree, location: files.location(), linkable: &[], is_live: false };
    let (linker, interrupt) = (Linker::new(LinkMode::Copy), Interrupt::default());
    let engine = Engine { linker: &linker, interrupt: &interrupt, progress: &Progress::default() };
    let delivery = Delivery { source, destination: to, existing: Existing::Mirror, is_part: false, engine };
    tree::restore(&[delivery]).map_err(|error| told(&error))?;
    Ok(())
}
