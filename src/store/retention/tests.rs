//! The plan by examples, and its promises by properties.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;
use proptest::prelude::*;

use super::super::Finality;
use super::super::manifest::tests::sample;
use super::*;
use crate::store::EntryId;
use crate::store::address::Generation;
use jiff::Timestamp;

const NOW: i64 = 1_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// An entry of `lane`, last used at the second `used`.
fn entry(lane: &str, used: i64) -> Known {
    let header = sample("k", lane).header;
    let last_used = Timestamp::from_second(used).unwrap();
    let generation = Generation::new(last_used, 0, lane);
    Known { id: EntryId { key_directory: "k".into(), generation }, header, last_used, stays: false }
}

/// An entry that holds the blocks of these numbers, a kilobyte each.
fn usage(blocks: &[u64]) -> Usage {
    let block = |&id: &u64| Block { id: BlockId::File(id), bytes: 1000, is_held_elsewhere: false };
    Usage { blocks: blocks.iter().map(block).collect() }
}

fn keep_all() -> Policy {
    Policy { keep: Keep::new(BTreeMap::new()), ..Policy::default() }
}

fn planned(entries: &[Known], usage: &[Usage], policy: &Policy, shortage: Room) -> Vec<(i64, Reason)> {
    let usage = (!usage.is_empty()).then_some(usage);
    let plan = plan(Inventory { entries, usage }, policy, shortage, now());
    let time = |p: &Planned| entries.iter().find(|e| e.id == p.id).unwrap().last_used.as_second();
    plan.iter().map(|planned| (time(planned), planned.reason)).collect()
}

fn short_of(bytes: u64) -> Room {
    Room { bytes, inodes: 0 }
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let entries = [entry("a", 3), entry("a", 1), entry("a", 5), entry("a", 2), entry("a", 4)];
    let count = Reason::Count { keep: 3 };
    assert_eq!(planned(&entries, &[], &Policy::default(), short_of(0)), [(1, count), (2, count)]);
}

#[test]
fn what_seems_to_be_of_the_future_pushes_nothing_out() {
    let entries = [entry("a", NOW + 9), entry("a", NOW + 8), entry("a", NOW + 7), entry("a", NOW - 1)];
    let count = Reason::Count { keep: 3 };
    assert_eq!(planned(&entries, &[], &Policy::default(), short_of(0)), [(NOW + 7, count)]);
}

#[test]
fn lanes_do_not_push_each_other_out() {
    let entries = [entry("a", 1), entry("a", 2), entry("a", 3), entry("b", 4), entry("b", 5), entry("b", 6)];
    assert_eq!(planned(&entries, &[], &Policy::default(), short_of(0)), []);
}

/// The same, from a job that did not succeed.
fn begun(lane: &str, used: i64) -> Known {
    let mut entry = entry(lane, used);
    entry.header.finality = Finality::Partial;
    entry
}

#[test]
fn what_was_begun_goes_when_it_was_completed_or_begun_again() {
    let superseded = |used| (used, Reason::Superseded);
    let entries = [begun("a", 1), begun("b", 2), begun("a", 3)];
    assert_eq!(planned(&entries, &[], &keep_all(), short_of(0)), [superseded(1)]);
    let completed = [&entries[..], &[entry("b", 0)]].concat();
    let all = [superseded(1), superseded(2), superseded(3)];
    assert_eq!(planned(&completed, &[], &keep_all(), short_of(0)), all);
    let mut other = entry("a", 4);
    other.header.key = "another".into();
    assert_eq!(planned(&[begun("a", 1), other], &[], &keep_all(), short_of(0)), []);
}

#[test]
fn what_was_begun_pushes_nothing_out_that_is_complete() {
    let mut entries = vec![entry("a", 1), entry("a", 2), entry("a", 3), begun("a", 4)];
    entries[3].header.key = "another".into();
    let count = Reason::Count { keep: 3 };
    assert_eq!(planned(&entries, &[], &Policy::default(), short_of(0)), [(4, count)]);
}

#[test]
fn a_layer_without_a_number_is_not_limited() {
    let entries: Vec<_> = (0..9).map(|used| entry("a", used)).collect();
    assert_eq!(planned(&entries, &[], &keep_all(), short_of(0)), []);
}

#[test]
fn what_nobody_used_for_long_goes() {
    let entries = [entry("a", NOW - 100), entry("b", NOW - 10)];
    let policy = Policy { max_age: Some(SignedDuration::from_secs(50)), ..keep_all() };
    assert_eq!(planned(&entries, &[], &policy, short_of(0)), [(NOW - 100, Reason::Age)]);
}

#[test]
fn a_compiler_that_is_no_longer_used_takes_its_entries_along() {
    let with = |lane: &str, used, toolchain: &str| {
        let mut entry = entry(lane, used);
        let factor =
            crate::store::Factor { name: "rustc".into(), digest: toolchain.into(), items: Vec::new() };
        entry.header.factors = vec![factor];
        entry
    };
    let entries = [with("a", 1, "1.94"), with("a", 2, "1.95"), with("nightly", 3, "1.97"), entry("b", 4)];
    let policy = Policy { older_toolchains: true, ..keep_all() };
    assert_eq!(planned(&entries, &[], &policy, short_of(0)), [(1, Reason::Toolchain)]);
}

#[test]
fn the_newest_of_a_family_and_the_default_branch_go_last() {
    let of_default = |used| {
        let mut entry = entry("default", used);
        entry.header.is_of_default_branch = true;
        entry
    };
    let entries = [of_default(1), of_default(2), entry("a", 3), entry("a", 4)];
    let usage = [usage(&[1]), usage(&[2]), usage(&[3]), usage(&[4])];
    let order = planned(&entries, &usage, &keep_all(), short_of(4000));
    assert_eq!(order.iter().map(|(used, _)| *used).collect::<Vec<_>>(), [3, 1, 4, 2]);
}

#[test]
fn what_is_dear_to_make_again_stays_longer() {
    let costing = |lane: &str, used, seconds| {
        let mut entry = entry(lane, used);
        entry.header.made_in_seconds = seconds;
        entry
    };
    // The second lay idle for longer, but took an hour.
    let entries = [costing("a", NOW - 100, 1), costing("b", NOW - 200, 3600)];
    let usage = [usage(&[1]), usage(&[2])];
    assert_eq!(planned(&entries, &usage, &keep_all(), short_of(1000)), [(NOW - 100, Reason::Room)]);
}

#[test]
fn what_shares_its_files_frees_nothing_alone() {
    let entries = [entry("a", 1), entry("b", 2), entry("c", 3)];
    let usage = [usage(&[1, 2]), usage(&[1, 2]), usage(&[3])];
    let size = Policy { max_size: Some(1500), ..keep_all() };
    assert_eq!(
        planned(&entries, &usage, &size, short_of(0)),
        [(1, Reason::Size), (2, Reason::Size)],
        "3 blocks in all: those two must go together"
    );
}

#[test]
fn what_a_job_still_holds_frees_nothing() {
    let mut held = usage(&[1]);
    held.blocks[0].is_held_elsewhere = true;
    let entries = [entry("a", 1), entry("b", 2)];
    assert_eq!(
        planned(&entries, &[held, usage(&[2])], &keep_all(), short_of(1000)),
        [(2, Reason::Room)],
        "the first would be lost for nothing"
    );
}

#[derive(Debug, Clone)]
struct Host {
    entries: Vec<Known>,
    usage: Vec<Usage>,
    policy: Policy,
    shortage: Room,
}

fn host() -> impl Strategy<Value = Host> {
    let one = (0usize..4, 0..NOW, any::<bool>(), prop::collection::hash_set(0u64..40, 0..12), 0u64..5000);
    let entries = prop::collection::vec(one, 0..24);
    (entries, prop::option::of(0u64..40_000), 0u64..40_000, 0u64..40, prop::option::of(0..NOW)).prop_map(
        |(made, max_size, bytes, inodes, max_age)| {
            let mut host = Host {
                entries: Vec::new(),
                usage: Vec::new(),
                policy: Policy {
                    max_size,
                    max_age: max_age.map(SignedDuration::from_secs),
                    ..Policy::default()
                },
                shortage: Room { bytes, inodes },
            };
            for (number, (lane, used, stays, blocks, cost)) in made.into_iter().enumerate() {
                let mut entry = entry(&format!("lane{lane}"), used);
                entry.id.key_directory = format!("k{number}").into();
                entry.stays = stays && cost % 3 == 0;
                entry.header.made_in_seconds = cost;
                entry.header.is_of_default_branch = lane == 0;
                host.entries.push(entry);
                host.usage.push(usage(&blocks.into_iter().collect::<Vec<_>>()));
            }
            host
        },
    )
}

impl Host {
    fn plan(&self) -> Vec<Planned> {
        let inventory = Inventory { entries: &self.entries, usage: Some(&self.usage) };
        plan(inventory, &self.policy, self.shortage, now())
    }

    /// Size of the store and what was freed when all but the entries of `gone` stay, counted by other means.
    fn outcome(&self, gone: &HashSet<EntryId>) -> (u64, u64) {
        let blocks = |is_counted: &dyn Fn(&EntryId) -> bool| -> u64 {
            let counted = self.entries.iter().zip(&self.usage).filter(|(entry, _)| is_counted(&entry.id));
            let ids = counted.flat_map(|(_, usage)| usage.blocks.iter().map(|block| block.id));
            ids.collect::<HashSet<_>>().len() as u64
        };
        let (all, left) = (blocks(&|_| true), blocks(&|id| !gone.contains(id)));
        (left * 1000, (all - left) * 1000)
    }
}

impl Host {
    fn is_content_with(&self, size: u64, freed: u64) -> bool {
        self.policy.max_size.is_none_or(|most| size <= most)
            && freed >= self.shortage.bytes
            && freed / 1000 >= self.shortage.inodes
    }
}

proptest! {
    #[test]
    fn an_entry_that_stays_never_goes(host in host()) {
        let staying: HashSet<_> = host.entries.iter().filter(|e| e.stays).map(|e| e.id.clone()).collect();
        prop_assert!(host.plan().iter().all(|planned| !staying.contains(&planned.id)));
    }

    #[test]
    fn the_limits_hold_or_nothing_is_left_to_evict(host in host()) {
        let gone: HashSet<_> = host.plan().into_iter().map(|planned| planned.id).collect();
        let (size, freed) = host.outcome(&gone);
        if !host.is_content_with(size, freed) {
            let all: HashSet<_> =
                host.entries.iter().filter(|e| !e.stays).map(|e| e.id.clone()).collect();
            prop_assert_eq!((size, freed), host.outcome(&all), "what stays would not help");
        }
    }

    #[test]
    fn the_same_host_gives_the_same_plan(host in host()) {
        let mut turned = host.clone();
        turned.entries.reverse();
        turned.usage.reverse();
        prop_assert_eq!(host.plan(), turned.plan());
    }

    #[test]
    fn nothing_goes_that_need_not(host in host()) {
        let plan = host.plan();
        let gone: HashSet<_> = plan.iter().map(|planned| planned.id.clone()).collect();
        let (size, freed) = host.outcome(&gone);
        for planned in plan.iter().filter(|p| matches!(p.reason, Reason::Size | Reason::Room)) {
            let mut fewer = gone.clone();
            fewer.remove(&planned.id);
            let (size_without, freed_without) = host.outcome(&fewer);
            if host.is_content_with(size, freed) {
                prop_assert!(!host.is_content_with(size_without, freed_without), "{:?}", planned);
            } else {
                prop_assert_ne!((size, freed), (size_without, freed_without), "{:?}", planned);
            }
        }
    }
}
