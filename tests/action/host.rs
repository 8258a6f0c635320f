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

use crate::log::Run;
use crate::project::{Project, copy_tree, fixtures};

/// What steps may see of the tests' own environment.
const PASSED_ON: [&str; 4] = ["LANG", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"];
/// Likewise, by prefix: how cargo reaches its registry.
const PASSED_ON_PREFIXES: [&str; 4] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"];

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
        for folder in ["home", "artifacts", "repositories"] {
            fs::create_dir(host.path(folder)).unwrap();
        }
        // What a `uses:` gets of the project. The runner copies it for each step, so build outputs must not be in it.
        for published in ["action.yml", "restore", "save", "scripts", ".github", "Cargo.toml"] {
            fs::create_dir_all(host.path("action")).unwrap();
            copy_tree(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join(published),
                &host.path("action").join(published),
            );
        }
        host
    }

    /// Empties the home, and with it what cargo and the runner keep there. It stays at its place: cargo compiles a
    /// dependency again when the path of its sources, which are in the home, is another.
    pub(crate) fn forget_home(&self) {
        fs::remove_dir_all(self.path("home")).unwrap();
        fs::create_dir(self.path("home")).unwrap();
    }

    /// A project that this host's runner can check out.
    pub(crate) fn project(&self, fixture: &'static str) -> Project {
        Project::from_fixture(&self.path("repositories"), fixture)
    }

    /// `name` in this host's folder: `home`, `artifacts`, or anything a test puts there.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The root of its cache.
    pub(crate) fn cache_root(&self) -> PathBuf {
        self.path("cache")
    }

    /// Writes a file in this host's folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Puts an executable bash script into a folder of this name and gives the folder, for `PATH`.
    pub(crate) fn script(&self, folder: &str, name: &str, body: &str) -> PathBuf {
        let folder = self.path(folder);
        fs::create_dir_all(&folder).unwrap();
        write_executable(&folder.join(name), &format!("#!/usr/bin/env bash\nset -euo pipefail\n{body}\n"));
        folder
    }

    /// A run of `workflow` for `project`.
    pub(crate) fn act<'a>(&'a self, project: &'a Project, workflow: &str) -> Act<'a> {
        Act { host: self, project, workflow: workflow.to_owned(), env: Vec::new() }
    }
}

impl Act<'_> {
    /// Sets a variable in the runner's environment.
    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    /// Puts a folder in front of the runner's `PATH`.
    pub(crate) fn path_first(self, folder: PathBuf) -> Self {
        let path = std::env::var_os("PATH").unwrap();
        let folders = [folder].into_iter().chain(std::env::split_paths(&path));
        let joined = std::env::join_paths(folders).unwrap();
        self.env("PATH", joined)
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
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| passed_on(&name.to_string_lossy())));
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command
            .env("HOME", &home)
            .env("CARGO_HOME", home.join(".cargo"))
            .env("XDG_CACHE_HOME", home.join(".cache"));
        command.env("RUSTUP_HOME", rustup_home()).env("RUSTUP_AUTO_INSTALL", "0");
        command.env("RUNNER_CACHE_BIN", env!("CARGO_BIN_EXE_runner-cache"));
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
        for entry in fs::read_dir(self.host.path("action/.github/workflows")).unwrap() {
            let workflow = fs::read_to_string(entry.unwrap().path()).unwrap();
            if workflow.contains("workflow_call:") {
                all += &workflow;
            }
        }
        let uses = all.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("uses: "));
        let mut repositories = uses.map(|uses| self.local_repository(uses)).collect::<Vec<_>>();
        repositories.sort();
        repositories.dedup();
        repositories
    }

    fn local_repository(&self, uses: &str) -> String {
        let (action, reference) = uses.split_whitespace().next().unwrap().split_once('@').unwrap();
        let repository = action.split('/').take(2).collect::<Vec<_>>().join("/");
        let folder = match repository.as_str() {
            "btcdecoded/runner-cache" => self.host.path("action"),
            other => fixtures().join("actions").join(other),
        };
        assert!(folder.is_dir(), "{repository} has no stand-in in tests/fixtures/actions");
        format!("--local-repository={repository}@{reference}={}", folder.display())
    }
}

/// Writes an executable file.
pub(crate) fn write_executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn passed_on(name: &str) -> bool {
    let proxy = name.to_ascii_lowercase().ends_with("_proxy");
    proxy || PASSED_ON.contains(&name) || PASSED_ON_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The toolchains of the machine that the tests run on, which jobs only read.
fn rustup_home() -> PathBuf {
    let of_user = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".rustup");
    std::env::var_os("RUSTUP_HOME").map_or_else(of_user, PathBuf::from)
}
