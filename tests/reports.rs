//! What people see of outcomes, as snapshots: `INSTA_UPDATE=always cargo test --test reports` writes them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use runner_cache::cargo::{Cause, Changed, Difference, Incomparable, Misfit, Why};
use runner_cache::ledger::stats::{Filter, Tally};
use runner_cache::ledger::{Checked, Family, Kept, KeyDigest, Recorded, Run, Served, What, Window};
use runner_cache::outcome::{
    Audited, Built, BuiltDirectory, CameFrom, Cleaned, Code, ComparedBuilds, CompiledUnit, Composed,
    DifferingUnit, Done, ExitCodes, Explained, ExplainedEntry, ExplainedLayer, ExplainedPool, FullDisk,
    GroupUsage, HeldDirectory, Hit, HowMade, InspectedEntry, LackingTool, Large, LastBuild, LayerHistory,
    LayerRestore, LayerSave, LeftOut, Matched, Miss, NearestEntry, NotComparable, NotOwn, NotSaved, Outcome,
    Part, Pooled, Removed, RestoreOutcome, RestoreTimes, RestoredEntry, SaveOutcome, SaveTimes, Saved,
    SourcesKept, StatsForm, StatsOutcome, Stored, Transfer, UnitName, UnitsKept, UnknownOutputs, Unusable,
    UsageOutcome, VERSION, Verdict, Verified, Warning, WhyFresh, WhyLeftOut,
};
use runner_cache::plan::{Change, Difference as KeyDifference, NoWrite};
use runner_cache::report::{as_text, printed};
use runner_cache::store::retention::{Known, MinFree, Reason, Room};
use runner_cache::store::{
    Access, Factor, Finality, Header, Layer, LayerData, Origin, Scope, Store, key_directory,
};
use runner_cache::sys::Space;
use runner_cache::tree::TransferStats;
use serde_json::json;
use tempfile::TempDir;

const KEY: &str = "target-linux-x86_64-base.0c4d83e050d3ee32-rustc.1.95.0.762444543379a8a5";
const OTHER_KEY: &str = "target-linux-x86_64-base.0c4d83e050d3ee32-rustc.1.94.0.05f5a1b2c3d4e5f6";
const MAIN: &str = "refs/heads/main";

fn layer(layer: Layer, key: &str, hit: Hit) -> LayerRestore {
    LayerRestore {
        layer,
        key: key.to_owned(),
        hit,
        matched: None,
        transfer: None,
        composed: None,
        reason: None,
        directory: PathBuf::from("/cache").join(layer.name()).join(key),
        times: RestoreTimes::default(),
    }
}

fn stats(files: u64, bytes: u64) -> TransferStats {
    TransferStats {
        files,
        bytes,
        hardlinked: files / 3,
        copied: files - files / 3,
        ..TransferStats::default()
    }
}

fn transfer(stats: TransferStats) -> Transfer {
    let (took, parts, lacking) = (Duration::from_millis(1234), Vec::new(), Vec::new());
    Transfer { stats, took, parts, sources: None, units: None, lacking }
}

fn matched(key: &str, lane: Option<&str>) -> Matched {
    Matched { key: key.to_owned(), reference: MAIN.to_owned(), lane: lane.map(str::to_owned) }
}

fn other_compiler() -> KeyDifference {
    let (old, new) = (Some("1.94.0".to_owned()), Some("1.95.0".to_owned()));
    let change = Change { label: "version".to_owned(), old, new };
    KeyDifference { factor: "rustc".to_owned(), changes: vec![change] }
}

/// A restore with a layer of each kind of hit.
fn restored() -> RestoreOutcome {
    let exact = LayerRestore {
        matched: Some(matched("cargo-1", None)),
        transfer: Some(transfer(stats(1200, 345_678_901))),
        ..layer(Layer::Cargo, "cargo-1", Hit::Exact)
    };
    let mut units = UnitsKept { served: 410, ..UnitsKept::default() };
    for package in ["app", "tool"] {
        units.leave_out(WhyLeftOut::Sources, format!("{package}/src/lib.rs"));
    }
    let mut partial = LayerRestore {
        matched: Some(matched(OTHER_KEY, Some("clippy"))),
        reason: Some(Miss::OtherKey { reference: MAIN.to_owned(), differences: vec![other_compiler()] }),
        composed: Some(Composed { units: 12, packages: 9, locked: 376 }),
        times: RestoreTimes { files: Duration::from_millis(1200), ..RestoreTimes::default() },
        ..layer(Layer::Target, KEY, Hit::Partial)
    };
    partial.transfer = Some(Transfer {
        sources: Some(SourcesKept { same: 670, changed: 3 }),
        units: Some(units),
        ..transfer(stats(2980, 1_790_000_000))
    });
    let miss = LayerRestore { reason: Some(Miss::NoEntry), ..layer(Layer::Paths, "npm-1", Hit::Miss) };
    let took = Duration::from_millis(1500);
    RestoreOutcome {
        layers: vec![exact, partial, miss],
        ..RestoreOutcome::of_nothing(Path::new("/cache"), took)
    }
}

fn saved() -> SaveOutcome {
    let of = |layer, key: &str, saved| LayerSave { layer, key: key.to_owned(), saved };
    let not = |reason| Saved::Not { reason };
    let first = ["dist/a", "dist/b", "dist/c"].map(PathBuf::from).to_vec();
    let outputs = UnknownOutputs {
        absent: vec!["out".to_owned()],
        not_own: Some(NotOwn::Unwritten { files: 5, first }),
    };
    SaveOutcome {
        layers: vec![
            of(
                Layer::Target,
                KEY,
                Saved::Entry {
                    directory: PathBuf::from("/cache/target/o%2Fr/refs%2Fheads%2Fmain/target-1/1"),
                    stats: stats(2980, 1_790_000_000),
                    left_out: vec![LeftOut { why: Why::Unused, files: 31, bytes: 1_200_000 }],
                    pooled: Some(Pooled { added: 410, bytes: 1_460_000_000, known: 3, bound: 1 }),
                    took: Duration::from_millis(1500),
                    times: SaveTimes::default(),
                },
            ),
            of(Layer::Cargo, "cargo-1", not(NotSaved::Settled)),
            of(Layer::Builds, "builds-1", not(NotSaved::Outputs(outputs))),
            of(Layer::Paths, "npm-1", not(NotSaved::ReadOnly(NoWrite::Event("issue_comment".to_owned())))),
            of(Layer::Bins, "bins-1", Saved::Failed),
        ],
        cleaned: Some(cleaned()),
    }
}

fn cleaned() -> Cleaned {
    let space =
        |free_bytes| Space { bytes: 100_000_000_000, free_bytes, inodes: 0, free_inodes: 0, device: 1 };
    Cleaned {
        evicted: 2,
        bytes: 3_000_000_000,
        before: space(4_000_000_000),
        after: space(7_000_000_000),
        shortage: Room::default(),
    }
}

#[test]
fn restore_in_the_log() {
    assert_snapshot!(as_text(&restored().told()));
}

#[test]
fn restore_in_the_summary() {
    assert_snapshot!(restored().summary());
}

/// A run of a family at `hour`.
fn earlier_run(hour: i64, served: Served, cause: Option<&str>, factors: Option<&str>) -> Run {
    let seconds = hour as f64;
    Run {
        at: Timestamp::from_second(1_790_000_000 + hour * 3600).unwrap(),
        run: Some(format!("{}.1", 100 + hour)),
        served,
        cause: cause.map(str::to_owned),
        factors: factors.map(str::to_owned),
        bytes: 1_790_000_000,
        restore_seconds: 1.2,
        work_seconds: (hour < 4).then_some(if served.is_hit() { 10.0 + seconds } else { 90.0 }),
    }
}

#[test]
fn restore_in_the_summary_with_earlier_runs() {
    let mut restored = restored();
    let target = vec![
        earlier_run(0, Served::Miss, Some("no-entry"), None),
        earlier_run(1, Served::Exact, None, None),
        earlier_run(2, Served::Exact, None, None),
        earlier_run(3, Served::Partial, Some("other-key"), Some("lock")),
        earlier_run(4, Served::Partial, Some("other-key"), Some("rustc")),
    ];
    restored.layers.pop();
    restored.history = vec![
        LayerHistory { layer: Layer::Cargo, runs: vec![earlier_run(4, Served::Exact, None, None)] },
        LayerHistory { layer: Layer::Target, runs: target },
    ];
    assert_snapshot!(restored.summary());
}

/// Statistics of a week of two jobs, of which one misses what a limit evicted.
fn statistics(form: StatsForm) -> Done {
    let family = |job: &str, layer| Family {
        repository: "btcdecoded/a-rather-long-name-of-a-repository".to_owned(),
        job: Some(job.to_owned()),
        lane: format!("CI {job} stable, x86_64-unknown-linux-musl"),
        layer,
        contents: "0".to_owned(),
    };
    let families = HashMap::from([
        (1, family("build", Layer::Target)),
        (2, family("test", Layer::Target)),
        (3, family("build", Layer::Cargo)),
    ]);
    let since = Timestamp::from_second(1_790_000_000).unwrap();
    let window = Window { since, until: since + SignedDuration::from_hours(7 * 24) };
    let filter = Filter::default();
    let mut tally = Tally::new(window, &families, &filter);
    let (key, reference) = (KeyDigest(1), "refs/heads/main");
    let restore = |served, factors| What::Restore {
        served,
        cause: (served != Served::Exact).then_some("other-key"),
        factors,
        key,
        reference,
        files: 3000,
        bytes: if served == Served::Miss { 0 } else { 1_790_000_000 },
        took: 1_234_000,
    };
    for hour in 0..168 {
        let mut add = |family, what| {
            let at = since + SignedDuration::from_hours(hour);
            tally.add(&Recorded { at, family, what });
        };
        let is_tenth = hour % 10 == 0;
        let served = if is_tenth { Served::Partial } else { Served::Exact };
        add(Some(1), restore(served, is_tenth.then_some("lock")));
        add(Some(3), restore(if hour == 1 { Served::Bypass } else { Served::Exact }, None));
        let saved = (!is_tenth).then_some(85_000_000);
        let kept = if is_tenth { Kept::Entry } else { Kept::Not };
        let bytes = if is_tenth { 1_800_000_000 } else { 0 };
        add(Some(1), What::Save { kept, key: KeyDigest(hour), bytes, took: 900_000, saved });
        if hour % 24 == 5 {
            let evicted = What::Eviction {
                reason: "count",
                key: Some(key),
                reference,
                is_of_default_branch: true,
                entries: 1,
                bytes: 1_700_000_000,
            };
            add(Some(2), evicted);
            add(Some(2), restore(Served::Miss, Some("env,lock")));
            add(None, What::Guard { checked: Checked::Freed, entries: 2 });
        }
    }
    let stored = |layer, entries, bytes| Stored {
        repository: "btcdecoded/a-rather-long-name-of-a-repository".to_owned(),
        layer,
        entries,
        bytes,
        last_used: since,
    };
    Done::Stats(Box::new(StatsOutcome {
        stats: tally.finish(),
        stored: vec![stored(Layer::Cargo, 5, 4_000_000_000), stored(Layer::Target, 9, 16_000_000_000)],
        disk: Some(cleaned().after),
        totals: Vec::new(),
        form,
    }))
}

#[test]
fn stats_for_people() {
    let text = printed(&statistics(StatsForm::Text), false).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_snapshot!(text);
}

#[test]
fn stats_as_csv() {
    assert_snapshot!(printed(&statistics(StatsForm::Csv), false).unwrap().replace('\r', ""));
}

#[test]
fn stats_of_nothing() {
    let Done::Stats(mut outcome) = statistics(StatsForm::Text) else { panic!("they are statistics") };
    let window = Window { since: outcome.stats.since, until: outcome.stats.until };
    outcome.stats = Tally::new(window, &HashMap::new(), &Filter::default()).finish();
    assert_snapshot!(printed(&Done::Stats(outcome), false).unwrap());
}

#[test]
fn restore_of_nothing_in_the_log() {
    assert_snapshot!(as_text(&RestoreOutcome::of_nothing(Path::new("/cache"), Duration::ZERO).told()));
}

#[test]
fn save_in_the_log() {
    assert_snapshot!(as_text(&saved().told()));
}

#[test]
fn save_in_the_summary() {
    assert_snapshot!(saved().summary());
}

#[test]
fn run_as_json() {
    let done = Done::Run { restored: restored(), saved: Some(saved()) };
    let message = "paths: a damaged entry was taken out of the cache".to_owned();
    let outcome = Outcome {
        version: VERSION,
        exit_code: 0,
        seconds: Duration::from_millis(2500),
        errors: &[],
        warnings: &[Warning { code: Code::Damaged, message }],
        done: Some(&done),
    };
    assert_snapshot!(serde_json::to_string_pretty(&outcome).unwrap());
}

/// Each reason has the same two fields.
#[test]
fn reasons_as_json() {
    let damaged = Unusable::Damaged { error: "damaged manifest /cache/manifest: too short".to_owned() };
    let features = Difference::Features { with: vec!["x".to_owned()], without: Vec::new() };
    let tool = "one@1.0.0".to_owned();
    let reasons = json!({
        "causes": [
            Cause::Rejected,
            Cause::Input(features),
            Cause::LeftOut { why: WhyLeftOut::Programs, what: "`cc`".to_owned() },
        ],
        "entry": Verdict::Unusable(damaged),
        "evicted": [Reason::Age, Reason::Count { keep: 3 }],
        "lacking": LackingTool { tool, why: Misfit::Noted("one 2.0.0".to_owned()) },
        "not_saved": [NotSaved::OtherCommit("/w".into()), NotSaved::Cancelled],
    });
    assert_snapshot!(serde_json::to_string_pretty(&reasons).unwrap());
}

#[test]
fn last_build_on_a_terminal() {
    let unit = |package: &str, causes| CompiledUnit {
        package: package.to_owned(),
        version: None,
        part: format!("lib-{package}"),
        profile: "debug".to_owned(),
        causes,
    };
    let newer = vec![Changed { path: "/w/core/src/lib.rs".into(), is_gone: false }];
    let built = Built::Compared {
        entry: Some(RestoredEntry {
            key: OTHER_KEY.to_owned(),
            created: "2026-11-29T10:00:00Z".parse().unwrap(),
            reference: MAIN.to_owned(),
        }),
        pooled: 12,
        total: 422,
        compiled: vec![
            unit("core", vec![Cause::Sources(newer)]),
            unit("app", vec![Cause::Dependencies(vec!["core".to_owned()])]),
            unit("new", vec![Cause::New(Vec::new())]),
        ],
    };
    let directory = BuiltDirectory { name: ".".to_owned(), path: "/w/target".into(), built };
    assert_snapshot!(text(&Done::LastBuild(LastBuild::Directories(vec![directory]))));
}

#[test]
fn upkeep_on_a_terminal() {
    let own = |bytes| Part { bytes, freed: bytes };
    let group = |layer, entries, bytes| GroupUsage {
        layer,
        repository: "o/r".to_owned(),
        entries,
        recorded: 2 * bytes,
        own: own(bytes),
    };
    let usage = UsageOutcome {
        groups: vec![group(Layer::Cargo, 3, 1_000_000), group(Layer::Target, 12, 5_000_000_000)],
        shared: own(2_000_000),
        all: own(5_003_000_000),
        entries: 15,
        recorded: 10_002_000_000,
    };
    let removed = Removed { removed: 2, bytes: 5_000_000, ..Removed::default() };
    let all = [
        Done::Du(usage),
        Done::Gc(Some(cleaned())),
        Done::Remove(removed),
        Done::Verify(Verified { sound: 15, ..Verified::default() }),
    ];
    let texts: BTreeMap<_, _> =
        ["du", "gc", "remove", "verify"].into_iter().zip(all.iter().map(text)).collect();
    let texts: Vec<_> =
        texts.iter().map(|(command, text)| format!("$ {command}\n{}\n", text.trim_end())).collect();
    assert_snapshot!(texts.join("\n"));
}

/// A store, in which entries have places; texts call it `/cache`.
struct Cache {
    root: TempDir,
    store: Store,
}

impl Cache {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Access::default()).unwrap();
        Self { root, store }
    }

    /// An entry that was of use the other day.
    fn entry(&self, data: LayerData, key: &str, reference: &str, finality: Finality) -> Known {
        let scope = Scope { repository: "o/r".to_owned(), reference: reference.to_owned() };
        let directory = key_directory(self.store.root(), data.layer(), &scope, key);
        let id = self.store.entry_at(&directory.join("20261129T100000.000000000Z-01234567-build")).unwrap();
        let factors = vec![Factor {
            name: "rustc".to_owned(),
            digest: "1.95.0".to_owned(),
            items: vec![("rustc -vV".to_owned(), "rustc 1.95.0\nhost: x86_64\n".to_owned())],
        }];
        let origin = Origin {
            workflow: Some("CI".to_owned()),
            job: Some("build".to_owned()),
            commit: Some("0123abcd".to_owned()),
            ..Origin::default()
        };
        let header = Header {
            data,
            key: key.to_owned(),
            factors,
            scope,
            lane: "build".to_owned(),
            family: "f".to_owned(),
            contents: "c".to_owned(),
            origin,
            created: "2026-11-29T10:00:00Z".parse().unwrap(),
            finality,
            is_of_default_branch: reference == MAIN,
            made_in_seconds: 90,
            wrote: 0,
            files: 2980,
            bytes: 1_790_000_000,
        };
        Known { id, header, last_used: Timestamp::now() - SignedDuration::from_hours(49), stays: false }
    }

    fn text(&self, done: &Done, wide: bool) -> String {
        let root = self.root.path().to_str().unwrap();
        printed(done, wide).expect("it prints something").replace(root, "/cache")
    }
}

#[test]
fn list_on_a_terminal() {
    let cache = Cache::new();
    let entries = vec![
        cache.entry(LayerData::Cargo, "cargo-1", MAIN, Finality::Final),
        cache.entry(LayerData::Target, KEY, MAIN, Finality::Final),
        cache.entry(LayerData::Target, OTHER_KEY, "refs/pull/7/merge", Finality::Partial),
    ];
    let done = Done::List(entries);
    let texts = [cache.text(&done, false), cache.text(&done, true)];
    assert_snapshot!(texts.map(|text| format!("{}\n", text.trim_end())).join("\n"));
}

#[test]
fn inspect_on_a_terminal() {
    let cache = Cache::new();
    let mut known = cache.entry(LayerData::Target, KEY, MAIN, Finality::Partial);
    known.last_used = "2026-11-30T10:00:00Z".parse().unwrap();
    let holds = vec![HeldDirectory { name: ".".to_owned(), files: 2980, bytes: 1_790_000_000 }];
    assert_snapshot!(cache.text(&Done::Inspect(vec![InspectedEntry { known, holds }]), false));
}

#[test]
fn explain_on_a_terminal() {
    let cache = Cache::new();
    let entry = |reference, verdict| ExplainedEntry {
        known: cache.entry(LayerData::Target, OTHER_KEY, reference, Finality::Final),
        verdict,
    };
    let damaged = Unusable::Damaged { error: "damaged manifest /cache/manifest: too short".to_owned() };
    let entries = vec![
        entry(MAIN, Verdict::Unusable(damaged)),
        entry(MAIN, Verdict::Taken { is_exact: false }),
        entry(MAIN, Verdict::Later),
        entry("refs/heads/other", Verdict::OtherScope),
    ];
    let factors = entries[0].known.header.factors.clone();
    let layer = ExplainedLayer {
        layer: Layer::Target,
        id: "target-730983c1".to_owned(),
        key: KEY.to_owned(),
        restore_keys: vec!["target-linux-x86_64-base.".to_owned()],
        factors: factors.clone(),
        paths: vec!["/w/target".into()],
        nearest: Some(NearestEntry {
            key: OTHER_KEY.to_owned(),
            reference: MAIN.to_owned(),
            differences: vec![other_compiler()],
        }),
        entries,
        pool: Some(ExplainedPool { factors, serves: Some(Composed { units: 12, packages: 9, locked: 376 }) }),
    };
    let explained = Explained {
        cache_root: "/cache".into(),
        repository: "o/r".to_owned(),
        refs: vec!["refs/heads/topic".to_owned(), MAIN.to_owned()],
        only_reads: Some(NoWrite::Event("issue_comment".to_owned())),
        lane: "build".to_owned(),
        of: None,
        layers: vec![layer],
    };
    let nothing = Explained { layers: Vec::new(), ..explained.clone() };
    assert_snapshot!([explained, nothing].map(|told| cache.text(&Done::Explain(told), false)).join("\n"));
}

#[test]
fn audit_on_a_terminal() {
    let unit = |package: &str| UnitName {
        package: package.to_owned(),
        version: None,
        part: format!("lib-{package}"),
        profile: "debug".to_owned(),
    };
    let same = ComparedBuilds {
        entry: Some(RestoredEntry {
            key: KEY.to_owned(),
            created: "2026-11-29T10:00:00Z".parse().unwrap(),
            reference: MAIN.to_owned(),
        }),
        commit: Some("0123abcd".to_owned()),
        pooled: 12,
        exit_codes: ExitCodes { restored: 0, clean: 0, clean_again: None },
        same: 1212,
        differing: Vec::new(),
        only_restored: Vec::new(),
        only_clean: Vec::new(),
        finals: Vec::new(),
        not_reproducible: Vec::new(),
        not_comparable: vec![NotComparable { unit: unit("app"), why: Incomparable::Incremental }],
    };
    let why = WhyFresh {
        noted: vec![Difference::Flags],
        sources: vec!["/w/core/src/lib.rs".into()],
        changed: vec!["/w/core/data.txt".into()],
        ..WhyFresh::default()
    };
    let of = |package, follows: &[&str], made| DifferingUnit {
        unit: unit(package),
        files: vec![format!("lib{package}.rlib")],
        follows: follows.iter().map(|name| (*name).to_owned()).collect(),
        made,
    };
    let different = ComparedBuilds {
        exit_codes: ExitCodes { restored: 0, clean: 101, clean_again: Some(101) },
        differing: vec![
            of("core", &[], HowMade::Fresh { from: CameFrom::Entry, why }),
            of("app", &["core"], HowMade::Compiled),
        ],
        only_clean: vec![unit("new")],
        finals: vec!["/w/target/debug/app".into()],
        ..same.clone()
    };
    let all = [
        Audited::Same(Box::new(same)),
        Audited::Different(Box::new(different)),
        Audited::Nothing { note: "no entry serves this job".to_owned() },
    ];
    assert_snapshot!(all.map(|audited| text(&Done::Audit(audited))).join("\n"));
}

#[test]
fn a_full_disk_in_the_log() {
    let space = |free_bytes, free_inodes| Space {
        bytes: 100_000_000_000,
        free_bytes,
        inodes: 1_000_000,
        free_inodes,
        device: 1,
    };
    let evicted = FullDisk {
        names: vec!["the cache root"],
        before: space(1_000_000_000, 900_000),
        after: space(7_000_000_000, 900_000),
        min_free: MinFree::Percent(5.0),
        expected: 0,
        evicted: 2,
        largest: Vec::new(),
    };
    let large = |what: &str, bytes| Large { what: what.to_owned(), bytes };
    let still_full = FullDisk {
        names: vec!["the cache root", "the workspace"],
        before: space(1_000_000_000, 900_000),
        after: space(2_000_000_000, 50_000),
        min_free: MinFree::Bytes(10_000_000_000),
        expected: 40_000_000_000,
        evicted: 1,
        largest: vec![large("target of o/r", 30_000_000_000), large("/w/target", 5_000_000_000)],
    };
    assert_snapshot!([evicted, still_full].map(|full| full.text()).join("\n\n"));
}

fn text(done: &Done) -> String {
    printed(done, false).expect("it prints something")
}
