//! Inputs that lie in no directory of the job's sources: headers of the system, files that a step laid somewhere.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::store::{Outside, OutsideState};
use crate::sys::{Digest, Dir, Interrupt, file, sha256_hex};
use crate::tree::{Kind, Selection, walk};

/// What is at `path` now.
pub fn outside_state(path: &Path) -> OutsideState {
    let state = match file::kind(path) {
        Ok(file::Kind::File) => {
            file::open(path).ok().and_then(|file| Digest::of_file(file).ok()).map(OutsideState::File)
        }
        Ok(file::Kind::Folder) => folder(path).map(OutsideState::Folder),
        Ok(file::Kind::Neither) | Err(_) => None,
    };
    state.unwrap_or(OutsideState::Unreadable)
}

/// How many bytes of a folder are read at most: a larger one is not known.
const MOST: u64 = 256 << 20;

/// A digest of names and contents.
fn folder(path: &Path) -> Option<String> {
    let dir = Dir::open(path).ok()?;
    let tree = walk(&dir, &Selection::all(), &Interrupt::default()).ok()?.tree;
    if tree.bytes() > MOST {
        return None;
    }
    let mut text = Vec::new();
    for (id, node) in tree.iter().filter(|(_, node)| !matches!(node.kind, Kind::Folder { .. })) {
        text.extend_from_slice(&tree.path_below(0, id));
        let what = if let Kind::Symlink { target } = node.kind {
            tree.text(target).to_vec()
        } else {
            let (file, _) = dir.open_file(&tree.path_below(0, id)).ok()?;
            Digest::of_file(file).ok()?.bytes().to_vec()
        };
        text.push(0);
        text.extend_from_slice(&what);
    }
    Some(sha256_hex(&text))
}

/// Whether nobody but cargo and rustup changes what is at `path`, and by a new name: downloads and compilers.
pub(super) fn is_settled(path: &Path, home: Option<&Path>) -> bool {
    let is_in_home =
        home.is_some_and(|home| ["registry", "git"].iter().any(|part| path.starts_with(home.join(part))));
    is_in_home || path.as_os_str().as_bytes().starts_with(b"/rustc/")
}

/// Collects what lies outside, each path once.
#[derive(Default)]
pub(super) struct OutsideList {
    pub(super) list: Vec<Outside>,
    known: HashMap<PathBuf, u32>,
}

impl OutsideList {
    pub(super) fn number(&mut self, path: &Path) -> u32 {
        if let Some(&number) = self.known.get(path) {
            return number;
        }
        let number = u32::try_from(self.list.len()).expect("there are few");
        self.list.push(Outside { path: path.as_os_str().as_bytes().to_vec(), state: outside_state(path) });
        self.known.insert(path.to_path_buf(), number);
        number
    }
}
