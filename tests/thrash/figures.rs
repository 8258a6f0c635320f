//! Counts of all that happened, by dotted names: `kills.save.SIGKILL`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// Without these a run proves nothing.
const NEEDED: &[&str] = &[
    "saves",
    "hits",
    "misses",
    "evictions.save",
    "evictions.gc",
    "evictions.remove",
    "kills.save.SIGKILL",
    "kills.save.SIGTERM",
    "kills.restore.SIGKILL",
    "kills.restore.SIGTERM",
    "kills.gc.SIGKILL",
    "kills.verify.SIGKILL",
    "damages.file",
    "damages.directory",
    "damages.manifest",
    "damages.staging",
    "damages.own",
    "quarantined",
    "repaired",
    "trees_compared",
];

/// Counters that all threads share.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<BTreeMap<String, u64>>);

impl Figures {
    /// Adds `number` to the counter `name`.
    pub(crate) fn add(&self, name: impl Into<String>, number: u64) {
        *self.lock().entry(name.into()).or_default() += number;
    }

    /// Lets `name` be at least `number`.
    pub(crate) fn at_least(&self, name: &str, number: u64) {
        let mut figures = self.lock();
        let most = figures.entry(name.to_owned()).or_default();
        *most = number.max(*most);
    }

    /// The counter `name`, or the sum of all below it.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        let is_below = |other: &str| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.lock()
            .iter()
            .filter(|(other, _)| *other == name || is_below(other))
            .map(|(_, number)| number)
            .sum()
    }

    /// All of them, nested by their dots.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        for (name, number) in self.lock().iter() {
            let mut parts: Vec<_> = name.split('.').collect();
            let last = parts.pop().unwrap_or_default();
            let mut at = &mut json;
            for part in parts {
                let below = at.entry(part).or_insert_with(|| Value::Object(Map::new()));
                at = below.as_object_mut().unwrap_or_else(|| panic!("{name} is a number and a group"));
            }
            at.insert(last.to_owned(), (*number).into());
        }
        json
    }

    /// Safety alone is had by doing nothing.
    pub(crate) fn assert_that_all_was_tried(&self) {
        let missing: Vec<_> = NEEDED.iter().filter(|name| self.sum(name) == 0).collect();
        assert!(missing.is_empty(), "these never happened: {missing:?}; the run may have been too short");
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
