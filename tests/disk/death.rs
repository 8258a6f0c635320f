//! The program may be killed at any system call: what is visible is whole, and the next job clears up.

use crate::strace::{Fault, sample};
use crate::trial::{Scene, Trial};

/// Calls that others can see the effect of.
const CALLS: [&str; 17] = [
    "openat",
    "openat2",
    "write",
    "copy_file_range",
    "ftruncate",
    "mkdir",
    "mkdirat",
    "linkat",
    "symlinkat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "utimensat",
    "flock",
];

/// Calls of one name in one scene, at most.
const MOST: usize = 6;

fn kill_at_all(scene: Scene) {
    let mut trial = Trial::new(scene);
    for call in sample(&trial.calls(&CALLS), MOST) {
        trial.strike(&[&call], Fault::Death);
    }
    trial.judge();
}

#[test]
fn restore_into_nothing_may_die_at_any_call() {
    kill_at_all(Scene::RestoreIntoNothing);
}

#[test]
fn restore_over_another_version_may_die_at_any_call() {
    kill_at_all(Scene::RestoreIntoOld);
}

#[test]
fn first_save_may_die_at_any_call() {
    kill_at_all(Scene::FirstSave);
}

#[test]
fn next_save_may_die_at_any_call() {
    kill_at_all(Scene::NextSave);
}

#[test]
fn gc_may_die_at_any_call() {
    kill_at_all(Scene::Cleaning);
}
