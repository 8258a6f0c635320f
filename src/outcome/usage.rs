//! What entries take on the disk.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::Layer;
use crate::store::retention::{Known, Usage, Weights};

/// What entries take, by layer and repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsageOutcome {
    /// Each layer of a repository, in order.
    pub groups: Vec<GroupUsage>,
    /// What several of these have in common.
    pub shared: Part,
    /// All: the sum of the groups' own and of what is shared.
    pub all: Part,
    /// How many entries there are.
    pub entries: u64,
    /// Their bytes as recorded.
    pub recorded: u64,
}

/// What the entries of one layer of a repository take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupUsage {
    /// The layer.
    pub layer: Layer,
    /// The repository.
    pub repository: String,
    /// How many entries there are.
    pub entries: u64,
    /// Their bytes as recorded.
    pub recorded: u64,
    /// What they take that no other group has.
    pub own: Part,
}

/// A part of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its bytes.
    pub bytes: u64,
    /// Bytes that the disk would have more without it: what a workspace has as well stays.
    pub freed: u64,
}

impl UsageOutcome {
    /// What `known` entries take, of which each takes its `usage`.
    pub fn of(known: &[Known], usage: &[Usage]) -> Self {
        let mut groups: BTreeMap<(Layer, &str), (u64, u64, Vec<&Usage>)> = BTreeMap::new();
        for (entry, usage) in known.iter().zip(usage) {
            let of = (entry.header.layer(), entry.header.scope.repository.as_str());
            let (count, recorded, usages) = groups.entry(of).or_default();
            *count += 1;
            *recorded += entry.header.bytes;
            usages.push(usage);
        }
        let usages: Vec<_> = groups.values().map(|(_, _, usages)| usages.clone()).collect();
        let Parts { own, shared, all } = Parts::of(usage, &usages);
        let groups = groups.into_iter().zip(own);
        let groups = groups.map(|(((layer, repository), (entries, recorded, _)), own)| GroupUsage {
            layer,
            repository: repository.to_owned(),
            entries,
            recorded,
            own,
        });
        Self {
            groups: groups.collect(),
            shared,
            all,
            entries: known.len() as u64,
            recorded: known.iter().map(|entry| entry.header.bytes).sum(),
        }
    }
}

/// What groups of entries take: each for itself, several in common, and all. The first two add up to the last.
struct Parts {
    own: Vec<Part>,
    shared: Part,
    all: Part,
}

impl Parts {
    fn of(usage: &[Usage], groups: &[Vec<&Usage>]) -> Self {
        let whole = Weights::of(usage).size();
        let without = |gone: &[&Usage]| {
            let mut weights = Weights::of(usage);
            for usage in gone {
                weights.remove(usage);
            }
            Part { bytes: whole - weights.size(), freed: weights.freed().bytes }
        };
        let own: Vec<_> = groups.iter().map(|group| without(group)).collect();
        let all = without(&usage.iter().collect::<Vec<_>>());
        let sum = own.iter().fold((0, 0), |(bytes, freed), part| (bytes + part.bytes, freed + part.freed));
        Self { own, shared: Part { bytes: all.bytes - sum.0, freed: all.freed - sum.1 }, all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::retention::{Block, BlockId};

    #[test]
    fn what_groups_take_adds_up() {
        let block =
            |&(id, bytes): &(u64, u64)| Block { id: BlockId::File(id), bytes, is_held_elsewhere: id == 3 };
        let usage = |blocks: &[(u64, u64)]| Usage { blocks: blocks.iter().map(block).collect() };
        let usages = [usage(&[(1, 1000), (2, 2000)]), usage(&[(2, 2000), (3, 4000)]), usage(&[(3, 4000)])];
        let Parts { own, shared, all } =
            Parts::of(&usages, &[vec![&usages[0]], vec![&usages[1], &usages[2]]]);
        let part = |bytes, freed| Part { bytes, freed };
        assert_eq!(own, [part(1000, 1000), part(4000, 0)]);
        assert_eq!((shared, all), (part(2000, 2000), part(7000, 3000)));
    }
}
