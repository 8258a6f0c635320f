//! What `top` shows of a host, as snapshots of terminals: `INSTA_UPDATE=always cargo test --test screen` writes them.

use std::path::PathBuf;

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use ratatui_core::backend::TestBackend;
use ratatui_core::style::{Color, Modifier};
use ratatui_core::terminal::Terminal;
use runner_cache::ledger::{Latest, OfRunner};
use runner_cache::outcome::{Done, Live, LiveLock, Party, StoredNow};
use runner_cache::report::printed;
use runner_cache::report::screen::{Action, View, screen};
use runner_cache::store::retention::{MinFree, Room};
use runner_cache::store::{Activity, Layer, MovedSoFar, Step, Wait, WorkLock, WorkPhase, Working};
use runner_cache::sys::Space;

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn before(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

fn empty() -> Live {
    let disk =
        Space { bytes: 252_000_000_000, free_bytes: 45_100_000_000, inodes: 0, free_inodes: 0, device: 1 };
    Live {
        at: now(),
        host: "ci-1".to_owned(),
        cache_root: PathBuf::from("/var/tmp/runner-cache"),
        disk: Some(disk),
        min_free: MinFree::default(),
        short: Room::default(),
        max_size: None,
        stored: Some(StoredNow::default()),
        working: Vec::new(),
        locks: Vec::new(),
        runners: Vec::new(),
        events: Vec::new(),
        troubles: Vec::new(),
    }
}

fn working(pid: u32, activity: Activity, runner: &str, job: &str, step: Step) -> Working {
    let some = |text: &str| Some(text.to_owned());
    Working {
        pid,
        activity,
        since: before(i64::from(pid % 100)),
        runner: some(runner),
        repository: some("btcdecoded/a-rather-long-repository"),
        job: some(job),
        run: some("7.1"),
        step,
        holds: Vec::new(),
        waits: None,
    }
}

fn files(layer: Layer, key: &str, files: u64, of_files: u64) -> Step {
    let moved = Some(MovedSoFar { files, of_files, bytes: files * 600_000 });
    Step { layer: Some(layer), key: Some(key.to_owned()), phase: WorkPhase::Files, moved }
}

fn event(seconds: i64, kind: &str, outcome: &str, cause: Option<&str>, layer: Layer) -> Latest {
    Latest {
        at: before(seconds),
        kind: kind.to_owned(),
        outcome: Some(outcome.to_owned()),
        cause: cause.map(str::to_owned),
        repository: Some("btcdecoded/a-rather-long-repository".to_owned()),
        job: Some("build".to_owned()),
        layer: Some(layer),
        runner: Some(if seconds % 2 == 0 { "runner-1" } else { "runner-2" }.to_owned()),
        number: if outcome == "miss" || outcome == "not" { 0 } else { 2980 },
        bytes: 1_790_000_000,
        took: 12_340_000,
    }
}

fn runner(name: &str, hits: u64, lookups: u64, seconds: i64) -> OfRunner {
    OfRunner { runner: Some(name.to_owned()), hits, lookups, last: before(seconds) }
}

/// Two runners at work, a third one idle, and a history.
fn busy() -> Live {
    let mut events: Vec<_> = vec![
        event(2, "restore", "exact", None, Layer::Target),
        event(3, "restore", "partial", Some("other-key"), Layer::Cargo),
        event(60, "save", "entry", None, Layer::Target),
        event(61, "save", "not", Some("settled"), Layer::Cargo),
        event(300, "restore", "miss", Some("no-entry"), Layer::Paths),
        event(302, "eviction", "age", None, Layer::Builds),
        event(4000, "save", "failed", None, Layer::Bins),
    ];
    events.extend((1..20).map(|hour| event(hour * 7201, "restore", "exact", None, Layer::Target)));
    Live {
        max_size: Some(20_000_000_000),
        stored: Some(StoredNow { entries: 143, bytes: 12_300_000_000 }),
        working: vec![
            working(
                1261,
                Activity::Restore,
                "runner-1",
                "build",
                files(Layer::Target, "target-3f9a01bc", 1200, 2980),
            ),
            working(
                1312,
                Activity::Save,
                "runner-2",
                "test",
                Step {
                    layer: Some(Layer::Paths),
                    key: Some("npm-1".to_owned()),
                    phase: WorkPhase::Read,
                    moved: None,
                },
            ),
        ],
        runners: vec![
            runner("runner-1", 40, 43, 2),
            runner("runner-2", 7, 9, 3),
            runner("runner-3-with-a-name-that-is-long", 0, 0, 50_000),
        ],
        events,
        ..empty()
    }
}

/// The same with a save that waits for another one, on a disk that is too full.
fn waiting() -> Live {
    let mut live = busy();
    live.disk = live.disk.map(|disk| Space { free_bytes: 2_100_000_000, ..disk });
    live.short = Room { bytes: 10_500_000_000, inodes: 0 };
    live.working[0].activity = Activity::Save;
    live.working[0].holds = vec![WorkLock::CleanUp];
    live.working[0].step = Step { phase: WorkPhase::Evict, ..Step::default() };
    live.working[1].waits = Some(Wait { lock: WorkLock::CleanUp, file: None, since: before(9) });
    let party = |pid, what: &str, since| Party { pid, what: what.to_owned(), since };
    live.locks = vec![
        LiveLock {
            name: "clean-up".to_owned(),
            is_shared: false,
            holders: vec![party(1261, "save build runner-1", None)],
            waiters: vec![party(1312, "save test runner-2", Some(before(9)))],
        },
        LiveLock {
            name: "target-3f9a01bc".to_owned(),
            is_shared: true,
            holders: vec![party(1400, "runner-cache", None), party(1401, "runner-cache", None)],
            waiters: Vec::new(),
        },
    ];
    live
}

/// A terminal that shows `live`.
fn terminal(live: &Live, view: &mut View, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            let area = frame.area();
            let lines = screen(live, view, area.width, area.height);
            assert_eq!(lines.len(), usize::from(area.height));
            for (line, row) in lines.iter().zip(0..) {
                // In narrower ones the terminal cuts what stands to the right.
                assert!(area.width < 39 || line.width() <= usize::from(area.width), "{line}");
                frame.buffer_mut().set_line(0, row, line, area.width);
            }
        })
        .unwrap();
    terminal
}

fn shown(live: &Live, width: u16, height: u16) -> String {
    terminal(live, &mut View::default(), width, height).backend().to_string()
}

#[test]
fn a_host_without_jobs() {
    assert_snapshot!(shown(&empty(), 80, 24));
}

#[test]
fn a_busy_host() {
    assert_snapshot!(shown(&busy(), 80, 24));
}

#[test]
fn a_busy_host_in_a_wide_terminal() {
    assert_snapshot!(shown(&busy(), 120, 30));
}

#[test]
fn a_busy_host_in_a_small_terminal() {
    assert_snapshot!(shown(&busy(), 40, 12));
}

#[test]
fn a_host_where_one_waits_for_another() {
    assert_snapshot!(shown(&waiting(), 80, 24));
}

#[test]
fn a_host_where_one_waits_in_a_small_terminal() {
    assert_snapshot!(shown(&waiting(), 40, 12));
}

#[test]
fn the_keys() {
    let mut view = View { has_help: true, ..View::default() };
    assert_snapshot!(terminal(&busy(), &mut view, 80, 24).backend().to_string());
}

#[test]
fn a_snapshot_without_a_terminal() {
    assert_snapshot!(printed(&Done::Top(Box::new(waiting())), false).unwrap());
}

#[test]
fn what_a_host_is_at_as_json() {
    let mut live = waiting();
    live.events.truncate(1);
    assert_snapshot!(serde_json::to_string_pretty(&Done::Top(Box::new(live))).unwrap());
}

#[test]
fn keys_choose_a_runner_and_scroll_events() {
    let live = busy();
    let mut view = View::default();
    let mut after = |actions: &[Action]| {
        for action in actions {
            view.take(*action, &live);
        }
        let text = terminal(&live, &mut view, 80, 24).backend().to_string();
        (view.chosen.clone(), text)
    };
    let (chosen, text) = after(&[Action::Next]);
    assert_eq!(chosen.as_deref(), Some("runner-1"));
    assert!(text.contains("target-3f9a01bc") && !text.contains("npm-1"), "{text}");
    assert_eq!(after(&[Action::Last, Action::Next]).0.as_deref(), Some("runner-3-with-a-name-that-is-long"));
    assert_eq!(after(&[Action::First, Action::Previous]).0, None);
    let (_, text) = after(&[Action::Older]);
    assert!(text.contains("Last events 6-"), "{text}");
    let (_, text) = after(&[Action::Older; 20]);
    assert!(text.contains("of 26") && text.contains("-26 of 26"), "it ends with the last one: {text}");
    assert!(after(&[Action::Newer; 20]).1.contains("Last events 1-"));
}

#[test]
fn no_terminal_is_too_small() {
    for width in [0, 1, 5, 20, 39, 69, 70, 300] {
        for height in [0, 1, 2, 3, 5, 15, 16, 100] {
            for live in [empty(), busy(), waiting()] {
                terminal(&live, &mut View::default(), width, height);
            }
        }
    }
}

#[test]
fn colours_say_nothing_alone() {
    let live = waiting();
    let colours = |has_colours| {
        let mut view = View { has_colours, ..View::default() };
        let terminal = terminal(&live, &mut view, 80, 24);
        let cells = terminal.backend().buffer().content().iter();
        cells.filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count()
    };
    assert_eq!(colours(false), 0);
    assert!(colours(true) > 0);
    let mut view = View { has_colours: true, ..View::default() };
    let coloured = terminal(&live, &mut view, 80, 24);
    assert_eq!(coloured.backend().to_string(), shown(&live, 80, 24), "the same words");
    assert!(coloured.backend().buffer().content()[0].modifier.contains(Modifier::REVERSED));
}
