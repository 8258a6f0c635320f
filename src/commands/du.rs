//! `du`: what the entries take on the disk.

use crate::job::{Exit, Job};
use crate::report::usage_table;
use crate::store::Store;

/// The command.
pub(super) fn run(job: &Job, store: &Store) -> anyhow::Result<Exit> {
    let known = store.known()?;
    if known.is_empty() {
        job.console.print("no entries");
        return Ok(Exit::Success);
    }
    let usage = store.usage(&known)?;
    job.console.print(usage_table(&known, &usage));
    Ok(Exit::Success)
}
