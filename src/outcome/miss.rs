//! Why a layer did not get exactly what it looked for.

use serde::Serialize;

use crate::plan::Difference;

/// Why no entry was an exact hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", content = "facts", rename_all = "kebab-case")]
pub enum Miss {
    /// There is no entry yet that the job may read.
    NoEntry,
    /// The entry of this key is a failed job's.
    Partial,
    /// The entry of this key was saved from other paths.
    OtherPaths {
        /// Its ref.
        #[serde(rename = "ref")]
        reference: String,
    },
    /// The nearest entry has another key.
    OtherKey {
        /// Its ref.
        #[serde(rename = "ref")]
        reference: String,
        /// What its key was made from, where that is not the same.
        differences: Vec<Difference>,
    },
}
