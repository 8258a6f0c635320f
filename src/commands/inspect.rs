//! `inspect`: all that is known about the entries of a key.

use super::ended::Ended;
use super::meant::Named;
use crate::job::{Exit, Job, chain};
use crate::outcome::{Code, Done, HeldDirectory, InspectedEntry};
use crate::store::{Lease, Store};

/// The command.
pub(super) fn run(job: &Job, store: &Store, key: &str) -> anyhow::Result<Ended> {
    let mut entries = store.known()?;
    entries.retain(|entry| entry.header.key.starts_with(key) || Named(key).is(&entry.header));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
    if entries.is_empty() {
        job.error(format!(
            "no entry in {} has key prefix or id `{key}`; hint: `runner-cache list` lists all entries",
            store.root().display()
        ));
        return Ok(Ended::early(Exit::Failure));
    }
    let inspected = entries.into_iter().map(|known| {
        let holds = match store.lease(known.id.clone()) {
            Ok(lease) => (0..lease.manifest().roots.len()).map(|number| held(&lease, number)).collect(),
            Err(error) => {
                job.warn(Code::Unreadable, chain(&error));
                Vec::new()
            }
        };
        InspectedEntry { known, holds }
    });
    Ok(Ended::with(Exit::Success, Done::Inspect(inspected.collect())))
}

/// What the entry holds of root `number`.
fn held(lease: &Lease, number: usize) -> HeldDirectory {
    let root = &lease.manifest().roots[number];
    let (name, files, bytes) = (root.name.clone(), root.tree.files(), root.tree.bytes());
    HeldDirectory { name, files, bytes }
}
