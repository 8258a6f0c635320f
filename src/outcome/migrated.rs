//! What became of workflows.

use std::path::PathBuf;

use serde::Serialize;

use crate::migrate::Note;

/// A workflow, or a composite action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigratedFile {
    /// The file.
    #[serde(serialize_with = "crate::sys::lossy::path")]
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Migrated,
    /// What changes, as a unified diff; empty where nothing does.
    pub diff: String,
    /// What has no counterpart, and what to do.
    pub notes: Vec<Note>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrated {
    /// There was nothing to rewrite.
    Unchanged,
    /// It would be rewritten.
    Shown,
    /// It was rewritten.
    Written,
    /// It could not be written.
    NotWritten,
}
