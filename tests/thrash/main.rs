//! Workers restore, save and evict on few keys while their own children are killed at random and the cache is damaged:
//! nothing may be wrong, and the work must go on.
//!
//! Each worker is a job's host with two workspaces (`layout`). It changes their trees (`edit`), signs each with a
//! listing of its own (`listing`), and asks the program at random to save, restore, clean up (`worker`). Some children
//! get SIGKILL or SIGTERM after a random time (`child`); now and then a file of the cache vanishes or is cut (`fault`).
//! After each restore the destination is compared with the listing in it (`check`); meanwhile `watch` looks at what was
//! put into quarantine. In the end there is peace, and the cache must be sound and work (`peace`).
//!
//! | variable `RUNNER_CACHE_THRASH_…` | meaning | default |
//! |---|---|---|
//! | `SECONDS` | how long | 120 |
//! | `SEED` | where the random numbers begin; each worker's actions follow from it, their timing does not | any |
//! | `WORKERS` | how many | 4 |
//! | `OUT` | where the figures are written, as JSON | nowhere |
//! | `KEEP` | anything: the directory stays when all went well, too | |
//!
//! `cargo test` leaves it out, for it takes its time: `cargo test --test thrash`. Where it fails it keeps its directory,
//! with a log of each worker, and tells where.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod action;
mod arena;
mod check;
mod child;
mod edit;
mod fault;
mod figures;
mod layout;
mod listing;
mod pace;
mod peace;
mod said;
mod settings;
mod watch;
mod worker;
mod wrong;

use crate::arena::Arena;
use crate::settings::Settings;
use crate::worker::Worker;
use crate::wrong::Wrong;

#[test]
fn kills_and_damage_corrupt_and_lose_nothing_while_work_goes_on() {
    let settings = Settings::of_environment();
    let directory = tempfile::Builder::new().prefix("runner-cache-thrash.").tempdir().unwrap();
    println!("seed {}, {} workers, in {}", settings.seed, settings.workers, directory.path().display());
    let arena = Arena::new(directory.path(), settings);
    let outcome = thrash(&arena).and_then(|()| arena.end_with(|| peace::make(&arena)));
    if let Err(wrong) = &outcome {
        arena.figures.add(wrong.kind(), 1);
        // Whoever unmounts the file system now should find it free; the first thing that went wrong is what counts.
        let _ = peace::wait_for_background(&arena);
    }
    let figures = arena.report();
    println!("THRASH {figures}");
    if let Some(out) = &arena.settings.out {
        std::fs::write(out, format!("{figures}\n")).unwrap();
    }
    if outcome.is_err() || arena.settings.keep {
        println!("all is kept in {}", directory.keep().display());
    }
    if let Err(wrong) = outcome {
        panic!("{wrong}\nseed {}", arena.settings.seed);
    }
    arena.figures.assert_that_all_was_tried();
}

/// Lets all workers work until the time is over or something is wrong.
fn thrash(arena: &Arena) -> Result<(), Wrong> {
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..arena.settings.workers)
            .map(|number| scope.spawn(move || arena.end_with(|| Worker::new(arena, number).work())))
            .collect();
        let watched = arena.end_with(|| watch::watch(arena));
        let worked: Vec<_> =
            workers.into_iter().map(|worker| worker.join().expect("panics are caught")).collect();
        arena.figures.add("seconds", arena.elapsed().as_secs());
        worked.into_iter().collect::<Result<(), _>>().and(watched)
    })
}
