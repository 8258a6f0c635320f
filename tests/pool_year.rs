//! A year of the unit pool on paper: fifteen repositories of one owner that share most of their dependencies, each of
//! which has a new version every few weeks. The pool follows what is in use.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use runner_cache::store::retention::{self, Block, BlockId, Inventory, Known, Policy, Room, Usage};
use runner_cache::store::{Access, Finality, Header, Layer, LayerData, Origin, Scope, Store, Unit};

const REPOSITORIES: u64 = 15;
const DAYS: u64 = 365;
const MAX_AGE_DAYS: u64 = 30;

/// Dependencies of all repositories, and of each one alone.
const SHARED: u64 = 180;
const OWN: u64 = 10;

/// A dependency in one version.
type Version = (u64, u64);

/// Dependencies come in new versions each at its own pace; a repository takes them some days later than the first.
fn needed(repository: u64, day: u64) -> BTreeSet<Version> {
    let own = SHARED + repository * OWN;
    let dependencies =
        (0..SHARED).filter(|dependency| !(dependency + repository).is_multiple_of(5)).chain(own..own + OWN);
    let seen = day.saturating_sub(repository % 10);
    dependencies.map(|dependency| (dependency, seen / (20 + dependency % 70))).collect()
}

fn unit(store: &Store, version: Version, now: Timestamp) -> Known {
    let (dependency, version) = version;
    let key = format!("unit-0-d{dependency}-{version}");
    let scope = Scope { repository: "o/*".into(), reference: "shared".into() };
    let name = format!("{}-{dependency:08x}-units", now.strftime("%Y%m%dT%H%M%S.%9fZ"));
    let id = store.entry_at(&store.key_directory(Layer::Units, &scope, &key).join(name)).unwrap();
    let header = Header {
        data: LayerData::Units {
            unit: Unit {
                outside: Vec::new(),
                slot: format!("debug/.fingerprint/d{dependency}-{version}"),
                package: format!("d{dependency}-{version}"),
                features: String::new(),
                variables: BTreeMap::new(),
                needs: Vec::new(),
            },
        },
        key,
        factors: Vec::new(),
        scope,
        lane: "units".into(),
        family: format!("unit-0-d{dependency}-{version}"),
        contents: String::new(),
        origin: Origin::default(),
        created: now,
        finality: Finality::Final,
        is_of_default_branch: true,
        made_in_seconds: 0,
        wrote: 0,
        files: 5,
        bytes: 1,
    };
    Known { id, header, last_used: now, stays: false }
}

#[test]
fn pool_holds_only_recently_used_units_after_a_year() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
    let max_age = Some(SignedDuration::from_hours((MAX_AGE_DAYS * 24).cast_signed()));
    let policy = Policy { max_age, ..Policy::default() };
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut pool: BTreeMap<Version, Known> = BTreeMap::new();
    let (mut compiled, mut asked) = (0, 0);
    for day in 0..DAYS {
        let now = start + SignedDuration::from_hours((day * 24).cast_signed());
        for repository in 0..REPOSITORIES {
            for version in needed(repository, day) {
                asked += 1;
                let known = pool.entry(version).or_insert_with(|| {
                    compiled += 1;
                    unit(&store, version, now)
                });
                known.last_used = now;
            }
        }
        let entries: Vec<_> = pool.values().cloned().collect();
        let inventory = Inventory { entries: &entries, usage: None };
        let gone = retention::plan(inventory, &policy, Room::default(), now);
        pool.retain(|_, known| gone.iter().all(|planned| planned.id != known.id));
    }
    let versions: BTreeSet<Version> = (0..DAYS)
        .flat_map(|day| (0..REPOSITORIES).flat_map(move |repository| needed(repository, day)))
        .collect();
    assert_eq!(compiled, versions.len(), "each version of a dependency is compiled once");
    assert!(asked > 100 * compiled, "{asked} were asked for, {compiled} compiled");
    let lately: BTreeSet<Version> = (DAYS - 1 - MAX_AGE_DAYS..DAYS)
        .flat_map(|day| (0..REPOSITORIES).flat_map(move |repository| needed(repository, day)))
        .collect();
    assert_eq!(pool.into_keys().collect::<BTreeSet<_>>(), lately);
}

#[test]
fn size_limit_evicts_pull_request_units_before_units_in_daily_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("root"), Access::Private).unwrap();
    let now: Timestamp = "2026-01-03T00:00:00Z".parse().unwrap();
    // Several versions of each dependency, as with features and profiles.
    let in_use = (0..SHARED).flat_map(|dependency| (0..4).map(move |version| (dependency, version)));
    let mut entries: Vec<_> = in_use.map(|version| unit(&store, version, now)).collect();
    let left = (0..OWN).map(|dependency| {
        let mut known = unit(&store, (SHARED + dependency, 0), now - SignedDuration::from_hours(48));
        known.header.scope = Scope { repository: "o/r".into(), reference: "refs/pull/7/merge".into() };
        known.header.is_of_default_branch = false;
        known
    });
    entries.extend(left);
    let block =
        |id| Usage { blocks: vec![Block { id: BlockId::File(id), bytes: 1, is_held_elsewhere: false }] };
    let usage: Vec<_> = (0..entries.len() as u64).map(block).collect();
    let policy = Policy { max_size: Some(SHARED * 4), ..Policy::default() };
    let inventory = Inventory { entries: &entries, usage: Some(&usage) };
    let gone = retention::plan(inventory, &policy, Room::default(), now);
    let gone: BTreeSet<_> = gone.iter().map(|planned| &planned.id).collect();
    let of_request = entries.iter().filter(|known| !known.header.is_of_default_branch);
    assert_eq!(gone, of_request.map(|known| &known.id).collect());
}
