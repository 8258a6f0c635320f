//! Why a layer did not get what it looked for, and why it was not saved: values, of which each message is made.

use std::fmt;
use std::path::PathBuf;

use crate::plan::{Difference, NoWrite};

/// Why no entry was an exact hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// There is no entry yet that the job may read.
    NoEntry,
    /// The entry of this key is a failed job's.
    Partial,
    /// The entry of this key was saved from other paths.
    OtherPaths {
        /// Its ref.
        reference: String,
    },
    /// The nearest entry has another key.
    OtherKey {
        /// Its ref.
        reference: String,
        /// What its key was made from, where that is not the same.
        differences: Vec<Difference>,
    },
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEntry => {
                f.write_str("there is no entry of this repository's ref, base or default branch yet")
            }
            Self::Partial => {
                f.write_str("the entry of this key is partial, from a failed job; this job completes it")
            }
            Self::OtherPaths { reference } => {
                write!(f, "there is an entry of this key of {reference}, but of other paths")
            }
            Self::OtherKey { reference, differences } => {
                let parts: Vec<_> = differences.iter().map(ToString::to_string).collect();
                write!(f, "nearest: an entry of {reference}, which differs in {}", parts.join("; "))
            }
        }
    }
}

/// Why a layer was not saved, without any trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSaved {
    /// The user does not want it.
    Never,
    /// An entry of the key is there, and its key settles what is in it.
    Settled,
    /// A final entry of the key is there, and the job did not succeed.
    FinalThere,
    /// The job failed or was cancelled, and these are build outputs.
    OutputsOfFailure,
    /// The job was cancelled.
    Cancelled,
    /// The job failed, and the user saves after success only.
    Failed,
    /// The job may not write.
    ReadOnly(NoWrite),
    /// No file is there. The places are told where the user chose them.
    Nothing(Vec<PathBuf>),
    /// All is as in the entry that the job started from.
    Unchanged,
    /// Not all of the build outputs are known to be this job's: what of them, in words.
    Outputs(String),
}

impl fmt::Display for NotSaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("not to be saved"),
            Self::Settled => f.write_str("an entry of this key is there already"),
            Self::FinalThere => {
                f.write_str("a final entry of this key is there already, and this job did not succeed")
            }
            Self::OutputsOfFailure => {
                f.write_str("nothing kept: build outputs are of use only after success")
            }
            Self::Cancelled => f.write_str("the job was cancelled"),
            Self::Failed => f.write_str("the job failed, and `save` is success"),
            Self::ReadOnly(why) => why.fmt(f),
            Self::Nothing(places) if places.is_empty() => f.write_str("there is nothing to save"),
            Self::Nothing(places) => {
                let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
                write!(f, "there is nothing to save: no file in {}", places.join(", "))
            }
            Self::Unchanged => f.write_str("nothing has changed"),
            Self::Outputs(what) => write!(f, "nothing kept: {what}"),
        }
    }
}
