//! Hosts with a history: entries of real runs, and events of earlier days.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use runner_cache::ledger::{
    Began, Event, Evicted, Family, Kept, KeyDigest, Ledger, Moved, Restored, Saved, Served, Source,
};
use runner_cache::store::{Access, Layer, Store};
use rusqlite::Connection;
use test_support::Job;

use crate::PROGRAM;

/// Names that would run if a page took them for more than text.
pub(crate) const HOSTILE: [&str; 5] = [
    "</script><img src=x onerror=document.title='hit'>",
    "<!--<script>document.title='hit'</script>",
    "\"><svg/onload=document.title='hit'>",
    "a\u{2028}b\u{2029}c</title></style>",
    "@data@ @script@ {{name}} ${name}",
];

/// Bytes of a unit of size: a host for tests is to be small.
const SIZE: u64 = 250_000;

/// A job of a host.
pub(crate) struct OfHost {
    repository: &'static str,
    job: &'static str,
    layers: &'static [Layer],
    /// Runs a day, of a hundred the part that a changed key costs, and seconds without the cache.
    daily: i64,
    changed: u32,
    cold: u64,
    /// What it saves, in megabytes.
    size: u64,
}

const fn of_host(repository: &'static str, job: &'static str, layers: &'static [Layer]) -> OfHost {
    OfHost { repository, job, layers, daily: 6, changed: 12, cold: 240, size: 12 }
}

/// The jobs of a busy host.
pub(crate) const JOBS: [OfHost; 8] = [
    OfHost {
        daily: 14,
        size: 24,
        cold: 540,
        ..of_host("acme/webshop", "build", &[Layer::Cargo, Layer::Target])
    },
    OfHost {
        daily: 14,
        changed: 9,
        cold: 700,
        size: 30,
        ..of_host("acme/webshop", "test", &[Layer::Cargo, Layer::Target])
    },
    OfHost { size: 6, cold: 80, ..of_host("acme/webshop", "lint", &[Layer::Target, Layer::Paths]) },
    OfHost { changed: 30, ..of_host("acme/parser", "test", &[Layer::Cargo, Layer::Target]) },
    OfHost { daily: 3, size: 18, cold: 900, ..of_host("acme/parser", "fuzz", &[Layer::Target]) },
    OfHost {
        daily: 4,
        size: 9,
        cold: 120,
        ..of_host("acme/docs-site", "deploy", &[Layer::Builds, Layer::Paths])
    },
    OfHost {
        daily: 5,
        changed: 45,
        size: 15,
        ..of_host("widgets/firmware", "cross", &[Layer::Cargo, Layer::Target])
    },
    OfHost { daily: 2, size: 2, cold: 60, ..of_host("widgets/tools", "install", &[Layer::Bins]) },
];

/// Days of history.
const DAYS: i64 = 32;

/// A host of several repositories, which has been at work for some weeks. Tests that run at the same time share it.
pub(crate) fn busy() -> Arc<Job> {
    static SHARED: Mutex<Weak<Job>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let host = Arc::new(make_busy());
        *shared = Arc::downgrade(&host);
        host
    })
}

fn make_busy() -> Job {
    let mut job = Job::new(PROGRAM);
    for (index, of) in JOBS.iter().enumerate() {
        run(&mut job, of, index as u64);
    }
    run(&mut job, &JOBS[0], 20);
    run(&mut job, &JOBS[1], 21);
    // As if these entries had been there when the history begins.
    let ledger = Connection::open(job.path("root/ledger/events.db")).unwrap();
    ledger.execute("UPDATE event SET time = time - ?1", [DAYS * 86_400_000]).unwrap();
    let mut random = Rng::with_seed(5);
    let mut appending = Appending::to(&job);
    for day in (0..DAYS).rev() {
        for of in &JOBS {
            for nth in 0..of.daily {
                // Never near the beginning of a span: statistics that are asked for a moment later would end later.
                let minutes = 30 + nth * 23 * 60 / of.daily;
                appending.at(SignedDuration::from_hours(24 * (day + 1)) - SignedDuration::from_mins(minutes));
                appending.add_run(of, &mut random);
            }
        }
        if day % 9 == 3 {
            appending.add(&[Event::Damage { entries: 1 }]);
        }
    }
    job
}

/// The step summary of the restore in the last of some runs, in which sources and versions change.
pub(crate) fn last_summary() -> String {
    let mut job = Job::new(PROGRAM);
    job.set("GITHUB_REPOSITORY", "acme/webshop");
    let mut summary = String::new();
    for run in 1..=9 {
        job.wipe();
        job.set("GITHUB_RUN_ID", run);
        job.version(if run < 4 { "1.0.0" } else { "1.1.0" });
        job.write("work/project/src/lib.rs", &format!("pub const RUN: u32 = {};\n", run / 3));
        job.write("work/project/src/main.rs", "fn main() { println!(\"{}\", small::RUN) }\n");
        if run == 6 {
            job.remove("root/target");
        }
        summary = job.ok(&["restore"]).summary;
        job.sh("cargo build --quiet --offline");
        job.ok(&["save", "--save", "always"]);
    }
    summary
}

/// A host whose repositories, jobs, lanes and refs have hostile names.
pub(crate) fn hostile() -> Job {
    let mut job = Job::new(PROGRAM);
    // As refs and lanes they are those of entries as well.
    for (index, name) in HOSTILE.iter().enumerate() {
        job.write("work/project/data/file", name);
        job.set("GITHUB_RUN_ID", index);
        job.set("GITHUB_REPOSITORY", name);
        job.set("GITHUB_JOB", name);
        let key = format!("k-{index}");
        job.ok(&["run", "--preset", "none", "--path", "data", "--key", &key, "--lane", name, "--", "true"]);
    }
    let mut appending = Appending::to(&job);
    appending.at(SignedDuration::from_hours(5));
    for name in HOSTILE {
        let family = Family {
            repository: name.to_owned(),
            job: Some(name.to_owned()),
            lane: name.to_owned(),
            layer: Layer::Target,
            contents: "0".to_owned(),
        };
        let moved = Moved { files: 3, bytes: SIZE, link: None };
        let steps = [Duration::from_millis(5); 3];
        let restored = Restored { served: Served::Exact, cause: None, factors: None, moved, steps };
        let evicted = Evicted {
            reason: name.to_owned(),
            reference: Some(name.to_owned()),
            is_of_default_branch: false,
            entries: 1,
            bytes: SIZE,
        };
        appending.add(&[
            Event::Restore { family: family.clone(), key: KeyDigest(1), restored },
            Event::Eviction { family, key: None, evicted },
        ]);
    }
    job
}

/// A whole run of a job, which saves what it has.
pub(crate) fn run(job: &mut Job, of: &OfHost, number: u64) {
    job.wipe();
    job.set("GITHUB_REPOSITORY", of.repository);
    job.set("GITHUB_JOB", of.job);
    job.set("GITHUB_WORKFLOW", "CI");
    job.set("GITHUB_RUN_ID", number);
    job.set("GITHUB_SHA", format!("{number:040x}"));
    let text = |size: u64| format!("{number:016}").repeat(usize::try_from(size * SIZE / 16).unwrap());
    job.write("work/project/data/file", &text(of.size / 2 + 1));
    job.write("work/project/dist/program", &text(of.size / 4 + 1));
    job.write(
        "work/project/src/main.rs",
        "fn main() { println!(\"{}\", include_str!(\"../data/file\").len()) }\n",
    );
    let key = format!("{}-{number}", of.job);
    let mut args = vec!["run", "--key", &key];
    for layer in of.layers {
        args.extend(match layer {
            Layer::Paths => ["--path", "data"],
            Layer::Builds => ["--builds", "dist"],
            _ => ["--preset", "cargo"],
        });
    }
    args.extend(["--", "cargo", "build", "--quiet", "--offline"]);
    job.ok(&args);
}

/// Appends to the ledger of a host what was earlier.
struct Appending {
    ledger: Ledger,
    now: Timestamp,
    at: Timestamp,
}

impl Appending {
    fn to(job: &Job) -> Self {
        let store = Store::open(&job.path("root"), Access::Private).unwrap();
        let now = Timestamp::now();
        Self { ledger: Ledger::open(&store).unwrap(), now, at: now }
    }

    fn at(&mut self, ago: SignedDuration) {
        self.at = self.now - ago;
    }

    fn add(&mut self, events: &[Event]) {
        let reference = Some("refs/heads/main".to_owned());
        let source = Source { host: "host".to_owned(), runner: None, run: Some("1".to_owned()), reference };
        self.ledger.append(&source, self.at, events).unwrap();
    }

    /// A run as the program would tell of it.
    fn add_run(&mut self, of: &OfHost, random: &mut Rng) {
        let is_changed = random.u32(..100) < of.changed;
        let mut events = Vec::new();
        for (index, layer) in of.layers.iter().enumerate() {
            let family = Family {
                repository: of.repository.to_owned(),
                job: Some(of.job.to_owned()),
                lane: format!("CI {}", of.job),
                layer: *layer,
                contents: "0123456789abcdef".to_owned(),
            };
            let key = KeyDigest(random.i64(..));
            let served = match random.u32(..100) {
                _ if !is_changed => Served::Exact,
                0..45 => Served::Partial,
                45..65 if *layer == Layer::Target => Served::Composed,
                _ => Served::Miss,
            };
            let bytes =
                of.size * SIZE * random.u64(80..120) / 100 * if *layer == Layer::Target { 1 } else { 3 };
            let moved = if served.is_hit() {
                Moved { files: bytes / 40_000, bytes, link: Some("hardlink") }
            } else {
                Moved::default()
            };
            let took = Duration::from_micros(4_000 + moved.bytes / random.u64(600..3000));
            let steps = [Duration::from_millis(3), took, Duration::ZERO];
            let cause = (served != Served::Exact).then(|| "other-key".to_owned());
            let factors = cause.as_ref().map(|_| "lock".to_owned());
            let restored = Restored { served, cause, factors, moved, steps };
            events.push(Event::Restore { family: family.clone(), key, restored });
            let worked =
                Duration::from_secs(of.cold * if served.is_hit() { random.u64(8..70) } else { 103 } / 100);
            let saved = i64::try_from(of.cold).unwrap() - i64::try_from(worked.as_secs()).unwrap();
            let saved = served.is_hit().then(|| SignedDuration::from_secs(saved));
            let began =
                (index + 1 == of.layers.len()).then_some(Began { served, worked: Some(worked), saved });
            let kept = if is_changed { Kept::Entry } else { Kept::Not };
            let part = if *layer == Layer::Cargo { 400 } else { 5 };
            let bytes = if is_changed { bytes / part } else { 0 };
            let moved = Moved { files: bytes / 40_000, bytes, link: None };
            let steps = [Duration::from_millis(bytes / 100_000); 4];
            let cause = (!is_changed).then(|| "unchanged".to_owned());
            events.push(Event::Save {
                family: family.clone(),
                key,
                saved: Saved { kept, cause, moved, steps, began },
            });
            if is_changed && random.u32(..20) < 19 {
                let reason =
                    ["count", "superseded", "superseded", "age", "size"][random.usize(..5)].to_owned();
                let reference = Some("refs/heads/main".to_owned());
                let evicted = Evicted { reason, reference, is_of_default_branch: true, entries: 1, bytes };
                events.push(Event::Eviction { family, key: Some(KeyDigest(random.i64(..))), evicted });
            }
        }
        self.add(&events);
    }
}
