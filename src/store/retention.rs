//! Which entries are to go: a pure function from what is there and a policy to a plan with a reason each.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{EntryId, Header, Layer, Store};

/// How many entries of one family are kept. A layer that is not named is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep(BTreeMap<Layer, usize>);

impl Keep {
    /// Keeps `counts`; each is at least 1.
    pub fn new(counts: BTreeMap<Layer, usize>) -> Self {
        Self(counts)
    }

    /// This, with the numbers in `counts` instead of its own.
    #[must_use]
    pub fn with(mut self, counts: BTreeMap<Layer, usize>) -> Self {
        self.0.extend(counts);
        self
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self(BTreeMap::from([(Layer::Cargo, 5), (Layer::Target, 3), (Layer::Builds, 5)]))
    }
}

/// An entry, as far as retention looks at it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it is.
    pub id: EntryId,
    /// What it is.
    pub header: Header,
    /// When it was of use last.
    pub last_used: Timestamp,
}

/// An entry that is to go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where it is.
    pub id: EntryId,
    /// Its size, for the report.
    pub bytes: u64,
    /// Why it goes.
    pub reason: Reason,
}

/// Why an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There are this many newer ones of its family.
    Count {
        /// The limit.
        keep: usize,
    },
}

/// The entries beyond the number to keep: of each layer, repository, ref, lane and family those that were of use longest ago.
pub fn plan(entries: &[Known], keep: &Keep) -> Vec<Planned> {
    let mut families: HashMap<_, Vec<&Known>> = HashMap::new();
    for entry in entries {
        let Header { layer, scope, lane, family, .. } = &entry.header;
        families.entry((layer, &scope.repository, &scope.reference, lane, family)).or_default().push(entry);
    }
    let mut planned = Vec::new();
    for ((layer, ..), mut members) in families {
        let Some(&keep) = keep.0.get(layer) else { continue };
        members.sort_by(|a, b| (b.last_used, &b.id.generation).cmp(&(a.last_used, &a.id.generation)));
        planned.extend(members.into_iter().skip(keep).map(|entry| Planned {
            id: entry.id.clone(),
            bytes: entry.header.bytes,
            reason: Reason::Count { keep },
        }));
    }
    planned.sort_by(|a, b| a.id.cmp(&b.id));
    planned
}

impl Store {
    /// All entries whose header can be read. Others are of no family.
    pub fn known(&self) -> super::Result<Vec<Known>> {
        let entries = self.entries()?.into_iter();
        Ok(entries
            .filter_map(|id| {
                let header = id.header().ok()?;
                let last_used = id.last_used().ok()?;
                Some(Known { id, header, last_used })
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Generation;
    use super::super::manifest::tests::sample;
    use super::*;

    fn entry(lane: &str, used: i64) -> Known {
        let header = sample("k", lane).header;
        let last_used = Timestamp::from_second(used).unwrap();
        let generation = Generation::new(last_used, 0, lane);
        Known { id: EntryId { key_folder: "k".into(), generation }, header, last_used }
    }

    fn used(planned: &[Planned], entries: &[Known]) -> Vec<i64> {
        let time = |p: &Planned| entries.iter().find(|e| e.id == p.id).unwrap().last_used.as_second();
        planned.iter().map(time).collect()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let entries = [entry("a", 3), entry("a", 1), entry("a", 5), entry("a", 2), entry("a", 4)];
        assert_eq!(used(&plan(&entries, &Keep::default()), &entries), [1, 2]);
    }

    #[test]
    fn lanes_do_not_push_each_other_out() {
        let entries =
            [entry("a", 1), entry("a", 2), entry("a", 3), entry("b", 4), entry("b", 5), entry("b", 6)];
        assert_eq!(plan(&entries, &Keep::default()), []);
    }

    #[test]
    fn a_layer_without_a_number_is_not_limited() {
        let entries: Vec<_> = (0..9).map(|used| entry("a", used)).collect();
        assert_eq!(plan(&entries, &Keep::new(BTreeMap::from([(Layer::Cargo, 1)]))), []);
    }
}
