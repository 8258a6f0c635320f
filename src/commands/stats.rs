//! `stats`: what the cache did.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::ended::Ended;
use crate::cli;
use crate::job::{Exit, Job};
use crate::ledger::stats::{Filter, Tally};
use crate::ledger::{Ledger, Total, Window};
use crate::outcome::{Done, StatsForm, StatsOutcome, Stored};
use crate::report::printed;
use crate::store::{Layer, Store};
use crate::sys::{file, space_at};

/// The command.
pub(super) fn run(job: &Job, store: &Store, wanted: &cli::Stats) -> anyhow::Result<Ended> {
    let filter =
        Filter { repository: wanted.repository.clone(), job: wanted.job.clone(), layer: wanted.layer };
    let done = Done::Stats(Box::new(of_window(store, wanted.since, &filter, wanted.format)?));
    let Some(path) = &wanted.output else { return Ok(Ended::with(Exit::Success, done)) };
    let text = printed(&done, false).unwrap_or_default();
    file::write_atomic_for_all(path, text.as_bytes())?;
    job.console.say(format!("statistics written to {}", path.display()));
    Ok(Ended::early(Exit::Success))
}

/// What the cache did since so long ago.
pub(super) fn of_window(
    store: &Store,
    since: SignedDuration,
    filter: &Filter,
    form: StatsForm,
) -> anyhow::Result<StatsOutcome> {
    let until = Timestamp::now();
    let window = Window { since: until.checked_sub(since)?, until };
    let (stats, totals) = match Ledger::open_existing(store)? {
        Some(ledger) => (ledger.stats(window, filter)?, totals(&ledger, form)?),
        None => (Tally::new(window, &HashMap::new(), filter).finish(), Vec::new()),
    };
    // Headers of units are many, and matter to who watches the host as a whole.
    let layers = if form == StatsForm::Prometheus { &Layer::ALL[..] } else { &Layer::OF_JOBS };
    Ok(StatsOutcome {
        stats,
        stored: Stored::of(&store.known_in(layers)?),
        disk: space_at(store.root()).ok(),
        totals,
        form,
    })
}

fn totals(ledger: &Ledger, form: StatsForm) -> anyhow::Result<Vec<Total>> {
    Ok(if form == StatsForm::Prometheus { ledger.totals()? } else { Vec::new() })
}
