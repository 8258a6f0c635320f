//! The ledger: several processes write it at once and are killed, it is bounded, and statistics are what a plain recount of
//! its events gives.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use runner_cache::ledger::bounds::Bounds;
use runner_cache::ledger::stats::{Figures, Filter, Stats, Tally};
use runner_cache::ledger::{
    Began, Checked, Error, Event, Evicted, Family, Kept, KeyDigest, Ledger, Moved, Restored, Saved, Served,
    Source, Total, Window,
};
use runner_cache::store::{Access, Layer, Store};
use rusqlite::ErrorCode;

/// In the environment of a writer: the cache root.
const ROOT: &str = "LEDGER_TEST_ROOT";

/// How long writers are begun and killed, in seconds; three rounds where it is not set.
const SECONDS: &str = "RUNNER_CACHE_LEDGER_SECONDS";

fn store(root: &Path) -> Store {
    Store::open(root, Access::Private).unwrap()
}

fn family(job: &str, layer: Layer) -> Family {
    let (repository, lane) = ("o/r".to_owned(), format!("CI {job}"));
    Family { repository, job: Some(job.to_owned()), lane, layer, contents: "0123456789abcdef".to_owned() }
}

fn restore(job: &str, served: Served) -> Event {
    let moved = Moved { files: 3, bytes: 1000, link: Some("hardlink") };
    let steps = [Duration::from_millis(5), Duration::from_millis(20), Duration::ZERO];
    let restored = Restored { served, cause: None, factors: None, moved, steps };
    Event::Restore { family: family(job, Layer::Target), key: KeyDigest::of("k"), restored }
}

fn source(run: &str) -> Source {
    let run = Some(run.to_owned());
    Source { host: "host".to_owned(), run, reference: Some("refs/heads/main".to_owned()), runner: None }
}

fn stats(ledger: &Ledger, window: Window) -> Stats {
    let (families, filter) = (ledger.families().unwrap(), Filter::default());
    let mut tally = Tally::new(window, &families, &filter);
    ledger.read(window, |event| tally.add(event)).unwrap();
    tally.finish()
}

/// All that was and will be for a while.
fn always() -> Window {
    let second = |second| Timestamp::from_second(second).unwrap();
    Window { since: second(0), until: second(4_000_000_000) }
}

/// Appends events until it is killed, two in a transaction, and tells of each transaction once it is committed.
#[test]
#[ignore = "a process of another test"]
fn writer() {
    let root = std::env::var(ROOT).expect("another test begins it");
    let store = store(Path::new(&root));
    let job = std::process::id().to_string();
    loop {
        // As a job has it: opened, written, closed.
        let events = [restore(&job, Served::Exact), restore(&job, Served::Miss)];
        let append = |mut ledger: Ledger| ledger.append(&source("1"), Timestamp::now(), &events);
        match Ledger::open(&store).and_then(append) {
            Ok(_) => println!("committed"),
            // Eight that write all the time: not committed, and tried again.
            Err(Error::Sqlite { source, .. })
                if source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn begin_writer(root: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut writer = Command::new(std::env::current_exe().unwrap());
    writer.args(["--exact", "writer", "--ignored", "--nocapture"]).env(ROOT, root).stdout(Stdio::piped());
    let mut writer = writer.spawn().unwrap();
    let told = BufReader::new(writer.stdout.take().unwrap());
    (writer, told)
}

/// Reads what a writer tells until it told of `most` transactions, or to the end; how many these were.
fn commits(told: &mut BufReader<ChildStdout>, most: u64) -> u64 {
    let (mut commits, mut line) = (0, String::new());
    while commits < most && told.read_line(&mut line).unwrap() > 0 {
        commits += u64::from(line.contains("committed"));
        line.clear();
    }
    commits
}

#[test]
fn writers_that_are_killed_lose_nothing_that_was_committed() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    let store = store(&root);
    let mut random = Rng::with_seed(7);
    let mut told_of: BTreeMap<String, u64> = BTreeMap::new();
    let seconds = std::env::var(SECONDS).map_or(0, |text| text.parse().expect("a number of seconds"));
    let (began, mut rounds) = (Instant::now(), 0);
    while rounds < 3 || began.elapsed() < Duration::from_secs(seconds) {
        rounds += 1;
        let mut writers: Vec<_> = (0..8).map(|_| begin_writer(&root)).collect();
        for (writer, told) in &mut writers {
            let mut committed = commits(told, random.u64(5..40));
            writer.kill().unwrap();
            writer.wait().unwrap();
            committed += commits(told, u64::MAX);
            assert!(committed > 0);
            told_of.insert(format!("o/r {}", writer.id()), committed);
        }
    }
    let ledger = Ledger::open_existing(&store).unwrap().unwrap();
    let stats = stats(&ledger, always());
    assert_eq!(stats.jobs.len(), told_of.len());
    for job in &stats.jobs {
        let (figures, told) = (job.figures, told_of[&job.name]);
        assert_eq!(figures.exact, figures.misses, "{}: a transaction is whole", job.name);
        // One may be committed and not told of.
        assert!((told..=told + 1).contains(&figures.exact), "{}: {told} {figures:?}", job.name);
    }
    let counters: u64 = ledger.totals().unwrap().iter().map(|total| total.events).sum();
    assert_eq!(counters, stats.all.lookups());
}

#[test]
fn events_are_bounded_by_number_and_age() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("root"));
    let mut ledger = Ledger::open(&store).unwrap();
    let bounds = Bounds { max_age: SignedDuration::from_hours(1), max_events: 20 };
    let start = Timestamp::from_second(1_700_000_000).unwrap();
    let mut append = |seconds: i64| {
        let now = start + SignedDuration::from_secs(seconds);
        let events = [restore("a", Served::Exact), restore("b", Served::Miss)];
        ledger.append_within(bounds, &source("1"), now, &events).unwrap();
    };
    for second in 0..50 {
        append(second);
    }
    let events = |ledger: &Ledger| stats(ledger, always()).all.lookups();
    assert_eq!(events(&Ledger::open(&store).unwrap()), 20);
    append(7200);
    assert_eq!(events(&Ledger::open(&store).unwrap()), 2, "all others are too old");
    let mut ledger = Ledger::open(&store).unwrap();
    assert_eq!(ledger.totals().unwrap().iter().map(|total| total.events).sum::<u64>(), 102, "counters stay");
    ledger.append(&source("1"), start, &[restore("gone", Served::Miss)]).unwrap();
    ledger.compact().unwrap();
    assert_eq!(ledger.families().unwrap().len(), 3);
}

#[test]
fn counters_never_fall_and_families_do_not_pile_up() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("root"));
    let mut ledger = Ledger::open(&store).unwrap();
    let bounds = Bounds { max_age: SignedDuration::from_hours(1), max_events: 20 };
    let start = Timestamp::from_second(1_700_000_000).unwrap();
    // A lane of its own each run, as one that names the commit.
    let event = |run: usize| match restore("build", Served::Miss) {
        Event::Restore { family, key, restored } => {
            Event::Restore { family: Family { lane: format!("lane {run}"), ..family }, key, restored }
        }
        other => other,
    };
    for run in 0..100 {
        let mark = ledger.append_within(bounds, &source("1"), start, &[event(run)]);
        mark.unwrap();
    }
    let lookups = |ledger: &Ledger| {
        let of_job =
            |total: &&Total| total.family.as_ref().is_some_and(|of| of.job.as_deref() == Some("build"));
        ledger.totals().unwrap().iter().filter(of_job).map(|total| total.events).sum::<u64>()
    };
    let families = |ledger: &Ledger| ledger.families().unwrap().len();
    assert_eq!((lookups(&ledger), families(&ledger)), (100, 21), "twenty, and one for all that went");
    let later = start + SignedDuration::from_hours(2);
    ledger.append_within(bounds, &source("1"), later, &[event(200)]).unwrap();
    ledger.compact().unwrap();
    assert_eq!((lookups(&ledger), families(&ledger)), (101, 2));
}

/// A random event of a small host.
fn random_event(random: &mut Rng) -> Event {
    let family = family(
        ["build", "test", "lint"][random.usize(..3)],
        [Layer::Target, Layer::Cargo, Layer::Paths][random.usize(..3)],
    );
    let key = KeyDigest(random.i64(0..4));
    let micros = |random: &mut Rng| Duration::from_micros(random.u64(0..3_000_000));
    let moved = Moved { files: random.u64(0..1000), bytes: random.u64(0..1 << 40), link: None };
    match random.u32(..10) {
        0 => Event::Damage { entries: random.u64(1..4) },
        1 => Event::Guard {
            checked: if random.bool() { Checked::Freed } else { Checked::Short },
            entries: 1,
            free: 5,
        },
        2 | 3 => Event::Eviction {
            family,
            key: Some(key),
            evicted: Evicted {
                reason: ["count", "age", "superseded"][random.usize(..3)].to_owned(),
                reference: Some("refs/heads/main".to_owned()),
                is_of_default_branch: random.bool(),
                entries: 1,
                bytes: moved.bytes,
            },
        },
        4 | 5 => {
            let kept = [Kept::Entry, Kept::Not, Kept::Failed][random.usize(..3)];
            let saved = random.bool().then(|| SignedDuration::from_secs(random.i64(-10..100)));
            let began = Began { served: Served::Exact, worked: Some(micros(random)), saved };
            let steps = [0; 4].map(|_| micros(random));
            let began = random.bool().then_some(began);
            Event::Save { family, key, saved: Saved { kept, cause: None, moved, steps, began } }
        }
        _ => {
            let served = [Served::Exact, Served::Partial, Served::Composed, Served::Miss, Served::Bypass];
            let served = served[random.usize(..5)];
            let factors = random.bool().then(|| ["lock", "rustc,lock", "env"][random.usize(..3)].to_owned());
            let cause = factors.as_ref().map(|_| "other-key".to_owned());
            let steps = [0; 3].map(|_| micros(random));
            Event::Restore { family, key, restored: Restored { served, cause, factors, moved, steps } }
        }
    }
}

/// The sums of `events`, one after another.
fn recount<'e>(events: impl Iterator<Item = &'e Event>) -> Figures {
    let mut sum = Figures::default();
    let micros = |steps: &[Duration]| i64::try_from(steps.iter().sum::<Duration>().as_micros()).unwrap();
    for event in events {
        match event {
            Event::Restore { restored, .. } => {
                sum.exact += u64::from(restored.served == Served::Exact);
                sum.partial += u64::from(restored.served == Served::Partial);
                sum.composed += u64::from(restored.served == Served::Composed);
                sum.misses += u64::from(restored.served == Served::Miss);
                sum.bypasses += u64::from(restored.served == Served::Bypass);
                sum.restored_files += restored.moved.files;
                sum.restored_bytes += restored.moved.bytes;
                sum.restore_time += micros(&restored.steps);
            }
            Event::Save { saved, .. } => {
                sum.entries += u64::from(saved.kept == Kept::Entry);
                sum.failed_saves += u64::from(saved.kept == Kept::Failed);
                sum.saved_bytes += saved.moved.bytes;
                sum.save_time += micros(&saved.steps);
                if let Some(saved) = saved.began.and_then(|began| began.saved) {
                    sum.estimated_jobs += 1;
                    sum.saved_time += i64::try_from(saved.as_micros()).unwrap();
                }
            }
            _ => {}
        }
    }
    sum
}

/// The family of an event, and the key that it is about.
fn about(event: &Event) -> Option<(&Family, Option<KeyDigest>)> {
    match event {
        Event::Restore { family, key, .. } | Event::Save { family, key, .. } => Some((family, Some(*key))),
        Event::Eviction { family, key, .. } => Some((family, *key)),
        Event::Damage { .. } | Event::Guard { .. } => None,
    }
}

/// Restores that were no exact hit of what a limit had evicted, and nobody had saved again since.
fn recount_lost(events: &[(Timestamp, Event)], window: Window) -> u64 {
    let mut lost = 0;
    for (index, (at, event)) in events.iter().enumerate() {
        let Event::Restore { family, key, restored } = event else { continue };
        let is_counted = !matches!(restored.served, Served::Exact | Served::Bypass) && *at >= window.since;
        let is_same = |other: &Event| {
            about(other).is_some_and(|(of, of_key)| of.layer == family.layer && of_key == Some(*key))
        };
        let found = events[..index].iter().rev().find_map(|(_, other)| match other {
            Event::Eviction { evicted, .. } if is_same(other) && evicted.reason != "superseded" => Some(true),
            Event::Save { saved, .. } if is_same(other) && saved.kept == Kept::Entry => Some(false),
            _ => None,
        });
        lost += u64::from(is_counted && found == Some(true));
    }
    lost
}

#[test]
fn statistics_are_what_a_plain_recount_gives() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("root"));
    let mut ledger = Ledger::open(&store).unwrap();
    let mut random = Rng::with_seed(11);
    let until = Timestamp::from_second(1_790_000_000).unwrap();
    let since = until - SignedDuration::from_hours(7 * 24);
    // Half of them are before the window, as long before as it is itself.
    let mut events: Vec<(Timestamp, Event)> = Vec::new();
    for index in 0..3000 {
        let at = since - SignedDuration::from_hours(7 * 24) + SignedDuration::from_secs(index * 403);
        let event = random_event(&mut random);
        ledger.append(&source("1"), at, std::slice::from_ref(&event)).unwrap();
        events.push((at, event));
    }
    let window = Window { since, until };
    let told = stats(&ledger, window);
    let within = || events.iter().filter(|(at, _)| *at >= since && *at <= until).map(|(_, event)| event);
    assert!(within().count() > 1000, "the window has events");
    assert_eq!(told.all, recount(within()));
    for layer in &told.layers {
        let of = within().filter(|event| about(event).is_some_and(|of| of.0.layer.name() == layer.name));
        assert_eq!(layer.figures, recount(of), "{}", layer.name);
    }
    for job in &told.jobs {
        let is_of = |family: &Family| format!("o/r {}", family.job.as_deref().unwrap()) == job.name;
        assert_eq!(job.figures, recount(within().filter(|event| about(event).is_some_and(|of| is_of(of.0)))));
    }
    for family in &told.families {
        let of = within().filter(|event| about(event).is_some_and(|of| *of.0 == family.family));
        let restores = of.clone().filter_map(|event| match event {
            Event::Restore { restored, .. } => restored.factors.as_deref(),
            _ => None,
        });
        let mut changes: HashMap<&str, u64> = HashMap::new();
        for factor in restores.flat_map(|factors| factors.split(',')) {
            *changes.entry(factor).or_default() += 1;
        }
        let told: HashMap<_, _> =
            family.changes.iter().map(|change| (change.name.as_str(), change.times)).collect();
        assert_eq!((family.figures, told), (recount(of), changes));
    }
    let in_spans = told.spans.iter().fold((0, 0), |(lookups, evicted), span| {
        (lookups + span.figures.lookups(), evicted + span.evicted_entries)
    });
    let evicted = within().filter(|event| matches!(event, Event::Eviction { .. })).count() as u64;
    assert_eq!(in_spans, (told.all.lookups(), evicted));
    assert_eq!(told.evictions.iter().map(|of| of.entries).sum::<u64>(), evicted);
    let lost: u64 = told.lost_hits.iter().map(|lost| lost.hits).sum();
    assert_eq!(lost, recount_lost(&events, window));
    assert!(lost > 10, "there are such");
    let filter = Filter { layer: Some(Layer::Cargo), ..Filter::default() };
    let families = ledger.families().unwrap();
    let mut tally = Tally::new(window, &families, &filter);
    ledger.read(window, |event| tally.add(event)).unwrap();
    let of_cargo = told.layers.iter().find(|layer| layer.name == "cargo").unwrap();
    assert_eq!(tally.finish().all, of_cargo.figures);
}

#[test]
fn an_estimate_compares_a_job_with_its_own_cold_runs() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(&directory.path().join("root"));
    let mut ledger = Ledger::open(&store).unwrap();
    let start = Timestamp::from_second(1_790_000_000).unwrap();
    let mut save = |job: &str, served, worked: Option<u64>| {
        let worked = worked.map(Duration::from_secs);
        let began = Some(Began { served, worked, saved: None });
        let (kept, cause, moved, steps) = (Kept::Entry, None, Moved::default(), Default::default());
        let saved = Saved { kept, cause, moved, steps, began };
        let event = Event::Save { family: family(job, Layer::Target), key: KeyDigest(1), saved };
        ledger.append(&source("1"), start, &[restore(job, served), event]).unwrap()
    };
    save("build", Served::Miss, Some(100));
    save("build", Served::Exact, Some(5));
    let before = save("build", Served::Miss, None);
    let last = save("test", Served::Miss, Some(7));
    let of = family("build", Layer::Target);
    assert!(!ledger.is_estimated(&of, "1").unwrap());
    assert_eq!(ledger.cold_runs(&of).unwrap(), [Duration::from_secs(100)]);
    let restored = |run| ledger.restore_time(&of, Some(run), start).unwrap();
    assert_eq!((restored("1"), restored("2")), (Duration::from_millis(75), Duration::ZERO));
    let runs = ledger.last_runs(&of, 2, last).unwrap();
    assert_eq!(runs.iter().map(|run| run.served).collect::<Vec<_>>(), [Served::Exact, Served::Miss]);
    // The clock was ahead before, and another runner has appended since.
    let earlier = start - SignedDuration::from_hours(2);
    let own = ledger.append(&source("2"), earlier, &[restore("build", Served::Partial)]).unwrap();
    ledger.append(&source("3"), earlier, &[restore("build", Served::Miss)]).unwrap();
    let served = |until| ledger.last_runs(&of, 1, until).unwrap()[0].served;
    assert_eq!((served(own), served(before)), (Served::Partial, Served::Miss));
    assert_eq!(ledger.latest(2).unwrap()[1].outcome.as_deref(), Some("partial"));
}
