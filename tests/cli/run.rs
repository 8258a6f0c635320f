//! `run`: a whole job around a command, whose signals and exit code are its own.

use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use test_support::Job;

use crate::PROGRAM;

/// Waits until the file at `path` in the workspace has so many lines.
fn wait_for_lines(job: &Job, path: &str, lines: usize) {
    let path = job.path("work/project").join(path);
    let started = Instant::now();
    while std::fs::read_to_string(&path).unwrap_or_default().lines().count() < lines {
        assert!(started.elapsed() < Duration::from_secs(60), "no {lines} lines in {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends `signals` to the program while its command (`run` or `audit`) runs `script`, each when the file `ready` has another
/// line. Returns how it ended and its log.
pub(crate) fn signalled(job: &Job, command: &str, script: &str, signals: &[Signal]) -> (ExitStatus, String) {
    let program = job.command(&[command, "--", "sh", "-euc", script]);
    // Whoever started the tests may have it ignored, as `nohup` does.
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=HUP").arg(program.get_program()).args(program.get_args());
    command.current_dir(program.get_current_dir().unwrap()).env_clear();
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let running = command.stderr(Stdio::piped()).spawn().unwrap();
    for (number, signal) in signals.iter().enumerate() {
        wait_for_lines(job, "ready", number + 1);
        kill_process(Pid::from_child(&running), *signal).unwrap();
    }
    let output = running.wait_with_output().unwrap();
    (output.status, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn cancel_reaches_the_command_and_saves_nothing() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let job = Job::new(PROGRAM);
        let started = Instant::now();
        let (ended, log) =
            signalled(&job, "run", "mkdir target; echo >target/x; echo >ready; exec sleep 60", &[signal]);
        assert!(started.elapsed() < Duration::from_secs(30), "it did not wait for the sleep");
        assert!(
            ended.code() == Some(code) && log.contains("the job was cancelled"),
            "{signal:?}: {ended}: {log}"
        );
        assert!(job.entries("target").is_empty());
    }
}

#[test]
fn waits_for_a_command_that_survives_a_cancel_and_forwards_the_next_signal() {
    let job = Job::new(PROGRAM);
    let script = "trap 'echo >>ready' TERM; trap 'exit 9' INT; echo >ready; while :; do sleep 0.01; done";
    let (ended, log) = signalled(&job, "run", script, &[Signal::TERM, Signal::TERM, Signal::INT]);
    assert!(ended.code() == Some(9) && log.contains("the job was cancelled"), "{ended}: {log}");
}

#[test]
fn terminal_signals_reach_the_command_once() {
    let job = Job::new(PROGRAM);
    let terminal = r#"
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    script = "trap 'echo >>caught' INT; echo >ready; until [ -e end ]; do sleep 0.01; done; sleep 0.3"
    os.execv(sys.argv[1], [sys.argv[1], "run", "--", "sh", "-c", script])
while not os.path.exists("ready"): time.sleep(0.01)
os.write(terminal, b"\x03")
while not os.path.exists("caught"): time.sleep(0.01)
open("end", "w")
try:
    while os.read(terminal, 4096): pass
except OSError: pass
os.waitpid(pid, 0)
"#;
    job.write("work/project/terminal.py", terminal);
    job.sh(&format!("python3 terminal.py {PROGRAM}"));
    assert_eq!(job.read("work/project/caught"), "\n");
}

#[test]
fn command_under_nohup_outlives_its_terminal() {
    let job = Job::new(PROGRAM);
    let log =
        job.sh(&format!("nohup {PROGRAM} run -- sh -c 'mkdir target; echo >target/x; kill -HUP $PPID' >&2"));
    assert!(!log.contains("cancelled"), "{log}");
}

#[test]
fn unrunnable_command_exits_as_in_a_shell() {
    let job = Job::new(PROGRAM);
    job.write("work/project/text", "no program");
    for (program, code) in [("no-such-program", 127), ("./text", 126)] {
        let said = job.run(&["run", "--", program]);
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.log.contains(&format!("cannot run {program}: ")), "{}", said.log);
    }
}

#[test]
fn lookup_only_hit_restores_saves_and_evicts_nothing() {
    let job = Job::new(PROGRAM);
    job.build(&[]);
    job.wipe();
    let entries = job.entries("target");
    let options = ["--lookup-only", "--layers", "target", "--save", "always", "--min-free", "1000TB"];
    let said = job.ok(&[&["run"], &options[..], &["--", "cargo", "build"]].concat());
    assert!(said.log.contains("target  skipped  this key already has an entry"), "{}", said.log);
    assert_eq!(said.env["TARGET_RESTORED"], "false");
    assert!(job.path("work/project/target/debug/small").is_file(), "the command ran");
    assert_eq!(job.entries("target"), entries);
}

#[test]
fn command_runs_silently_when_nothing_is_cacheable() {
    let job = Job::new(PROGRAM);
    std::fs::remove_file(job.path("work/project/Cargo.toml")).unwrap();
    let log = job.ok(&["run", "--", "true"]).log;
    assert!(log.contains("nothing to cache") && log.lines().all(|line| !line.is_empty()), "{log}");
}
