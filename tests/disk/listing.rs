//! What a folder holds, read by the standard library alone: the judge must not be the program.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All of a folder, by path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<PathBuf, Item>);

#[derive(Clone, PartialEq, Eq)]
struct Item {
    kind: Kind,
    mode: u32,
    mtime: (i64, i64),
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Folder,
    File(Vec<u8>),
    Symlink(PathBuf),
}

/// Lists `root`; `None` where it is absent.
pub(crate) fn list(root: &Path) -> Option<Listing> {
    let mut items = BTreeMap::new();
    fs::symlink_metadata(root).ok()?;
    add(root, Path::new(""), &mut items);
    Some(Listing(items))
}

fn add(root: &Path, path: &Path, items: &mut BTreeMap<PathBuf, Item>) {
    let full = root.join(path);
    let metadata = fs::symlink_metadata(&full).unwrap();
    let kind = if metadata.is_dir() {
        Kind::Folder
    } else if metadata.is_symlink() {
        Kind::Symlink(fs::read_link(&full).unwrap())
    } else {
        Kind::File(fs::read(&full).unwrap())
    };
    let item =
        Item { kind, mode: metadata.mode() & 0o7777, mtime: (metadata.mtime(), metadata.mtime_nsec()) };
    items.insert(path.to_path_buf(), item);
    if metadata.is_dir() {
        for entry in fs::read_dir(&full).unwrap() {
            add(root, &path.join(entry.unwrap().file_name()), items);
        }
    }
}

impl Listing {
    /// This as it may be right after a fault: an undone rename changes the times of folders, and a temporary folder that
    /// could not be removed waits for the next restore.
    pub(crate) fn after_fault(mut self) -> Self {
        self.0.retain(|path, _| !path.as_os_str().as_encoded_bytes().starts_with(b".runner-cache-"));
        for item in self.0.values_mut().filter(|item| item.kind == Kind::Folder) {
            item.mtime = (0, 0);
        }
        self
    }

    /// How `other` differs from this, in a few words.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let paths: std::collections::BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differing: Vec<_> = paths
            .into_iter()
            .filter_map(|path| match (self.0.get(path), other.0.get(path)) {
                (Some(a), Some(b)) if a == b => None,
                (Some(_), None) => Some(format!("-{}", path.display())),
                (None, _) => Some(format!("+{}", path.display())),
                (Some(a), Some(b)) if a.kind != b.kind => Some(format!("~{}", path.display())),
                (Some(a), Some(b)) => Some(format!(
                    "{} (mode {:o} {:o}, time {:?} {:?})",
                    path.display(),
                    a.mode,
                    b.mode,
                    a.mtime,
                    b.mtime
                )),
            })
            .collect();
        format!("{} paths differ: {:?}", differing.len(), &differing[..differing.len().min(6)])
    }
}
