//! Whose limits hold for which entries: the host's for all, a job's for those that are its own to make or unmake.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::eviction::{Inventory, Known, Planned, plan};
use super::policy::{Keep, Policy, Room};
use super::weight::{Usage, Weights};
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
    pub all: Room,
    /// Only those that a job's own limits reach.
    pub own: Room,
}

impl Lacks {
    /// Whether nothing is missing.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl Limits {
    /// What is missing in `space` when `needed` is to be written there besides.
    pub fn lacks(&self, space: Space, needed: Room) -> Lacks {
        let own = self.own.as_ref().map(|(_, own)| own.min_free.shortage(space, needed));
        Lacks { all: self.all.min_free.shortage(space, needed), own: own.unwrap_or_default() }
    }

    /// Whether it matters how much entries take.
    pub fn ask_for_sizes(&self) -> bool {
        self.all.max_size.is_some() || self.own.as_ref().is_some_and(|(_, own)| own.max_size.is_some())
    }

    /// The entries that are to go, in that order. Without a usage in `inventory` sizes are not looked at. For a job's own lack of
    /// room none goes where all that it reaches would not do.
    pub fn plan(&self, inventory: Inventory<'_>, lacks: Lacks, now: Timestamp) -> Vec<Planned> {
        let mut planned = plan(inventory, &self.all, lacks.all, now);
        let Some((reach, own)) = &self.own else { return planned };
        // Numbers, ages and the size of what is reached, alone.
        let (entries, usage) = rest(inventory, &planned, |entry| reach.has(&entry.header.scope));
        let of_reached = Inventory { entries: &entries, usage: usage.as_deref() };
        planned.extend(plan(of_reached, own, Room::default(), now));
        let Some(usage) = inventory.usage else { return planned };
        let is_met = |planned: &[Planned]| {
            let freed = freed(inventory.entries, usage, planned);
            freed.bytes >= lacks.own.bytes && freed.inodes >= lacks.own.inodes
        };
        if is_met(&planned) {
            return planned;
        }
        // Room: with all others, who may hold the same blocks and stay.
        let already = freed(inventory.entries, usage, &planned);
        let (mut entries, usage) = rest(inventory, &planned, |_| true);
        for entry in &mut entries {
            entry.stays |= !reach.has(&entry.header.scope);
        }
        let lack = Room {
            bytes: lacks.own.bytes.saturating_sub(already.bytes),
            inodes: lacks.own.inodes.saturating_sub(already.inodes),
        };
        let only_room = Policy { keep: Keep::all(), max_age: None, max_size: None, ..own.clone() };
        let for_room = plan(Inventory { entries: &entries, usage: usage.as_deref() }, &only_room, lack, now);
        let all = [planned.clone(), for_room].concat();
        if is_met(&all) { all } else { planned }
    }
}

/// What is not `planned` to go and of which `is_meant` holds.
fn rest(
    inventory: Inventory<'_>,
    planned: &[Planned],
    is_meant: impl Fn(&Known) -> bool,
) -> (Vec<Known>, Option<Vec<Usage>>) {
    let gone: HashSet<_> = planned.iter().map(|one| &one.id).collect();
    let is_left = |index: &usize| {
        let entry = &inventory.entries[*index];
        !gone.contains(&entry.id) && is_meant(entry)
    };
    let left: Vec<usize> = (0..inventory.entries.len()).filter(is_left).collect();
    let entries = left.iter().map(|&index| inventory.entries[index].clone()).collect();
    let usage = inventory.usage.map(|usage| left.iter().map(|&index| usage[index].clone()).collect());
    (entries, usage)
}

/// What the disk has more without those of `planned`.
fn freed(entries: &[Known], usage: &[Usage], planned: &[Planned]) -> Room {
    let gone: HashSet<_> = planned.iter().map(|one| &one.id).collect();
    let mut weights = Weights::of(usage);
    for (_, usage) in entries.iter().zip(usage).filter(|(entry, _)| gone.contains(&entry.id)) {
        weights.remove(usage);
    }
    weights.freed()
}
