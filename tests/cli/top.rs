//! `top` on a real terminal, which tmux is, and what jobs let others see of them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use runner_cache::store::{Access, Activity, Layer, MovedSoFar, Step, Store, WorkLock, WorkPhase, Working};
use serde_json::Value;
use test_support::Job;

use crate::PROGRAM;

const PATHS: [&str; 4] = ["--preset", "none", "--path", "data"];

/// More than any disk has free: whoever saves has to make room first.
const SHORT: [&str; 2] = ["--min-free", "900TB"];

/// How long something may take to be seen, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn job() -> Job {
    let mut job = Job::new(PROGRAM);
    job.set("RUNNER_NAME", "runner-2");
    job.write("work/project/data/file", "12345");
    job.ok(&[&["save", "--key", "k-1"], &PATHS[..]].concat());
    // What the save leaves to a process after it.
    until(|| live(&job), |live| live["working"] == serde_json::json!([]));
    job
}

fn store(job: &Job) -> Store {
    Store::open(&job.path("root"), Access::Private).unwrap()
}

/// A process of another runner that is in the middle of its save, and cleans up.
fn other() -> Working {
    let moved = MovedSoFar { files: 450, of_files: 1000, bytes: 12_000_000 };
    Working {
        pid: std::process::id(),
        activity: Activity::Save,
        since: Timestamp::now(),
        runner: Some("runner-1".to_owned()),
        repository: Some("o/r".to_owned()),
        job: Some("test".to_owned()),
        run: None,
        step: Step {
            layer: Some(Layer::Target),
            key: Some("target-0123abcd".to_owned()),
            phase: WorkPhase::Files,
            moved: Some(moved),
        },
        holds: vec![WorkLock::CleanUp],
        waits: None,
    }
}

/// A save that waits for whoever cleans up.
fn waiting_save(job: &Job) -> Child {
    let mut command = job.command(&[&["save", "--key", "k-2"], &PATHS[..], &SHORT[..]].concat());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn live(job: &Job) -> Value {
    let said = job.ok(&["top", "--json"]);
    let mut outcome: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(outcome["command"], "top", "{outcome:#}");
    outcome["result"].take()
}

/// Waits until `look` tells what `is_it` wants, and returns that.
fn until<T: std::fmt::Debug>(mut look: impl FnMut() -> T, is_it: impl Fn(&T) -> bool) -> T {
    let started = Instant::now();
    loop {
        let seen = look();
        if is_it(&seen) {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "not seen in time: {seen:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A terminal of 80 columns and 24 rows with a shell in it, on a server of its own.
struct Tmux<'j> {
    job: &'j Job,
}

impl<'j> Tmux<'j> {
    fn new(job: &'j Job) -> Self {
        let tmux = Self { job };
        tmux.ran(&["new-session", "-d", "-x", "80", "-y", "24", "sh"]);
        tmux
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.job.path("tmux")).args(["-f", "/dev/null"]).args(args);
        let mut command = self.job.as_step(command);
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        command
    }

    fn ran(&self, args: &[&str]) -> String {
        let mut command = self.command(args);
        let output = command.output().expect("tmux is missing; on Debian and Ubuntu: apt-get install tmux");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn keys(&self, keys: &[&str]) {
        self.ran(&[&["send-keys"], keys].concat());
    }

    fn line(&self, line: &str) {
        self.keys(&["-l", line]);
        self.keys(&["Enter"]);
    }

    fn screen(&self) -> String {
        self.ran(&["capture-pane", "-p"])
    }

    /// The screen with its colours.
    fn coloured(&self) -> String {
        self.ran(&["capture-pane", "-p", "-e"])
    }

    fn shows(&self, texts: &[&str]) -> String {
        until(|| self.screen(), |screen| texts.iter().all(|text| screen.contains(text)))
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).output();
    }
}

#[test]
fn a_terminal_shows_who_is_at_work_and_who_waits_for_whom_until_q() {
    let job = job();
    let store = store(&job);
    let record = store.begin_record(&other()).unwrap();
    let lock = store.lock_cleaning(Duration::ZERO).unwrap().unwrap();
    let mut save = waiting_save(&job);
    let tmux = Tmux::new(&job);
    tmux.line("echo before");
    tmux.line(&format!("{PROGRAM} top --interval 0.1; echo ended with $?"));
    let own = std::process::id();
    let waits = format!("waits for the clean-up lock, held by {own} save test runner-1");
    let screen = tmux.shows(&["45 %  450 of 1,000 files, 12 MB", &waits, "runner-2", "save", "entry"]);
    assert!(screen.contains("target-0123abcd") && !screen.contains("before"), "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    let lock_line = format!("held by {own} save test runner-1");
    assert!(
        screen.lines().any(|line| line.trim_start().starts_with("clean-up ") && line.contains(&lock_line))
    );
    tmux.keys(&["j"]);
    let screen = tmux.shows(&["> runner-1"]);
    assert!(!screen.contains(&waits), "what other runners do is left out: {screen}");
    tmux.keys(&["Up"]);
    tmux.shows(&["> all"]);
    tmux.keys(&["?"]);
    tmux.shows(&["newer and older events"]);
    tmux.keys(&["?"]);
    tmux.ran(&["resize-window", "-x", "40", "-y", "12"]);
    let screen = tmux.shows(&["q quit", "450 of 1,000 files"]);
    assert_eq!(screen.trim_end().lines().count(), 12, "{screen}");
    tmux.ran(&["resize-window", "-x", "80", "-y", "24"]);

    // Whoever is killed is at work no more, and its record goes with the next sweep.
    save.kill().unwrap();
    save.wait().unwrap();
    until(|| tmux.screen(), |screen| !screen.contains("waits for"));
    let records = || fs::read_dir(job.path("root/working")).unwrap().count();
    assert_eq!(records(), 2);
    drop((lock, record));
    tmux.shows(&["nothing"]);
    job.ok(&["gc"]);
    assert_eq!(records(), 0);

    tmux.keys(&["q"]);
    let screen = tmux.shows(&["ended with 0"]);
    assert!(screen.contains("before") && !screen.contains("Last events"), "its own screen is back: {screen}");
}

#[test]
fn a_terminal_is_given_back_after_each_way_to_end() {
    let job = job();
    let tmux = Tmux::new(&job);
    for (keys, code) in [("C-c", 0), ("Escape", 0), ("q", 0)] {
        tmux.line(&format!("clear; {PROGRAM} top; echo ended with $? by {keys}; stty -a"));
        tmux.shows(&["Last events"]);
        tmux.keys(&[keys]);
        let screen = tmux.shows(&[&format!("ended with {code} by {keys}"), " icanon ", " echo "]);
        assert!(!screen.contains("-icanon") && !screen.contains("Last events"), "{screen}");
    }
    let signalled = format!("sh -c 'echo $$ >pid; exec {PROGRAM} top'");
    tmux.line(&format!("clear; {signalled}; echo ended with $? by TERM; stty -a"));
    tmux.shows(&["Last events"]);
    job.sh("kill -TERM $(cat pid)");
    let screen = tmux.shows(&["ended with 130 by TERM", " icanon "]);
    assert!(!screen.contains("-icanon"), "{screen}");
}

#[test]
fn it_ends_with_its_terminal_also_where_hang_ups_are_ignored() {
    let job = job();
    for ignores in ["", "trap \"\" HUP; "] {
        let tmux = Tmux::new(&job);
        tmux.line(&format!("sh -c 'echo $$ >pid; {ignores}exec {PROGRAM} top'"));
        tmux.shows(&["Last events"]);
        let process = Path::new("/proc").join(job.read("work/project/pid").trim()).join("exe");
        assert!(process.exists());
        drop(tmux);
        until(|| process.exists(), |exists| !exists);
    }
}

#[test]
fn colours_are_left_out_where_nobody_wants_them() {
    let job = job();
    let tmux = Tmux::new(&job);
    for (no_colour, has_colours) in [("", true), ("1", false)] {
        tmux.line(&format!("NO_COLOR={no_colour} {PROGRAM} top"));
        tmux.shows(&["Last events", "entry"]);
        let coloured = tmux.coloured();
        assert_eq!(coloured.contains("38;5;6m"), has_colours, "{coloured:?}");
        tmux.keys(&["q"]);
        until(|| tmux.screen(), |screen| !screen.contains("Last events"));
    }
}

#[test]
fn without_a_terminal_one_snapshot_is_printed() {
    let job = job();
    let said = job.ok(&["top"]);
    // Of the head only what a long path leaves.
    for text in ["top  ", "disk ", "1 entry, 5 B recorded", "runner-2", "At work", "nothing", "save"] {
        assert!(said.stdout.contains(text), "{text}: {}", said.stdout);
    }
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}'), "{:?}", said.stdout);
    let live = live(&job);
    assert_eq!(
        (&live["stored"]["entries"], &live["working"]),
        (&1.into(), &serde_json::json!([])),
        "{live:#}"
    );
    assert_eq!(
        (&live["events"][0]["kind"], &live["events"][0]["runner"]),
        (&"save".into(), &"runner-2".into())
    );
    assert_eq!(job.run(&["top", "--interval", "0"]).code, 2);
}

#[test]
fn a_process_that_waits_tells_for_what_and_goes_on_when_it_gets_it() {
    let job = job();
    let lock = store(&job).lock_cleaning(Duration::ZERO).unwrap().unwrap();
    let mut save = waiting_save(&job);
    let seen = until(|| live(&job), |live| live["working"][0]["waits"]["lock"] == "clean-up");
    let one = &seen["working"][0];
    assert_eq!((&one["activity"], &one["pid"]), (&"save".into(), &save.id().into()), "{seen:#}");
    assert_eq!((&one["runner"], &one["repository"]), (&"runner-2".into(), &"o/r".into()), "{seen:#}");
    let lock_seen = &seen["locks"][0];
    assert_eq!(lock_seen["holders"][0]["pid"], std::process::id(), "the kernel tells of it: {seen:#}");
    assert_eq!(lock_seen["waiters"][0]["pid"], save.id(), "{seen:#}");
    drop(lock);
    assert!(save.wait().unwrap().success());
    assert_eq!(fs::read_dir(job.path("root/working")).unwrap().count(), 0, "a record goes with its process");
}

const RESTORE: &str = "restore --no-session --preset none --path data --key k-1";

#[test]
fn a_root_that_has_no_room_for_a_record_serves_all_the_same() {
    let job = job();
    let user = if rustix::process::geteuid().is_root() { "" } else { "--map-root-user" };
    let mount = "cp -a $RUNNER_CACHE_ROOT ../copy; mount -t tmpfs -o size=8m tmpfs $RUNNER_CACHE_ROOT; \
                 cp -a ../copy/. $RUNNER_CACHE_ROOT; chmod 700 $RUNNER_CACHE_ROOT";
    for (what, make) in [
        ("full", "rm -rf $RUNNER_CACHE_ROOT/working; ! cat /dev/zero >$RUNNER_CACHE_ROOT/filler 2>&1"),
        ("read-only", "mount -o remount,ro $RUNNER_CACHE_ROOT"),
        ("with a file in its place", "rm -rf $RUNNER_CACHE_ROOT/working; touch $RUNNER_CACHE_ROOT/working"),
    ] {
        job.remove("work/project/data");
        let _ = fs::remove_dir_all(job.path("work/copy"));
        let script = format!("{mount}; {make}; {PROGRAM} {RESTORE} --disk-guard off --json >out.json");
        job.sh(&format!("unshare --mount {user} sh -euc '{script}'"));
        let told: Value = serde_json::from_str(&job.read("work/project/out.json")).unwrap();
        let hit = &told["result"]["layers"][0]["hit"];
        assert_eq!((hit, &told["warnings"]), (&"exact".into(), &serde_json::json!([])), "{what}: {told:#}");
        assert_eq!(job.read("work/project/data/file"), "12345", "{what}");
    }
}

#[test]
fn a_record_has_no_secret_and_no_long_key() {
    let mut job = job();
    let secret = "hunter2-0123456789";
    job.set("TOKEN", secret);
    let _lock = store(&job).lock_cleaning(Duration::ZERO).unwrap().unwrap();
    let key = format!("a-key-that-is-longer-than-any-that-is-shown-{secret}");
    let mut command = job.command(&[&["save", "--key", &key], &PATHS[..], &SHORT[..]].concat());
    let mut save = command.stderr(Stdio::null()).spawn().unwrap();
    let records = || {
        let names = fs::read_dir(job.path("root/working")).into_iter().flatten();
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        names.map(|entry| read(&entry.unwrap().path())).collect::<String>()
    };
    let text = until(records, |text| text.contains("clean-up"));
    assert!(!text.contains(secret), "{text}");
    save.kill().unwrap();
    save.wait().unwrap();
}
