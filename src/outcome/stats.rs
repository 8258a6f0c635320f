//! What the cache did, in sums.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::Total;
use crate::ledger::stats::Stats;
use crate::store::Layer;
use crate::store::retention::Known;
use crate::sys::Space;

/// How statistics are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StatsForm {
    /// For people, in 80 columns.
    Text,
    /// One row a job and layer, as comma-separated values.
    Csv,
    /// Counters of all time, in Prometheus' text format.
    Prometheus,
}

/// What the cache did.
#[derive(Debug, Clone, Serialize)]
pub struct StatsOutcome {
    /// What the events of the window come to.
    #[serde(flatten)]
    pub stats: Stats,
    /// What is there now.
    pub stored: Vec<Stored>,
    /// The disk of the cache now.
    pub disk: Option<Space>,
    /// Counters of all time.
    #[serde(skip)]
    pub totals: Vec<Total>,
    /// How they are printed.
    #[serde(skip)]
    pub form: StatsForm,
}

/// Entries of a layer of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// `owner/name`.
    pub repository: String,
    /// The layer.
    pub layer: Layer,
    /// How many.
    pub entries: u64,
    /// Their bytes as recorded: what they share counts several times.
    pub bytes: u64,
    /// When one of them was made or used last.
    pub last_used: Timestamp,
}

impl Stored {
    /// The entries of `known`, by repository and layer.
    pub fn of(known: &[Known]) -> Vec<Self> {
        let mut stored: std::collections::BTreeMap<(&str, Layer), Self> = std::collections::BTreeMap::new();
        for Known { header, last_used, .. } in known {
            let (repository, layer) = (header.scope.repository.as_str(), header.layer());
            let sum = stored.entry((repository, layer)).or_insert_with(|| Self {
                repository: repository.to_owned(),
                layer,
                entries: 0,
                bytes: 0,
                last_used: *last_used,
            });
            sum.entries += 1;
            sum.bytes += header.bytes;
            sum.last_used = sum.last_used.max(*last_used);
        }
        stored.into_values().collect()
    }
}
