//! `flush`: waits until all entries are on the disk.

use crate::job::Exit;
use crate::store::Store;

/// The command.
pub(super) fn run(store: &Store) -> anyhow::Result<Exit> {
    store.flush()?;
    Ok(Exit::Success)
}
