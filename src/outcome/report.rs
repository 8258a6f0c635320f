//! What a page shows of a host.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::usage::UsageOutcome;
use crate::ledger::detail::Detail;
use crate::store::Layer;
use crate::store::retention::Known;
use crate::sys::Space;

/// Entries that are shown one by one.
const MOST_ENTRIES: usize = 300;

/// What `report` shows, and where.
#[derive(Debug, Clone, Serialize)]
pub struct ReportOutcome {
    /// When the window begins.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The page; nothing where it is standard output.
    pub file: Option<PathBuf>,
    /// What the events of the window come to.
    #[serde(skip)]
    pub detail: Detail,
    /// What entries take now.
    #[serde(skip)]
    pub usage: UsageOutcome,
    /// The entries now.
    #[serde(skip)]
    pub entries: Vec<ShownEntries>,
    /// The disk of the cache now.
    #[serde(skip)]
    pub disk: Option<Space>,
    /// What entries may take.
    #[serde(skip)]
    pub max_size: Option<u64>,
    /// What is to be left free on the disk.
    #[serde(skip)]
    pub min_free: Option<u64>,
}

/// An entry, or several of a layer of a repository together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownEntries {
    /// `owner/name`.
    pub repository: String,
    /// The layer.
    pub layer: Layer,
    /// How many.
    pub entries: u64,
    /// Their bytes as recorded.
    pub bytes: u64,
    /// When one of them was made or used last.
    pub last_used: Timestamp,
    /// What is told of one alone.
    pub one: Option<OneEntry>,
}

/// What is told of a single entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OneEntry {
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its lane.
    pub lane: String,
    /// When it was made.
    pub created: Timestamp,
}

impl ShownEntries {
    /// The entries of `known`, the largest first. Small ones are shown together, and units of the pool.
    pub fn of(known: &[Known]) -> Vec<Self> {
        let mut known: Vec<_> = known.iter().collect();
        known.sort_by_key(|entry| std::cmp::Reverse(entry.header.bytes));
        let (mut shown, mut together) = (Vec::new(), std::collections::BTreeMap::new());
        for Known { header, last_used, .. } in known {
            let layer = header.layer();
            let is_alone = layer != Layer::Units && shown.len() < MOST_ENTRIES;
            let one = is_alone.then(|| OneEntry {
                reference: header.scope.reference.clone(),
                lane: header.lane.clone(),
                created: header.created,
            });
            let repository = header.scope.repository.clone();
            let entry =
                Self { repository, layer, entries: 1, bytes: header.bytes, last_used: *last_used, one };
            if is_alone {
                shown.push(entry);
                continue;
            }
            let sum = together.entry((header.scope.repository.as_str(), layer));
            sum.and_modify(|sum: &mut Self| {
                sum.entries += 1;
                sum.bytes += entry.bytes;
                sum.last_used = sum.last_used.max(entry.last_used);
            })
            .or_insert(entry);
        }
        shown.extend(together.into_values());
        shown
    }
}
