//! What a folder holds, read by the standard library alone: the judge of the engine must not be the engine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::lgetxattr;

use crate::forest::SMALLEST_WITH_HOLE;

/// All of a folder, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<PathBuf, Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    kind: Kind,
    mode: u32,
    mtime: (i64, i64),
    attribute: Option<Vec<u8>>,
    /// The first path of the same file.
    first_name: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Folder,
    File {
        contents: Vec<u8>,
        has_hole: bool,
    },
    Symlink(PathBuf),
    /// A socket or a pipe.
    Special,
}

/// Lists `root`.
pub(crate) fn list(root: &Path) -> Listing {
    let mut items = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    add(root, Path::new(""), &mut items, &mut inodes);
    Listing(items)
}

fn add(root: &Path, path: &Path, items: &mut BTreeMap<PathBuf, Item>, inodes: &mut BTreeMap<u64, PathBuf>) {
    let full = root.join(path);
    let metadata = fs::symlink_metadata(&full).unwrap();
    let kind = if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_symlink() {
        Kind::Symlink(fs::read_link(&full).unwrap())
    } else if metadata.file_type().is_socket() || metadata.file_type().is_fifo() {
        Kind::Special
    } else {
        // A file system may give a small file more than it needs, and none gives so much more.
        let has_hole = metadata.len() >= SMALLEST_WITH_HOLE && metadata.blocks() * 512 < metadata.len() / 2;
        Kind::File { contents: fs::read(&full).unwrap(), has_hole }
    };
    let mut value = Vec::with_capacity(64);
    let attribute =
        lgetxattr(&full, c"user.runner-cache.test", spare_capacity(&mut value)).ok().map(|_| value);
    let first_name = inodes.entry(metadata.ino()).or_insert_with(|| path.to_path_buf()).clone();
    let item = Item {
        kind,
        mode: metadata.mode() & 0o7777,
        mtime: (metadata.mtime(), metadata.mtime_nsec()),
        attribute,
        first_name,
    };
    items.insert(path.to_path_buf(), item);
    if metadata.is_dir() {
        let mut names: Vec<_> =
            fs::read_dir(&full).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            add(root, &path.join(name), items, inodes);
        }
    }
}

impl Listing {
    /// Number of paths, the root's included.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path)
    }

    /// All that is no folder.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &Item)> {
        self.0.iter().filter(|(_, item)| item.kind != Kind::Folder).map(|(path, item)| (path.as_path(), item))
    }

    /// Whether there is something at `path`.
    pub(crate) fn names(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// Whether this has a file in a place that `path` or a folder above it would need.
    pub(crate) fn covers(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.0.get(above).is_some_and(|item| item.kind != Kind::Folder))
    }

    /// Whether this has the same file, apart from which other names it has.
    pub(crate) fn has(&self, (path, item): (&Path, &Item)) -> bool {
        self.0
            .get(path)
            .is_some_and(|own| (&own.kind, own.mode, own.mtime) == (&item.kind, item.mode, item.mtime))
    }

    /// The sockets and pipes.
    pub(crate) fn special(&self) -> Vec<PathBuf> {
        let special = self.0.iter().filter(|(_, item)| item.kind == Kind::Special);
        special.map(|(path, _)| path.clone()).collect()
    }

    /// This without what cannot be kept.
    pub(crate) fn without_special(mut self) -> Self {
        self.0.retain(|_, item| item.kind != Kind::Special);
        self
    }

    /// This without what is known of hard links.
    pub(crate) fn without_groups(mut self) -> Self {
        self.0.values_mut().for_each(|item| item.first_name = PathBuf::new());
        self
    }

    /// This without attributes, by which nothing is told to have changed.
    pub(crate) fn without_attributes(mut self) -> Self {
        self.0.values_mut().for_each(|item| item.attribute = None);
        self
    }

    /// This without times.
    pub(crate) fn without_times(mut self) -> Self {
        self.0.values_mut().for_each(|item| item.mtime = (0, 0));
        self
    }
}
