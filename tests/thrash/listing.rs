//! What is in a tree, and the listing that each tree has of itself.
//!
//! Each file begins with the SHA-256 of its rest, so that a half-written one is found wherever it is. The file `listing` at
//! the top, written last before a save, has the SHA-256 of its rest, the key, and a line for each other thing in the tree.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha2::{Digest, Sha256};
use test_support::project::CARGOS_TAG;
use test_support::store::TEMPORARY;

use crate::layout::TAG;
use crate::wrong::Wrong;

/// The name of a tree's own listing.
pub(crate) const LISTING: &str = "listing";

/// Files with names that begin so have nothing in them.
pub(crate) const EMPTY: &str = "empty-";

/// By path: kind, mode, time, contents.
pub(crate) type Items = BTreeMap<String, String>;

/// A tree as it lies on the disk.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// All that is in it but its listing. The root itself is the empty path.
    pub(crate) items: Items,
    /// What its listing says.
    pub(crate) listing: Option<Listing>,
    /// Directories that a killed restore left in it.
    pub(crate) temporary: u64,
    /// How many files there are.
    pub(crate) files: u64,
    /// And their bytes.
    pub(crate) bytes: u64,
    /// By inode the first path of each file that may have another one.
    first_names: HashMap<u64, String>,
}

/// What a tree says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The key that it was to be saved under.
    pub(crate) key: String,
    /// What is in it.
    pub(crate) items: Items,
}

/// Reads the tree at `root`; `None` where there is none. A file that is not whole is [`Wrong::Corrupt`].
pub(crate) fn scan(root: &Path) -> Result<Option<Found>, Wrong> {
    let Ok(metadata) = fs::symlink_metadata(root) else { return Ok(None) };
    let mut found = Found::default();
    found.read(root, "", &metadata)?;
    Ok(Some(found))
}

impl Found {
    fn read(&mut self, at: &Path, path: &str, metadata: &Metadata) -> Result<(), Wrong> {
        if path == LISTING {
            self.listing = Some(Listing::read(at)?);
            return Ok(());
        }
        let mode = metadata.mode() & 0o7777;
        let what = if metadata.is_dir() {
            self.read_directory(at, path)?;
            format!("directory {mode:o}")
        } else if metadata.is_symlink() {
            format!("symlink {}", fs::read_link(at).unwrap().display())
        } else {
            let time = format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec());
            let mut what = format!("file {mode:o} {time} {}", self.contents(at, path)?);
            let first = self.first_names.entry(metadata.ino()).or_insert_with(|| path.to_owned());
            if first != path {
                let _ = write!(what, " is {first}");
            }
            what
        };
        self.items.insert(path.to_owned(), what);
        Ok(())
    }

    fn read_directory(&mut self, at: &Path, path: &str) -> Result<(), Wrong> {
        let mut names: Vec<_> = fs::read_dir(at)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        // The first name of a file is the same each time.
        names.sort();
        for name in names {
            if name.starts_with(TEMPORARY) {
                self.temporary += 1;
                continue;
            }
            let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            let at = at.join(&name);
            self.read(&at, &below, &fs::symlink_metadata(&at).unwrap())?;
        }
        Ok(())
    }

    /// The digest of a file's contents, which must be whole.
    fn contents(&mut self, at: &Path, path: &str) -> Result<String, Wrong> {
        let contents = fs::read(at).unwrap();
        self.files += 1;
        self.bytes += contents.len() as u64;
        let name = path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(EMPTY) && contents.is_empty() {
            return Ok("empty".into());
        }
        if path == TAG && contents == CARGOS_TAG.as_bytes() {
            return Ok("tag".into());
        }
        let (digest, _) = split(&contents)
            .ok_or_else(|| Wrong::Corrupt(format!("{}: not as it was written", at.display())))?;
        Ok(digest.to_owned())
    }
}

impl Listing {
    /// The listing as text.
    pub(crate) fn contents(&self) -> Vec<u8> {
        let mut text = format!("{}\n", self.key);
        for (path, what) in &self.items {
            let _ = writeln!(text, "{path}\t{what}");
        }
        sealed(text.as_bytes())
    }

    fn read(at: &Path) -> Result<Self, Wrong> {
        let contents = fs::read(at).unwrap();
        let (_, text) = split(&contents)
            .ok_or_else(|| Wrong::Corrupt(format!("{}: not as it was written", at.display())))?;
        let mut lines = std::str::from_utf8(text).unwrap().lines();
        let key = lines.next().unwrap().to_owned();
        let items = lines.map(|line| line.split_once('\t').unwrap());
        Ok(Self { key, items: items.map(|(path, what)| (path.into(), what.into())).collect() })
    }
}

/// Contents of a file that tell whether they are whole.
pub(crate) fn sealed(rest: &[u8]) -> Vec<u8> {
    [digest_of(rest).as_bytes(), b"\n", rest].concat()
}

/// The digest and the rest; `None` where they do not fit.
fn split(contents: &[u8]) -> Option<(&str, &[u8])> {
    let (digest, rest) = contents.split_at_checked(64)?;
    let rest = rest.strip_prefix(b"\n")?;
    let digest = std::str::from_utf8(digest).ok()?;
    (digest_of(rest) == digest).then_some((digest, rest))
}

fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
