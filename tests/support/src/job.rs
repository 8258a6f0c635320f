//! A job on a host of its own: a cache root, a home, and a workspace with a small Rust project.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{environment, files, store};

/// One job. Its environment is made from nothing but `PATH` and what reaches the toolchain.
///
/// Of the host's directory are: `home`, `root` (the cache, once the program makes it), `temp` (the runner's temporary
/// directory), `work/project` (the workspace), and the files of the current step.
#[derive(Debug)]
pub struct Job {
    base: PathBuf,
    /// Keeps `base` where that is this job's own.
    own: Option<TempDir>,
    binary: PathBuf,
    env: BTreeMap<String, String>,
    /// The workspace, relative to the host's directory.
    project: String,
    /// Whether the host has a policy.
    has_policy: bool,
}

impl Job {
    /// A job on the default branch of a repository with one small crate, whose host is gone afterwards. `binary` is the
    /// program.
    pub fn new(binary: impl AsRef<OsStr>) -> Self {
        let own = tempfile::Builder::new().prefix("runner-cache-test.").tempdir();
        let own = own.unwrap_or_else(|error| panic!("{}: {error}", std::env::temp_dir().display()));
        let mut job = Self::at(own.path(), binary);
        job.own = Some(own);
        job
    }

    /// The same in the directory `base`, which is somebody else's.
    pub fn at(base: &Path, binary: impl AsRef<OsStr>) -> Self {
        for directory in ["home", "temp"] {
            files::empty(&base.join(directory));
        }
        let mut job = Self {
            base: base.to_path_buf(),
            own: None,
            binary: PathBuf::from(binary.as_ref()),
            env: environment::toolchain().into_iter().collect(),
            project: "work/project".to_owned(),
            has_policy: false,
        };
        job.set("HOME", job.path("home").display());
        job.set("RUNNER_CACHE_ROOT", job.path("root").display());
        job.set("GITHUB_ACTIONS", "true");
        job.set("GITHUB_WORKSPACE", job.path("work/project").display());
        job.set("RUNNER_TEMP", job.path("temp").display());
        job.set("GITHUB_REPOSITORY", "o/r");
        job.set("GITHUB_JOB", "build");
        job.event("refs/heads/main", r#"{"repository": {"default_branch": "main"}}"#);
        job.write("work/project/src/main.rs", "fn main() { println!(\"one\") }\n");
        job.version("1.0.0");
        job
    }

    /// Sets a variable.
    #[expect(clippy::needless_pass_by_value, reason = "text and numbers alike, without `&`")]
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.env.insert(name.to_owned(), value.to_string());
    }

    /// Takes a variable away.
    pub fn unset(&mut self, name: &str) {
        self.env.remove(name);
    }

    /// Puts the directory `path` of the host before all others of `PATH`.
    pub fn path_first(&mut self, path: &str) {
        let value = environment::search_path_from(&self.path(path));
        self.set("PATH", value.to_str().expect("PATH is text"));
    }

    /// Lets cargo download as it does for whoever runs the tests.
    pub fn may_download(&mut self) {
        self.env.extend(environment::downloads());
    }

    /// Gives the host a policy: the program then runs in a mount namespace of its own.
    pub fn policy(&mut self, text: &str) {
        self.write("policy/runner-cache.yml", text);
        self.has_policy = true;
    }

    /// The words of a shell that begin a call of the program.
    pub fn program(&self) -> Vec<String> {
        let binary = self.binary.to_str().expect("its path is text").to_owned();
        if !self.has_policy {
            return vec![binary];
        }
        let user =
            if rustix::process::geteuid().is_root() { None } else { Some("--map-root-user".to_owned()) };
        let layers = format!("lowerdir={}:/etc", self.path("policy").display());
        let script = format!("mount -t overlay overlay -o {layers} /etc; exec \"$@\"");
        let words = ["sh", "-euc", &script, "sh", &binary].map(str::to_owned);
        ["unshare", "--mount"].map(str::to_owned).into_iter().chain(user).chain(words).collect()
    }

    /// Lets the job be of another runner, whose workspace is elsewhere.
    pub fn move_to(&mut self, project: &str) {
        self.set("GITHUB_WORKSPACE", self.path(project).display());
        project.clone_into(&mut self.project);
    }

    /// Lets the job be of a run for `reference` and this event.
    pub fn event(&mut self, reference: &str, event: &str) {
        self.write("event.json", event);
        self.set("GITHUB_EVENT_NAME", if event.contains("pull_request") { "pull_request" } else { "push" });
        self.set("GITHUB_REF", reference);
        self.set("GITHUB_EVENT_PATH", self.path("event.json").display());
    }

    /// A path on the host.
    pub fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// Writes a file on the host.
    pub fn write(&self, path: &str, contents: &str) {
        files::write(&self.path(path), contents);
    }

    /// Reads a file on the host.
    pub fn read(&self, path: &str) -> String {
        files::read(&self.path(path))
    }

    /// Removes a directory on the host, which must be there.
    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        fs::remove_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// What comes after a job on a real runner: the workspace's outputs and what is in the temporary directory are gone.
    pub fn wipe(&self) {
        files::remove(&self.path("work/project/target"));
        files::empty(&self.path("temp"));
    }

    /// Runs a script in the workspace and returns its standard error; it must succeed.
    pub fn sh(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        let output = self.in_job(command.args(["-euc", script])).output().expect("there is a shell");
        let log = String::from_utf8(output.stderr).expect("it says text");
        assert!(output.status.success(), "{script}: {log}");
        log
    }

    /// Lets `command` run in the workspace, with the job's environment.
    pub(crate) fn in_job<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(self.path(&self.project)).env_clear().envs(&self.env)
    }

    /// What rustc made of units in the profile's directory `profile` on the host, where either layout of target
    /// directories has it: `deps/`, or since 1.100 `build/<package>/<hash>/out/`.
    pub fn made_of_units(&self, profile: &str) -> Vec<PathBuf> {
        let profile = self.path(profile);
        let units = files::inside(&profile.join("build")).into_iter();
        let outs = units.flat_map(|package| files::inside(&package)).map(|unit| unit.join("out"));
        let made = [profile.join("deps")].into_iter().chain(outs).flat_map(|place| files::inside(&place));
        made.filter(|path| path.is_file()).collect()
    }

    /// The directories of all entries of a layer.
    pub fn entries(&self, layer: &str) -> Vec<PathBuf> {
        store::entries(&self.path("root"), layer)
    }

    /// The directory of a layer's newest entry.
    pub fn newest_entry(&self, layer: &str) -> PathBuf {
        let entries = self.entries(layer).into_iter();
        let newest = entries.max_by_key(|entry| entry.file_name().map(ToOwned::to_owned));
        newest.unwrap_or_else(|| panic!("the layer {layer} has no entry"))
    }
}
