//! A host with a cache root and one job that keeps a small tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::ValueEnum;
use runner_cache::sys::CrashPoint;
use tempfile::TempDir;

/// A package of one executable of its name.
pub(crate) const TOOL: &str = "tool";

/// Files of [`Host::add_many`].
const MANY: usize = 120;

/// Where cargo notes what it has installed.
const NOTES: [&str; 2] = ["home/.cargo/.crates.toml", "home/.cargo/.crates2.json"];

/// What the tree holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tree {
    Old,
    New,
    Other,
}

impl Tree {
    /// Paths and contents. Some files are in all of them, some in one; all differ.
    fn files(self) -> BTreeMap<PathBuf, String> {
        let name = format!("{self:?}");
        let names = ["a", "folder/b", "folder/c", "folder/deep/d", &format!("only-{name}")];
        names.iter().map(|path| (PathBuf::from(path), format!("{path} of {name}"))).collect()
    }
}

/// What was found: paths and contents of all files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found(BTreeMap<PathBuf, String>);

impl Found {
    /// Whether it is `tree`, besides which what others had stays, as `path` entries overwrite and do not mirror.
    pub(crate) fn is(&self, tree: Tree) -> bool {
        tree.files().iter().all(|(path, contents)| self.0.get(path) == Some(contents))
    }

    /// Whether each file is as in one of the two.
    pub(crate) fn is_mixed(&self, one: Tree, other: Tree) -> bool {
        let (one, other) = (one.files(), other.files());
        let is_whole = |(path, contents): (&PathBuf, &String)| {
            one.get(path) == Some(contents) || other.get(path) == Some(contents)
        };
        self.0.iter().all(is_whole) && one.keys().all(|path| self.0.contains_key(path))
    }
}

pub(crate) struct Host {
    dir: TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("runner-cache-crash.").tempdir().unwrap();
        for folder in ["home", "temp", "work"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        Self { dir }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Makes the job's tree anew.
    pub(crate) fn write(&self, tree: Tree) {
        self.remove_tree();
        for (path, contents) in tree.files() {
            let path = self.path("work/tree").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
    }

    /// Lets the job make files of `tree`, and leaves all others as they are.
    pub(crate) fn add(&self, tree: Tree) {
        for (path, contents) in tree.files() {
            fs::write(self.path("work/tree").join(path), contents).unwrap();
        }
    }

    /// Adds files that are of all trees: so many that an entry leaves them where another one has them.
    pub(crate) fn add_many(&self) {
        fs::create_dir_all(self.path("work/tree/many")).unwrap();
        for number in 0..MANY {
            fs::write(self.path("work/tree/many").join(number.to_string()), "of all").unwrap();
        }
    }

    /// How many of these are there.
    pub(crate) fn many(&self) -> usize {
        names(&self.path("work/tree/many")).len()
    }

    pub(crate) fn remove_tree(&self) {
        let tree = self.path("work/tree");
        if tree.exists() {
            fs::remove_dir_all(tree).unwrap();
        }
    }

    pub(crate) fn tree(&self) -> Found {
        let mut found = BTreeMap::new();
        let root = self.path("work/tree");
        let mut pending = vec![root.clone()];
        while let Some(folder) = pending.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.file_name().unwrap().to_string_lossy().starts_with(".runner-cache-") {
                    continue;
                }
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_path_buf();
                    found.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        Found(found)
    }

    /// Folders that a killed restore left in the job's own folders.
    pub(crate) fn debris_of_restores(&self) -> usize {
        let is_debris = |name: &String| name.starts_with(".runner-cache-");
        ["work", "work/tree"].iter().flat_map(|folder| names(&self.path(folder))).filter(is_debris).count()
    }

    /// What is neither an entry nor in use: after a cleaning there is nothing.
    pub(crate) fn debris_in_store(&self) -> Vec<String> {
        ["root/staging", "root/trash"].iter().flat_map(|folder| names(&self.path(folder))).collect()
    }

    /// What was an entry, and what is in quarantine.
    pub(crate) fn former_entries(&self) -> Vec<String> {
        ["root/retired", "root/quarantine"].iter().flat_map(|folder| names(&self.path(folder))).collect()
    }

    /// Lets all that is in quarantine be there for long.
    pub(crate) fn age_quarantine(&self) {
        for name in names(&self.path("root/quarantine")) {
            let folder = fs::File::open(self.path("root/quarantine").join(name)).unwrap();
            folder.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    }

    /// Does what cargo does to install a package: its executable, and its notes.
    pub(crate) fn install_tool(&self) {
        fs::create_dir_all(self.path("home/.cargo/bin")).unwrap();
        fs::write(self.path("home/.cargo/bin").join(TOOL), "executable").unwrap();
        let package = format!("{TOOL} 1.0.0 (registry+https://example.com/index)");
        fs::write(self.path(NOTES[0]), format!("[v1]\n\"{package}\" = [\"{TOOL}\"]\n")).unwrap();
        let details = format!("{{\"installs\": {{\"{package}\": {{\"bins\": [\"{TOOL}\"]}}}}}}");
        fs::write(self.path(NOTES[1]), details).unwrap();
    }

    pub(crate) fn remove_tool(&self) {
        fs::remove_dir_all(self.path("home/.cargo")).unwrap();
    }

    pub(crate) fn has_tool(&self) -> bool {
        self.path("home/.cargo/bin").join(TOOL).exists()
    }

    /// Whether cargo has noted the tool, in both places.
    pub(crate) fn has_noted_tool(&self) -> bool {
        NOTES.iter().all(|notes| fs::read_to_string(self.path(notes)).is_ok_and(|text| text.contains(TOOL)))
    }

    pub(crate) fn leave_debris(&self) {
        for folder in ["root/staging/killed/tree/0", "root/trash/killed/tree/0"] {
            fs::create_dir_all(self.path(folder)).unwrap();
            fs::write(self.path(folder).join("file"), "debris").unwrap();
        }
    }

    pub(crate) fn damage_newest_entry(&self) {
        let key = self.path("root/paths/o%2Fr/refs%2Fheads%2Fmain/k");
        let newest = names(&key).into_iter().max().unwrap();
        fs::remove_file(key.join(newest).join("tree/0/folder/b")).unwrap();
    }

    /// Runs the program, which must do its work without a word of warning.
    pub(crate) fn expect_success(&self, args: &[&str]) {
        let output = self.run(args, None);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {log}");
    }

    /// Runs the program with a crash at `point`, and says whether it, or what it started, came there.
    pub(crate) fn dies_at(&self, point: CrashPoint, args: &[&str]) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let aborted = 6;
        self.run(args, Some(point)).status.signal() == Some(aborted)
    }

    fn run(&self, args: &[&str], crash: Option<CrashPoint>) -> Output {
        let takes_inputs = ["restore", "save"].contains(&args[0]);
        let inputs = ["--preset", "none", "--path", "tree", "--key", "k"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner-cache"));
        command
            .args(args)
            .args(if takes_inputs { &inputs[..] } else { &[] })
            .current_dir(self.path("work"))
            .env_clear()
            .env("HOME", self.path("home"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("RUNNER_CACHE_ROOT", self.path("root"))
            .env("GITHUB_REPOSITORY", "o/r")
            .env("GITHUB_REF", "refs/heads/main");
        if let Some(point) = crash {
            command.env("RUNNER_CACHE_CRASH_AT", point.to_possible_value().unwrap().get_name());
        }
        command.output().unwrap()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
