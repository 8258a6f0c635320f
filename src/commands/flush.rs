//! `flush`: waits until all entries are on the disk.

use super::ended::Ended;
use crate::job::{Exit, Job};
use crate::outcome::Done;
use crate::pipeline::flush::flush;
use crate::store::Store;

/// The command.
pub(super) fn run(job: &Job, store: &Store) -> anyhow::Result<Ended> {
    flush(job, store)?;
    Ok(Ended::with(Exit::Success, Done::Flush))
}
