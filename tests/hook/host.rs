//! A host with the program, the action and a cache, for jobs that use the action.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Pid;
use tempfile::TempDir;
use test_support::{files, store};

use crate::stand_in::job::Step;
use crate::stand_in::runner::{Done, wait_for_end};
use crate::stand_in::{Job, Outcome, Runner, run, uses};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_runner-cache");

/// What the job makes where nothing else is said.
pub(crate) const MAKE: &str = "mkdir -p data && echo made >data/file";

/// One host.
pub(crate) struct Host {
    place: TempDir,
}

impl Host {
    /// A new one, with an empty cache.
    pub(crate) fn new() -> Self {
        let place = tempfile::Builder::new().prefix("runner-cache-hook.").tempdir().unwrap();
        let host = Self { place };
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir(host.path("action")).unwrap();
        for published in ["action.yml", "save", "scripts", "Cargo.toml"] {
            files::copy(&project.join(published), &host.path("action").join(published));
        }
        host
    }

    /// A path on it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    /// The root of its cache.
    pub(crate) fn root(&self) -> PathBuf {
        self.path("cache")
    }

    /// A runner without hooks. Its jobs take this program.
    pub(crate) fn bare(&self, name: &str) -> Runner {
        let runner = Runner::new(self.place.path(), name);
        runner.env("RUNNER_CACHE_BIN", PROGRAM).env("RUNNER_CACHE_ROOT", self.root().to_str().unwrap())
    }

    /// A runner with the hooks of `runner-cache hook install`.
    pub(crate) fn runner(&self, name: &str) -> Runner {
        let runner = self.bare(name);
        self.install(&runner, Path::new(PROGRAM));
        runner
    }

    /// Installs the hooks, which run `program`.
    pub(crate) fn install(&self, runner: &Runner, program: &Path) {
        let mut command = Command::new(PROGRAM);
        command
            .args(["hook", "install", "--runner-dir"])
            .arg(&runner.root)
            .arg("--hook-dir")
            .arg(self.path("lib"));
        let said = command.arg("--program").arg(program).env("HOME", runner.home()).output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }

    /// The step that uses the action for the directory `data` under this key.
    pub(crate) fn cache(&self, key: &str) -> Step {
        uses(self.path("action")).named("cache").with("preset", "none").with("path", "data").with("key", key)
    }

    /// A job that restores `data` and makes it.
    pub(crate) fn job(&self, key: &str) -> Job {
        Job::new("o/r").step(self.cache(key)).step(run(MAKE).named("make"))
    }

    /// How well a later job, on a runner of its own that saves nothing, is served with what is under `key`.
    pub(crate) fn next(&self, key: &str) -> Hit {
        let runner = self.bare("next");
        let done = runner.run(Job::new("o/r").step(self.cache(key)));
        assert_eq!(done.outcome(), Outcome::Succeeded, "{done:?}");
        let outputs = done.step("cache").outputs;
        let data = std::fs::read_to_string(runner.workspace("o/r").join("data/file")).unwrap_or_default();
        files::remove(&runner.root);
        match (outputs["cache-hit"].as_str(), outputs["cache-matched-key"].as_str()) {
            ("true", _) => Hit::Exact(data),
            (_, "") => Hit::Miss,
            _ => Hit::Partial(data),
        }
    }

    /// Nothing is left of a job: no process, no temporary file, no half of an entry.
    pub(crate) fn assert_clean(&self, runner: &Runner, done: &Done) {
        assert!(done.left().is_empty(), "processes: {:?}", done.left());
        let temporary = files::inside(&runner.root.join("_work/_temp"));
        assert!(temporary.is_empty(), "{temporary:?}");
        // Evictions go on behind a job.
        self.processes("after-save").into_iter().for_each(wait_for_end);
        let debris = store::debris(&self.root());
        assert!(debris.is_empty(), "{debris:?}");
        for place in [runner.workspace("o/r"), runner.home().to_path_buf()] {
            assert!(store::temporaries(&place).is_empty(), "{}", place.display());
        }
    }

    /// The processes that do a command for the cache.
    pub(crate) fn processes(&self, command: &str) -> Vec<Pid> {
        let root = self.root();
        let is_one = |pid: &i32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let words: Vec<_> = words.split(|byte| *byte == 0).collect();
            words.contains(&command.as_bytes()) && words.contains(&root.as_os_str().as_encoded_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_one).filter_map(Pid::from_raw).collect()
    }

    /// The entries of a layer.
    pub(crate) fn entries(&self, layer: &str) -> usize {
        store::entries(&self.root(), layer).len()
    }
}

/// How a job was served, with what it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hit {
    Exact(String),
    Partial(String),
    Miss,
}

impl Hit {
    pub(crate) fn exact() -> Self {
        Self::Exact("made\n".to_owned())
    }

    pub(crate) fn partial() -> Self {
        Self::Partial("made\n".to_owned())
    }
}
