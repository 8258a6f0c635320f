//! A user who may start no threads, a limit on the size of files, and a runner that has no patience.

use std::process::Command;

use crate::host::{Host, UNGUARDED};
use crate::owner::own_program;
use crate::place::{Place, run};
use crate::strace::{Fault, inject, record};
use crate::tree::{Version, plant};

/// A user that nobody else is.
const SOMEBODY: &str = "61009";

#[test]
fn works_for_a_user_who_may_start_no_threads() {
    let mut has_saved = Vec::new();
    for processes in 1..=6 {
        let place = Place::new();
        let mut host = Host::new(&place.path(""));
        // Nothing of the toolchain is asked, which would take processes.
        host.set("PATH", "/nowhere");
        plant(&host.target(), Version::New);
        let program = own_program(&host);
        let new = host.listing();
        run(Command::new("chown").args(["-R", SOMEBODY]).arg(host.path("")));
        let limit = format!("--nproc={processes}");
        let own_copy = ["/bin/sh", "-c", "shift; exec \"$0\" \"$@\"", program.to_str().unwrap()];
        let limited = ["/usr/bin/setpriv", "--reuid", SOMEBODY, "--clear-groups", "/usr/bin/prlimit", &limit];
        let limited = [&limited[..], &own_copy].concat();
        let said = host.run_under(&limited, &[&["save"], &UNGUARDED[..]].concat());
        assert!(said.is_success() && !said.log.contains("panicked"), "{processes}: {said:#?}");
        assert!(said.has_saved() || said.warnings() == 1, "{processes}: {said:#?}");
        if said.has_saved() {
            has_saved.push(processes);
            host.remove_target();
            let said = host.run_under(&limited, &[&["restore", "--no-session"], &UNGUARDED[..]].concat());
            assert_eq!((said.is_success(), said.hit()), (true, "exact"), "{processes}: {said:#?}");
            assert!(host.listing() == new, "{processes}: {said:#?}");
        }
    }
    assert!(has_saved.contains(&1), "one process is enough: {has_saved:?}");
}

#[test]
fn file_size_limit_is_reported_and_kills_nothing() {
    let place = Place::new();
    let host = Host::new(&place.path(""));
    plant(&host.target(), Version::New);
    let small = ["prlimit", "--fsize=20000"];
    let said = host.run_under(&small, &[&["save"], &UNGUARDED[..], &["--link-mode", "copy"]].concat());
    assert_eq!((said.is_success(), said.has_saved(), said.warnings()), (true, false, 1), "{said:#?}");
    assert!(said.log.contains("File too large"), "{said:#?}");
    assert!(host.debris().is_empty());
    // And what is there stays whole.
    host.save();
    plant(&host.target(), Version::Old);
    let old = host.listing();
    let said = host.run_under(
        &small,
        &[&["restore", "--no-session"], &UNGUARDED[..], &["--link-mode", "copy"]].concat(),
    );
    assert_eq!((said.is_success(), said.warnings()), (true, 1), "{said:#?}");
    assert!(said.log.contains("File too large") && host.listing() == old, "{said:#?}");
    // The user's command has the limits as they were.
    let said = host.run_under(
        &small,
        &[
            "run",
            "--preset",
            "none",
            "--path",
            "x",
            "--key",
            "k",
            "--",
            "sh",
            "-c",
            "head -c 30000 /dev/zero >y",
        ],
    );
    assert_eq!(said.code, 128 + 25, "{said:#?}");
}

#[test]
fn second_signal_during_a_change_leaves_no_half_state() {
    let restore = [&["restore", "--no-session"], &UNGUARDED[..]].concat();
    let machine = || {
        let place = Place::new();
        let host = Host::new(&place.path(""));
        plant(&host.target(), Version::New);
        host.save();
        let new = host.listing().unwrap();
        plant(&host.target(), Version::Old);
        (place, host, new)
    };
    let (_place, host, _) = machine();
    let calls = record(&host, &["renameat2"], &restore);
    assert!(calls.len() >= 3, "the test is about something: {calls:?}");
    let mut outcomes = [0, 0];
    for pair in calls.windows(2) {
        let (_place, host, new) = machine();
        let old = host.listing().unwrap();
        let (said, _) = inject(&host, &[&pair[0], &pair[1]], Fault::Signal("TERM"), &restore);
        let found = host.listing().unwrap();
        let is_new = found == new;
        assert!(is_new || found == old, "{pair:?}: {}: {said:#?}", new.difference(&found));
        assert!(!said.was_ended_by(9) && host.debris().is_empty(), "{pair:?}: {said:#?}");
        outcomes[usize::from(is_new)] += 1;
    }
    println!("{outcomes:?} as before and as cached");
}
