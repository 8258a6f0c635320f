//! Jobs that no step saves: the runner's hooks, what they are asked and told, and a process that waits instead of them.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::{Value, json};
use test_support::web::{Answer, Web};
use test_support::{Job, Said, files, processes};

use crate::{PROGRAM, pool};

/// A job on a runner, with the hooks.
struct Runner {
    job: Job,
}

const PATHS: [&str; 6] = ["--preset", "none", "--path", "data", "--key", "k"];

impl Runner {
    fn new() -> Self {
        let mut job = Job::new(PROGRAM);
        job.write("actions-runner/.runner", "{\"agentName\": \"one\", \"workFolder\": \"_work\"}");
        job.write("actions-runner/.env", "LANG=C.UTF-8\n");
        job.set("RUNNER_NAME", "one");
        job.set("GITHUB_RUN_ID", 17);
        job.set("GITHUB_RUN_ATTEMPT", 1);
        job.set("RUNNER_TRACKING_ID", "github_17");
        job.set("RUNNER_TEMP", job.path("actions-runner/_work/_temp").display());
        let mut runner = Self { job };
        runner.worker_starts(17);
        runner.install();
        runner
    }

    /// What a worker does at the start of a job: it writes a log, and empties the temporary directory.
    fn worker_starts(&mut self, run: u64) {
        let log = format!("actions-runner/_diag/Worker_{run}-utc.log");
        self.job.write(&log, "");
        // Jobs of a test begin within a tick of the clock that gives files their times.
        let time = SystemTime::now() + Duration::from_secs(run);
        fs::File::open(self.job.path(&log))
            .unwrap()
            .set_times(fs::FileTimes::new().set_modified(time))
            .unwrap();
        files::empty(&self.job.path("actions-runner/_work/_temp"));
        self.job.set("GITHUB_RUN_ID", run);
    }

    fn hook(&self, command: &str, more: &[&str]) -> Said {
        let (runner, lib) = (self.job.path("actions-runner"), self.job.path("lib"));
        let places = ["--runner-dir", runner.to_str().unwrap(), "--hook-dir", lib.to_str().unwrap()];
        self.job.run(&[&["hook", command][..], &places, more].concat())
    }

    /// Installs the hooks, and lets the runner's jobs know them as it does after its start.
    fn install(&mut self) {
        let said = self.hook("install", &[]);
        assert_eq!(said.code, 0, "{said:?}");
        for line in self.job.read("actions-runner/.env").lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.job.set(name, value);
        }
    }

    /// Runs a hook as the runner does.
    fn run(&self, hook: &str) -> Said {
        let script = self.job.path("lib/runner-cache").join(hook);
        let mut command = Command::new("bash");
        command.arg("-e").arg(script);
        self.job.finish(self.job.as_step(command))
    }

    fn completed(&self) -> Said {
        self.run("job-completed.sh")
    }

    /// A job that restores, and then makes its data.
    fn restore(&self) -> Said {
        let said = self.job.ok(&[&["restore"], &PATHS[..]].concat());
        self.job.write("work/project/data/file", "made");
        said
    }

    /// A job that is told its token, against an API that tells of these steps.
    fn with_api(&mut self, steps: &[(&str, &str)]) -> Web {
        let steps = steps.iter().zip(1..).map(|((name, conclusion), number)| {
            let status = if conclusion.is_empty() { "in_progress" } else { "completed" };
            let conclusion = Some(*conclusion).filter(|conclusion| !conclusion.is_empty());
            json!({ "name": name, "number": number, "status": status, "conclusion": conclusion })
        });
        let ours = json!({ "id": 2, "name": "build", "status": "in_progress", "runner_name": "one", "steps": steps.collect::<Vec<_>>() });
        let other =
            json!({ "id": 1, "name": "lint", "status": "completed", "runner_name": "one", "steps": [] });
        let body = json!({ "total_count": 2, "jobs": [other, ours] });
        self.with_answer(move |path| match path {
            "/repos/o/r/actions/runs/17/attempts/1/jobs?per_page=100" => Answer::Full(
                200,
                vec![("Content-Type", "application/json".to_owned())],
                body.to_string().into_bytes(),
            ),
            _ => Answer::Status(404),
        })
    }

    fn with_answer(&mut self, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Web {
        let web = Web::new(move |_, request| answer(&request.path));
        self.job.set("GITHUB_API_URL", web.url(""));
        self.job.write("actions-runner/_work/_temp/token", "ghs_token");
        self.job.set(
            "RUNNER_CACHE_GITHUB_TOKEN_FILE",
            self.job.path("actions-runner/_work/_temp/token").display(),
        );
        web
    }

    /// Waits for what goes on after jobs.
    fn until_nothing_runs(&self) {
        let has_ended = processes::end_within(&self.job.path("root"), Duration::from_secs(60));
        assert!(has_ended, "what goes on after the job does not end");
    }

    /// What the next job gets.
    fn next_hit(&self) -> &'static str {
        self.job.wipe();
        files::remove(&self.job.path("work/project/data"));
        hit(&self.job.ok(&[&["restore", "--no-session"], &PATHS[..]].concat()))
    }
}

/// How well the one layer was served.
fn hit(said: &Said) -> &'static str {
    match (said.outputs["cache-hit"].as_str(), said.outputs["cache-matched-key"].as_str()) {
        ("true", _) => "exact",
        (_, "") => "miss",
        _ => "partial",
    }
}

#[test]
fn hook_saves_what_no_step_saved() {
    let runner = Runner::new();
    runner.restore();
    let said = runner.completed();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("paths   saved    1 file"), "{said:?}");
    assert!(said.summary.contains("runner-cache: saved"), "{said:?}");
    assert!(said.log.contains("cannot tell whether the job succeeded"), "{said:?}");
    let again = runner.completed();
    assert_eq!((again.code, again.log.as_str()), (0, ""), "it is done once");
    assert_eq!(runner.next_hit(), "partial", "nobody knows whether the job has succeeded");
}

#[test]
fn hook_has_nothing_to_do_after_the_save_action() {
    let mut runner = Runner::new();
    let _web = runner.with_api(&[]);
    runner.restore();
    assert!(runner.job.path("actions-runner/_work/_temp/token").exists(), "the hook may have to ask");
    runner.job.ok(&["save"]);
    assert!(!runner.job.path("actions-runner/_work/_temp/token").exists(), "nobody asks any more");
    let said = runner.completed();
    assert_eq!((said.code, said.log.as_str()), (0, ""), "{said:?}");
    assert_eq!(runner.next_hit(), "exact");
}

#[test]
fn units_and_evictions_follow_the_hook() {
    let mut runner = Runner::new();
    pool::package(&runner.job, "beta", "", &[("src/lib.rs", "pub fn sum() -> u32 { 5 }\n")]);
    pool::project(&runner.job, "work/project", &["beta"]);
    for (run, key) in [(17, "k-17"), (18, "k-18")] {
        if run > 17 {
            runner.worker_starts(run);
        }
        runner.job.ok(&["restore"]);
        runner.job.ok(&["restore", "--preset", "none", "--path", "data", "--key", key, "--keep", "paths=1"]);
        runner.job.sh("cargo build -q");
        runner.job.write("work/project/data/file", key);
        let said = runner.completed();
        assert!(said.log.contains("paths   saved"), "{said:?}");
        assert!(!said.log.contains("unit pool") && !said.log.contains("evicted"), "nobody waits: {said:?}");
        runner.until_nothing_runs();
        assert_eq!(runner.job.entries("paths").len(), 1, "the older one is evicted");
        assert_eq!(runner.job.entries("units").len(), 1, "the pool has the dependency");
    }
    runner.worker_starts(19);
    let said = runner.run("job-started.sh");
    assert!(said.log.contains("run 17.1: unit pool: 1 units added"), "{said:?}");
    assert!(said.log.contains("run 18.1: evicted 1 older entry"), "{said:?}");
    assert_eq!(said.warnings(), 0, "{said:?}");
    let stats = runner.job.ok(&["stats"]).stdout;
    assert!(stats.contains("evicted"), "{stats}");
}

#[test]
fn trouble_after_a_job_is_in_the_next_ones_summary() {
    let mut runner = Runner::new();
    runner.restore();
    let user = rustix::process::geteuid().as_raw();
    let lines = "evicted 1 older entry, 4 B\n::warning title=runner-cache::cannot evict old entries: `a`\n";
    for (repository, run) in [("o/r", "3.1"), ("o/private", "4.1")] {
        let log = format!("root/logs/{user}/20261101T000000Z-0000000{}.log", &run[..1]);
        runner.job.write(&log, &format!("{} {repository} {run}\n{lines}", jiff::Timestamp::now()));
    }
    runner.completed();
    runner.worker_starts(18);
    let said = runner.run("job-started.sh");
    assert!(said.log.contains("run 3.1: evicted") && said.log.contains("cannot evict"), "{said:?}");
    assert!(!said.log.contains("run 4.1") && !said.log.contains("private"), "{said:?}");
    let summary = "### runner-cache: trouble after earlier jobs\n\n```text\nrun 3.1: warning: cannot evict old entries: `a`\n```\n";
    assert!(said.summary.contains(summary) && !said.summary.contains("evicted 1"), "{said:?}");
    assert_eq!(runner.run("job-started.sh").summary, "", "it is told once");
    // It waits for its own next job.
    runner.job.set("GITHUB_REPOSITORY", "o/private");
    let said = runner.run("job-started.sh");
    assert!(said.log.contains("run 4.1: evicted") && said.summary.contains("run 4.1: warning"), "{said:?}");
}

#[test]
fn hook_learns_from_the_api_whether_the_job_succeeded() {
    let hook = ("Complete runner", "");
    let set_up = ("Set up job", "success");
    for (step, hit) in [
        (("Build", "success"), "exact"),
        (("Build", "failure"), "partial"),
        (("Build", "cancelled"), "partial"),
        (("Build", "skipped"), "partial"),
    ] {
        let mut runner = Runner::new();
        let web = runner.with_api(&[set_up, step, hook]);
        runner.restore();
        let said = runner.completed();
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.log.contains("paths   saved"), "{step:?}: {said:?}");
        assert!(!said.log.contains("ghs_token"), "{said:?}");
        assert_eq!(web.requests().len(), 1, "{step:?}");
        assert_eq!(runner.next_hit(), hit, "{step:?}: {said:?}");
    }
}

#[test]
fn what_a_cancelled_job_had_half_done_takes_the_place_of_no_whole_cache() {
    for (step, later) in [("cancelled", "whole"), ("failure", "more"), ("success", "more")] {
        let mut runner = Runner::new();
        runner.job.write("work/project/go.sum", "x");
        let cache = "home/.cache/go-build/00/file";
        let restore = ["restore", "--preset", "go"];
        runner.job.ok(&restore);
        runner.job.write(cache, "whole");
        runner.job.ok(&["save", "--job-status", "success"]);
        runner.worker_starts(18);
        let _web = runner.with_answer(move |_| {
            let steps = json!([
                { "name": "Build", "number": 1, "status": "completed", "conclusion": step },
                { "name": "Complete runner", "number": 2, "status": "in_progress", "conclusion": null }
            ]);
            let ours = json!({ "id": 2, "status": "in_progress", "runner_name": "one", "steps": steps });
            let body = json!({ "total_count": 1, "jobs": [ours] }).to_string().into_bytes();
            Answer::Full(200, vec![("Content-Type", "application/json".to_owned())], body)
        });
        assert_eq!(hit(&runner.job.ok(&restore)), "exact");
        runner.job.write(cache, "more");
        let said = runner.completed();
        files::remove(&runner.job.path("home/.cache"));
        assert_eq!(hit(&runner.job.ok(&[&restore[..], &["--no-session"]].concat())), "exact", "{said:?}");
        assert_eq!(runner.job.read(cache), later, "{step}: {said:?}");
    }
}

#[test]
fn hook_goes_on_where_the_api_does_not_answer() {
    for answer in
        [Answer::Status(403), Answer::Status(404), Answer::Full(200, Vec::new(), b"<html>".to_vec())]
    {
        let mut runner = Runner::new();
        let _web = runner.with_answer(move |_| answer.clone());
        runner.restore();
        let said = runner.completed();
        assert_eq!((said.code, said.warnings()), (0, 0), "{said:?}");
        assert!(said.log.contains("cannot tell whether the job succeeded"), "{said:?}");
        assert_eq!(runner.next_hit(), "partial");
    }
}

#[test]
fn hook_saves_nothing_that_a_process_still_works_in() {
    let runner = Runner::new();
    runner.restore();
    let mut survivor = Survivor::new(runner.job.path("work/project/data"));
    let said = runner.completed();
    assert_eq!(said.code, 0, "{said:?}");
    let pid = survivor.0.id();
    assert!(said.log.contains(&format!("skipped  process {pid} (cat) still works in it")), "{said:?}");
    assert!(runner.job.entries("paths").is_empty());
    survivor.end();
}

/// A process that a job left behind.
struct Survivor(Child);

impl Survivor {
    fn new(place: PathBuf) -> Self {
        Self(Command::new("cat").current_dir(place).stdin(Stdio::piped()).spawn().unwrap())
    }

    fn end(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn next_job_saves_what_an_interrupted_one_left() {
    let mut runner = Runner::new();
    // A job before that made the cache.
    runner.restore();
    runner.completed();
    runner.worker_starts(18);
    runner.run("job-started.sh");
    runner.job.ok(&["restore", "--preset", "none", "--path", "data", "--key", "other"]);
    runner.job.write("work/project/data/file", "of the interrupted job");
    // The runner goes, and its next job begins in an empty temporary directory.
    runner.job.ok(&["gc"]);
    runner.worker_starts(19);
    runner.job.set("GITHUB_REPOSITORY", "o/another");
    let said = runner.run("job-started.sh");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("run 18.1 was interrupted; saving what it made"), "{said:?}");
    let told: Value = serde_json::from_str(&runner.job.ok(&["stats", "--json"]).stdout).unwrap();
    let repositories = told["result"]["repositories"].as_array().unwrap();
    let of: Vec<_> = repositories.iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(of, ["o/r"], "it is that job's save, not the next one's");
    runner.job.set("GITHUB_REPOSITORY", "o/r");
    files::remove(&runner.job.path("work/project/data"));
    let restored =
        runner.job.ok(&["restore", "--no-session", "--preset", "none", "--path", "data", "--key", "other"]);
    assert_eq!(hit(&restored), "partial", "{restored:?}");
    assert_eq!(runner.job.read("work/project/data/file"), "of the interrupted job");
}

#[test]
fn what_an_earlier_job_left_is_not_saved_after_another_one() {
    let mut runner = Runner::new();
    runner.restore();
    runner.completed();
    runner.worker_starts(18);
    runner.run("job-started.sh");
    runner.job.ok(&["restore", "--preset", "none", "--path", "data", "--key", "other"]);
    // No hook runs in the next job, which has the same workspace.
    runner.worker_starts(19);
    runner.job.write("work/project/data/file", "of another job");
    runner.worker_starts(20);
    let said = runner.run("job-started.sh");
    assert!(
        said.log.contains("run 18.1 was interrupted; nothing of it is saved: another job may"),
        "{said:?}"
    );
    assert_eq!(runner.job.entries("paths").len(), 1, "of 17");
    assert!(!runner.run("job-started.sh").log.contains("interrupted"), "it is told once");
}

#[test]
fn session_of_another_job_is_not_left_for_the_next_one() {
    let mut runner = Runner::new();
    runner.restore();
    runner.job.set("GITHUB_REF", "refs/heads/other");
    let said = runner.completed();
    assert!(said.log.contains("is not this job's: it has another scope"), "{said:?}");
    runner.worker_starts(18);
    let said = runner.run("job-started.sh");
    assert!(!said.log.contains("interrupted") && runner.job.entries("paths").is_empty(), "{said:?}");
}

#[test]
fn restore_that_saves_nothing_is_not_saved_by_the_host() {
    let mut runner = Runner::new();
    runner.job.ok(&[&["restore", "--save", "never"], &PATHS[..]].concat());
    runner.job.write("work/project/data/file", "made");
    runner.job.set("RUNNER_CACHE_SAVE", "always");
    let said = runner.completed();
    assert!(said.code == 0 && said.log.contains("`save` is never"), "{said:?}");
}

#[test]
fn commit_after_the_build_is_not_that_of_what_was_built() {
    let mut runner = Runner::new();
    let script = "fn main() {\n    let head = std::process::Command::new(\"git\").args([\"rev-parse\", \"HEAD\"]).output().unwrap();\n    \
                  println!(\"cargo:rustc-env=V={}\", String::from_utf8(head.stdout).unwrap().trim());\n}\n";
    runner.job.write("work/project/build.rs", script);
    runner.job.write("work/project/src/main.rs", SAYS[1].1);
    runner.job.write("work/project/.gitignore", "target\n");
    let commit = "git -c user.name=t -c user.email=t@e -c commit.gpgsign=false commit -q --allow-empty -m";
    runner.job.sh(&format!("git init -q && git add -A && {commit} one"));
    runner.job.ok(&["restore"]);
    runner.job.sh("cargo build -q --offline");
    runner.job.sh(&format!("{commit} two"));
    assert_eq!(runner.completed().code, 0);
    runner.worker_starts(18);
    files::remove(&runner.job.path("work/project/target"));
    runner.job.ok(&["restore"]);
    let says = runner.job.sh("cargo run -q --offline >&2");
    assert_eq!(says, runner.job.sh("git rev-parse HEAD >&2"));
}

#[test]
fn hook_ends_well_whatever_is_missing() {
    let mut runner = Runner::new();
    runner.restore();
    let script = runner.job.path("lib/runner-cache/job-completed.sh");
    let text = files::read(&script);
    files::write(&script, text.replace(PROGRAM, "/nonexistent/runner-cache"));
    let said = runner.completed();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("job-completed failed; the job goes on"), "{said:?}");
    files::write(&script, &text);
    runner.job.set("RUNNER_CACHE_ROOT", "/proc/nonexistent");
    runner.job.set("GITHUB_EVENT_PATH", "/nonexistent");
    for hook in ["job-started.sh", "job-completed.sh"] {
        let said = runner.run(hook);
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[test]
fn nothing_in_the_environment_takes_the_place_of_the_program() {
    let mut runner = Runner::new();
    runner.restore();
    runner.job.write("bin/env", "#!/bin/sh\ntouch \"$RUNNER_TEMP/pwned\"\n");
    runner.job.sh("chmod +x ../../bin/env");
    runner.job.path_first("bin");
    let touch = "() { touch \"$RUNNER_TEMP/pwned\"; }";
    for name in ["printf", "exec", "unset", "exit", "export", "set", "["] {
        runner.job.set(&format!("BASH_FUNC_{name}%%"), touch);
    }
    runner.job.set("LD_PRELOAD", "");
    let said = runner.completed();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.log.contains("paths   saved"), "{said:?}");
    assert!(!runner.job.path("actions-runner/_work/_temp/pwned").exists(), "{said:?}");
}

#[test]
fn hook_that_was_there_runs_after_ours_and_decides() {
    for (code, name) in [(0, "clean.sh"), (7, "fail.sh")] {
        let mut runner = Runner::new();
        let hook = runner.job.path(name);
        runner.job.write(name, &format!("echo chained \"$GITHUB_RUN_ID\"\nexit {code}\n"));
        assert_eq!(runner.hook("uninstall", &[]).code, 0);
        let before = format!("A=1\nACTIONS_RUNNER_HOOK_JOB_COMPLETED={}\nB=2\n", hook.display());
        runner.job.write("actions-runner/.env", &before);
        runner.install();
        runner.restore();
        let said = runner.completed();
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.log.contains("paths   saved") && said.stdout.contains("chained 17"), "{said:?}");
        let status = runner.hook("status", &[]);
        assert!(
            status.code == 0 && status.stdout.contains(&format!("also runs {}", hook.display())),
            "{status:?}"
        );
        assert_eq!(runner.hook("uninstall", &[]).code, 0);
        let mut after: Vec<_> = runner.job.read("actions-runner/.env").lines().map(str::to_owned).collect();
        after.sort();
        let mut lines: Vec<_> = before.lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(after, lines);
    }
}

#[test]
fn scripts_stay_while_a_runner_at_an_odd_place_names_one() {
    let runner = Runner::new();
    let (odd, lib) = (runner.job.path("odd/runner"), runner.job.path("lib"));
    runner.job.write("odd/runner/.runner", "{\"agentName\": \"odd\", \"workFolder\": \"_work\"}");
    let places = ["--runner-dir", odd.to_str().unwrap(), "--hook-dir", lib.to_str().unwrap()];
    runner.job.ok(&[&["hook", "install"], &places[..]].concat());
    // Somebody took one of the two out.
    let env = runner.job.read("odd/runner/.env");
    runner.job.write("odd/runner/.env", env.lines().last().unwrap());
    assert_eq!(runner.hook("uninstall", &[]).code, 0);
    assert!(runner.job.path("lib/runner-cache/job-completed.sh").exists(), "its jobs would fail");
    runner.job.ok(&[&["hook", "uninstall"], &places[..]].concat());
    assert!(!runner.job.path("lib/runner-cache").exists(), "nobody names it any more");
}

#[test]
fn installing_twice_changes_nothing_and_uninstalling_leaves_nothing() {
    let runner = Runner::new();
    let env = runner.job.read("actions-runner/.env");
    assert!(env.starts_with("LANG=C.UTF-8\n") && env.lines().count() == 3, "{env}");
    let said = runner.hook("install", &[]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "already installed\n"), "{said:?}");
    assert_eq!(runner.job.read("actions-runner/.env"), env);
    assert_eq!(runner.hook("status", &[]).code, 0);
    let said = runner.hook("uninstall", &[]);
    assert!(said.code == 0 && said.log.contains("from its next start on"), "{said:?}");
    assert_eq!(runner.job.read("actions-runner/.env"), "LANG=C.UTF-8\n");
    assert!(!runner.job.path("lib/runner-cache").exists());
    assert_eq!(runner.hook("status", &[]).code, 1);
    let shown = runner.hook("install", &["--dry-run"]);
    assert!(shown.stdout.contains("+ACTIONS_RUNNER_HOOK_JOB_STARTED="), "{shown:?}");
    assert_eq!(runner.hook("status", &[]).code, 1, "it was only shown");
}

#[test]
fn hook_that_ours_cannot_run_is_refused_and_stays() {
    let runner = Runner::new();
    runner.hook("uninstall", &[]);
    let env = "ACTIONS_RUNNER_HOOK_JOB_STARTED=/opt/hook.js\n";
    runner.job.write("actions-runner/.env", env);
    let said = runner.hook("install", &[]);
    assert!(said.code == 1 && said.log.contains("`/opt/hook.js`"), "{said:?}");
    assert_eq!(runner.job.read("actions-runner/.env"), env);
    assert!(!runner.job.path("lib/runner-cache").exists(), "nothing was touched");
}

#[test]
fn scripts_stay_while_a_runner_runs_that_knows_them() {
    let runner = Runner::new();
    let listener = runner.job.path("actions-runner/bin/Runner.Listener");
    fs::create_dir_all(listener.parent().unwrap()).unwrap();
    // Not by this process: what other tests start meanwhile would have the file open for writing.
    assert!(Command::new("cp").arg("/bin/cat").arg(&listener).status().unwrap().success());
    let mut running = Command::new(&listener).stdin(Stdio::piped()).spawn().unwrap();
    let said = runner.hook("uninstall", &[]);
    assert!(said.code == 0 && said.stdout.contains("a runner still runs it"), "{said:?}");
    assert!(runner.job.path("lib/runner-cache/job-completed.sh").exists());
    drop(running.stdin.take());
    running.wait().unwrap();
    let said = runner.hook("uninstall", &[]);
    assert!(said.code == 0 && !runner.job.path("lib/runner-cache").exists(), "{said:?}");
}

#[test]
fn without_a_hook_the_restore_says_who_saves() {
    let mut job = Job::new(PROGRAM);
    job.set("GITHUB_RUN_ID", 17);
    let restore = |post: &str| job.run(&[&["restore", "--post", post], &PATHS[..]].concat());
    let said = restore("auto");
    assert!(said.warnings() == 0 && said.log.contains("only the save action saves it"), "{said:?}");
    assert!(!restore("none").log.contains("only the save action"));
    let said = restore("hook");
    assert!(said.warnings() == 1 && said.log.contains("no hook of the runner reaches this job"), "{said:?}");
    let said = restore("watch");
    assert!(said.warnings() == 1 && said.log.contains("no process Runner.Worker with a log"), "{said:?}");
}

/// The process that waits for the end of the job.
fn watcher_of(job: &Job) -> OwnedFd {
    let root = job.path("root");
    let is_ours = |pid: &Pid| {
        let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_pid())).unwrap_or_default();
        let words: Vec<_> = words.split(|&byte| byte == 0).collect();
        words.contains(&&b"watch-job"[..]) && words.contains(&root.as_os_str().as_bytes())
    };
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let watcher = processes.filter_map(Pid::from_raw).find(is_ours).expect("a process waits");
    pidfd_open(watcher, PidfdFlags::empty()).unwrap()
}

#[test]
fn watcher_saves_when_the_worker_has_ended() {
    let mut runner = Runner::new();
    runner.hook("uninstall", &[]);
    let script = "#!/bin/bash\nset -eu\n\"$@\"\nmkdir -p data\nprintf made >data/file\necho made\nread -r _ || rm -r \"$RUNNER_TEMP\"\n";
    runner.job.write("bin/Runner.Worker", script);
    runner.job.sh("chmod +x ../../bin/Runner.Worker");
    let worker = runner.job.path("bin/Runner.Worker");
    let command = [&[PROGRAM, "restore", "--post", "watch"], &PATHS[..]].concat();
    let mut started = Command::new(worker);
    started.args(command);
    let mut worker =
        runner.job.as_step(started).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(worker.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "made\n");
    let watcher = watcher_of(&runner.job);
    assert!(runner.job.entries("paths").is_empty(), "the job is not over");
    drop(worker.stdin.take());
    assert!(worker.wait().unwrap().success());
    retry_on_intr(|| poll(&mut [PollFd::new(&watcher, PollFlags::IN)], None)).unwrap();
    fs::create_dir_all(runner.job.path("actions-runner/_work/_temp")).unwrap();
    let logs = files::inside(&runner.job.path("root/logs"));
    let log: String = logs.iter().flat_map(|logs| files::inside(logs)).map(|log| files::read(&log)).collect();
    assert!(log.contains("paths   saved"), "{log}");
    assert_eq!(runner.next_hit(), "partial", "nobody knows how it ended: {log}");
    runner.install();
    let said = runner.run("job-started.sh");
    assert!(said.log.contains("after earlier jobs:\n  run 17.1: paths   saved"), "{said:?}");
    assert!(!runner.run("job-started.sh").log.contains("after earlier jobs"), "it is told once");
}

/// A script that reads a variable which it does not declare, and a program that says its value.
const SAYS: [(&str, &str); 2] = [
    (
        "build.rs",
        "fn main() {\n    println!(\"cargo:rerun-if-changed=build.rs\");\n    \
         println!(\"cargo:rustc-env=V={}\", std::env::var(\"APP_VERSION\").unwrap_or_default());\n}\n",
    ),
    ("src/main.rs", "fn main() { println!(\"{}\", env!(\"V\")) }\n"),
];

#[test]
fn hook_knows_what_was_built_with_the_variables_of_the_job() {
    let mut runner = Runner::new();
    for (path, text) in SAYS {
        runner.job.write(&format!("work/project/{path}"), text);
    }
    let build = |runner: &mut Runner, value: Option<&str>| {
        runner.job.wipe();
        if let Some(value) = value {
            runner.job.set("APP_VERSION", value);
        }
        runner.job.ok(&["restore"]);
        let compiled = runner.job.sh("cargo build --offline").contains("Compiling");
        let shown = runner.job.sh("cargo run -q --offline >&2");
        // The hook has none of the workflow's variables.
        runner.job.unset("APP_VERSION");
        let said = runner.completed();
        assert_eq!(said.code, 0, "{said:?}");
        (shown.trim().to_owned(), compiled)
    };
    assert_eq!(build(&mut runner, Some("1")), ("1".to_owned(), true));
    assert_eq!(build(&mut runner, Some("1")), ("1".to_owned(), false), "nothing is another");
    assert_eq!(build(&mut runner, Some("2")), ("2".to_owned(), true));
    assert_eq!(build(&mut runner, None), (String::new(), true));
}

#[test]
fn symlink_in_place_of_variables_is_refused_and_not_read() {
    let runner = Runner::new();
    runner.hook("uninstall", &[]);
    let secret = runner.job.path("secret");
    files::write(&secret, "PASSWORD=x\n");
    let env = runner.job.path("actions-runner/.env");
    fs::remove_file(&env).unwrap();
    std::os::unix::fs::symlink(&secret, &env).unwrap();
    for more in [&[][..], &["--dry-run"]] {
        let said = runner.hook("install", more);
        assert!(said.code == 1 && said.log.contains("is no file"), "{said:?}");
        assert!(!said.stdout.contains("PASSWORD"), "{said:?}");
    }
    assert_eq!(files::read(&secret), "PASSWORD=x\n");
}
