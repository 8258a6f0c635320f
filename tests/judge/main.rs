//! Random projects and random histories: each job with the cache gives what a clean build in the same place gives.
//!
//! A project is composed of *shapes* (`shape`, `shapes/`), small features of cargo projects that a cache can get wrong,
//! each with what people change in it. A *history* (`history`) is a list of commits and jobs that follows from a seed:
//! one to three runners with workspaces at the same path or at others, kept, cleaned, cloned or gone; branches and force
//! pushes; builds that fail or are killed; odd clocks; inputs of the action. It becomes a bash script (`script`,
//! `prelude.sh`), and the judge runs this script step by step (`world`), so what it prints is what it ran. After each
//! job the same job runs in a fresh checkout at the same path without the cache; exit codes, and what programs and tests
//! print, must be equal. Where they differ and the same history without a cache is right, the job was stale: the history
//! is made smaller (`minimise`) and printed.
//!
//! | variable `JUDGE_…` | meaning | default |
//! |---|---|---|
//! | `SEED` | the first seed; a history has one, and the next history the next | that of some with every shape |
//! | `SEEDS` | how many histories | 16, which takes some minutes |
//! | `SECONDS` | instead: how long histories begin | |
//! | `WORKERS` | how many histories at a time | as many as processors |
//! | `SHAPES` | only these, or all but those with `-` before them, separated by commas | all |
//! | `BINARY` | another program | the one that was built |
//! | `MINIMISE` | how many trials a minimisation has; 0: none | 40 |
//! | `HISTORY` | a file with a history as JSON, as printed, to run that | none |
//! | `PRINT` | anything: print the scripts, and run nothing | |
//! | `OUT` | where the figures are written, as JSON | nowhere |
//!
//! `cargo test` leaves it out, for it takes its time: `cargo test --test judge -- --nocapture`.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod court;
mod figures;
mod files;
mod history;
mod minimise;
mod needless;
mod project;
mod script;
mod settings;
mod shape;
mod shapes;
mod world;

use crate::court::Court;
use crate::settings::Settings;

#[test]
fn random_histories_match_clean_builds() {
    let court = Court::new(Settings::of_environment());
    court.hear_all();
    court.end();
}
