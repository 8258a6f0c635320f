//! What is in a target directory.

use std::collections::BTreeSet;
use std::path::PathBuf;

use test_support::files;

/// The files of a target directory, but for incremental data of build scripts.
pub(crate) struct Contents {
    directory: PathBuf,
    /// Where they are in it. Of incremental compilation only the directories of crates: what is in them is named at random.
    pub(crate) names: BTreeSet<String>,
    /// All that they hold.
    pub(crate) bytes: u64,
}

impl Contents {
    /// Reads the directory.
    pub(crate) fn of(directory: PathBuf) -> Self {
        let mut contents = Self { directory, names: BTreeSet::new(), bytes: 0 };
        for (path, metadata) in files::walk(&contents.directory) {
            if metadata.is_dir() {
                continue;
            }
            let name = path.to_str().unwrap();
            // Of these nothing tells which are in use, and they are small.
            if name.starts_with("debug/incremental/build_script_") {
                continue;
            }
            contents.bytes += metadata.len();
            let parts = if name.starts_with("debug/incremental/") { 3 } else { usize::MAX };
            contents.names.insert(name.split('/').take(parts).collect::<Vec<_>>().join("/"));
        }
        contents
    }

    /// How many units there are.
    pub(crate) fn units(&self) -> usize {
        // Each fingerprint lies in a directory of its unit's; since 1.100 that is one of several.
        let directory = |name: &'_ String| {
            let (directory, _) = name.rsplit_once('/')?;
            let is_fingerprint = directory.starts_with("debug/.fingerprint/")
                || directory.starts_with("debug/build/") && directory.ends_with("/fingerprint");
            is_fingerprint.then(|| directory.to_owned())
        };
        self.names.iter().filter_map(directory).collect::<BTreeSet<_>>().len()
    }

    /// The only file of this name.
    pub(crate) fn only(&self, file: &str) -> String {
        let found: Vec<_> = self.names.iter().filter(|name| name.ends_with(&format!("/{file}"))).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        files::read(&self.directory.join(found[0]))
    }
}
