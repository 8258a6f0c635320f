//! `gc`: removes what the limits do not let stay.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use super::ended::Ended;
use crate::job::{Exit, Job, chain};
use crate::ledger::Ledger;
use crate::outcome::{Cleaned, Code, Done, Doomed};
use crate::pipeline::closed::entries_of_closed;
use crate::pipeline::{clean_up, record};
use crate::store::retention::{self, Inventory, Limits, Planned, Policy, Room};
use crate::store::{Activity, Store};
use crate::sys::space_at;

/// What becomes of entries whose pull request is closed or whose branch is gone.
#[derive(Debug, Clone, Copy)]
pub(super) enum OfClosed<'a> {
    /// The limits decide.
    ByLimits,
    /// They go, as the API tells.
    Go {
        /// The file with its token, if any.
        token_file: Option<&'a Path>,
    },
}

/// The command.
pub(super) fn run(
    job: &Job,
    store: &Store,
    policy: Policy,
    of_closed: OfClosed<'_>,
    dry_run: bool,
) -> anyhow::Result<Ended> {
    let of_closed = match of_closed {
        OfClosed::Go { token_file } => entries_of_closed(job, &store.known()?, token_file)?,
        OfClosed::ByLimits => Vec::new(),
    };
    let done = if dry_run {
        Done::WouldGo(doomed(store, policy, of_closed)?)
    } else {
        let _at_work = job.work.begin(&job.context, store, Activity::Clean);
        let known = if of_closed.is_empty() { Vec::new() } else { store.known()? };
        let before = space_at(store.root())?;
        let evicted = store.evict(&of_closed);
        record::evicted(job, store, &known, &evicted.removed);
        let limits = Limits { all: policy, own: None };
        let cleaned = clean_up::run(job, store, &limits, Room::default())?;
        if cleaned.is_none() {
            job.console.say(format!("another process is cleaning up {}", store.root().display()));
        }
        record::tell(job, store, Ledger::compact);
        for failure in &evicted.failures {
            job.warn(Code::NotRemoved, chain(failure));
        }
        for id in &evicted.in_use {
            job.console.say(format!("an entry in use stays: {}", id.path().display()));
        }
        // What went, went: also where another process cleans up.
        let of_closed = Cleaned {
            evicted: evicted.entries(),
            bytes: evicted.bytes(),
            before,
            after: space_at(store.root())?,
            shortage: Room::default(),
        };
        let cleaned = cleaned.map(|cleaned| Cleaned {
            evicted: cleaned.evicted + of_closed.evicted,
            bytes: cleaned.bytes + of_closed.bytes,
            before,
            ..cleaned
        });
        Done::Gc(cleaned.or(Some(of_closed).filter(|of_closed| of_closed.evicted > 0)))
    };
    Ok(Ended::with(Exit::Success, done))
}

/// What would go, `of_closed` included.
fn doomed(store: &Store, policy: Policy, of_closed: Vec<Planned>) -> anyhow::Result<Doomed> {
    let known = store.known()?;
    let usage = store.usage(&known)?;
    let shortage = policy.min_free.shortage(space_at(store.root())?, Room::default());
    let inventory = Inventory { entries: &known, usage: Some(&usage) };
    let by_limits = retention::plan(inventory, &policy, shortage, Timestamp::now());
    let mut plan = of_closed;
    let mut gone: HashSet<_> = plan.iter().map(|planned| planned.id.clone()).collect();
    plan.extend(by_limits.into_iter().filter(|planned| gone.insert(planned.id.clone())));
    let mut weights = retention::Weights::of(&usage);
    for (_, usage) in known.iter().zip(&usage).filter(|(entry, _)| gone.contains(&entry.id)) {
        weights.remove(usage);
    }
    Ok(Doomed { frees: weights.freed().bytes, plan, known, policy })
}
