use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::of;
use crate::doctor::facts::{Containers, Contents, Disk, Facts, OfRoot, Program, Root, Runner, State};
use crate::host::hooks::HookState;
use crate::outcome::{Check, CheckCode, Fix, Severity};
use crate::store::retention::MinFree;
use crate::store::{Debris, Ownership};
use crate::sys::Cleaned;
use crate::sys::Space;

fn disk(path: &str, device: u64) -> Disk {
    let space = Space { bytes: 100 << 30, free_bytes: 50 << 30, inodes: 1000, free_inodes: 500, device };
    Disk { path: path.into(), space, min_free: MinFree::default() }
}

fn runner() -> Runner {
    Runner {
        name: "one".into(),
        version: Some("2.336.0".into()),
        work: "/srv/one/_work".into(),
        user: Some("ci".into()),
        of_root: OfRoot::default(),
        hooks: Some(HookState::Installed),
    }
}

/// A host on which all is well.
fn facts() -> Facts {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 50);
    Facts {
        now,
        policy_trouble: None,
        root: Root {
            path: "/srv/cache".into(),
            state: State::There(Contents {
                entries: 2,
                newest: Some(now),
                of_future: 0,
                debris: Debris::default(),
                ownership: Ownership::default(),
                lost_hits: Some(BTreeMap::new()),
                troubles: Vec::new(),
            }),
            is_in_memory: false,
            cleaned: Cleaned::default(),
            has_reflinks: Some(true),
        },
        runners: vec![runner()],
        unread: Vec::new(),
        disks: vec![disk("/srv/cache", 1)],
        programs: vec![Program { of: "/usr/local/bin/runner-cache".into(), version: Some("1.0.0".into()) }],
        containers: Containers::None,
    }
}

fn contents(facts: &mut Facts) -> &mut Contents {
    match &mut facts.root.state {
        State::There(contents) => contents,
        other => panic!("{other:?}"),
    }
}

/// The only check that is not fine.
fn only(facts: &Facts) -> Check {
    let mut checks = of(facts);
    checks.retain(|check| check.severity != Severity::Ok);
    assert_eq!(checks.len(), 1, "{checks:#?}");
    checks.remove(0)
}

#[test]
fn trouble_after_jobs_is_told_with_its_last_line() {
    let mut facts = facts();
    contents(&mut facts).troubles = vec!["warning: a".to_owned(), "error: the disk is full".to_owned()];
    let check = only(&facts);
    assert_eq!((check.code, check.severity), (CheckCode::AfterJobs, Severity::Warning));
    assert!(check.text.contains("2 times; the last one: error: the disk is full"), "{check:?}");
    assert!(check.hint.is_some_and(|hint| hint.contains("/srv/cache/logs")));
}

#[test]
fn host_that_is_well_has_nothing_to_change() {
    let checks = of(&facts());
    assert!(checks.iter().all(|check| check.severity == Severity::Ok && check.hint.is_none()), "{checks:#?}");
}

#[test]
fn each_fault_is_one_check_with_a_hint() {
    type Spoil = fn(&mut Facts);
    let cases: [(Spoil, CheckCode, Severity, &str); 16] = [
        (
            |facts| facts.policy_trouble = Some("x".into()),
            CheckCode::Policy,
            Severity::Problem,
            "policy is wrong: x",
        ),
        (
            |facts| facts.root.is_in_memory = true,
            CheckCode::Memory,
            Severity::Warning,
            "/srv/cache is in memory",
        ),
        (
            |facts| facts.root.has_reflinks = Some(false),
            CheckCode::Reflinks,
            Severity::Warning,
            "no reflinks",
        ),
        (
            |facts| facts.disks.push(disk("/work", 2)),
            CheckCode::Disks,
            Severity::Warning,
            "/work is on another disk",
        ),
        (
            |facts| facts.disks[0].space.free_bytes = 1,
            CheckCode::FreeSpace,
            Severity::Problem,
            "less than 5 %",
        ),
        (
            |facts| facts.disks[0].space.free_inodes = 1,
            CheckCode::FreeInodes,
            Severity::Problem,
            "1 of 1000 inodes",
        ),
        (
            |facts| contents(facts).ownership.of_root = vec![PathBuf::from("/srv/cache/paths")],
            CheckCode::RootOwned,
            Severity::Problem,
            "1 in the cache cannot be evicted",
        ),
        (
            |facts| contents(facts).newest = Some(facts_now() - SignedDuration::from_hours(24 * 400)),
            CheckCode::Clock,
            Severity::Warning,
            "nobody uses this cache, or the clock is ahead",
        ),
        (
            |facts| contents(facts).of_future = 3,
            CheckCode::Clock,
            Severity::Warning,
            "3 entries are of the future",
        ),
        (|facts| facts.unread = vec!["why".into()], CheckCode::Runners, Severity::Warning, "why"),
        (
            |facts| facts.runners[0].version = Some("2.328.0".into()),
            CheckCode::RunnerVersion,
            Severity::Problem,
            "2.328.0; GitHub registers none below 2.329.0",
        ),
        (
            |facts| {
                let first = Some(PathBuf::from("/srv/one/_work/x"));
                facts.runners[0].of_root = OfRoot { files: 7, first, is_part: true };
            },
            CheckCode::RootOwned,
            Severity::Problem,
            "runner one: 7 files at least of root's such as /srv/one/_work/x",
        ),
        (
            |facts| facts.programs.push(Program { of: "/usr/bin/runner-cache".into(), version: None }),
            CheckCode::Versions,
            Severity::Warning,
            "this is version 1.0.0, and there is an unknown version in /usr/bin/runner-cache",
        ),
        (
            |facts| facts.containers = Containers::Inside { is_mounted: false },
            CheckCode::Containers,
            Severity::Warning,
            "/srv/cache is in this container, and ends with it",
        ),
        (|facts| contents(facts).debris.left = 2, CheckCode::Debris, Severity::Warning, "left 2 directories"),
        (
            |facts| contents(facts).debris.sessions = 2,
            CheckCode::Sessions,
            Severity::Warning,
            "2 jobs were restored",
        ),
    ];
    for (spoil, code, severity, told) in cases {
        let mut facts = facts();
        spoil(&mut facts);
        let check = only(&facts);
        assert_eq!((check.code, check.severity), (code, severity), "{check:?}");
        assert!(check.text.contains(told) && check.hint.is_some(), "{check:?}");
    }
}

fn facts_now() -> Timestamp {
    facts().now
}

#[test]
fn cleaner_by_age_is_told_off_and_one_at_boot_needs_another_place() {
    let mut facts = facts();
    facts.root.cleaned.aged = Some(("30d".into(), "/srv".into()));
    let check = only(&facts);
    assert_eq!((check.code, check.fix), (CheckCode::Cleaner, Some(Fix::Exclude)));
    assert!(check.text.contains("removes files unused for 30d from /srv"), "{check:?}");
    facts.root.cleaned = Cleaned { aged: None, emptied: Some("/srv".into()) };
    let check = only(&facts);
    assert_eq!((check.code, check.fix), (CheckCode::Cleaner, None));
    assert!(check.text.contains("empties /srv at each boot"), "{check:?}");
}

#[test]
fn cache_that_cannot_be_opened_is_one_problem_with_the_hint_of_its_error() {
    let mut facts = facts();
    facts.root.has_reflinks = None;
    facts.root.state = State::Refused("any user can write to it; hint: chmod o-w".into());
    let check = only(&facts);
    assert_eq!((check.code, check.severity), (CheckCode::Root, Severity::Problem));
    assert_eq!(check.text, "jobs get no cache: any user can write to it");
    assert_eq!(check.hint.as_deref(), Some("chmod o-w"));
}

#[test]
fn containers_see_a_cache_in_the_work_directory_and_else_a_volume() {
    let mut facts = facts();
    facts.containers = Containers::Engine;
    let of_containers =
        |facts: &Facts| of(facts).into_iter().find(|check| check.code == CheckCode::Containers).unwrap();
    let check = of_containers(&facts);
    let hint = "in the workflow: `container: { volumes: [\"/srv/cache:/srv/cache\"] }`";
    assert_eq!((check.severity, check.hint.as_deref()), (Severity::Ok, Some(hint)));
    facts.root.path = "/srv/one/_work/cache".into();
    assert_eq!(of_containers(&facts).hint, None);
    facts.root.path = "/srv/cache".into();
    facts.containers = Containers::Inside { is_mounted: true };
    assert_eq!(of_containers(&facts).hint, None);
}

#[test]
fn hooks_are_told_by_runner_and_one_that_is_missing_is_a_problem() {
    for (hooks, severity, told) in [
        (Some(HookState::Installed), Severity::Ok, "hooks save the jobs of all runners"),
        (Some(HookState::Absent), Severity::Ok, "runner one has no hook"),
        (Some(HookState::FromNextStart), Severity::Warning, "from its next start on"),
        (Some(HookState::Gone("/opt/hook.sh".into())), Severity::Problem, "its hook /opt/hook.sh is missing"),
        (
            Some(HookState::WithoutProgram("/opt/rc".into())),
            Severity::Problem,
            "save nothing: no program /opt/rc",
        ),
        (None, Severity::Warning, "cannot read whether runner one has hooks"),
    ] {
        let facts = Facts { runners: vec![Runner { hooks, ..runner() }], ..facts() };
        let checks = of(&facts);
        let check = checks.iter().find(|check| check.code == CheckCode::Hooks).unwrap();
        assert!(check.severity == severity && check.text.contains(told), "{check:?}");
    }
}

#[test]
fn limits_that_cost_hits_are_told_by_limit() {
    let mut facts = facts();
    contents(&mut facts).lost_hits = Some([("age".to_owned(), 1), ("count".to_owned(), 16)].into());
    let check = only(&facts);
    assert_eq!((check.code, check.severity), (CheckCode::Limits, Severity::Warning));
    assert!(check.text.ends_with("17 hits in a week (age 1, count 16)"), "{check:?}");
}
