//! `list`: all entries.

use std::cmp::Reverse;

use super::ended::Ended;
use crate::cli::Order;
use crate::job::Exit;
use crate::outcome::Done;
use crate::store::{Layer, Store};

/// The command.
pub(super) fn run(store: Option<&Store>, order: Order, units: bool) -> anyhow::Result<Ended> {
    let layers = if units { &Layer::ALL[..] } else { &Layer::OF_JOBS };
    let mut entries = store.map_or_else(|| Ok(Vec::new()), |store| store.known_in(layers))?;
    match order {
        Order::LastUse => entries.sort_by_key(|entry| Reverse(entry.last_used)),
        Order::Created => entries.sort_by_key(|entry| Reverse(entry.header.created)),
        Order::Size => entries.sort_by_key(|entry| Reverse(entry.header.bytes)),
        Order::Key => entries.sort_by(|a, b| a.id.cmp(&b.id)),
    }
    Ok(Ended::with(Exit::Success, Done::List(entries)))
}
