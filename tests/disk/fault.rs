//! Any system call may fail: the job goes on, loses nothing, and the next one finds the cache in order.

use std::fs;

use test_support::project::{self, CARGOS_TAG};

use crate::host::Host;
use crate::place::Place;
use crate::strace::{Call, Fault, inject, record, sample};
use crate::trial::{Scene, Trial};

/// System calls, and the ways in which a disk makes them fail.
const FAULTS: &[(&[&str], &[&str])] = &[
    (&["openat", "openat2", "read", "statx", "getdents64", "readlinkat", "flock", "lseek"], &["EIO"]),
    (&["write", "copy_file_range", "ftruncate"], &["ENOSPC", "EIO", "EDQUOT"]),
    (&["mkdir", "mkdirat", "linkat", "symlinkat"], &["ENOSPC", "EDQUOT", "EROFS"]),
    (&["rename", "renameat", "renameat2"], &["ENOSPC", "EIO", "EROFS"]),
    (&["unlink", "unlinkat", "rmdir", "utimensat", "fchmod", "chmod", "fchmodat"], &["EIO", "EROFS"]),
    (&["ioctl"], &["EIO", "ENOSPC"]),
    (&["openat"], &["ENOSPC", "EROFS"]),
];

/// The same for a disk that breaks down and stays so.
const LASTING: &[(&[&str], &[&str])] = &[
    (&["openat", "openat2", "statx", "copy_file_range"], &["EIO"]),
    (&["mkdirat", "linkat", "renameat2", "unlinkat", "utimensat", "write"], &["EROFS"]),
];

/// Calls of one name in one scene, at most.
const MOST: usize = 5;

fn strike_all(scene: Scene) {
    let mut trial = Trial::new(scene);
    for (names, errors) in FAULTS {
        for call in sample(&trial.calls(names), MOST) {
            for error in *errors {
                trial.strike(&[&call], Fault::Error(error));
            }
        }
    }
    for (names, errors) in LASTING {
        for call in sample(&trial.calls(names), MOST) {
            for error in *errors {
                trial.strike(&[&call], Fault::Lasting(error));
            }
        }
    }
    trial.judge();
}

#[test]
fn restore_into_nothing_survives_a_fault_at_any_call() {
    strike_all(Scene::RestoreIntoNothing);
}

#[test]
fn restore_over_another_version_survives_a_fault_at_any_call() {
    strike_all(Scene::RestoreIntoOld);
}

#[test]
fn first_save_survives_a_fault_at_any_call() {
    strike_all(Scene::FirstSave);
}

#[test]
fn next_save_survives_a_fault_at_any_call() {
    strike_all(Scene::NextSave);
}

#[test]
fn gc_survives_a_fault_at_any_call() {
    strike_all(Scene::Cleaning);
}

#[test]
fn restore_works_without_rename_exchange() {
    let mut trial = Trial::new(Scene::RestoreIntoOld);
    for call in trial.calls(&["renameat2"]) {
        trial.withstand(&call, Fault::Lasting("EINVAL"));
    }
    trial.judge();
}

#[test]
fn failed_rollback_fails_the_job_and_the_next_restore_repairs_it() {
    let mut trial = Trial::new(Scene::RestoreIntoOld);
    let calls = trial.calls(&["renameat2", "openat2"]);
    let is_rename = |call: &&Call| call.name == "renameat2";
    let (renames, opens): (Vec<_>, Vec<_>) = calls.iter().partition(is_rename);
    // A rename in the middle fails, and then a directory cannot be opened to undo the others.
    let rename = renames[renames.len() / 2];
    let failed = opens.iter().filter(|open| trial.strike(&[rename, open], Fault::Error("EIO"))).count();
    assert!(failed > 0, "the test is about something");
    trial.judge();
}

#[test]
fn save_does_not_omit_an_unreadable_directory() {
    let place = Place::new();
    let mut host = Host::new(&place.path(""));
    host.set("RAYON_NUM_THREADS", "1");
    project::lay_out(&host.path("work/sibling"), "1.0.0");
    let targets = [host.target(), host.path("work/sibling/target")];
    // So few files that no other thread comes to a call of the same number.
    let plant = || {
        for target in &targets {
            fs::create_dir_all(target).unwrap();
            fs::write(target.join("CACHEDIR.TAG"), CARGOS_TAG).unwrap();
        }
    };
    let roots = [host.path("recorded"), host.path("root")];
    let [recorded, root] = roots.each_ref().map(|root| root.to_str().unwrap());
    let args = |command, root| {
        let workspaces = ".\n../sibling";
        let target = [command, "--layers", "target", "--key", "k", "--disk-guard", "off"];
        [&target[..], &["--workspaces", workspaces, "--cache-root", root]].concat()
    };
    plant();
    let calls = record(&host, &["statx"], &args("save", recorded));
    let is_look = |call: &&Call| call.text.contains("sibling/target\", AT_STATX_SYNC");
    let look = calls.iter().find(is_look).expect("it looks at each directory first");
    let (said, count) = inject(&host, &[look], Fault::Error("EIO"), &args("save", root));
    assert!(said.is_success() && count > 0, "{said:#?}");
    for target in &targets {
        fs::remove_dir_all(target).unwrap();
    }
    let restored = host.run(&args("restore", root));
    let are_there = targets.iter().all(|target| target.is_dir());
    assert_eq!(are_there, restored.hit() == "exact", "{}: {}{}", look.text, said.log, restored.log);
}
