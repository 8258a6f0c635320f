//! A job on a host of its own: a cache root, a home, and a workspace with a small Rust project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// What cargo writes into the `CACHEDIR.TAG` of a target folder, in part.
pub(crate) const CARGOS_TAG: &str = "# This file is a cache directory tag created by cargo.\n";

/// What a run of the program said and left.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard error.
    pub(crate) log: String,
    /// Standard output.
    pub(crate) stdout: String,
    /// Outputs of the step.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Variables for later steps.
    pub(crate) env: BTreeMap<String, String>,
    /// The step's summary.
    pub(crate) summary: String,
}

/// One job. Its environment is made from nothing but `PATH` and what reaches the toolchain.
pub(crate) struct Job {
    dir: TempDir,
    env: BTreeMap<String, String>,
    /// The workspace, relative to the host's folder.
    project: String,
    /// Whether the host has a policy.
    has_policy: bool,
}

impl Job {
    /// A job on the default branch of a repository with one small crate.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("runner-cache-cli.").tempdir().unwrap();
        for folder in ["home", "temp", "work/project/src"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let mut job =
            Self { dir, env: BTreeMap::new(), project: "work/project".to_owned(), has_policy: false };
        let passed_on = ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "TMPDIR"];
        job.env.extend(
            passed_on.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))),
        );
        if let (Ok(home), false) = (std::env::var("HOME"), job.env.contains_key("RUSTUP_HOME")) {
            job.set("RUSTUP_HOME", format!("{home}/.rustup"));
        }
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
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.env.insert(name.to_owned(), value.to_string());
    }

    /// Gives the host a policy: the program then runs in a mount namespace of its own.
    pub(crate) fn policy(&mut self, text: &str) {
        self.write("policy/runner-cache.yml", text);
        self.has_policy = true;
    }

    /// The words of a shell that begin a call of the program.
    pub(crate) fn program(&self) -> Vec<String> {
        let binary = env!("CARGO_BIN_EXE_runner-cache").to_owned();
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

    /// Lets cargo download as it does for whoever runs the tests.
    pub(crate) fn may_download(&mut self) {
        let names = ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy"];
        let prefixes = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_SOURCE_"];
        for (name, value) in std::env::vars() {
            if names.contains(&&*name) || prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                self.set(&name, value);
            }
        }
    }

    /// Lets the job be of another runner, whose workspace is elsewhere.
    pub(crate) fn move_to(&mut self, project: &str) {
        self.set("GITHUB_WORKSPACE", self.path(project).display());
        project.clone_into(&mut self.project);
    }

    /// Lets the job be of a run for `reference` and this event.
    pub(crate) fn event(&mut self, reference: &str, event: &str) {
        self.write("event.json", event);
        self.set("GITHUB_EVENT_NAME", if event.contains("pull_request") { "pull_request" } else { "push" });
        self.set("GITHUB_REF", reference);
        self.set("GITHUB_EVENT_PATH", self.path("event.json").display());
    }

    /// Gives the project a version, and with it another lock file.
    pub(crate) fn version(&self, version: &str) {
        let package = format!("name = \"small\"\nversion = \"{version}\"\n");
        self.write("work/project/Cargo.toml", &format!("[package]\n{package}edition = \"2021\"\n"));
        let header =
            "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\n";
        self.write("work/project/Cargo.lock", &format!("{header}version = 4\n\n[[package]]\n{package}"));
    }

    /// Adds to the lock file, as a build does that downloads, a crate with these contents and a git repository.
    pub(crate) fn lock_with(&self, name: &str, version: &str, contents: &str) {
        let lock = self.read("work/project/Cargo.lock");
        let digest = runner_cache::sys::sha256_hex(contents.as_bytes());
        let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        let package =
            format!("name = \"{name}\"\nversion = \"{version}\"\n{registry}\nchecksum = \"{digest}\"\n");
        let git = "name = \"g\"\nversion = \"1.0.0\"\nsource = \"git+https://example.com/o/g.git#0123\"\n";
        self.write("work/project/Cargo.lock", &format!("{lock}\n[[package]]\n{package}\n[[package]]\n{git}"));
    }

    /// A path on the host.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file on the host.
    pub(crate) fn write(&self, path: &str, contents: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// Reads a file on the host.
    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.path(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Removes a folder on the host.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_dir_all(self.path(path)).unwrap();
    }

    /// What comes after a job on a real runner: the workspace's outputs and the temporary folder are gone.
    pub(crate) fn wipe(&self) {
        for folder in ["work/project/target", "temp"] {
            if self.path(folder).is_dir() {
                self.remove(folder);
            }
        }
        fs::create_dir(self.path("temp")).unwrap();
    }

    /// Runs a program in the workspace and returns its standard error; it must succeed.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = Command::new("sh")
            .args(["-euc", script])
            .current_dir(self.path(&self.project))
            .env_clear()
            .envs(&self.env)
            .output()
            .unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{script}: {log}");
        log
    }

    /// The program with these arguments, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        let words = self.program();
        let mut command = std::process::Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(args)
            .current_dir(self.path(&self.project))
            .env_clear()
            .envs(&self.env);
        for (name, file) in [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_ENV", "env"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STEP_SUMMARY", "summary"),
        ] {
            fs::write(self.path(file), "").unwrap();
            command.env(name, self.path(file));
        }
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            log: String::from_utf8(output.stderr).unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            outputs: assignments(&self.read("output")),
            env: assignments(&self.read("env")),
            summary: self.read("summary"),
        }
    }

    /// Runs the program, which must succeed without a warning.
    pub(crate) fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert!(said.code == 0 && !said.log.contains("::warning"), "{said:?}");
        said
    }

    /// A whole job: restore, build, save. Returns what the restore and what the save said.
    pub(crate) fn build(&self, args: &[&str]) -> (Said, Said) {
        let restored = self.ok(&[&["restore"], args].concat());
        self.sh("cargo build -q --offline");
        (restored, self.ok(&["save"]))
    }

    /// What rustc made of units in the profile's folder `profile` on the host, where either layout of target folders has
    /// it: `deps/`, or since 1.100 `build/<package>/<hash>/out/`.
    pub(crate) fn made_of_units(&self, profile: &str) -> Vec<PathBuf> {
        let profile = self.path(profile);
        let files = |folder: PathBuf| {
            let listing = fs::read_dir(folder).into_iter().flatten();
            listing.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect::<Vec<_>>()
        };
        let units = subfolders(&profile.join("build")).into_iter().flat_map(|package| subfolders(&package));
        let outs = units.map(|unit| unit.join("out"));
        [profile.join("deps")].into_iter().chain(outs).flat_map(files).collect()
    }

    /// Folders of all entries of a layer.
    pub(crate) fn entries(&self, layer: &str) -> Vec<PathBuf> {
        let mut folders = vec![self.path("root").join(layer)];
        for _ in 0..4 {
            folders = folders.iter().flat_map(|folder| subfolders(folder)).collect();
        }
        folders
    }

    /// The folder of a layer's newest entry.
    pub(crate) fn newest_entry(&self, layer: &str) -> PathBuf {
        let entries = self.entries(layer).into_iter();
        entries.max_by_key(|entry| entry.file_name().map(ToOwned::to_owned)).unwrap()
    }
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    let mut folders: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn assignments(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}
