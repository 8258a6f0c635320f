//! `remove`: the entries of keys go, whatever the limits.

use super::meant::Named;
use crate::job::{Exit, Job, chain};
use crate::report::{bytes, entries};
use crate::store::Store;
use crate::store::retention::{Planned, Reason};

/// The command.
pub(super) fn run(job: &Job, store: &Store, keys: &[String], dry_run: bool) -> anyhow::Result<Exit> {
    let known = store.known()?;
    let unclear = |key: &String| Named(key).unclear(known.iter().map(|entry| &entry.header));
    if let Some(why) = keys.iter().find_map(unclear) {
        job.console.error(format!("nothing removed: {why}"));
        return Ok(Exit::Failure);
    }
    let mut exit = Exit::Success;
    let mut plan: Vec<Planned> = Vec::new();
    for key in keys {
        let mut found = known.iter().filter(|entry| Named(key).is(&entry.header)).peekable();
        if found.peek().is_none() {
            let root = store.root().display();
            job.console.error(format!(
                "no entry in {root} has the key or id `{key}`; hint: `runner-cache list` shows all"
            ));
            exit = Exit::Failure;
        }
        plan.extend(found.map(|entry| Planned {
            id: entry.id.clone(),
            bytes: entry.header.bytes,
            reason: Reason::Asked,
        }));
    }
    plan.sort_by(|a, b| a.id.cmp(&b.id));
    plan.dedup();
    if dry_run {
        for planned in &plan {
            job.console.print(format_args!("would remove {}", planned.id.path().display()));
        }
        return Ok(exit);
    }
    if plan.is_empty() {
        return Ok(exit);
    }
    let evicted = store.evict(&plan);
    let (removed, size) = (entries(evicted.entries), bytes(evicted.bytes));
    job.console.print(format_args!("{removed} removed, {size} as recorded"));
    for id in &evicted.in_use {
        job.console.error(format!("in use, and still there: {}", id.path().display()));
    }
    for failure in &evicted.failures {
        job.console.error(chain(failure));
    }
    let is_done = evicted.in_use.is_empty() && evicted.failures.is_empty();
    Ok(if is_done { exit } else { Exit::Failure })
}
