//! The program dies between any two steps that others can see on the disk. Afterwards the old or the new state is there,
//! the next cleaning leaves no debris, and the next job works.
//!
//! Needs the feature `crash-points`: `cargo test --features crash-points --test crash`.
#![allow(clippy::disallowed_methods, reason = "tests speak to the file system by the standard library")]

mod host;

use std::collections::BTreeSet;

use clap::ValueEnum;
use runner_cache::sys::CrashPoint;

use host::{Host, TOOL, Tree};

/// A situation in which the program dies, and the command that it dies in.
struct Scenario {
    name: &'static str,
    /// Brings the host into the situation.
    prepare: fn(&Host),
    command: fn(&Host) -> Vec<&'static str>,
}

const SCENARIOS: [Scenario; 11] = [
    Scenario {
        name: "a save that evicts an older entry",
        prepare: |host| host.write(Tree::New),
        command: |_| vec!["save", "--save", "always", "--keep", "paths=1"],
    },
    Scenario {
        name: "a save at the end of a job",
        prepare: |host| {
            host.remove_tree();
            host.expect_success(&["restore"]);
            host.write(Tree::New);
        },
        command: |_| vec!["save"],
    },
    Scenario {
        name: "a save by the hook after a job",
        prepare: |host| {
            host.remove_tree();
            host.expect_success(&["restore"]);
            host.write(Tree::New);
        },
        command: |_| vec!["job-completed"],
    },
    Scenario { name: "a restore into nothing", prepare: Host::remove_tree, command: |_| vec!["restore"] },
    Scenario {
        name: "a restore into what is there",
        prepare: |host| host.write(Tree::Other),
        command: |_| vec!["restore"],
    },
    Scenario {
        name: "a restore that meets a damaged entry",
        prepare: |host| {
            host.write(Tree::New);
            host.expect_success(&["save", "--save", "always"]);
            host.damage_newest_entry();
            host.remove_tree();
        },
        command: |_| vec!["restore"],
    },
    Scenario {
        name: "a cleaning",
        prepare: |host| {
            host.write(Tree::New);
            host.expect_success(&["save", "--save", "always", "--keep", "paths=9"]);
            host.leave_debris();
        },
        command: |_| vec!["gc", "--keep", "paths=1"],
    },
    Scenario {
        name: "a save that leaves most files where they are",
        prepare: |host| {
            host.write(Tree::Old);
            host.add_many();
            host.expect_success(&["save", "--save", "always"]);
            host.add(Tree::New);
        },
        command: |_| vec!["save", "--save", "always", "--keep", "paths=1"],
    },
    Scenario {
        name: "an eviction of an entry that another one needs, and of one that nobody needs any more",
        prepare: |host| {
            host.write(Tree::Old);
            host.add_many();
            host.expect_success(&["save", "--save", "always"]);
            host.add(Tree::New);
            host.expect_success(&["save", "--save", "always"]);
            host.add(Tree::Old);
            host.expect_success(&["save", "--save", "always", "--keep", "paths=9"]);
        },
        command: |_| vec!["gc", "--keep", "paths=1"],
    },
    Scenario {
        name: "a restore of a tool",
        prepare: |host| {
            host.install_tool();
            host.expect_success(&["save", "--cargo-bins", TOOL]);
            host.remove_tool();
        },
        command: |_| vec!["restore", "--cargo-bins", TOOL],
    },
    Scenario { name: "a flush", prepare: |_| {}, command: |_| vec!["flush"] },
];

#[test]
fn death_between_any_two_steps_loses_nothing() {
    let (mut reached, mut deadly) = (Vec::new(), BTreeSet::new());
    for &point in CrashPoint::value_variants() {
        for scenario in &SCENARIOS {
            let host = Host::new();
            host.write(Tree::Old);
            host.expect_success(&["save"]);
            (scenario.prepare)(&host);
            let (before, many) = (host.tree(), host.many());
            if !host.dies_at(point, &(scenario.command)(&host)) {
                continue;
            }
            reached.push(point);
            deadly.insert(scenario.name);
            let what = format!("{point:?} in {}", scenario.name);

            // What the job has is whole, file by file, and whole in all unless its files were just being exchanged.
            let after = host.tree();
            let is_exchanging = matches!(point, CrashPoint::UpdateSwapping);
            assert!(
                after == before
                    || after.is(Tree::Old)
                    || (is_exchanging && after.is_mixed(Tree::Other, Tree::Old)),
                "{what}: {after:?}"
            );

            // An executable without a note would keep cargo from installing it.
            assert!(host.has_noted_tool() || !host.has_tool(), "{what}");
            if (scenario.command)(&host).contains(&TOOL) {
                host.expect_success(&["restore", "--no-session", "--cargo-bins", TOOL]);
                assert!(host.has_noted_tool() && host.has_tool(), "{what}");
            }

            // The old or the new entry serves, and makes the same directory right.
            host.expect_success(&["restore", "--no-session"]);
            let restored = host.tree();
            assert!(restored.is(Tree::Old) || restored.is(Tree::New), "{what}: {restored:?}");
            assert_eq!(host.debris_of_restores(), 0, "{what}");

            host.expect_success(&["gc", "--keep", "paths=9"]);
            assert_eq!(host.debris_in_store(), Vec::<std::path::PathBuf>::new(), "{what}");
            host.expect_success(&["verify"]);
            if many > 0 {
                host.remove_tree();
                host.expect_success(&["restore", "--no-session"]);
                assert_eq!(host.many(), many, "{what}");
            }

            host.write(Tree::Other);
            host.expect_success(&["save", "--save", "always"]);
            host.remove_tree();
            host.expect_success(&["restore", "--no-session"]);
            assert!(host.tree().is(Tree::Other), "{what}: the next save");

            host.age_quarantine();
            host.expect_success(&["remove", "*"]);
            host.expect_success(&["gc"]);
            assert_eq!(
                host.quarantined(),
                Vec::<std::path::PathBuf>::new(),
                "{what}: nobody needs anything any more"
            );
        }
    }
    for point in CrashPoint::value_variants() {
        assert!(reached.contains(point), "nothing dies at {point:?}: add a scenario");
    }
    for Scenario { name, .. } in &SCENARIOS {
        assert!(deadly.contains(name), "nothing dies in {name}");
    }
}
