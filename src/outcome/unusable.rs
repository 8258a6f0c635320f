//! Why an entry cannot be read.

use serde::Serialize;

use crate::store;
use crate::sys::chain;

/// Why an entry cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Unusable {
    /// It is not there any more.
    Gone,
    /// It is damaged.
    Damaged {
        /// What is wrong.
        error: String,
    },
    /// Another version of this program wrote it.
    OtherFormat {
        /// Its format.
        format: u32,
    },
    /// The host went down before it was on the disk.
    Unflushed,
    /// Nobody can tell whether it was on the disk when the host went down.
    Uncertain,
    /// The system does not let this process read it.
    Unreadable {
        /// The system's error.
        error: String,
    },
}

impl From<&store::Error> for Unusable {
    fn from(error: &store::Error) -> Self {
        match error {
            store::Error::Gone { .. } => Self::Gone,
            store::Error::Manifest { .. } => Self::Damaged { error: chain(error) },
            store::Error::OtherFormat { format, .. } => Self::OtherFormat { format: *format },
            store::Error::Unflushed { .. } => Self::Unflushed,
            store::Error::Uncertain { .. } => Self::Uncertain,
            _ => Self::Unreadable { error: chain(error) },
        }
    }
}
