//! A host on which a history happens: real cargo, real git, the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use test_support::environment;

use crate::history::{History, Step};
use crate::needless::Needless;
use crate::script::{Compared, Script};

/// How long what was killed may take to end.
const LONGEST_END: Duration = Duration::from_secs(20);

/// What came of a history.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All jobs gave what a clean build gives.
    Right(Counts),
    /// A job did not.
    Stale {
        stats: Counts,
        /// The index of its step.
        step: usize,
        /// What differs.
        difference: String,
    },
    /// Nothing can be said: a step did not run.
    Broken(String),
}

/// What was counted.
#[derive(Debug, Default, Clone)]
pub(crate) struct Counts {
    pub(crate) jobs: u64,
    /// Jobs that were compared with a clean build.
    pub(crate) compared: u64,
    /// Of these, jobs in which cargo fails without the cache as well.
    pub(crate) failed: u64,
    /// Jobs to which a target directory was restored.
    pub(crate) hits: u64,
    /// Units that cargo was asked for, in the compared jobs.
    pub(crate) units: u64,
    /// Those that it did not compile.
    pub(crate) fresh: u64,
    pub(crate) needless: Needless,
}

/// Runs the history. `program` is the cache; `true` is none.
pub(crate) fn run(history: &History, program: &Path, compared: Compared) -> Outcome {
    let world =
        World { lab: tempfile::Builder::new().prefix("runner-cache-judge.").tempdir().unwrap(), program };
    let outcome = world.run(history, compared);
    world.end();
    outcome
}

struct World<'a> {
    lab: TempDir,
    program: &'a Path,
}

impl World<'_> {
    fn run(&self, history: &History, compared: Compared) -> Outcome {
        let script = Script::of(history, compared);
        let mut stats = Counts::default();
        let mut built = crate::needless::Built::new(history);
        for (index, (step, text)) in history.steps.iter().zip(&script.steps).enumerate() {
            let (code, said) = self.bash(&format!("{}\n{text}", script.head));
            match code {
                0 | 1 => {}
                _ => return Outcome::Broken(format!("step {index}: {said}\n{text}")),
            }
            if let Step::Job(job) = step {
                stats.jobs += 1;
                let records = self.lab.path().join("jobs").join(stats.jobs.to_string());
                stats.compared += u64::from(job.killed_after.is_none());
                stats.failed += u64::from(has_failed(&records));
                stats.hits += u64::from(has_hit(&records));
                built.count(job, &records, self.lab.path(), &mut stats);
            }
            if code == 1 {
                return Outcome::Stale { stats, step: index, difference: said };
            }
        }
        Outcome::Right(stats)
    }

    /// Exit code, and all that was said.
    fn bash(&self, text: &str) -> (i32, String) {
        let script = self.lab.path().join("step.sh");
        fs::write(&script, text).unwrap();
        let mut command = Command::new("bash");
        command.arg(&script).env_clear().stdin(Stdio::null());
        command.envs(environment::toolchain()).env("HOME", self.lab.path().join("home"));
        let output = command.env("RC", self.program).env("LAB", self.lab.path()).output().unwrap();
        let said =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.code().unwrap_or(-1), said)
    }

    /// Waits for what a save left running, so that the directory can go.
    fn end(self) {
        let root = self.lab.path().join("root");
        if root.is_dir() {
            let flush = Command::new(self.program).arg("flush").arg("--cache-root").arg(&root).output();
            flush.expect("the program runs");
        }
        // What a killed job had started may still write.
        let until = Instant::now() + LONGEST_END;
        while let Err(error) = fs::remove_dir_all(self.lab.path()) {
            assert!(Instant::now() < until, "{}: {error}", self.lab.path().display());
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn has_failed(records: &Path) -> bool {
    let told = fs::read_to_string(records.join("clean/told")).unwrap_or_default();
    told.lines().any(|line| line.starts_with("cargo ") && line.ends_with(": exit 101"))
}

fn has_hit(records: &Path) -> bool {
    let outputs: PathBuf = records.join("outputs");
    let outputs = fs::read_to_string(outputs).unwrap_or_default();
    outputs.lines().any(|line| line == "target-restored=true")
}
