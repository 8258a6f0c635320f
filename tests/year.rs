//! A year of a busy host on paper: twenty repositories, four runners, fifty runs a day. Retention sees the same values
//! as in life, the entries are made up. Shows that the store stops growing.
//!
//! With `RUNNER_CACHE_YEAR_OUT=FILE` the curve is written as CSV.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use runner_cache::store::retention::{self, Block, BlockId, Inventory, Known, Policy, Room, Usage, Weights};
use runner_cache::store::{
    Access, EntryId, Factor, Finality, Header, Layer, LayerData, Origin, Scope, Store,
};

const REPOSITORIES: u64 = 20;
const RUNS_A_DAY: u64 = 50;
const DAYS: u64 = 365;
const GB: u64 = 1_000_000_000;

/// What all entries may take.
const LIMIT: u64 = 60 * GB;

/// A file of a target directory stands for so much.
const PIECE: u64 = 50_000_000;

/// Pieces of a target directory: dependencies, which change with the lock file and the compiler, and the rest, which changes
/// with every commit.
const DEPENDENCIES: u64 = 16;
const OWN: u64 = 2;

struct Host {
    /// Gives addresses to entries that are never made.
    store: Store,
    policy: Policy,
    entries: Vec<Known>,
    usage: Vec<Usage>,
    made: u64,
}

/// One run of a job.
struct Run {
    number: u64,
    day: u64,
    now: Timestamp,
}

impl Run {
    fn repository(&self) -> u64 {
        (self.number + 3 * self.day) % REPOSITORIES
    }

    /// A third of all runs is on the default branch; a pull request lives for three days.
    fn pull_request(&self) -> Option<u64> {
        (!self.number.is_multiple_of(3)).then(|| self.day / 3 * REPOSITORIES + self.number % 7)
    }

    fn lane(&self) -> &'static str {
        if self.number.is_multiple_of(2) { "build" } else { "test" }
    }

    /// Dependencies change every ten days, each repository's on a day of its own; the compiler every six weeks.
    fn lock(&self) -> u64 {
        (self.day + self.repository()) / 10
    }

    fn compiler(&self) -> u64 {
        self.day / 42
    }
}

impl Host {
    fn new(directory: &Path, policy: Policy) -> Self {
        let store = Store::open(&directory.join("root"), Access::Private).unwrap();
        Self { store, policy, entries: Vec::new(), usage: Vec::new(), made: 0 }
    }

    fn save(&mut self, run: &Run, layer: Layer) {
        self.made += 1;
        let reference = run
            .pull_request()
            .map_or_else(|| "refs/heads/main".to_owned(), |number| format!("refs/pull/{number}/merge"));
        let scope = Scope { repository: format!("o/r{}", run.repository()), reference };
        let usage = Usage { blocks: self.blocks(run, layer) };
        let key = format!("{layer}-{}-{}", run.compiler(), run.lock());
        let header = Header {
            data: if layer == Layer::Target { LayerData::Target } else { LayerData::Cargo },
            key: key.clone(),
            factors: vec![Factor {
                name: "rustc".into(),
                digest: run.compiler().to_string(),
                items: Vec::new(),
            }],
            scope: scope.clone(),
            lane: run.lane().into(),
            family: layer.name().into(),
            contents: String::new(),
            origin: Origin::default(),
            created: run.now,
            is_of_default_branch: run.pull_request().is_none(),
            made_in_seconds: 60 + 20 * run.repository(),
            wrote: 0,
            files: usage.blocks.len() as u64,
            bytes: usage.bytes(),
            finality: Finality::Final,
        };
        let id = self.address(layer, &scope, &key, run);
        self.entries.push(Known { id, header, last_used: run.now, stays: false });
        self.usage.push(usage);
    }

    fn address(&self, layer: Layer, scope: &Scope, key: &str, run: &Run) -> EntryId {
        let time = run.now.strftime("%Y%m%dT%H%M%S.%9fZ");
        let name = format!("{time}-{:08x}-{}", self.made, run.lane());
        self.store.entry_at(&self.store.key_directory(layer, scope, key).join(name)).unwrap()
    }

    /// A save links what has not changed, so entries of one repository share the pieces of their dependencies.
    fn blocks(&self, run: &Run, layer: Layer) -> Vec<Block> {
        let repository = run.repository();
        let mut pieces = Vec::new();
        let dependencies = if layer == Layer::Target { DEPENDENCIES } else { DEPENDENCIES / 8 };
        for dependency in 0..dependencies {
            // One in eight changes with each new lock file, all with a new compiler.
            let version = if layer == Layer::Target {
                run.lock() / 8 + u64::from(dependency % 8 < run.lock() % 8) + 1000 * run.compiler()
            } else {
                run.lock() / 8 + u64::from(dependency % 8 < run.lock() % 8)
            };
            pieces.push(digest(&[repository, layer as u64, dependency, version]));
        }
        let own = if layer == Layer::Target { OWN } else { 0 };
        pieces.extend((0..own).map(|piece| digest(&[u64::MAX, self.made, piece])));
        let block = |piece| Block { id: BlockId::File(piece), bytes: PIECE, is_held_elsewhere: false };
        pieces.into_iter().map(block).collect()
    }

    /// What a save does afterwards.
    fn clean(&mut self, now: Timestamp, with_sizes: bool) {
        let usage = (with_sizes && self.policy.max_size.is_some()).then_some(&self.usage[..]);
        let inventory = Inventory { entries: &self.entries, usage };
        let gone: HashSet<_> = retention::plan(inventory, &self.policy, Room::default(), now)
            .into_iter()
            .map(|planned| planned.id)
            .collect();
        let stays: Vec<_> = self.entries.iter().map(|entry| !gone.contains(&entry.id)).collect();
        let mut of_entries = stays.iter();
        self.entries.retain(|_| *of_entries.next().unwrap());
        let mut of_usage = stays.iter();
        self.usage.retain(|_| *of_usage.next().unwrap());
    }

    fn size(&self) -> u64 {
        Weights::of(&self.usage).size()
    }

    fn recorded(&self) -> u64 {
        self.entries.iter().map(|entry| entry.header.bytes).sum()
    }
}

/// A number that stands for these numbers.
fn digest(numbers: &[u64]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    numbers.hash(&mut hasher);
    hasher.finish()
}

/// For each day the bytes as recorded and on the disk, at its end.
fn year(policy: Policy, peak: &mut u64) -> Vec<(u64, u64)> {
    let directory = tempfile::tempdir().unwrap();
    let mut host = Host::new(directory.path(), policy);
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut curve = Vec::new();
    for day in 0..DAYS {
        for of_day in 0..RUNS_A_DAY {
            let minutes = (day * 24 * 60 + of_day * 25).cast_signed();
            let now = start + SignedDuration::from_mins(minutes);
            let run = Run { number: day * RUNS_A_DAY + of_day, day, now };
            host.save(&run, Layer::Target);
            if of_day.is_multiple_of(5) {
                host.save(&run, Layer::Cargo);
            }
            // Sizes take time to count; on this host a timer does it once a day.
            let is_last = of_day == RUNS_A_DAY - 1;
            if is_last || of_day == RUNS_A_DAY / 2 {
                host.clean(now, is_last);
            }
        }
        let size = host.size();
        *peak = (*peak).max(size);
        curve.push((host.recorded(), size));
    }
    // Each repository still finds the newest entry of its default branch.
    let mut newest: HashMap<&str, Timestamp> = HashMap::new();
    for entry in &host.entries {
        if entry.header.is_of_default_branch && entry.header.layer() == Layer::Target {
            let time = newest.entry(&entry.header.scope.repository).or_insert(Timestamp::MIN);
            *time = (*time).max(entry.last_used);
        }
    }
    assert_eq!(newest.len() as u64, REPOSITORIES, "repositories with an entry of their default branch");
    curve
}

#[test]
fn busy_host_does_not_grow_over_a_year() {
    let mut peak = 0;
    let limited = year(Policy { max_size: Some(LIMIT), ..standard() }, &mut peak);
    assert!(peak <= LIMIT, "{peak}: the limit holds at the end of each day");

    let mut unlimited_peak = 0;
    let standard = year(standard(), &mut unlimited_peak);
    let most = |days: std::ops::Range<usize>| standard[days].iter().map(|(_, disk)| *disk).max().unwrap();
    let (early, late) = (most(60..150), most(275..365));
    assert!(late * 10 <= early * 11, "{early} in spring, {late} in the last months");

    if let Some(path) = std::env::var_os("RUNNER_CACHE_YEAR_OUT") {
        let mut csv = String::from("day,recorded_bytes,disk_bytes,limited_disk_bytes,limit_bytes\n");
        for (day, ((recorded, disk), (_, limited))) in standard.iter().zip(&limited).enumerate() {
            let _ = writeln!(csv, "{},{recorded},{disk},{limited},{LIMIT}", day + 1);
        }
        std::fs::write(path, csv).unwrap();
    }
}

/// The defaults of the inputs.
fn standard() -> Policy {
    Policy { max_age: Some(SignedDuration::from_hours(30 * 24)), ..Policy::default() }
}
