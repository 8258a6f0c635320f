//! Whose limits hold for which entries: the host's for all, a job's for those that are its own to make or unmake.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Inventory, Known, Planned, Policy, Shortage, Usage, Weights, plan};
use crate::store::Scope;
use crate::sys::Space;

/// The entries that a job's own limits reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// All of a repository.
    Repository(String),
    /// Those of one ref of it.
    Scope(Scope),
}

impl Reach {
    /// Whether an entry of `scope` is one of them.
    pub fn has(&self, scope: &Scope) -> bool {
        match self {
            Self::Repository(repository) => scope.repository == *repository,
            Self::Scope(own) => scope == own,
        }
    }
}

/// What may stay.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of all entries.
    pub all: Policy,
    /// Of those that a job's own limits reach. There [`Policy::max_size`] is about these alone.
    pub own: Option<(Reach, Policy)>,
}

/// What is missing on the disk of the entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lacks {
    /// All entries may have to make way for it.
    pub all: Shortage,
    /// Only those that a job's own limits reach.
    pub own: Shortage,
}

impl Lacks {
    /// Whether nothing is missing.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Limits {
    /// What is missing in `space` when `needed` is to be written there besides.
    pub fn lacks(&self, space: Space, needed: Shortage) -> Lacks {
        let own = self.own.as_ref().map(|(_, own)| own.min_free.shortage(space, needed));
        Lacks { all: self.all.min_free.shortage(space, needed), own: own.unwrap_or_default() }
    }

    /// Whether it matters how much entries take.
    pub fn ask_for_sizes(&self) -> bool {
        self.all.max_size.is_some() || self.own.as_ref().is_some_and(|(_, own)| own.max_size.is_some())
    }

    /// The entries that are to go, in that order. Without a usage in `inventory` sizes are not looked at.
    pub fn plan(&self, inventory: Inventory<'_>, lacks: Lacks, now: Timestamp) -> Vec<Planned> {
        let mut planned = plan(inventory, &self.all, lacks.all, now);
        let Some((reach, own)) = &self.own else { return planned };
        let stays = |entry: &Known| planned.iter().all(|planned| planned.id != entry.id);
        let reached = (0..inventory.entries.len()).filter(|&index| {
            let entry = &inventory.entries[index];
            reach.has(&entry.header.scope) && stays(entry)
        });
        let reached: Vec<usize> = reached.collect();
        let entries: Vec<Known> = reached.iter().map(|&index| inventory.entries[index].clone()).collect();
        let of_reached =
            |usage: &[Usage]| reached.iter().map(|&index| usage[index].clone()).collect::<Vec<_>>();
        let usage = inventory.usage.map(of_reached);
        // What goes anyway counts.
        let freed =
            inventory.usage.map_or_else(Shortage::default, |usage| freed(inventory.entries, usage, &planned));
        let lack = Shortage {
            bytes: lacks.own.bytes.saturating_sub(freed.bytes),
            inodes: lacks.own.inodes.saturating_sub(freed.inodes),
        };
        planned.extend(plan(Inventory { entries: &entries, usage: usage.as_deref() }, own, lack, now));
        planned
    }
}

/// What the disk has more without those of `planned`.
fn freed(entries: &[Known], usage: &[Usage], planned: &[Planned]) -> Shortage {
    let mut weights = Weights::of(usage);
    for (_, usage) in
        entries.iter().zip(usage).filter(|(entry, _)| planned.iter().any(|one| one.id == entry.id))
    {
        weights.remove(usage);
    }
    weights.freed()
}
