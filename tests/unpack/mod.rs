//! What an entry holds, as a folder: small files of target folders lie in a pack, and other files with earlier entries.

use std::path::Path;

use runner_cache::store::{Access, Store};
use runner_cache::sys::Interrupt;
use runner_cache::tree::{self, Delivery, Engine, Existing, LinkMode, Linker, Progress, Source};

/// Makes the folder `to` what `entry`, an entry of the cache `root`, has of its first root. An error is the program's words.
pub(crate) fn unpack(root: &Path, entry: &Path, to: &Path) -> Result<(), String> {
    let told = |error: &dyn std::error::Error| format!("{}: {error}", entry.display());
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
