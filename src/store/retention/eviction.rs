//! Which entries are to go: a pure function from what is there and a policy to a plan with a reason each.
//!
//! Numbers and ages come first; they need no sizes. Where the store is larger than it may be, or the disk is short, further
//! entries go in an order that spares what is dear: first superseded ones, then the newest of their families, those of
//! the default branch last of each; among equals those that lay idle longest, take most, and cost least to make again.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::policy::{Policy, Room};
use super::weight::{Usage, Weights, shares};
use crate::store::{EntryId, Header, Layer};

/// An entry, as far as retention looks at it.
#[derive(Debug, Clone)]
pub struct Known {
    /// Where it is.
    pub id: EntryId,
    /// What it is.
    pub header: Header,
    /// When it was of use last.
    pub last_used: Timestamp,
    /// Whether it stays whatever the limits: somebody is reading it, or it is another user's.
    pub stays: bool,
}

/// An entry that is to go, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where it is.
    pub id: EntryId,
    /// Its size as recorded, for the report.
    pub bytes: u64,
    /// Why it goes.
    pub reason: Reason,
}

/// Why an entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Reason {
    /// There are this many newer ones of its family.
    Count {
        /// The limit.
        keep: usize,
    },
    /// It is partial, and there is another one of its key that is not, or a newer one of its job.
    Superseded,
    /// It was not of use for longer than the policy allows.
    Age,
    /// It was made by another compiler than its repository uses now.
    Toolchain,
    /// The store is larger than it may be.
    Size,
    /// The disk has too little room.
    Room,
    /// Its pull request is closed, or its branch is gone.
    Closed,
    /// The user wants it.
    Asked,
}

/// What is there: the entries, and what each takes on the disk where sizes matter.
#[derive(Debug, Clone, Copy)]
pub struct Inventory<'a> {
    /// The entries, in any order.
    pub entries: &'a [Known],
    /// For each of them what it takes. Without it neither [`Policy::max_size`] nor a shortage is looked at.
    pub usage: Option<&'a [Usage]>,
}

/// The entries that are to go, in that order. One that [stays](Known::stays) is in none.
pub fn plan(inventory: Inventory<'_>, policy: &Policy, shortage: Room, now: Timestamp) -> Vec<Planned> {
    let entries = inventory.entries;
    let ranks = Ranks::of(entries, now);
    let mut fates: Vec<Option<Reason>> = vec![None; entries.len()];
    for (index, entry) in entries.iter().enumerate() {
        if entry.stays {
            continue;
        }
        let keep = policy.keep.of(entry.header.layer());
        fates[index] = match keep {
            _ if ranks.superseded.contains(&index) => Some(Reason::Superseded),
            Some(keep) if ranks.newer[index] >= keep => Some(Reason::Count { keep }),
            _ if policy.max_age.is_some_and(|most| now.duration_since(entry.last_used) > most) => {
                Some(Reason::Age)
            }
            _ if policy.older_toolchains && ranks.is_of_older_toolchain(entry) => Some(Reason::Toolchain),
            _ => None,
        };
    }
    let mut order: Vec<usize> = (0..entries.len()).filter(|&index| fates[index].is_some()).collect();
    order.sort_by(|&a, &b| entries[a].id.cmp(&entries[b].id));
    if let Some(usage) = inventory.usage {
        let mut weights = Weights::of(usage);
        for &index in &order {
            weights.remove(&usage[index]);
        }
        let mut goals = Goals { policy, shortage, weights };
        for index in ranks.first_to_go(entries, usage, now) {
            if goals.are_reached() {
                break;
            }
            if fates[index].is_none() && !entries[index].stays {
                fates[index] = Some(if goals.is_small_enough() { Reason::Room } else { Reason::Size });
                goals.weights.remove(&usage[index]);
                order.push(index);
            }
        }
        spare(&mut order, &mut fates, usage, &mut goals);
    }
    order
        .into_iter()
        .filter_map(|index| {
            let entry = &entries[index];
            let reason = fates[index]?;
            Some(Planned { id: entry.id.clone(), bytes: entry.header.bytes, reason })
        })
        .collect()
}

/// Lets those stay that need not go after all: a later, larger one may have sufficed, and what shares its blocks with one
/// that stays frees nothing.
fn spare(order: &mut Vec<usize>, fates: &mut [Option<Reason>], usage: &[Usage], goals: &mut Goals<'_>) {
    let was_reached = goals.are_reached();
    for &index in order.iter().rev() {
        if !matches!(fates[index], Some(Reason::Size | Reason::Room)) {
            continue;
        }
        let before = (goals.weights.freed(), goals.weights.size());
        goals.weights.add(&usage[index]);
        let after = (goals.weights.freed(), goals.weights.size());
        let is_needed = if was_reached {
            !goals.are_reached()
        } else {
            before.0 != after.0 || (before.1 != after.1 && !goals.is_small_enough())
        };
        if is_needed {
            goals.weights.remove(&usage[index]);
        } else {
            fates[index] = None;
        }
    }
    order.retain(|&index| fates[index].is_some());
}

/// What the sizes have to come to.
struct Goals<'a> {
    policy: &'a Policy,
    shortage: Room,
    weights: Weights,
}

impl Goals<'_> {
    fn is_small_enough(&self) -> bool {
        self.policy.max_size.is_none_or(|most| self.weights.size() <= most)
    }

    fn are_reached(&self) -> bool {
        let freed = self.weights.freed();
        self.is_small_enough() && freed.bytes >= self.shortage.bytes && freed.inodes >= self.shortage.inodes
    }
}

/// Entries of one layer, repository, ref, lane and family are versions of one thing.
type Family<'a> = (Layer, &'a str, &'a str, &'a str, &'a str);

fn family(header: &Header) -> Family<'_> {
    (header.layer(), &header.scope.repository, &header.scope.reference, &header.lane, &header.family)
}

/// How entries stand to each other.
struct Ranks<'a> {
    /// For each entry how many of its family were of use later.
    newer: Vec<usize>,
    /// The partial ones of whose key there is a better one.
    superseded: HashSet<usize>,
    /// The compilers that the newest entries of a repository's lanes were made by.
    current_toolchains: HashSet<(&'a str, &'a str)>,
}

impl<'a> Ranks<'a> {
    fn of(entries: &'a [Known], now: Timestamp) -> Self {
        let mut newest_first: Vec<usize> = (0..entries.len()).collect();
        // What seems to be of the future, since the clock was wrong, must not push out what is made now.
        let rank = |index: usize| {
            let entry = &entries[index];
            // And what a failed job began must not push out what another one completed.
            (entry.header.finality.is_final(), entry.last_used <= now, entry.last_used, &entry.id)
        };
        newest_first.sort_by(|&a, &b| rank(b).cmp(&rank(a)));
        let mut seen: HashMap<Family<'_>, usize> = HashMap::new();
        let mut newer = vec![0; entries.len()];
        let mut lanes = HashSet::new();
        let mut current_toolchains = HashSet::new();
        let (mut completed, mut begun, mut superseded) = (HashSet::new(), HashSet::new(), HashSet::new());
        for index in newest_first {
            let header = &entries[index].header;
            let thing = (
                header.layer(),
                &header.scope.repository,
                &header.scope.reference,
                &header.key,
                &header.contents,
            );
            // Those that are final come first.
            if header.finality.is_final() {
                completed.insert(thing);
            } else if completed.contains(&thing) || !begun.insert((thing, &header.lane)) {
                superseded.insert(index);
            }
            let count = seen.entry(family(header)).or_default();
            newer[index] = *count;
            *count += 1;
            let scope = &header.scope;
            if let Some(toolchain) = header.toolchain()
                && lanes.insert((header.layer(), &scope.repository, &scope.reference, &header.lane))
            {
                current_toolchains.insert((scope.repository.as_str(), toolchain));
            }
        }
        Self { newer, superseded, current_toolchains }
    }

    fn is_of_older_toolchain(&self, entry: &Known) -> bool {
        let toolchain = entry.header.toolchain();
        toolchain.is_some_and(|toolchain| {
            !self.current_toolchains.contains(&(entry.header.scope.repository.as_str(), toolchain))
        })
    }

    /// All entries, those that are missed least first.
    fn first_to_go(&self, entries: &[Known], usage: &[Usage], now: Timestamp) -> Vec<usize> {
        let shares = shares(usage);
        let rank = |index: usize| {
            let Known { header, last_used, .. } = &entries[index];
            let dearness = (self.newer[index] == 0, header.is_of_default_branch);
            let idle = now.duration_since(*last_used).as_secs().max(1);
            // A job that took longer is dearer; its length is the most that making the entry again can cost.
            let cost = header.made_in_seconds.max(1);
            #[expect(clippy::cast_precision_loss, reason = "an order needs no exact figures")]
            let score = idle as f64 * shares[index] / cost as f64;
            (dearness, score)
        };
        let ranks: Vec<_> = (0..entries.len()).map(rank).collect();
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|&a, &b| {
            let ((dear_a, score_a), (dear_b, score_b)) = (ranks[a], ranks[b]);
            dear_a.cmp(&dear_b).then(score_b.total_cmp(&score_a)).then(entries[a].id.cmp(&entries[b].id))
        });
        order
    }
}
