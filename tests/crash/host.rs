//! A host with a cache root and one job that keeps a small tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use runner_cache::sys::CrashPoint;
use test_support::{Job, Listing, files, store};

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
        let names = ["a", "directory/b", "directory/c", "directory/deep/d", &format!("only-{name}")];
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

/// A host: the job on it, and its tree.
pub(crate) struct Host(Job);

impl Host {
    pub(crate) fn new() -> Self {
        let mut job = Job::new(env!("CARGO_BIN_EXE_runner-cache"));
        job.set("ACTIONS_RUNNER_HOOK_JOB_COMPLETED", "/l/runner-cache/job-completed.sh");
        Self(job)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path(path)
    }

    fn tree_path(&self) -> PathBuf {
        self.path("work/project/tree")
    }

    /// Makes the job's tree anew.
    pub(crate) fn write(&self, tree: Tree) {
        self.remove_tree();
        self.add(tree);
    }

    /// Lets the job make files of `tree`, and leaves all others as they are.
    pub(crate) fn add(&self, tree: Tree) {
        for (path, contents) in tree.files() {
            files::write(&self.tree_path().join(path), contents);
        }
    }

    /// Adds files that are of all trees: so many that an entry leaves them where another one has them.
    pub(crate) fn add_many(&self) {
        for number in 0..MANY {
            files::write(&self.tree_path().join(format!("many/{number}")), "of all");
        }
    }

    /// How many of these are there.
    pub(crate) fn many(&self) -> usize {
        files::inside(&self.tree_path().join("many")).len()
    }

    pub(crate) fn remove_tree(&self) {
        files::remove(&self.tree_path());
    }

    pub(crate) fn tree(&self) -> Found {
        let listing = Listing::of(&self.tree_path());
        let is_own = |path: &Path| !path.iter().any(|name| store::is_temporary(name.as_ref()));
        let listing = listing.map(|listing| listing.only(is_own));
        let files = listing.iter().flat_map(Listing::contents);
        let text = |contents: &[u8]| String::from_utf8(contents.to_vec()).unwrap();
        Found(files.map(|(path, contents)| (path.to_path_buf(), text(contents))).collect())
    }

    /// Directories that a killed restore left in the job's own directories.
    pub(crate) fn debris_of_restores(&self) -> usize {
        let directories = [self.path("work/project"), self.tree_path()];
        directories.iter().map(|directory| store::temporaries(directory).len()).sum()
    }

    /// What is neither an entry nor in use: after a cleaning there is nothing.
    pub(crate) fn debris_in_store(&self) -> Vec<PathBuf> {
        store::debris(&self.path("root"))
    }

    /// What is in quarantine.
    pub(crate) fn quarantined(&self) -> Vec<PathBuf> {
        files::inside(&self.path("root/quarantine"))
    }

    /// Lets all that is in quarantine be there for long.
    pub(crate) fn age_quarantine(&self) {
        for path in files::inside(&self.path("root/quarantine")) {
            fs::File::open(path).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    }

    /// Does what cargo does to install a package: its executable, and its notes.
    pub(crate) fn install_tool(&self) {
        self.0.write(&format!("home/.cargo/bin/{TOOL}"), "executable");
        let package = format!("{TOOL} 1.0.0 (registry+https://example.com/index)");
        self.0.write(NOTES[0], &format!("[v1]\n\"{package}\" = [\"{TOOL}\"]\n"));
        let details = format!("{{\"installs\": {{\"{package}\": {{\"bins\": [\"{TOOL}\"]}}}}}}");
        self.0.write(NOTES[1], &details);
    }

    pub(crate) fn remove_tool(&self) {
        self.0.remove("home/.cargo");
    }

    pub(crate) fn has_tool(&self) -> bool {
        self.path("home/.cargo/bin").join(TOOL).exists()
    }

    /// Whether cargo has noted the tool, in both places.
    pub(crate) fn has_noted_tool(&self) -> bool {
        NOTES.iter().all(|notes| fs::read_to_string(self.path(notes)).is_ok_and(|text| text.contains(TOOL)))
    }

    pub(crate) fn leave_debris(&self) {
        for directory in ["staging", "trash"] {
            self.0.write(&format!("root/{directory}/killed/tree/0/file"), "debris");
        }
    }

    pub(crate) fn damage_newest_entry(&self) {
        fs::remove_file(self.0.newest_entry("paths").join("tree/0/directory/b")).unwrap();
    }

    /// Runs the program, which must succeed.
    pub(crate) fn expect_success(&self, args: &[&str]) {
        let said = self.0.run(&with_inputs(args));
        assert!(said.is_success(), "{args:?}: {said:?}");
    }

    /// Runs the program with a crash at `point`, and says whether it, or what it started, came there.
    pub(crate) fn dies_at(&self, point: CrashPoint, args: &[&str]) -> bool {
        let aborted = 6;
        let crash = format!("RUNNER_CACHE_CRASH_AT={}", point.to_possible_value().unwrap().get_name());
        self.0.run_under(&["env", &crash], &with_inputs(args)).was_ended_by(aborted)
    }
}

/// The arguments, with the inputs of all jobs here where the command takes some.
fn with_inputs<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let takes_inputs = ["restore", "save"].contains(&args[0]);
    let inputs = ["--preset", "none", "--path", "tree", "--key", "k"];
    [args, if takes_inputs { &inputs } else { &[] }].concat()
}
