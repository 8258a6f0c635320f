//! The stand-in keeps the runner's contract: a test a point, with shell scripts as hooks.

mod api;
mod background;
mod cancel;
mod container;
mod crash;
mod environment;
mod hooks;
mod order;
mod output;
mod processes;
mod users;

use tempfile::TempDir;

use crate::stand_in::Runner;

/// A runner in a directory of its own.
fn runner() -> (TempDir, Runner) {
    let place = tempfile::Builder::new().prefix("runner-cache-hook.").tempdir().unwrap();
    let runner = Runner::new(place.path(), "runner-1");
    (place, runner)
}
