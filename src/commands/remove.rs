//! `remove`: the entries of keys go, whatever the limits.

use super::ended::Ended;
use super::meant::Named;
use crate::job::{Exit, Job, chain};
use crate::outcome::{Done, Removed};
use crate::pipeline::record;
use crate::store::retention::{Planned, Reason};
use crate::store::{EntryId, Store};

/// The command.
pub(super) fn run(job: &Job, store: &Store, keys: &[String], dry_run: bool) -> anyhow::Result<Ended> {
    let known = store.known()?;
    let unclear = |key: &String| Named(key).unclear(known.iter().map(|entry| &entry.header));
    if let Some(why) = keys.iter().find_map(unclear) {
        job.error(format!("nothing removed: {why}"));
        return Ok(Ended::early(Exit::Failure));
    }
    let mut removed = Removed::default();
    let mut plan: Vec<Planned> = Vec::new();
    for key in keys {
        let mut found = known.iter().filter(|entry| Named(key).is(&entry.header)).peekable();
        if found.peek().is_none() {
            let root = store.root().display();
            job.error(format!(
                "no entry in {root} has key or id `{key}`; hint: `runner-cache list` lists all entries"
            ));
            removed.unknown.push(key.clone());
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
        removed.would_remove = plan.iter().map(|planned| planned.id.path()).collect();
    } else {
        let evicted = store.evict(&plan);
        record::evicted(job, store, &known, &evicted.removed);
        (removed.removed, removed.bytes) = (evicted.entries(), evicted.bytes());
        removed.in_use = evicted.in_use.iter().map(EntryId::path).collect();
        removed.failures = evicted.failures.iter().map(|failure| chain(failure)).collect();
    }
    for directory in &removed.in_use {
        job.error(format!("cannot remove an entry in use: {}", directory.display()));
    }
    for failure in &removed.failures {
        job.error(failure);
    }
    let is_done = removed.unknown.is_empty() && removed.in_use.is_empty() && removed.failures.is_empty();
    Ok(Ended::with(if is_done { Exit::Success } else { Exit::Failure }, Done::Remove(removed)))
}
