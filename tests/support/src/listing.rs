//! What a directory holds, read by the standard library alone: the judge of the program must not be the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::lgetxattr;

use crate::files;

/// A file with a hole has at least so many bytes. A file system may give a small file more blocks than it needs, and none
/// gives so much more.
pub const SMALLEST_WITH_HOLE: u64 = 256 << 10;

/// The extended attribute that a listing knows.
pub const ATTRIBUTE: &std::ffi::CStr = c"user.runner-cache.test";

/// All of a directory by path, the directory itself included as the empty path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing(BTreeMap<PathBuf, Item>);

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    kind: Kind,
    mode: u32,
    /// Seconds and nanoseconds since the epoch.
    mtime: (i64, i64),
    attribute: Option<Vec<u8>>,
    /// The first path of the same file.
    first_name: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Directory,
    File {
        contents: Vec<u8>,
        has_hole: bool,
    },
    Symlink(PathBuf),
    /// A socket or a pipe.
    Special,
}

impl Listing {
    /// Lists `root`; `None` where it is absent.
    pub fn of(root: &Path) -> Option<Self> {
        fs::symlink_metadata(root).ok()?;
        let mut first_names = BTreeMap::new();
        let items = files::walk(root).into_iter().map(|(path, metadata)| {
            let first_name = first_names.entry(metadata.ino()).or_insert_with(|| path.clone()).clone();
            let item = Item::read(&root.join(&path), &metadata, first_name);
            (path, item)
        });
        Some(Self(items.collect()))
    }

    /// Number of paths, the root's included.
    #[expect(clippy::len_without_is_empty, reason = "it has a root")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All paths.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// All that is no directory.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Item)> {
        self.0
            .iter()
            .filter(|(_, item)| item.kind != Kind::Directory)
            .map(|(path, item)| (path.as_path(), item))
    }

    /// The contents of all regular files.
    pub fn contents(&self) -> BTreeMap<&Path, &[u8]> {
        let mut all = BTreeMap::new();
        for (path, item) in &self.0 {
            if let Kind::File { contents, .. } = &item.kind {
                all.insert(path.as_path(), contents.as_slice());
            }
        }
        all
    }

    /// Whether there is something at `path`.
    pub fn names(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Whether this has a file in a place that `path` or a directory above it would need.
    pub fn covers(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.get(above).is_some_and(|item| item.kind != Kind::Directory))
    }

    /// Whether this has the same file, apart from which other names it has.
    pub fn has(&self, (path, item): (&Path, &Item)) -> bool {
        self.0
            .get(path)
            .is_some_and(|own| (&own.kind, own.mode, own.mtime) == (&item.kind, item.mode, item.mtime))
    }

    /// The sockets and pipes.
    pub fn special(&self) -> Vec<PathBuf> {
        let special = self.0.iter().filter(|(_, item)| item.kind == Kind::Special);
        special.map(|(path, _)| path.clone()).collect()
    }

    /// Whether a file has two names here.
    pub fn has_hard_links(&self) -> bool {
        self.0.iter().any(|(path, item)| *path != item.first_name)
    }

    /// Only the paths that are wanted. What is the first name of a file follows from these.
    #[must_use]
    pub fn only(mut self, is_wanted: impl Fn(&Path) -> bool) -> Self {
        self.0.retain(|path, _| is_wanted(path));
        let mut first_names = BTreeMap::new();
        for (path, item) in &mut self.0 {
            let first: &mut PathBuf =
                first_names.entry(item.first_name.clone()).or_insert_with(|| path.clone());
            item.first_name.clone_from(first);
        }
        self
    }

    /// This without what cannot be kept.
    #[must_use]
    pub fn without_special(mut self) -> Self {
        self.0.retain(|_, item| item.kind != Kind::Special);
        self
    }

    /// This without what is known of hard links.
    #[must_use]
    pub fn without_groups(self) -> Self {
        self.changed(|item| item.first_name = PathBuf::new())
    }

    /// This without attributes, by which nothing is told to have changed.
    #[must_use]
    pub fn without_attributes(self) -> Self {
        self.changed(|item| item.attribute = None)
    }

    /// This without times.
    #[must_use]
    pub fn without_times(self) -> Self {
        self.changed(|item| item.mtime = (0, 0))
    }

    /// This without times of directories.
    #[must_use]
    pub fn without_times_of_directories(self) -> Self {
        self.changed(|item| {
            if item.kind == Kind::Directory {
                item.mtime = (0, 0);
            }
        })
    }

    fn changed(mut self, change: impl FnMut(&mut Item)) -> Self {
        self.0.values_mut().for_each(change);
        self
    }

    /// How `other` differs from this: how many paths, and the first of them. `-` is for what only this has, `+` for what
    /// only the other one has, `~` for other contents or another kind.
    pub fn difference(&self, other: &Self) -> String {
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let tell = |path: &PathBuf| match (self.0.get(path), other.0.get(path)) {
            (Some(a), Some(b)) if a == b => None,
            (Some(_), None) => Some(format!("-{}", path.display())),
            (None, _) => Some(format!("+{}", path.display())),
            (Some(a), Some(b)) if a.kind != b.kind => Some(format!("~{}", path.display())),
            (Some(a), Some(b)) => Some(format!("{} ({} became {})", path.display(), a.facts(), b.facts())),
        };
        let differing: Vec<_> = paths.into_iter().filter_map(tell).collect();
        format!("{} paths differ: {:?}", differing.len(), &differing[..differing.len().min(20)])
    }
}

impl Item {
    fn read(full: &Path, metadata: &Metadata, first_name: PathBuf) -> Self {
        let file_type = metadata.file_type();
        let kind = if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_symlink() {
            Kind::Symlink(fs::read_link(full).unwrap_or_else(|error| panic!("{}: {error}", full.display())))
        } else if file_type.is_socket() || file_type.is_fifo() {
            Kind::Special
        } else {
            let has_hole =
                metadata.len() >= SMALLEST_WITH_HOLE && metadata.blocks() * 512 < metadata.len() / 2;
            Kind::File {
                contents: fs::read(full).unwrap_or_else(|error| panic!("{}: {error}", full.display())),
                has_hole,
            }
        };
        let mut value = Vec::with_capacity(64);
        let attribute = lgetxattr(full, ATTRIBUTE, spare_capacity(&mut value)).ok().map(|_| value);
        Self {
            kind,
            mode: metadata.mode() & 0o7777,
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            attribute,
            first_name,
        }
    }

    /// All but the contents.
    fn facts(&self) -> String {
        let (seconds, nanoseconds) = self.mtime;
        let name = self.first_name.display();
        format!(
            "mode {:o}, time {seconds}.{nanoseconds:09}, attribute {:?}, file {name}",
            self.mode, self.attribute
        )
    }
}
