//! Hears one history after another, on several threads, and tells what was found.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::figures::Figures;
use crate::history::History;
use crate::minimise::minimise;
use crate::script::{Compared, Script};
use crate::settings::{Bound, Settings};
use crate::world::{self, Outcome};

/// A cache that does nothing.
const NO_CACHE: &str = "/bin/true";

/// As many failing histories are made smaller and printed: who mends one looks again anyway.
const PRINTED: usize = 3;

/// See the module's documentation.
pub(crate) struct Court {
    settings: Settings,
    started: Instant,
    next: AtomicU64,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    figures: Figures,
    /// Seeds of the histories in which a job was stale.
    stale: Vec<u64>,
    /// What did not run at all.
    broken: Vec<String>,
}

impl Court {
    pub(crate) fn new(settings: Settings) -> Self {
        println!("judge: seeds from {}, {} shapes", settings.seed, settings.shapes.len());
        Self { settings, started: Instant::now(), next: AtomicU64::new(0), found: Mutex::default() }
    }

    /// Hears the histories that the settings ask for.
    pub(crate) fn hear_all(&self) {
        if let Some(history) = &self.settings.history {
            return self.hear(history);
        }
        std::thread::scope(|scope| {
            for _ in 0..self.settings.workers {
                scope.spawn(|| {
                    while let Some(seed) = self.next_seed() {
                        self.hear(&History::random(seed, &self.settings.shapes));
                    }
                });
            }
        });
    }

    fn next_seed(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let is_more = match self.settings.bound {
            Bound::Seeds(seeds) => number < seeds,
            Bound::Time(time) => self.started.elapsed() < time,
        };
        is_more.then(|| self.settings.seed + number)
    }

    fn hear(&self, history: &History) {
        if self.settings.prints {
            return print(history);
        }
        match self.judge(history, Compared::All) {
            Verdict::Right(stats) => self.found().figures.add(stats),
            Verdict::AlsoWithout(stats) => {
                let mut found = self.found();
                found.figures.add(stats);
                found.figures.also_without += 1;
            }
            Verdict::Broken(why) => self.found().broken.push(format!("seed {}: {why}", history.seed)),
            Verdict::Stale { stats, step, difference } => {
                let shapes = history.shapes.join(" ");
                println!("seed {}, shapes {shapes}, step {step}: {difference}", history.seed);
                let is_printed = {
                    let mut found = self.found();
                    found.figures.add(stats);
                    found.figures.stale += 1;
                    found.stale.push(history.seed);
                    found.stale.len() <= PRINTED
                };
                if is_printed && self.settings.minimise > 0 {
                    self.print_smaller(history.clone(), step);
                }
            }
        }
    }

    fn judge(&self, history: &History, compared: Compared) -> Verdict {
        match world::run(history, &self.settings.program, compared) {
            Outcome::Right(stats) => Verdict::Right(stats),
            Outcome::Broken(why) => Verdict::Broken(why),
            Outcome::Stale { stats, step, difference } => {
                let mut so_far = history.clone();
                so_far.steps.truncate(step + 1);
                match world::run(&so_far, Path::new(NO_CACHE), Compared::Last) {
                    Outcome::Right(_) => Verdict::Stale { stats, step, difference },
                    Outcome::Stale { .. } => Verdict::AlsoWithout(stats),
                    Outcome::Broken(why) => Verdict::Broken(why),
                }
            }
        }
    }

    fn print_smaller(&self, history: History, step: usize) {
        let smallest = minimise(history, step, self.settings.minimise, |history| {
            if history.keeps_targets() {
                return self.judge(history, Compared::Last).stale_step();
            }
            // Without a cache it has nothing to be wrong by.
            match world::run(history, &self.settings.program, Compared::Last) {
                Outcome::Stale { step, .. } => Some(step),
                Outcome::Right(_) | Outcome::Broken(_) => None,
            }
        });
        print(&smallest);
    }

    /// Tells the figures, and fails if anything differed.
    pub(crate) fn end(&self) {
        if self.settings.prints {
            return;
        }
        let found = self.found();
        let seconds = self.started.elapsed().as_secs();
        println!("{}", found.figures.told(self.settings.shapes.len()));
        if let Some(out) = &self.settings.out {
            let figures = found.figures.to_json(&self.settings, seconds);
            std::fs::write(out, format!("{figures}\n")).unwrap();
        }
        assert!(found.broken.is_empty(), "these did not run:\n{}", found.broken.join("\n"));
        assert!(found.stale.is_empty(), "stale with these seeds, see above: {:?}", found.stale);
        if self.settings.history.is_none() {
            found.figures.assert_that_the_cache_worked();
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be said of a history.
enum Verdict {
    Right(world::Counts),
    Stale {
        stats: world::Counts,
        step: usize,
        difference: String,
    },
    /// Cargo itself is wrong there, in a target directory that stays.
    AlsoWithout(world::Counts),
    Broken(String),
}

impl Verdict {
    fn stale_step(&self) -> Option<usize> {
        match self {
            Self::Stale { step, .. } => Some(*step),
            Self::Right(_) | Self::AlsoWithout(_) | Self::Broken(_) => None,
        }
    }
}

fn print(history: &History) {
    println!("=== {}", serde_json::to_string(history).expect("a history is JSON"));
    println!(
        "{}=== end of the script of seed {}",
        Script::of(history, Compared::All).whole(history),
        history.seed
    );
}
