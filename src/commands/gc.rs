//! `gc`: removes what the limits do not let stay.

use jiff::Timestamp;

use crate::job::{Exit, Job};
use crate::pipeline::housekeeping;
use crate::report::{bytes, clean_text, count, entries, plan_table};
use crate::store::Store;
use crate::store::retention::{self, Inventory, Limits, Policy, Shortage};
use crate::sys::space_at;

/// The command.
pub(super) fn run(job: &Job, store: &Store, policy: &Policy, dry_run: bool) -> anyhow::Result<Exit> {
    if !dry_run {
        match housekeeping::clean(
            job,
            store,
            &Limits { all: policy.clone(), own: None },
            Shortage::default(),
        )? {
            Some(report) => job.console.print(clean_text(&report)),
            None => job
                .console
                .print(format_args!("another process cleans up {} just now", store.root().display())),
        }
        return Ok(Exit::Success);
    }
    let known = store.known()?;
    let usage = store.usage(&known)?;
    let shortage = policy.min_free.shortage(space_at(store.root())?, Shortage::default());
    let inventory = Inventory { entries: &known, usage: Some(&usage) };
    let plan = retention::plan(inventory, policy, shortage, Timestamp::now());
    if plan.is_empty() {
        job.console.print(format_args!("nothing would go of {}", entries(known.len() as u64)));
        return Ok(Exit::Success);
    }
    job.console.print(plan_table(&plan, &known, policy, Timestamp::now()));
    let mut weights = retention::Weights::of(&usage);
    for (entry, usage) in known.iter().zip(&usage) {
        if plan.iter().any(|planned| planned.id == entry.id) {
            weights.remove(usage);
        }
    }
    job.console.print(format_args!(
        "{} of {} would go; that frees {}",
        count(plan.len() as u64),
        entries(known.len() as u64),
        bytes(weights.freed().bytes)
    ));
    Ok(Exit::Success)
}
