//! What is in a target folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a target folder.
pub(crate) struct Contents {
    folder: PathBuf,
    /// Where they are in it. Of incremental compilation only the folders of crates: what is in them is named at random.
    pub(crate) names: BTreeSet<String>,
    /// All that they hold.
    pub(crate) bytes: u64,
}

impl Contents {
    /// Reads the folder.
    pub(crate) fn of(folder: PathBuf) -> Self {
        let mut contents = Self { folder, names: BTreeSet::new(), bytes: 0 };
        contents.add(&contents.folder.clone());
        contents
    }

    fn add(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                self.add(&entry.path());
                continue;
            }
            self.bytes += metadata.len();
            let path = entry.path();
            let name = path.strip_prefix(&self.folder).unwrap().to_str().unwrap();
            let parts = if name.starts_with("debug/incremental/") { 3 } else { usize::MAX };
            self.names.insert(name.split('/').take(parts).collect::<Vec<_>>().join("/"));
        }
    }

    /// How many units there are.
    pub(crate) fn units(&self) -> usize {
        // Each fingerprint lies in a folder of its unit's; since 1.100 that is one of several.
        let folder = |name: &'_ String| {
            let (folder, _) = name.rsplit_once('/')?;
            let is_fingerprint = folder.starts_with("debug/.fingerprint/")
                || folder.starts_with("debug/build/") && folder.ends_with("/fingerprint");
            is_fingerprint.then(|| folder.to_owned())
        };
        self.names.iter().filter_map(folder).collect::<BTreeSet<_>>().len()
    }

    /// The only file of this name.
    pub(crate) fn only(&self, file: &str) -> String {
        let found: Vec<_> = self.names.iter().filter(|name| name.ends_with(&format!("/{file}"))).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        fs::read_to_string(self.folder.join(found[0])).unwrap()
    }
}
