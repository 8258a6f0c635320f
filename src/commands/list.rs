//! `list`: all entries.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::cli::{ListForm, Order};
use crate::job::{Exit, Job};
use crate::report::{entries_json, entries_listing, entries_table};
use crate::store::{Layer, Store};

/// The command.
pub(super) fn run(
    job: &Job,
    store: Option<&Store>,
    order: Order,
    units: bool,
    form: ListForm,
) -> anyhow::Result<Exit> {
    let layers = if units { &Layer::ALL[..] } else { &Layer::OF_JOBS };
    let mut entries = store.map_or_else(|| Ok(Vec::new()), |store| store.known_in(layers))?;
    match order {
        Order::LastUse => entries.sort_by_key(|entry| Reverse(entry.last_used)),
        Order::Created => entries.sort_by_key(|entry| Reverse(entry.header.created)),
        Order::Size => entries.sort_by_key(|entry| Reverse(entry.header.bytes)),
        Order::Key => entries.sort_by(|a, b| a.id.cmp(&b.id)),
    }
    if form.json {
        job.console.print_data(entries_json(&entries));
    } else if entries.is_empty() {
        job.console.print("no entries");
    } else if form.wide {
        job.console.print(entries_table(&entries, Timestamp::now()));
    } else {
        job.console.print(entries_listing(&entries, Timestamp::now()));
    }
    Ok(Exit::Success)
}
