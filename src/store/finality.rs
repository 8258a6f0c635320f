//! Whether an entry holds all that its key promises.

use serde::{Deserialize, Serialize};

/// Whether the job that made an entry came to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finality {
    /// It did, or that does not matter: the entry can be an exact hit.
    #[default]
    Final,
    /// It did not: the entry is a beginning. A later job completes it, and what that saves takes its place.
    Partial,
}

impl Finality {
    /// Whether the entry can be an exact hit.
    pub fn is_final(self) -> bool {
        self == Self::Final
    }

    /// What people are told of it; nothing of what is as usual.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Self::Final => None,
            Self::Partial => Some("partial: from a failed job"),
        }
    }
}
