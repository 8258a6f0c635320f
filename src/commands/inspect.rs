//! `inspect`: all that is known about the entries of a key.

use super::meant::Named;
use crate::job::{Exit, Job, chain};
use crate::report::{HeldDirectory, entry_details};
use crate::store::{Lease, Store};

/// The command.
pub(super) fn run(job: &Job, store: &Store, key: &str) -> anyhow::Result<Exit> {
    let mut entries = store.known()?;
    entries.retain(|entry| entry.header.key.starts_with(key) || Named(key).is(&entry.header));
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.last_used));
    if entries.is_empty() {
        job.console.error(format!(
            "no key in {} begins with `{key}` or has that id; hint: `runner-cache list` shows all",
            store.root().display()
        ));
        return Ok(Exit::Failure);
    }
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            job.console.print("");
        }
        let held = match store.lease(entry.id.clone()) {
            Ok(lease) => (0..lease.manifest().roots.len()).map(|number| held(&lease, number)).collect(),
            Err(error) => {
                job.console.warn(chain(&error));
                Vec::new()
            }
        };
        job.console.print(entry_details(entry, &held).trim_end());
    }
    Ok(Exit::Success)
}

/// What the entry holds of root `number`.
fn held(lease: &Lease, number: usize) -> HeldDirectory {
    let root = &lease.manifest().roots[number];
    let (name, files, bytes) = (root.name.clone(), root.tree.files(), root.tree.bytes());
    HeldDirectory { name, files, bytes }
}
