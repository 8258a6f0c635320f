//! Paths in JSON, which takes none that is not UTF-8: what is wrong in them becomes a replacement character.

use std::path::{Path, PathBuf};

use serde::{Serialize as _, Serializer};

fn text(path: &Path) -> std::borrow::Cow<'_, str> {
    path.as_os_str().to_string_lossy()
}

/// One path.
pub fn path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    text(path).serialize(serializer)
}

/// A path, if there is one.
pub fn some<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_deref().map(text).serialize(serializer)
}

/// Several paths.
pub fn all<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| text(path)))
}
