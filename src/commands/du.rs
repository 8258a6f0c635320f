//! `du`: what the entries take on the disk.

use super::ended::Ended;
use crate::job::Exit;
use crate::outcome::{Done, UsageOutcome};
use crate::store::Store;

/// The command.
pub(super) fn run(store: &Store) -> anyhow::Result<Ended> {
    let known = store.known()?;
    let usage = store.usage(&known)?;
    Ok(Ended::with(Exit::Success, Done::Du(UsageOutcome::of(&known, &usage))))
}
