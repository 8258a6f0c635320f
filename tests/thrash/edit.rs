//! Changes a tree as builds and tools do: a file is made elsewhere and renamed into its place, never written there. Files
//! share their inodes with entries.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use test_support::files::remove;
use test_support::project::CARGOS_TAG;
use test_support::store::TEMPORARY;

use crate::arena::Arena;
use crate::layout::{Layout, TAG};
use crate::listing::{EMPTY, LISTING, Listing, scan, sealed};
use crate::wrong::Wrong;

/// A tree that has as many files loses more than it gets.
const MANY_FILES: usize = 200;

const FILE_MODES: [u32; 6] = [0o644, 0o644, 0o755, 0o600, 0o444, 0o664];
const DIRECTORY_MODES: [u32; 3] = [0o755, 0o700, 0o775];

/// The one who changes a tree.
pub(crate) struct Editor<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) rng: &'a mut Rng,
    pub(crate) tree: &'a Path,
    /// Where files are made before they get their place: beside the tree.
    pub(crate) workbench: &'a Path,
}

impl Editor<'_> {
    /// Makes a new tree.
    pub(crate) fn grow(&mut self, layout: Layout) {
        for directory in layout.directories() {
            fs::create_dir_all(self.tree.join(directory)).unwrap();
        }
        if layout == Layout::Target {
            self.put(&self.tree.join(TAG), CARGOS_TAG.as_bytes());
        }
        for _ in 0..self.rng.usize(10..60) {
            self.add();
        }
    }

    /// Changes a few things.
    pub(crate) fn change(&mut self) {
        for _ in 0..self.rng.usize(1..8) {
            self.change_one();
        }
    }

    /// Lets the tree say what is in it, to be saved under `key`.
    pub(crate) fn sign(&mut self, key: &str) -> Result<(), Wrong> {
        let items = scan(self.tree)?.expect("it is there").items;
        let listing = Listing { key: key.to_owned(), items };
        self.put(&self.tree.join(LISTING), &listing.contents());
        Ok(())
    }

    fn change_one(&mut self) {
        let names = names(self.tree);
        let is_large = names.files.len() > MANY_FILES;
        let file = self.rng.choice(&names.files).cloned();
        let directory = self.rng.choice(&names.directories).cloned();
        let what = self.rng.usize(0..if is_large { 16 } else { 10 });
        match (what, file, directory) {
            (0..3, ..) => self.add(),
            (3..6, Some(file), _) => self.write(&file),
            (6, Some(file), _) => rename(&file, &self.new_name()),
            (7, Some(file), _) => {
                // Another name of the file, as cargo gives its products.
                let name = self.new_name();
                if !is_around(&name, &file) {
                    remove(&name);
                    fs::hard_link(file, name).unwrap();
                }
            }
            (8, _, Some(directory)) => rename(&directory, &self.new_name()),
            (9, Some(file), _) => {
                fs::remove_file(&file).unwrap();
                fs::create_dir(&file).unwrap();
                self.write(&file.join("inside"));
            }
            (10, _, Some(directory)) => fs::remove_dir_all(directory).unwrap(),
            (_, Some(file), _) => fs::remove_file(file).unwrap(),
            (_, None, _) => self.add(),
        }
    }

    /// Makes something new: mostly a file.
    fn add(&mut self) {
        let path = self.new_name();
        match self.rng.usize(0..12) {
            0 => {
                remove(&path);
                symlink(format!("to/{}", self.rng.u16(..)), path).unwrap();
            }
            1 => {
                remove(&path);
                fs::create_dir(&path).unwrap();
                let mode = self.one_of(&DIRECTORY_MODES);
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
            2 => {
                let name = format!("{EMPTY}{}", self.rng.u8(..8));
                self.put(&path.with_file_name(name), b"");
            }
            _ => self.write(&path),
        }
    }

    /// A name in one of the directories. There are few, so that trees of several workers have them in common, of other kinds.
    fn new_name(&mut self) -> PathBuf {
        let mut directories = names(self.tree).directories;
        directories.retain(|directory| directory.components().count() < self.tree.components().count() + 6);
        directories.push(self.tree.to_path_buf());
        let directory = directories.swap_remove(self.rng.usize(..directories.len()));
        let ending = self.one_of(&["", ".o", ".d", ".rlib"]);
        directory.join(format!("f{}{ending}", self.rng.u8(..24)))
    }

    /// Gives `path` new contents.
    fn write(&mut self, path: &Path) {
        // Most files are small, and a few take time.
        let most = match self.rng.usize(0..30) {
            0 => 300_000,
            1..5 => 20_000,
            _ => 2_000,
        };
        let mut rest = vec![0; self.rng.usize(1..most)];
        self.rng.fill(&mut rest);
        self.put(path, &sealed(&rest));
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    fn put(&mut self, path: &Path, contents: &[u8]) {
        let mut file = File::create(self.workbench).unwrap();
        file.write_all(contents).unwrap();
        let mode = self.one_of(&FILE_MODES);
        file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
        file.set_modified(self.arena.next_time()).unwrap();
        rename(self.workbench, path);
    }
}

/// Renames, whatever is in the way. Nothing gets into itself.
fn rename(from: &Path, to: &Path) {
    if !is_around(from, to) && !is_around(to, from) {
        remove(to);
        fs::rename(from, to).unwrap();
    }
}

/// Whether `inner` is `outer` or in it.
fn is_around(outer: &Path, inner: &Path) -> bool {
    inner.starts_with(outer)
}

/// What is in a tree and may be changed.
struct Names {
    files: Vec<PathBuf>,
    /// The root is not among them.
    directories: Vec<PathBuf>,
}

fn names(tree: &Path) -> Names {
    let mut found = Names { files: Vec::new(), directories: Vec::new() };
    let mut pending = vec![tree.to_path_buf()];
    while let Some(directory) = pending.pop() {
        let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(Result::unwrap).collect();
        // One seed, one tree.
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().into_string().unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !name.starts_with(TEMPORARY) {
                found.directories.push(entry.path());
                pending.push(entry.path());
            } else if kind.is_file() && ![LISTING, TAG].contains(&&*name) && !name.starts_with(EMPTY) {
                found.files.push(entry.path());
            }
        }
    }
    found
}
