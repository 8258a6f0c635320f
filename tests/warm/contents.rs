//! What is in a target folder.

use std::collections::BTreeSet;
use std::path::PathBuf;

use test_support::files;

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
        for (path, metadata) in files::walk(&contents.folder) {
            if metadata.is_dir() {
                continue;
            }
            contents.bytes += metadata.len();
            let name = path.to_str().unwrap();
            let parts = if name.starts_with("debug/incremental/") { 3 } else { usize::MAX };
            contents.names.insert(name.split('/').take(parts).collect::<Vec<_>>().join("/"));
        }
        contents
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
        files::read(&self.folder.join(found[0]))
    }
}
