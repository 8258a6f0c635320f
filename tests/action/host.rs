//! A self-hosted machine with a runner on it: act in host mode.
//!
//! Its home, tool cache and cache root last from run to run, as on a real one; workspaces are new each time. Host mode
//! is no sandbox and hands the caller's environment on to the steps, so a run gets a home of its own and an environment
//! made from nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
pub(crate) use test_support::files::write_executable;
use test_support::{environment, files};

use crate::PROGRAM;
use crate::log::Run;
use crate::project::{Project, fixtures};

/// One machine.
pub(crate) struct Host {
    dir: TempDir,
}

/// A run of a workflow that is being put together.
pub(crate) struct Act<'a> {
    host: &'a Host,
    project: &'a Project,
    workflow: String,
    env: Vec<(&'static str, OsString)>,
}

impl Host {
    /// A new one: nothing in the cache, nothing in the home.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("runner-cache-action.").tempdir().unwrap();
        let host = Self { dir };
        for directory in ["home", "artifacts", "repositories"] {
            files::empty(&host.path(directory));
        }
        // What a `uses:` gets of the project. The runner copies it for each step, so build outputs must not be in it.
        files::empty(&host.path("action"));
        for published in ["action.yml", "restore", "save", "scripts", ".github", "Cargo.toml"] {
            files::copy(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join(published),
                &host.path("action").join(published),
            );
        }
        host
    }

    /// Empties the home, and with it what cargo and the runner keep there. It stays at its place: cargo compiles a
    /// dependency again when the path of its sources, which are in the home, is another.
    pub(crate) fn forget_home(&self) {
        files::empty(&self.path("home"));
    }

    /// A project that this host's runner can check out.
    pub(crate) fn project(&self, fixture: &'static str) -> Project {
        Project::from_fixture(&self.path("repositories"), fixture)
    }

    /// `name` in this host's directory: `home`, `artifacts`, or anything a test puts there.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The root of its cache.
    pub(crate) fn cache_root(&self) -> PathBuf {
        self.path("cache")
    }

    /// Writes a file in this host's directory.
    pub(crate) fn write(&self, name: &str, text: &str) {
        files::write(&self.path(name), text);
    }

    /// Puts an executable bash script into a directory of this name and gives the directory, for `PATH`.
    pub(crate) fn script(&self, directory: &str, name: &str, body: &str) -> PathBuf {
        let directory = self.path(directory);
        let script = format!("#!/usr/bin/env bash\nset -euo pipefail\n{body}\n");
        write_executable(&directory.join(name), &script);
        directory
    }

    /// A run of `workflow` for `project`.
    pub(crate) fn act<'a>(&'a self, project: &'a Project, workflow: &(impl ToString + ?Sized)) -> Act<'a> {
        Act { host: self, project, workflow: workflow.to_string(), env: Vec::new() }
    }
}

impl Act<'_> {
    /// Sets a variable in the runner's environment.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Puts a directory in front of the runner's `PATH`.
    #[expect(clippy::needless_pass_by_value, reason = "what `Host::script` returns, as it is")]
    pub(crate) fn path_first(self, directory: PathBuf) -> Self {
        self.env("PATH", environment::search_path_from(&directory))
    }

    /// Runs it to its end. Each `uses:` must be one that is here: the project's own or a stand-in.
    pub(crate) fn run(self) -> Run {
        let act = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin/act");
        assert!(act.is_file(), "the action runner is missing: run ./scripts/setup-tools.sh");
        let home = self.host.path("home");
        let workflow = self.host.path("workflow.yml");
        fs::write(&workflow, &self.workflow).unwrap();
        let event = self.host.path("event.json");
        fs::write(&event, self.event()).unwrap();

        let mut command = Command::new(act);
        command.env_clear().envs(environment::toolchain()).envs(environment::downloads());
        command
            .env("HOME", &home)
            .env("CARGO_HOME", home.join(".cargo"))
            .env("XDG_CACHE_HOME", home.join(".cache"));
        command.env("RUSTUP_AUTO_INSTALL", "0");
        command.env("RUNNER_CACHE_BIN", PROGRAM);
        command.env("RUNNER_CACHE_ROOT", self.host.cache_root());
        command.env("FIXTURE_REPOSITORIES", self.host.path("repositories"));
        command.env("FIXTURE_ARTIFACTS", self.host.path("artifacts"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.args(["push", "--json", "--rm", "--no-cache-server", "--no-skip-checkout"]);
        command.args(["--platform", "self-hosted=-self-hosted"]);
        command.arg("--directory").arg(&self.project.path).arg("--workflows").arg(&workflow);
        command.arg("--eventpath").arg(&event).args(self.local_repositories());

        let output = command.output().unwrap();
        let log =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let run = Run::parse(&log, output.status.success());
        assert!(!log.contains("Skipping unsupported platform"), "a job was skipped:\n{}", run.text());
        run
    }

    fn event(&self) -> String {
        let name = self.project.name;
        serde_json::json!({
            "ref": "refs/heads/main",
            "repository": { "name": name, "full_name": format!("btcdecoded/{name}"), "default_branch": "main" },
        })
        .to_string()
    }

    /// `--local-repository` for each repository that the workflow, or a reusable one of ours, uses.
    fn local_repositories(&self) -> Vec<String> {
        let mut all = self.workflow.clone();
        let workflows = files::inside(&self.host.path("action/.github/workflows"));
        let workflows = workflows.iter().map(|path| files::read(path));
        all.extend(workflows.filter(|workflow| workflow.contains("workflow_call:")));
        let uses = all.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "));
        let mut repositories = uses.map(|uses| self.local_repository(uses)).collect::<Vec<_>>();
        repositories.sort();
        repositories.dedup();
        repositories
    }

    fn local_repository(&self, uses: &str) -> String {
        let (action, reference) = uses.split_whitespace().next().unwrap().split_once('@').unwrap();
        let repository = action.split('/').take(2).collect::<Vec<_>>().join("/");
        let directory = match repository.as_str() {
            "btcdecoded/runner-cache" => self.host.path("action"),
            other => fixtures().join("actions").join(other),
        };
        assert!(directory.is_dir(), "{repository} has no stand-in in tests/fixtures/actions");
        format!("--local-repository={repository}@{reference}={}", directory.display())
    }
}
