//! `report`: what the cache did and has, as a page.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;

use super::ended::Ended;
use crate::cli;
use crate::job::{Exit, Job};
use crate::ledger::detail::Detailing;
use crate::ledger::{Ledger, Window};
use crate::outcome::{Done, ReportOutcome, ShownEntries, UsageOutcome};
use crate::report::{bytes, page};
use crate::store::Store;
use crate::store::retention::Room;
use crate::sys::{Space, file, space_at};

/// The command.
pub(super) fn run(job: &Job, store: &Store, wanted: &cli::Report) -> anyhow::Result<Ended> {
    let until = Timestamp::now();
    let window = Window { since: until.checked_sub(wanted.since)?, until };
    let detail = match Ledger::open_existing(store)? {
        Some(ledger) => ledger.detail(window)?,
        None => Detailing::new(window).finish(&HashMap::new()),
    };
    let known = store.known()?;
    let disk = space_at(store.root()).ok();
    // All that is missing on a disk that is full.
    let full = disk.map(|disk| Space { free_bytes: 0, ..disk });
    let min_free = full.map(|full| wanted.min_free.shortage(full, Room::default()).bytes);
    let outcome = ReportOutcome {
        since: window.since,
        until,
        file: Some(wanted.html.clone()).filter(|path| path != Path::new("-")),
        detail,
        usage: UsageOutcome::of(&known, &store.usage(&known)?),
        entries: ShownEntries::of(&known),
        disk,
        max_size: wanted.max_size(),
        min_free,
    };
    if let Some(path) = &outcome.file {
        let page = page(&outcome);
        file::write_atomic(path, page.as_bytes())?;
        job.console.say(format!("page of {} written to {}", bytes(page.len() as u64), path.display()));
    }
    Ok(Ended::with(Exit::Success, Done::Report(Box::new(outcome))))
}
