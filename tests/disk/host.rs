//! A host with one job: a cache root, a workspace with a target folder, and a temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::listing::{self, Listing};
use crate::unpack::unpack;

/// Runs a command so that nothing it leaves behind outlives it: not the flush that a save starts, nor what it mounts.
/// Where `BOOT_ID` names a file, the kernel tells its contents as the id of the boot.
pub(crate) const ALONE: [&str; 12] = [
    "unshare",
    "--mount",
    "--propagation",
    "slave",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-euc",
    "if [ -n \"${BOOT_ID-}\" ]; then mount --bind \"$BOOT_ID\" /proc/sys/kernel/random/boot_id; fi; exec \"$@\"",
    "sh",
];

/// The arguments of most restores and saves here: the target folder under a key in the user's words, so that neither cargo
/// nor rustc is asked; and no look at the disk.
pub(crate) const UNGUARDED: [&str; 6] = ["--layers", "target", "--key", "k-1", "--disk-guard", "off"];

/// A host.
pub(crate) struct Host {
    base: PathBuf,
    env: BTreeMap<String, String>,
}

/// How the program ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Standard error.
    pub(crate) log: String,
    /// Outputs of the step.
    pub(crate) outputs: BTreeMap<String, String>,
}

impl Host {
    /// A host in the folder `base`, with no target folder yet.
    pub(crate) fn new(base: &Path) -> Self {
        for folder in ["home", "temp", "work/project"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        let mut host = Self { base: base.into(), env: BTreeMap::new() };
        host.env.insert("PATH".to_owned(), std::env::var("PATH").unwrap());
        for (name, path) in [
            ("HOME", "home"),
            ("RUNNER_TEMP", "temp"),
            ("GITHUB_WORKSPACE", "work/project"),
            ("RUNNER_CACHE_ROOT", "root"),
        ] {
            host.set(name, base.join(path).to_str().unwrap());
        }
        for (name, path) in
            [("GITHUB_OUTPUT", "output"), ("GITHUB_ENV", "env"), ("GITHUB_STEP_SUMMARY", "summary")]
        {
            host.set(name, base.join(path).to_str().unwrap());
        }
        for (name, value) in [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_JOB", "build"),
            ("GITHUB_EVENT_NAME", "push"),
        ] {
            host.set(name, value);
        }
        let event = base.join("event.json");
        fs::write(&event, "{}").unwrap();
        host.set("GITHUB_EVENT_PATH", event.to_str().unwrap());
        host.plant_project();
        host
    }

    /// Writes what makes the workspace one of cargo.
    pub(crate) fn plant_project(&self) {
        self.plant_workspace("work/project");
    }

    /// Writes what makes the folder `path` a workspace of cargo.
    pub(crate) fn plant_workspace(&self, path: &str) {
        let project = self.path(path);
        fs::create_dir_all(&project).unwrap();
        let package = "name = \"small\"\nversion = \"1.0.0\"\n";
        fs::write(project.join("Cargo.toml"), format!("[package]\n{package}")).unwrap();
        fs::write(project.join("Cargo.lock"), format!("version = 4\n\n[[package]]\n{package}")).unwrap();
    }

    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// A path on the host.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The target folder.
    pub(crate) fn target(&self) -> PathBuf {
        self.path("work/project/target")
    }

    /// What is in the target folder; `None` where there is none.
    pub(crate) fn listing(&self) -> Option<Listing> {
        listing::list(&self.target())
    }

    /// Removes the target folder.
    pub(crate) fn remove_target(&self) {
        if self.target().exists() {
            fs::remove_dir_all(self.target()).unwrap();
        }
    }

    /// Runs the program with these arguments. Only a save leaves something running, and here not even that.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_under(if args[0] == "save" { &ALONE } else { &[] }, args)
    }

    /// Runs the program in another boot of the host, as it seems.
    pub(crate) fn run_in_another_boot(&self, args: &[&str]) -> Said {
        let id = self.path("boot_id");
        fs::write(&id, "0e5a7b1c-0000-4000-8000-00000000b007\n").unwrap();
        let mut host = Self { base: self.base.clone(), env: self.env.clone() };
        host.set("BOOT_ID", id.to_str().unwrap());
        host.run_under(&ALONE, args)
    }

    /// Runs the program under another one: `wrapper` is that with its own arguments, or nothing.
    pub(crate) fn run_under(&self, wrapper: &[&str], args: &[&str]) -> Said {
        // A disk that is full or read-only is not meant to be that of the runner's own files.
        for file in ["output", "env", "summary"] {
            fs::write(self.path(file), "").unwrap();
        }
        let words = [wrapper, &[env!("CARGO_BIN_EXE_runner-cache")], args].concat();
        let output = Command::new(words[0])
            .args(&words[1..])
            .current_dir(&self.base)
            .env_clear()
            .envs(&self.env)
            .output()
            .unwrap();
        let text = fs::read_to_string(self.path("output")).unwrap();
        let outputs = text.lines().filter_map(|line| line.split_once('='));
        Said {
            status: output.status,
            log: String::from_utf8_lossy(&output.stderr).into_owned(),
            outputs: outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    /// Runs the program, which must succeed without a warning.
    pub(crate) fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert!(said.is_success() && said.warnings() == 0, "{args:?}: {said:#?}");
        said
    }

    /// Saves the target folder as an entry of its key, without a look at the disk, and must succeed.
    pub(crate) fn save(&self) -> Said {
        let said = self.ok(&[&["save"], &UNGUARDED[..]].concat());
        assert!(said.has_saved(), "{said:#?}");
        said
    }

    /// Restores the target folder without a look at the disk and leaves nothing for a save; must succeed.
    pub(crate) fn restore(&self) -> Said {
        self.ok(&[&["restore", "--no-session"], &UNGUARDED[..]].concat())
    }

    /// Folders of all entries.
    pub(crate) fn entries(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.path("root/target")];
        for _ in ["repository", "ref", "key", "entry"] {
            folders = folders.iter().flat_map(|folder| within(folder)).collect();
        }
        folders
    }

    /// What an entry holds.
    pub(crate) fn held_by(&self, entry: &Path) -> Listing {
        let unpacked = self.path("unpacked");
        unpack(&self.path("root"), entry, &unpacked).unwrap();
        let listing = listing::list(&unpacked).unwrap();
        fs::remove_dir_all(unpacked).unwrap();
        listing
    }

    /// What lies in the folders of the root in which nothing may stay.
    pub(crate) fn debris(&self) -> Vec<PathBuf> {
        let mut debris: Vec<_> =
            ["root/staging", "root/trash"].iter().flat_map(|folder| within(&self.path(folder))).collect();
        let is_temporary =
            |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes().starts_with(b".runner-cache-");
        let (project, target) = (within(&self.path("work/project")), within(&self.target()));
        debris.extend(project.into_iter().chain(target).filter(is_temporary));
        debris
    }
}

impl Said {
    /// Whether it ended as if all were well.
    pub(crate) fn is_success(&self) -> bool {
        self.status.success()
    }

    /// Whether it was killed.
    pub(crate) fn is_killed(&self) -> bool {
        self.status.signal() == Some(9) || self.status.code() == Some(128 + 9)
    }

    /// Number of warnings.
    pub(crate) fn warnings(&self) -> usize {
        self.log.matches("::warning").count()
    }

    /// Whether a new entry was made.
    pub(crate) fn has_saved(&self) -> bool {
        self.log.contains("saved    ")
    }

    /// How well the key was served; empty where the restore did not come to tell.
    pub(crate) fn hit(&self) -> &str {
        self.outputs.get("target-hit").map_or("", String::as_str)
    }
}

/// What is in a folder; nothing where there is none.
fn within(folder: &Path) -> Vec<PathBuf> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = listing.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
