//! What becomes of what a destination has already.

use serde::{Deserialize, Serialize};

/// What becomes of files that the destination has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Existing {
    /// The destination becomes equal to the tree: files that differ are replaced, those that the tree lacks removed.
    Mirror,
    /// Files that differ are replaced, those that the tree lacks stay.
    Overwrite,
    /// Whatever is there stays; only what is absent is added.
    Keep,
}
