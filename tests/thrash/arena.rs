//! What all threads share.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::fault::Injured;
use crate::figures::Figures;
use crate::pace::Pace;
use crate::settings::Settings;
use crate::wrong::Wrong;

/// The keys: few, so that workers meet.
pub(crate) const KEYS: [&str; 4] = ["k1", "k2", "k3", "k4"];

/// One host with one cache.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) settings: Settings,
    pub(crate) figures: Figures,
    pub(crate) pace: Pace,
    pub(crate) injured: Injured,
    /// What was found in quarantine, and rightly so.
    pub(crate) quarantined: Mutex<BTreeSet<PathBuf>>,
    directory: PathBuf,
    started: Instant,
    is_over: AtomicBool,
    /// The last time that a file got, in nanoseconds since 1970.
    clock: AtomicU64,
}

impl Arena {
    pub(crate) fn new(directory: &Path, settings: Settings) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        Self {
            settings,
            figures: Figures::default(),
            pace: Pace::default(),
            injured: Injured::default(),
            quarantined: Mutex::default(),
            directory: directory.canonicalize().unwrap(),
            started: Instant::now(),
            is_over: AtomicBool::new(false),
            clock: AtomicU64::new(u64::try_from(now).unwrap()),
        }
    }

    /// The cache.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// The directory of a worker.
    pub(crate) fn worker(&self, number: usize) -> PathBuf {
        self.directory.join(format!("worker-{number}"))
    }

    /// The target directory of a worker. They lie side by side, so that restores put their temporary directories into one place.
    pub(crate) fn target(&self, number: usize) -> PathBuf {
        self.directory.join(format!("targets/{number}"))
    }

    /// All of it.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// How long it goes on already.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Lets all threads end.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Does `work`, and ends all when something is wrong. A panic of the test itself counts as that, lest the directory go.
    pub(crate) fn end_with(&self, work: impl FnOnce() -> Result<(), Wrong>) -> Result<(), Wrong> {
        let done = panic::catch_unwind(AssertUnwindSafe(work));
        let done = done.unwrap_or_else(|_| Err(Wrong::Failed("the test itself, see above".into())));
        done.inspect_err(|_| self.end())
    }

    /// A time that no other file has. The cache holds files of one path, size and time for the same, as all builds do; the
    /// kernel's clock goes by milliseconds, and here many files are made in each of them.
    pub(crate) fn next_time(&self) -> SystemTime {
        let nanoseconds = self.clock.fetch_add(1_001, Ordering::Relaxed);
        UNIX_EPOCH + Duration::from_nanos(nanoseconds)
    }

    /// The figures as one line of JSON.
    pub(crate) fn report(&self) -> serde_json::Value {
        for name in ["corrupt", "lost", "failed"] {
            self.figures.add(name, 0);
        }
        let mut json = self.figures.to_json();
        json.insert("seed".into(), self.settings.seed.into());
        json.insert("workers".into(), self.settings.workers.into());
        json.insert("keys".into(), KEYS.len().into());
        json.into()
    }
}
