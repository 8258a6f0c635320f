//! Whether an entry holds all that its key promises.

use serde::{Deserialize, Serialize};

use super::Layer;

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

impl Layer {
    /// Whether a key of the layer is taken as a promise of what is there: workflows skip the steps that would make it. Cargo
    /// judges for itself what of its downloads and target folders is of use.
    pub fn promises(self) -> bool {
        matches!(self, Self::Builds | Self::Paths | Self::Bins)
    }
}
