//! The ledger of a host after a year of 500,000 events, for finding out what a change does: `cargo bench --bench ledger`.
#![allow(missing_docs, reason = "divan makes a public function of each benchmark")]

use std::time::Duration;

use divan::Bencher;
use jiff::{SignedDuration, Timestamp};
use runner_cache::ledger::detail::Detail;
use runner_cache::ledger::stats::{Filter, Stats, Tally};
use runner_cache::ledger::{
    Began, Event, Family, Kept, KeyDigest, Ledger, Moved, Restored, Saved, Served, Source, Window,
};
use runner_cache::store::{Access, Layer, Store};
use tempfile::TempDir;

/// Runs in the year: each restores and saves two layers.
const RUNS: i64 = 125_000;

/// Jobs that take turns.
const JOBS: i64 = 60;

/// Runs that are appended at once here: each by itself, as jobs do it, would take minutes.
const AT_ONCE: i64 = 50;

fn main() {
    divan::main();
}

struct Host {
    _place: TempDir,
    store: Store,
    until: Timestamp,
}

impl Host {
    fn after_a_year() -> Self {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&place.path().join("root"), Access::Private).unwrap();
        let mut ledger = Ledger::open(&store).unwrap();
        let until = Timestamp::from_second(1_790_000_000).unwrap();
        let between = SignedDuration::from_hours(365 * 24) / i32::try_from(RUNS).unwrap();
        for first in (0..RUNS).step_by(usize::try_from(AT_ONCE).unwrap()) {
            let at = until - between * i32::try_from(RUNS - first).unwrap();
            let events: Vec<_> = (first..first + AT_ONCE).flat_map(events_of).collect();
            ledger.append(&source(first), at, &events).unwrap();
        }
        Self { _place: place, store, until }
    }

    fn window(&self, days: i64) -> Window {
        Window { since: self.until - SignedDuration::from_hours(days * 24), until: self.until }
    }
}

fn source(run: i64) -> Source {
    Source {
        host: "host".to_owned(),
        runner: Some(format!("runner-{}", run % 4)),
        run: Some(format!("{run}.1")),
        reference: Some("refs/heads/main".to_owned()),
    }
}

fn family(run: i64, layer: Layer) -> Family {
    let job = run % JOBS;
    Family {
        repository: format!("o/repository-{}", job % 15),
        job: Some(format!("job-{job}")),
        lane: format!("CI job-{job}"),
        layer,
        contents: "0123456789abcdef".to_owned(),
    }
}

/// What a run tells: each tenth one misses, since its lock file is another one.
fn events_of(run: i64) -> Vec<Event> {
    let layers = [Layer::Cargo, Layer::Target].into_iter();
    let events = layers.flat_map(|layer| {
        let (is_new, key) = ((run / JOBS) % 10 == 0, KeyDigest(run / JOBS / 10));
        let served = if is_new { Served::Partial } else { Served::Exact };
        let moved = Moved { files: 3000, bytes: 1_800_000_000, link: Some("hardlink") };
        let restored = Restored {
            served,
            cause: is_new.then(|| "other-key".to_owned()),
            factors: is_new.then(|| "lock".to_owned()),
            moved,
            steps: [Duration::from_millis(5), Duration::from_millis(200), Duration::ZERO],
        };
        let saved = Some(SignedDuration::from_secs(60));
        let began = Began { served, worked: Some(Duration::from_secs(30)), saved };
        let saved = Saved {
            kept: if is_new { Kept::Entry } else { Kept::Not },
            cause: None,
            moved,
            steps: [Duration::from_millis(100); 4],
            began: (layer == Layer::Target).then_some(began),
        };
        let family = family(run, layer);
        [Event::Restore { family: family.clone(), key, restored }, Event::Save { family, key, saved }]
    });
    events.collect()
}

#[divan::bench(args = [7, 30, 365], sample_count = 5, sample_size = 1)]
fn statistics_of_days(bencher: Bencher<'_, '_>, days: i64) {
    let host = Host::after_a_year();
    bencher.bench(|| -> Stats {
        let ledger = Ledger::open_existing(&host.store).unwrap().unwrap();
        let (window, families, filter) = (host.window(days), ledger.families().unwrap(), Filter::default());
        let mut tally = Tally::new(window, &families, &filter);
        ledger.read(window, |event| tally.add(event)).unwrap();
        tally.finish()
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn what_a_report_of_the_year_shows(bencher: Bencher<'_, '_>) {
    let host = Host::after_a_year();
    bencher.bench(|| -> Detail {
        Ledger::open_existing(&host.store).unwrap().unwrap().detail(host.window(365)).unwrap()
    });
}

/// All that a job does with it: at its restore, and at its save.
#[divan::bench]
fn a_job(bencher: Bencher<'_, '_>) {
    let host = Host::after_a_year();
    bencher.bench(|| {
        let (restored, saved): (Vec<_>, Vec<_>) =
            events_of(RUNS).into_iter().partition(|event| matches!(event, Event::Restore { .. }));
        let (of_main, run) = (family(RUNS, Layer::Target), format!("{RUNS}.1"));
        let mut ledger = Ledger::open(&host.store).unwrap();
        let now = ledger.append(&source(RUNS), host.until, &restored).unwrap();
        let history = ledger.last_runs(&of_main, 12, now).unwrap();
        let mut ledger = Ledger::open(&host.store).unwrap();
        let is_estimated = ledger.is_estimated(&of_main, &run).unwrap();
        let restore = ledger.restore_time(&of_main, Some(&run), host.until).unwrap();
        let cold = ledger.cold_runs(&of_main).unwrap();
        ledger.append(&source(RUNS), host.until, &saved).unwrap();
        (history, is_estimated, restore, cold)
    });
}
